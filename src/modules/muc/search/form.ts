import { type Element, namespace } from '../../../xml/element.ts'
import { StanzaError } from '../../../xmpp/error.ts'
import { type Form, Forms, formElement, readForm } from '../../../xmpp/forms.ts'
import { type PageRequest, readPage } from '../../../xmpp/rsm.ts'

const BASE = 'urn:xmpp:channel-search:0'
/** Extended Channel Search (XEP-0433). */
export const Search = namespace<
  'search' | 'result' | 'item' | 'name' | 'description' | 'language' | 'nusers' | 'service-type' | 'is-open' | 'anonymity-mode'
>(`${BASE}:search`)
const Errors = namespace<
  'invalid-sort-key' | 'invalid-search-terms' | 'rate-limit' | 'conflicting-fields' | 'no-search-conditions' | 'var'
>(`${BASE}:error`)
const PARAMETERS = `${BASE}:search-params`
export const SERVICE_TYPE = 'xep-0045'
export const NOBODY_IS_HIDDEN = `{${BASE}:anonymity}none`

const BY_OCCUPANTS = `{${BASE}:order}nusers`
const BY_ADDRESS = `{${BASE}:order}address`

/** What somebody searches for (§5.1). */
export interface Wanted {
  /** In lower case; each must occur. None: all rooms. */
  readonly terms: readonly string[]
  readonly inName: boolean
  readonly inDescription: boolean
  readonly inAddress: boolean
  readonly fewestOccupants: number
  readonly order: 'occupants' | 'address'
  /** Other kinds of rooms than ours are wanted, and no others. */
  readonly isForOthers: boolean
  readonly page: PageRequest
}

const SHORTEST_TERM = 2
const MOST_TERMS = 10

/** §4.2.1: with the values that hold where others say nothing. */
export const searchForm = (): Element =>
  Search(
    'search',
    {},
    formElement('form', PARAMETERS, [
      { var: 'q', type: 'text-single', label: 'Search for' },
      { var: 'all', type: 'boolean', label: 'Return all entries', values: ['false'] },
      { var: 'sinname', type: 'boolean', label: 'Search in name', values: ['true'] },
      { var: 'sindescription', type: 'boolean', label: 'Search in description', values: ['true'] },
      { var: 'sinaddress', type: 'boolean', label: 'Search in address', values: ['true'] },
      { var: 'min_users', type: 'text-single', label: 'Minimum number of occupants', values: ['0'] },
      {
        var: 'types',
        type: 'list-multi',
        label: 'Service types',
        values: [SERVICE_TYPE],
        options: [{ value: SERVICE_TYPE, label: 'XEP-0045 Multi-User Chats' }],
      },
      {
        var: 'key',
        type: 'list-single',
        label: 'Sort results by',
        values: [BY_OCCUPANTS],
        options: [
          { value: BY_OCCUPANTS, label: 'Number of occupants' },
          { value: BY_ADDRESS, label: 'Address' },
        ],
      },
    ]),
  )

/** Whether it is a request for the form (§4.2.1). */
export const isForForm = (search: Element): boolean => search.child(Forms, 'x') === undefined

/** §4.2.2. Throws the StanzaError. */
export function readSearch(search: Element, largestPage: number): Wanted {
  const form = readForm(search.child(Forms, 'x')!)
  if (form.type !== 'submit' || form.formType !== PARAMETERS) throw new StanzaError('bad-request', 'the form is another one')
  const types = form.values('types')
  return {
    terms: readTerms(form),
    inName: form.boolean('sinname') ?? true,
    inDescription: form.boolean('sindescription') ?? true,
    // The example of the form has the short name, the list of fields the long one.
    inAddress: form.boolean('sinaddress') ?? form.boolean('sinaddr') ?? true,
    fewestOccupants: form.number('min_users') ?? 0,
    order: readOrder(form.text('key') || BY_OCCUPANTS),
    isForOthers: types !== undefined && types.length > 0 && !types.includes(SERVICE_TYPE),
    page: readPage(search, largestPage),
  }
}

function readTerms(form: Form): string[] {
  const q = form.text('q') ?? ''
  const all = form.boolean('all') ?? false
  if (all && q !== '') {
    const fields = Errors('conflicting-fields', {}, Errors('var', {}, 'all'), Errors('var', {}, 'q'))
    throw new StanzaError('bad-request', 'Search for words, or for all.', { extra: fields })
  }
  if (all) return []
  if (q === '') throw new StanzaError('bad-request', '', { type: 'cancel', extra: Errors('no-search-conditions') })
  const terms = [...new Set(foldedOf(q).split(/\s+/u))].filter(term => term.length >= SHORTEST_TERM)
  if (terms.length === 0 || terms.length > MOST_TERMS)
    throw new StanzaError('bad-request', `Search for at most ${MOST_TERMS} words that have at least ${SHORTEST_TERM} characters.`, {
      extra: Errors('invalid-search-terms'),
    })
  return terms
}

/** As texts are compared. */
export const foldedOf = (text: string): string => text.normalize('NFKC').toLowerCase()

function readOrder(key: string): Wanted['order'] {
  if (key === BY_OCCUPANTS) return 'occupants'
  if (key === BY_ADDRESS) return 'address'
  throw new StanzaError('feature-not-implemented', '', { type: 'modify', extra: Errors('invalid-sort-key') })
}

/** §4.2.2.4. */
export const tooManySearches = (seconds: number): StanzaError =>
  new StanzaError('resource-constraint', '', { extra: Errors('rate-limit', { 'retry-after': String(seconds) }) })
