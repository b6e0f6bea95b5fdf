import type { Random } from './random.ts'

const NAMES = [
  'message',
  'body',
  'a',
  'b',
  'x',
  'iq',
  'é',
  '_x',
  'a-b.c1',
  '𐐀x',
  'xml',
  'constructor',
  '__proto__',
  'toString',
  'long'.repeat(9),
]
const PREFIXES = ['p', 'q', 'stream', 'xml', 'xmlns', 'é', 'unbound']
const URIS = [
  'jabber:client',
  'urn:p',
  'urn:q',
  'a}b',
  'http://www.w3.org/XML/1998/namespace',
  'http://www.w3.org/2000/xmlns/',
  '',
  'a&amp;b',
  'ü',
  ' urn:p ',
]
const VALUES = ['', 'v', "a'b", 'a"b', '&lt;', '&#10;', '&#x1F600;', '\t', '\r\n', 'ä😀', '&amp;amp;', ' a  b ', '>', ']]>']
const TEXTS = [
  'text',
  ' ',
  '\n',
  '\r',
  '\r\n',
  '&amp;',
  '&lt;b&gt;',
  '&#13;',
  '&#x41;',
  'ü€😀',
  ']]',
  '>',
  ']',
  '\uFFFD',
  '\u0085',
  '\u2028',
  '\x7F',
]
const NOISE = [
  '<', '>', '/', '/>', '</', '<!', '<!--', '-->', '<!-- c -->', '<?', '<?pi x?>', '?>', '<![CDATA[', ']]>', '<!DOCTYPE a>', '<!DOCTYPE a [<!ENTITY e "x">]>', '&', ';', '&e;', '&#0;',
  '&#x0;', '&#xD800;', '&#xFFFE;', '&#x110000;', '&#;', '&#x;', '&#xg;', '&#99999999999999999999;', '&#00065;', '& ', '&lt', '"', "'", '=', ':', '::', 'a:b:c', 'xmlns', "xmlns=''", " xmlns:p=''", " xmlns:p='urn:p'",
  " p:a=''", " xml:lang='de'", ' ', '\t', '\n', '\r', '\0', '\x01', '\x0B', '\x1F', '\x7F', '\u0085', '\uFEFF', '\uFFFE', '\uFFFF', '\u00B7', '\u0300', '-', '.', '1', "<?xml version='1.0'?>", "<?xml version='1.1'?>",
  "<?xml version='1.0' encoding='UTF-8'?>", "<?xml version='1.0' encoding='latin1'?>", '<a>', '</a>', '<a/>', '<p:a/>', 'text', '!', '?', '[', ']', ']]', '<xml:a/>', '<xmlns:a/>',
] // biome-ignore format: a table
const BYTES = [0x80, 0xbf, 0xc0, 0xc1, 0xc2, 0xe0, 0xed, 0xa0, 0xef, 0xbf, 0xbe, 0xf0, 0xf4, 0x90, 0xf5, 0xff, 0xfe, 0x00]

/** A document: right in most parts, then spoilt in some. */
export function source(random: Random): Uint8Array {
  let xml = random.once(4) ? declaration(random) : ''
  if (random.once(6)) xml += random.pick([' ', '\n', '\r\n\t'])
  xml += element(random, 0, false)
  if (random.once(6)) xml += '\n'
  for (let spoils = random.below(4) - 1; spoils > 0; spoils--) xml = spoil(random, xml)
  const bytes = Buffer.from(xml)
  if (random.once(10) && bytes.length > 0) bytes[random.below(bytes.length)] = random.pick(BYTES)
  return bytes
}

function declaration(random: Random): string {
  const encoding = random.pick(['', '', " encoding='UTF-8'", ' encoding="utf-8"', " encoding='UTF-16'"])
  return `<?xml version=${random.pick(["'1.0'", '"1.0"', " '1.0'"])}${encoding}${random.pick(['', " standalone='yes'", ' standalone="no" '])}?>`
}

function element(random: Random, depth: number, isBound: boolean): string {
  let bound = isBound
  const attributes: string[] = []
  if (random.once(3)) attributes.push(`xmlns=${quoted(random, random.pick(random.once(12) ? URIS : URIS.slice(0, 4)))}`)
  if (!bound && random.once(2)) {
    bound = true
    attributes.push("xmlns:p='urn:p'", 'xmlns:q="urn:p"')
  } else if (random.once(60)) attributes.push(`xmlns:${random.pick(PREFIXES)}=${quoted(random, random.pick(URIS))}`)
  for (let count = random.below(4); count > 0; count--) {
    const prefix = random.once(4)
      ? `${random.pick(bound && !random.once(60) ? ['p', 'q', 'xml'] : random.once(20) ? PREFIXES : ['xml'])}:`
      : ''
    const name = prefix + random.pick(NAMES)
    if (attributes.some(other => other.startsWith(name)) && !random.once(10)) continue
    attributes.push(`${name}${random.pick(['=', '=', '=', ' = ', '=\n'])}${quoted(random, random.pick(VALUES))}`)
  }
  if (attributes.length > 1 && random.once(3)) attributes.reverse()
  const prefix = random.once(bound ? 3 : 60) ? `${random.pick(random.once(60) ? PREFIXES : ['p', 'q'])}:` : ''
  const name = prefix + random.pick(NAMES)
  const head = `<${[name, ...attributes].join(random.pick([' ', ' ', '\n', '  ']))}${random.once(5) ? ' ' : ''}`
  if (random.once(4)) return `${head}/>`
  let inner = ''
  for (let count = random.below(4); count > 0; count--) inner += child(random, depth, bound)
  return `${head}>${inner}</${name}${random.once(9) ? ' ' : ''}>`
}

function child(random: Random, depth: number, isBound: boolean): string {
  if (random.once(10)) return `<![CDATA[${random.pick(['', 'x', '<a>&amp;', ']]', '\r\n', ']'])}]]>`
  if (random.once(60)) return random.pick(NOISE)
  return depth < 5 && random.once(2) ? element(random, depth + 1, isBound) : random.pick(TEXTS)
}

function quoted(random: Random, value: string): string {
  const quote = value.includes("'") ? '"' : value.includes('"') ? "'" : random.pick(["'", '"'])
  return quote + value + quote
}

function spoil(random: Random, xml: string): string {
  const from = random.below(xml.length + 1)
  const to = Math.min(xml.length, from + random.below(random.once(4) ? 30 : 3))
  switch (random.below(4)) {
    case 0:
      return xml.slice(0, from) + xml.slice(to)
    case 1:
      return xml.slice(0, from) + random.pick(NOISE) + xml.slice(to)
    case 2:
      return xml.slice(0, to) + xml.slice(from)
    default:
      return xml.slice(0, from) + random.pick(NOISE) + xml.slice(from)
  }
}
