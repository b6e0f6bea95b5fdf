import type { Element } from '../../xml/element.ts'
import { childrenOf, hasText, Temp, textOf, V4 } from './namespaces.ts'

/** How a property of vcard-temp is said in vCard4, and the other way (XEP-0292 §9). Undefined for what has no words there. */
export interface Property {
  /** Its names in vcard-temp and in vCard4. */
  readonly temp: string
  readonly v4: string
  toV4(temp: Element): Element | undefined
  toTemp(v4: Element): Element | undefined
}

type Value = 'text' | 'uri' | 'timestamp'

/** The values of a property, whatever their type: all but its parameters. */
const valuesOf = (property: Element): Element[] => childrenOf(property, V4).filter(child => child.name !== 'parameters')
const firstValue = (property: Element): string | undefined => valuesOf(property)[0]?.text.trim()

/** One value, as it is. */
const simple = (temp: string, v4: string, value: Value): Property => ({
  temp,
  v4,
  toV4: property => V4(v4, {}, V4(value, {}, property.text.trim())),
  toTemp: property => Temp(temp, {}, firstValue(property) ?? ''),
})

/** §9.1.1: `DESC` and `NOTE` are both a note; its type remembers which. */
const note = (temp: string, type: string | undefined): Property => ({
  temp,
  v4: 'note',
  toV4: property => V4('note', {}, ...parameters(type === undefined ? [] : [type], false), V4('text', {}, property.text.trim())),
  toTemp: property =>
    (typesOf(property)[0] === 'x-note') === (type === 'x-note') ? Temp(temp, {}, firstValue(property) ?? '') : undefined,
})

/** Names of parts, in the order of RFC 6351. */
type Parts = readonly (readonly [temp: string, v4: string])[]

const structured = (temp: string, v4: string, parts: Parts, types: readonly string[] = []): Property => ({
  temp,
  v4,
  toV4: property =>
    V4(v4, {}, ...typed(property, types), ...parts.flatMap(([from, to]) => texts(property, Temp, from).map(text => V4(to, {}, text)))),
  toTemp: property =>
    Temp(temp, {}, ...flags(property, types), ...parts.flatMap(([to, from]) => texts(property, V4, from).map(text => Temp(to, {}, text)))),
})

const texts = (property: Element, ns: typeof Temp, name: string): string[] =>
  property.all(ns, name).flatMap(part => (hasText(part) ? [part.text.trim()] : []))

/** Several values in one property, each an element of its own in vcard-temp. */
const listed = (temp: string, v4: string, nameOf: (i: number) => string): Property => ({
  temp,
  v4,
  toV4: property => V4(v4, {}, ...childrenOf(property, Temp).map(value => V4('text', {}, value.text.trim()))),
  toTemp: property => Temp(temp, {}, ...valuesOf(property).map(({ text }, i) => Temp(nameOf(i), {}, text.trim()))),
})

/** A number or an address of some types, in an element of its own. */
function reached(temp: string, v4: string, inner: string, types: readonly string[], write: (text: string) => Element): Property {
  return {
    temp,
    v4,
    toV4: property => V4(v4, {}, ...typed(property, types), write(textOf(property, Temp, inner) ?? '')),
    toTemp: property =>
      Temp(temp, {}, ...flags(property, types), Temp(inner, {}, (firstValue(property) ?? '').replace(v4 === 'tel' ? /^tel:/i : '', ''))),
  }
}

/** RFC 6351 §5: `<parameters/>` out of the flags of vcard-temp. */
function typed(property: Element, types: readonly string[]): Element[] {
  const said = types.filter(type => property.child(Temp, type.toUpperCase()) !== undefined)
  return parameters(said, types.length > 0 && property.child(Temp, 'PREF') !== undefined)
}

function parameters(types: readonly string[], isPreferred: boolean): Element[] {
  const all: Element[] = []
  if (types.length > 0) all.push(V4('type', {}, ...types.map(type => V4('text', {}, type))))
  if (isPreferred) all.push(V4('pref', {}, V4('integer', {}, '1')))
  return all.length === 0 ? [] : [V4('parameters', {}, ...all)]
}

const typesOf = (property: Element): string[] =>
  (property.child(V4, 'parameters')?.child(V4, 'type')?.elements() ?? []).map(({ text }) => text.trim().toLowerCase())

function flags(property: Element, types: readonly string[]): Element[] {
  const said = new Set(typesOf(property))
  const isPreferred = types.length > 0 && property.child(V4, 'parameters')?.child(V4, 'pref') !== undefined
  return [...types.filter(type => said.has(type)).map(type => Temp(type.toUpperCase())), ...(isPreferred ? [Temp('PREF')] : [])]
}

/** A picture or a sound: elsewhere, or within as a `data:` URI (RFC 2397). */
const media = (temp: string, v4: string, usual: string): Property => ({
  temp,
  v4,
  toV4(property) {
    const elsewhere = textOf(property, Temp, 'EXTVAL')
    if (elsewhere) return V4(v4, {}, V4('uri', {}, elsewhere))
    const base64 = textOf(property, Temp, 'BINVAL')?.replace(/\s+/g, '')
    const type = textOf(property, Temp, 'TYPE') || usual
    // What is no base64 has no words in vCard4.
    return base64 && /^[A-Za-z0-9+/]+={0,2}$/.test(base64) ? V4(v4, {}, V4('uri', {}, `data:${type};base64,${base64}`)) : undefined
  },
  toTemp(property) {
    const uri = firstValue(property) ?? ''
    if (!/^data:/i.test(uri)) return Temp(temp, {}, Temp('EXTVAL', {}, uri))
    const comma = uri.indexOf(',')
    const [, type, rest] = /^data:([\w.+/-]*)((?:;[^,]*)?)$/i.exec(uri.slice(0, Math.max(0, comma))) ?? []
    if (type === undefined || !/;base64$/i.test(rest!)) return undefined
    const within = Temp('BINVAL', {}, uri.slice(comma + 1).replace(/\s+/g, ''))
    return temp === 'SOUND' ? Temp(temp, {}, within) : Temp(temp, {}, Temp('TYPE', {}, type || usual), within)
  },
})

const PLACES = ['home', 'work']
const TEL_TYPES = ['home', 'work', 'text', 'voice', 'fax', 'cell', 'video', 'pager', 'textphone']

/** Those of XEP-0292 §9 that both formats have. */
export const PROPERTIES: readonly Property[] = [
  simple('FN', 'fn', 'text'),
  structured('N', 'n', [
    ['FAMILY', 'surname'],
    ['GIVEN', 'given'],
    ['MIDDLE', 'additional'],
    ['PREFIX', 'prefix'],
    ['SUFFIX', 'suffix'],
  ]),
  {
    ...simple('NICKNAME', 'nickname', 'text'),
    toTemp: property =>
      Temp(
        'NICKNAME',
        {},
        valuesOf(property)
          .map(({ text }) => text.trim())
          .join(','),
      ),
  },
  media('PHOTO', 'photo', 'image/png'),
  {
    ...simple('BDAY', 'bday', 'text'),
    toV4(property) {
      const at = property.text.trim()
      const value = /^\d{4}-?\d\d-?\d\d$/.test(at) ? 'date' : /^\d{4}-?\d\d-?\d\dT/.test(at) ? 'date-time' : 'text'
      return V4('bday', {}, V4(value, {}, at))
    },
  },
  structured(
    'ADR',
    'adr',
    [
      ['POBOX', 'pobox'],
      ['EXTADD', 'ext'],
      ['STREET', 'street'],
      ['LOCALITY', 'locality'],
      ['REGION', 'region'],
      ['PCODE', 'code'],
      ['CTRY', 'country'],
    ],
    PLACES,
  ),
  // RFC 6350 §6.4.1: what is no URI is text.
  reached('TEL', 'tel', 'NUMBER', TEL_TYPES, number =>
    /^\+?[\d.()*#-]+$/.test(number) ? V4('uri', {}, `tel:${number}`) : V4('text', {}, number),
  ),
  reached('EMAIL', 'email', 'USERID', PLACES, address => V4('text', {}, address)),
  {
    temp: 'JABBERID',
    v4: 'impp',
    toV4: property => V4('impp', {}, V4('uri', {}, `xmpp:${property.text.trim()}`)),
    toTemp(property) {
      const uri = firstValue(property) ?? ''
      return /^xmpp:/i.test(uri) ? Temp('JABBERID', {}, uri.slice('xmpp:'.length)) : undefined
    },
  },
  simple('TZ', 'tz', 'text'),
  {
    temp: 'GEO',
    v4: 'geo',
    toV4: property => V4('geo', {}, V4('uri', {}, `geo:${textOf(property, Temp, 'LAT') ?? ''},${textOf(property, Temp, 'LON') ?? ''}`)),
    toTemp(property) {
      const [, lat, lon] = /^geo:([^,;]*),([^,;]*)/i.exec(firstValue(property) ?? '') ?? []
      return lat === undefined ? undefined : Temp('GEO', {}, Temp('LAT', {}, lat), Temp('LON', {}, lon!))
    },
  },
  simple('TITLE', 'title', 'text'),
  simple('ROLE', 'role', 'text'),
  media('LOGO', 'logo', 'image/png'),
  media('SOUND', 'sound', 'audio/basic'),
  listed('ORG', 'org', i => (i === 0 ? 'ORGNAME' : 'ORGUNIT')),
  listed('CATEGORIES', 'categories', () => 'KEYWORD'),
  note('DESC', undefined),
  note('NOTE', 'x-note'),
  simple('PRODID', 'prodid', 'text'),
  simple('REV', 'rev', 'timestamp'),
  simple('UID', 'uid', 'text'),
  simple('URL', 'url', 'uri'),
  {
    temp: 'KEY',
    v4: 'key',
    toV4: property => V4('key', {}, V4('text', {}, textOf(property, Temp, 'CRED') ?? '')),
    toTemp: property => Temp('KEY', {}, Temp('CRED', {}, firstValue(property) ?? '')),
  },
]
