import { type Element, namespace } from '../../xml/element.ts'
import { readDateTime } from '../../xmpp/date-time.ts'
import { StanzaError } from '../../xmpp/error.ts'
import { type Form, Forms, formElement, readForm } from '../../xmpp/forms.ts'
import type { Jid } from '../../xmpp/jid.ts'
import { type PageRequest, readPage } from '../../xmpp/rsm.ts'

export const Mam = namespace<
  'query' | 'result' | 'fin' | 'metadata' | 'start' | 'end' | 'flip-page' | 'prefs' | 'always' | 'never' | 'jid'
>('urn:xmpp:mam:2')

/** What of an archive is asked for (XEP-0313 §4.1), and which page of it. */
export interface Query {
  readonly queryid: string | undefined
  readonly with: Jid | undefined
  /** ms. */
  readonly start: number | undefined
  readonly end: number | undefined
  /** Exclusive. */
  readonly afterId: string | undefined
  readonly beforeId: string | undefined
  readonly ids: readonly string[] | undefined
  readonly isFlipped: boolean
  readonly page: PageRequest
}

export interface QueryLimits {
  /** Messages of one page. */
  readonly page: number
}

/** It is repeated with each message. */
const LONGEST_QUERYID = 256

/** More than these nobody asks for by id at once. */
const MOST_IDS = 500

const FIELDS = ['with', 'start', 'end', 'before-id', 'after-id', 'ids', 'include-groupchat'] as const
const KNOWN: ReadonlySet<string | undefined> = new Set(['FORM_TYPE', ...FIELDS])

/** Throws the errors of §4.1 and of XEP-0059. */
export function readQuery(query: Element, limits: QueryLimits): Query {
  if (query.attrs['node'] !== undefined) throw new StanzaError('item-not-found', 'there is one archive')
  const { queryid } = query.attrs
  if (queryid !== undefined && queryid.length > LONGEST_QUERYID) throw new StanzaError('policy-violation', 'this queryid is too long')
  const x = query.child(Forms, 'x')
  const form = x === undefined ? undefined : readFilter(x)
  // Messages of rooms are in no user's archive, whatever is said of them here.
  form?.boolean('include-groupchat')
  const ids = form?.values('ids')
  if (ids !== undefined && ids.length > MOST_IDS) throw new StanzaError('policy-violation', `ask for ${MOST_IDS} ids at most`)
  return {
    queryid,
    with: form?.jid('with'),
    start: readTime(form, 'start'),
    end: readTime(form, 'end'),
    afterId: single(form, 'after-id'),
    beforeId: single(form, 'before-id'),
    ids,
    isFlipped: query.child(Mam, 'flip-page') !== undefined,
    page: readPage(query, limits.page),
  }
}

function readFilter(x: Element): Form {
  const form = readForm(x)
  if (form.type !== 'submit' || form.formType !== Mam.uri) throw new StanzaError('bad-request', 'the form is another one')
  for (const { var: name } of form.fields) if (!KNOWN.has(name)) throw new StanzaError('feature-not-implemented')
  return form
}

function single(form: Form | undefined, name: (typeof FIELDS)[number]): string | undefined {
  const values = form?.values(name)
  if (values !== undefined && values.length > 1) throw new StanzaError('bad-request', `${name} has one value`)
  return values?.[0] || undefined
}

function readTime(form: Form | undefined, name: 'start' | 'end'): number | undefined {
  const text = single(form, name)
  if (text === undefined) return undefined
  const at = readDateTime(text)
  if (at === undefined) throw new StanzaError('bad-request', `${name} is not a time`)
  return at
}

const Validate = namespace<'validate' | 'open'>('http://jabber.org/protocol/xdata-validate')
const AnyText = Validate('validate', { datatype: 'xs:string' }, Validate('open'))

/** §4.1.6: the fields that a query may have. */
export function queryForm(): Element {
  const form = formElement('form', Mam.uri, [
    { var: 'with', type: 'jid-single' },
    { var: 'start', type: 'text-single' },
    { var: 'end', type: 'text-single' },
    { var: 'before-id', type: 'text-single' },
    { var: 'after-id', type: 'text-single' },
    { var: 'ids', type: 'list-multi' },
    { var: 'include-groupchat', type: 'boolean' },
  ])
  const children = form.children.map(child => (typeof child !== 'string' && child.attrs['var'] === 'ids' ? child.add(AnyText) : child))
  return Mam('query', {}, Forms('x', { type: 'form' }, ...children))
}
