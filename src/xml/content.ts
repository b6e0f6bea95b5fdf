import { malformed, XmlError } from './xml-error.ts'

/** Text between tags as its reader must see it: references replaced, line ends made `\n` (XML 1.0 §2.4, §2.11). */
export function textOf(raw: string): string {
  if (raw.includes(']]>')) throw malformed('end of a CDATA section in text')
  return /[&\r]/.test(raw) ? raw.replace(/\r\n?|&(?:[^;&]*;)?/g, special => (special[0] === '&' ? characterOf(special) : '\n')) : raw
}

/** The inside of a CDATA section. */
export function cdataOf(raw: string): string {
  return raw.includes('\r') ? raw.replace(/\r\n?/g, '\n') : raw
}

/** An attribute value as its reader must see it (XML 1.0 §3.3.3): white space becomes spaces unless it is written as a reference. */
export function attributeOf(raw: string): string {
  return /[&\t\n\r]/.test(raw)
    ? raw.replace(/\r\n?|[\t\n]|&(?:[^;&]*;)?/g, special => (special[0] === '&' ? characterOf(special) : ' '))
    : raw
}

const PREDEFINED: ReadonlyMap<string, string> = new Map([
  ['&lt;', '<'],
  ['&gt;', '>'],
  ['&amp;', '&'],
  ['&apos;', "'"],
  ['&quot;', '"'],
])

function characterOf(reference: string): string {
  const predefined = PREDEFINED.get(reference)
  if (predefined !== undefined) return predefined
  const [, decimal, hexadecimal] = /^&#(?:([0-9]+)|x([0-9A-Fa-f]+));$/.exec(reference) ?? []
  if (decimal !== undefined) return characterWith(Number.parseInt(decimal, 10))
  if (hexadecimal !== undefined) return characterWith(Number.parseInt(hexadecimal, 16))
  if (ENTITY.test(reference)) throw new XmlError('restricted-xml', 'an entity that is not predefined')
  throw malformed('an ampersand that begins no reference')
}

const ENTITY = /^&[A-Za-z_:\x80-\uFFFF][-.0-9A-Za-z_:\x80-\uFFFF]*;$/

function characterWith(code: number): string {
  const isChar =
    code === 9 ||
    code === 10 ||
    code === 13 ||
    (code >= 0x20 && code < 0xd800) ||
    (code > 0xdfff && code < 0xfffe) ||
    (code > 0xffff && code <= 0x10ffff)
  if (!isChar) throw malformed('a reference to what is no character')
  return String.fromCodePoint(code)
}

/** The first place from `from` that is not white space (XML 1.0 §2.3), or `to`. */
export function skipSpace(xml: string, from: number, to: number): number {
  let at = from
  while (at < to && isSpace(xml.charCodeAt(at))) at++
  return at
}

/** Whether there is nothing but white space from `from` to `to`. */
export const isBlank = (xml: string, from: number, to: number): boolean => skipSpace(xml, from, to) >= to

export const isSpace = (code: number): boolean => code === 32 || code === 10 || code === 13 || code === 9

const SPACE = '[ \\t\\r\\n]'
const EQUALS = `${SPACE}*=${SPACE}*`
const DECLARATION = new RegExp(
  `^<\\?xml${SPACE}+version${EQUALS}(?:'1\\.0'|"1\\.0")(?:${SPACE}+encoding${EQUALS}(?:'([A-Za-z][-A-Za-z0-9._]*)'|"([A-Za-z][-A-Za-z0-9._]*)"))?(?:${SPACE}+standalone${EQUALS}(?:'(?:yes|no)'|"(?:yes|no)"))?${SPACE}*\\?>$`,
)

/** XML declaration (XML 1.0 §2.8); RFC 6120 §11.6 has UTF-8 only. */
export function checkDeclaration(declaration: string): void {
  const match = DECLARATION.exec(declaration)
  if (match === null) throw malformed('the XML declaration')
  const encoding = match[1] ?? match[2]
  if (encoding !== undefined && encoding.toLowerCase() !== 'utf-8') throw new XmlError('unsupported-encoding')
}
