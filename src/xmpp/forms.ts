import { type Element, namespace } from '../xml/element.ts'
import { StanzaError } from './error.ts'
import { Jid } from './jid.ts'

/** Data Forms (XEP-0004). */
export const Forms = namespace<'x' | 'title' | 'instructions' | 'field' | 'desc' | 'required' | 'value' | 'option' | 'reported' | 'item'>(
  'jabber:x:data',
)

/** Data Forms Validation (XEP-0122). */
const Validation = namespace<'validate' | 'range'>('http://jabber.org/protocol/xdata-validate')

const FORM_TYPES = ['form', 'submit', 'cancel', 'result'] as const
const FIELD_TYPES = [
  'boolean',
  'fixed',
  'hidden',
  'jid-multi',
  'jid-single',
  'list-multi',
  'list-single',
  'text-multi',
  'text-private',
  'text-single',
] as const

export type FormType = (typeof FORM_TYPES)[number]
export type FieldType = (typeof FIELD_TYPES)[number]

export interface Option {
  readonly value: string
  readonly label?: string
}

/** A field to be shown, filled in or read. Only a fixed one may be without `var`. */
export interface Field {
  readonly var?: string
  readonly type?: FieldType
  readonly label?: string
  readonly desc?: string
  readonly isRequired?: boolean
  readonly values?: readonly string[]
  readonly options?: readonly Option[]
  /** XEP-0122: a whole number that is this at least. */
  readonly least?: number
}

/**
 * What a form holds. The readers of booleans, numbers and addresses answer undefined for a field that is absent or empty,
 * and throw bad-request or jid-malformed for one that is not valid.
 */
export class Form {
  readonly type: FormType
  /** The FORM_TYPE (XEP-0068), if there is one. */
  readonly formType: string | undefined
  /** In their order, FORM_TYPE and fixed texts included. */
  readonly fields: readonly Field[]

  constructor(type: FormType, fields: readonly Field[]) {
    this.type = type
    this.fields = fields
    const formType = this.field('FORM_TYPE')
    // Elsewhere than in a submission it counts only as a hidden field (XEP-0068).
    this.formType = type === 'submit' || formType?.type === 'hidden' ? formType?.values?.[0] : undefined
  }

  field(name: string): Field | undefined {
    return this.fields.find(field => field.var === name)
  }

  /** The values as they stand: none for a field that was emptied. */
  values(name: string): readonly string[] | undefined {
    return this.field(name)?.values
  }

  /** The values as one text, a line each; '' for a field that was emptied. */
  text(name: string): string | undefined {
    return this.values(name)?.join('\n')
  }

  boolean(name: string): boolean | undefined {
    const text = this.text(name)
    if (text === undefined || text === '') return undefined
    const value = readBoolean(text)
    if (value === undefined) throw nonsense(name)
    return value
  }

  /** A whole number from 0 on. */
  number(name: string): number | undefined {
    const text = this.text(name)
    if (text === undefined || text === '') return undefined
    if (!/^\d{1,15}$/.test(text)) throw nonsense(name)
    return Number(text)
  }

  jid(name: string): Jid | undefined {
    const text = this.text(name)
    return text === undefined || text === '' ? undefined : Jid.parse(text)
  }

  /** Each address once (XEP-0004 §3.3, jid-multi). */
  jids(name: string): Jid[] | undefined {
    const jids = this.values(name)
      ?.filter(value => value !== '')
      .map(value => Jid.parse(value))
    return jids && [...new Map(jids.map(jid => [jid.toString(), jid])).values()]
  }
}

const BOOLEANS: ReadonlyMap<string, boolean> = new Map([
  ['true', true],
  ['1', true],
  ['false', false],
  ['0', false],
])

/** A value of type boolean (XEP-0004 §3.3); undefined for what is none. */
export const readBoolean = (text: string): boolean | undefined => BOOLEANS.get(text)

/** Reads an `<x/>`. Throws bad-request where it is none, of no known type, or names a field twice. */
export function readForm(x: Element | undefined): Form {
  const type = FORM_TYPES.find(known => known === x?.attrs['type'])
  if (x === undefined || !x.is(Forms, 'x') || type === undefined) throw new StanzaError('bad-request', 'a data form is needed')
  const fields = x.all(Forms, 'field').map(readField)
  const names = fields.flatMap(field => field.var ?? [])
  if (new Set(names).size < names.length) throw new StanzaError('bad-request', 'a field of the form is there twice')
  return new Form(type, fields)
}

function readField(field: Element): Field {
  const { var: name, label } = field.attrs
  const type = FIELD_TYPES.find(known => known === field.attrs['type'])
  const desc = field.child(Forms, 'desc')?.text
  const options = field.all(Forms, 'option').map(option => {
    const value = option.child(Forms, 'value')?.text ?? ''
    return option.attrs['label'] === undefined ? { value } : { value, label: option.attrs['label'] }
  })
  return {
    ...(name !== undefined && { var: name }),
    ...(type !== undefined && { type }),
    ...(label !== undefined && { label }),
    ...(desc !== undefined && { desc }),
    ...(field.child(Forms, 'required') !== undefined && { isRequired: true }),
    values: field.all(Forms, 'value').map(value => value.text),
    ...(options.length > 0 && { options }),
  }
}

/** Builds an `<x/>`; `formType` becomes its first field. */
export function formElement(
  type: FormType,
  formType: string | undefined,
  fields: readonly Field[],
  texts: { title?: string; instructions?: string } = {},
): Element {
  const children: Element[] = []
  if (texts.title !== undefined) children.push(Forms('title', {}, texts.title))
  if (texts.instructions !== undefined) children.push(Forms('instructions', {}, texts.instructions))
  if (formType !== undefined) children.push(fieldElement({ var: 'FORM_TYPE', type: 'hidden', values: [formType] }))
  return Forms('x', { type }, ...children, ...fields.map(fieldElement))
}

/** Builds a result of several items (XEP-0004 §3.4): the columns, then a row each with the values by column. */
export function tableElement(columns: readonly Field[], rows: readonly Readonly<Record<string, readonly string[]>>[]): Element {
  const items = rows.map(row =>
    Forms('item', {}, ...columns.map(({ var: name = '' }) => fieldElement({ var: name, values: row[name] ?? [] }))),
  )
  return Forms('x', { type: 'result' }, Forms('reported', {}, ...columns.map(fieldElement)), ...items)
}

function fieldElement(field: Field): Element {
  const children: Element[] = []
  if (field.desc !== undefined) children.push(Forms('desc', {}, field.desc))
  if (field.isRequired === true) children.push(Forms('required'))
  if (field.least !== undefined)
    children.push(Validation('validate', { datatype: 'xs:integer' }, Validation('range', { min: String(field.least) })))
  for (const value of field.values ?? []) children.push(Forms('value', {}, value))
  for (const { value, label } of field.options ?? []) children.push(Forms('option', { label }, Forms('value', {}, value)))
  return Forms('field', { var: field.var, type: field.type, label: field.label }, ...children)
}

const MULTIPLE: ReadonlySet<FieldType> = new Set(['hidden', 'jid-multi', 'list-multi', 'text-multi'])
const CHOSEN: ReadonlySet<FieldType> = new Set(['list-multi', 'list-single'])

/**
 * Reads a submission against the form that was offered: of its FORM_TYPE, with all that is required, every value fit for
 * its field. The types are those offered; fields that were not offered are ignored (XEP-0004 §3.1). Throws bad-request for
 * what is no such submission, not-acceptable for data that is not valid (XEP-0004 §4).
 */
export function readSubmission(x: Element | undefined, formType: string | undefined, offered: readonly Field[]): Form {
  const submitted = readForm(x)
  if (submitted.type !== 'submit') throw new StanzaError('bad-request', 'the form is not submitted')
  if (formType !== undefined && submitted.formType !== undefined && submitted.formType !== formType) {
    throw new StanzaError('bad-request', 'the form is another one')
  }
  const fields: Field[] = []
  for (const field of offered) {
    if (field.var === undefined || field.type === 'fixed') continue
    const values = submitted.values(field.var)
    if (field.isRequired === true && !values?.some(value => value !== ''))
      throw new StanzaError('not-acceptable', `${field.var} is required`)
    if (values === undefined) continue
    if (!values.every(value => isFit(value, field)) || (values.length > 1 && !MULTIPLE.has(field.type ?? 'text-single'))) {
      throw new StanzaError('not-acceptable', `the value of ${field.var} is not valid`)
    }
    fields.push({ var: field.var, type: field.type ?? 'text-single', values })
  }
  return new Form('submit', formType === undefined ? fields : [{ var: 'FORM_TYPE', type: 'hidden', values: [formType] }, ...fields])
}

/** An empty value unsets a field (XEP-0004 §3.5); whether that makes sense is for the form's owner to say. */
function isFit(value: string, { type = 'text-single', options = [] }: Field): boolean {
  if (value === '') return true
  if (type === 'boolean') return BOOLEANS.has(value)
  if (type === 'jid-single' || type === 'jid-multi') return isJid(value)
  return !CHOSEN.has(type) || options.some(option => option.value === value)
}

function isJid(text: string): boolean {
  try {
    Jid.parse(text)
    return true
  } catch {
    return false
  }
}

/** The name is one that the server knows and asked about, so it may be said. */
function nonsense(name: string): StanzaError {
  return new StanzaError('bad-request', `the value of ${name} is not valid`)
}
