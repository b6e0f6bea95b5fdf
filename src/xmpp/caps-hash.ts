import { createHash } from 'node:crypto'
import type { Element } from '../xml/element.ts'
import type { Identity, Info } from './disco.ts'
import { Forms } from './forms.ts'

/** The verification string of an entity's capabilities, in Base64 (XEP-0115 §5.1). Undefined where they are ill-formed. */
export function capsHash(info: Info, algorithm = 'sha1'): string | undefined {
  const texts = hashedTexts(info)
  return (
    texts &&
    createHash(algorithm)
      .update(texts.map(text => text + END).join(''))
      .digest('base64')
  )
}

/**
 * What is hashed, in its order. Undefined where the information is ill-formed (§5.4): something said twice, a form of which it is not
 * clear what it is, or a text that could be read as several, so that others would have the same hash (§9.3).
 */
export function hashedTexts({ identities, features, forms }: Info): string[] | undefined {
  if (!identities.every(isClear)) return undefined
  const described = identities.map(({ category, type, lang, name }) => `${category}/${type}/${lang ?? ''}/${name ?? ''}`)
  const featured = [...features]
  const typed = forms.map(form => ({ type: formTypeOf(form), form })).filter(({ type }) => type !== undefined)
  const types = typed.map(({ type }) => type!)
  if (![described, featured, types].every(isDistinct) || forms.some(isAmbiguous)) return undefined
  const extensions = sorted(types).flatMap(type => [type, ...fieldsOf(typed.find(entry => entry.type === type)!.form)])
  const texts = [...sorted(described), ...sorted(featured), ...extensions]
  return texts.some(text => text.includes(END)) ? undefined : texts
}

const END = '<'

/** What follows the third slash is the name. Category and type are never empty (XEP-0030 §3.1): `http://…` is a feature. */
const isClear = ({ category, type, lang = '' }: Identity): boolean =>
  category !== '' && type !== '' && ![category, type, lang].some(text => text.includes('/'))

function fieldsOf(form: Element): string[] {
  const fields = form.all(Forms, 'field').filter(field => field.attrs['var'] !== 'FORM_TYPE')
  const byName = fields.map(field => ({ name: field.attrs['var'] ?? '', values: valuesOf(field) }))
  byName.sort((a, b) => compare(a.name, b.name))
  return byName.flatMap(({ name, values }) => [name, ...sorted(values)])
}

/** Undefined for a form that is to be left out: it has no FORM_TYPE, or one that is not hidden (§5.4, 3.6). */
function formTypeOf(form: Element): string | undefined {
  const field = typeField(form)
  return field?.attrs['type'] === 'hidden' ? valuesOf(field)[0] : undefined
}

/** A FORM_TYPE with several different values makes all of it ill-formed (§5.4, 3.5). */
const isAmbiguous = (form: Element): boolean => new Set(valuesOf(typeField(form))).size > 1

const typeField = (form: Element): Element | undefined => form.all(Forms, 'field').find(field => field.attrs['var'] === 'FORM_TYPE')

const valuesOf = (field: Element | undefined): string[] => field?.all(Forms, 'value').map(value => value.text) ?? []

const isDistinct = (texts: readonly string[]): boolean => new Set(texts).size === texts.length

/** By octets (RFC 4790 §9.3), which is not the order of JavaScript's strings beyond the BMP. */
const compare = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b))

const sorted = (texts: readonly string[]): string[] => [...texts].sort(compare)
