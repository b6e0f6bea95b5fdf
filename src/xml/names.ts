import { malformed, XmlError } from './xml-error.ts'

const START = 1
const INNER = 2

/** What an ASCII character may be in an NCName (Namespaces in XML §3): START and INNER bits. */
const ASCII = new Uint8Array(128)
for (let code = 0; code < 128; code++) {
  const character = String.fromCharCode(code)
  if (/[A-Za-z_]/.test(character)) ASCII[code] = START | INNER
  else if (/[-.0-9]/.test(character)) ASCII[code] = INNER
}

// XML 1.0 §2.3, beyond ASCII: pairs of first and last NameStartChar, and what NameChar adds.
const OTHER_START = [
  [0xc0, 0xd6], [0xd8, 0xf6], [0xf8, 0x2ff], [0x370, 0x37d], [0x37f, 0x1fff], [0x200c, 0x200d], [0x2070, 0x218f],
  [0x2c00, 0x2fef], [0x3001, 0xd7ff], [0xf900, 0xfdcf], [0xfdf0, 0xfffd], [0x10000, 0xeffff],
] as const // biome-ignore format: a table
const OTHER_INNER = [
  [0xb7, 0xb7],
  [0x300, 0x36f],
  [0x203f, 0x2040],
] as const

const isWithin = (code: number, ranges: readonly (readonly [number, number])[]): boolean =>
  ranges.some(([first, last]) => code >= first && code <= last)

/** Where the NCName that begins at `from` ends: the first place that is no part of it, or `to`. Nothing there, or too much, is an error. */
export function nameEnd(xml: string, from: number, to: number, longest: number): number {
  let at = from
  while (at < to) {
    const code = xml.charCodeAt(at)
    if (code < 128) {
      const kind = ASCII[code]!
      if (kind === 0 || (at === from && kind === INNER)) break
      at++
    } else {
      const point = xml.codePointAt(at)!
      if (!isWithin(point, OTHER_START) && (at === from || !isWithin(point, OTHER_INNER))) break
      at += point > 0xffff ? 2 : 1
    }
  }
  if (at === from && from < to) throw malformed('no name where one must be')
  if (at - from > longest) throw new XmlError('policy-violation', 'a name that is too long')
  return at
}

/** Names and namespaces are compared all day: those known from the start come as one and the same string. */
const COMMON = `a abort active add after affiliation algo auth authenticate base64 before bind body by challenge chat
  code column complete composing condition conference configure content creator data default delay delete desc device
  devices disable disabled displayed displaying download-receipt enable enabled encrypted error event ext failed failure
  feature features field file filename finished first fin form forwarded from gone group h hash hint hop host id identity
  inactive index initiator instructions invite iq iv jid jingle jid-multi key keys kid label lang last list location max
  mechanism media message message-id method n name nick node no-copy no-permanent-store no-store nonce open option
  optional origin-id password paused payload ping port prekey prefs presence priority proceed publish publish-options
  purpose query r reason received recipient registered reported request required response result resource resume resumed
  retract reply replace rid role rsm seconds secs send sent session set show sid since size sm stamp stanza-id starttls
  start status stream store storage subject subscribe subscription success text thread thread-id time title to total-size
  transport type type-id unavailable unsubscribe url use username utc value var vCard ver version with x xml xmlns item
  items header`
const TABLE: (string | undefined)[] = new Array(1024).fill(undefined)
for (const name of COMMON.split(/\s+/)) TABLE[slot(name, 0, name.length)] ??= name

function slot(xml: string, from: number, to: number): number {
  const middle = xml.charCodeAt((from + to) >> 1)
  return (xml.charCodeAt(from) * 7 + middle * 33 + xml.charCodeAt(to - 1) * 129 + (to - from) * 257) & 1023
}

/** The name in `xml` from `from` to `to`. */
export function nameAt(xml: string, from: number, to: number): string {
  const common = TABLE[slot(xml, from, to)]
  return common !== undefined && common.length === to - from && xml.startsWith(common, from) ? common : xml.slice(from, to)
}
