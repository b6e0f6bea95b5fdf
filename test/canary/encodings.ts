import { createHash } from 'node:crypto'
import { isIPv4, isIPv6 } from 'node:net'
import { domainToASCII } from 'node:url'

/** How a text may lie in a file: what a search for it must look for. Names tell which encoding was found. */
export function encodingsOf(text: string): Map<string, Buffer> {
  const found = new Map<string, Buffer>([
    ...formsOf(Buffer.from(text)),
    ['UTF-16LE', Buffer.from(text, 'utf16le')],
    ['UTF-16BE', Buffer.from(text, 'utf16le').swap16()],
    ['reversed', Buffer.from([...text].reverse().join(''))],
    ['upper case', Buffer.from(text.toUpperCase())],
    ['XML', Buffer.from(text.replace(/[&<>]/g, character => NAMED[character]!))],
    ['XML, in an attribute', Buffer.from(text.replace(/[&<>"']/g, character => NAMED[character]!))],
    ['XML, decimal', Buffer.from([...text].map(character => `&#${character.codePointAt(0)};`).join(''))],
    ['XML, hexadecimal', Buffer.from([...text].map(character => `&#x${character.codePointAt(0)!.toString(16)};`).join(''))],
    ['JSON', Buffer.from(JSON.stringify(text).slice(1, -1))],
    ['percent, where it must', Buffer.from(encodeURIComponent(text))],
  ])
  const punycode = domainToASCII(text)
  if (punycode !== '' && punycode !== text) found.set('punycode', Buffer.from(punycode))
  for (const [name, bytes] of addressForms(text)) found.set(name, bytes)
  return found
}

/** The same of bytes that are no text, such as a key. */
export function formsOf(bytes: Buffer): Map<string, Buffer> {
  const hex = bytes.toString('hex')
  const found = new Map<string, Buffer>([
    ['as it is', bytes],
    ['hex', Buffer.from(hex)],
    ['HEX', Buffer.from(hex.toUpperCase())],
    ['percent', Buffer.from(hex.toUpperCase().replace(/../g, '%$&'))],
    ['bytes backwards', Buffer.from(bytes).reverse()],
  ])
  for (const alphabet of ['base64', 'base64url'] as const)
    for (const phase of [0, 1, 2]) found.set(`${alphabet} ${phase}`, inBase64(bytes, phase, alphabet))
  for (const hash of ['md5', 'sha1', 'sha256']) {
    const digest = createHash(hash).update(bytes).digest()
    found.set(hash, digest)
    found.set(`${hash} hex`, Buffer.from(digest.toString('hex')))
    for (const alphabet of ['base64', 'base64url'] as const)
      found.set(`${hash} ${alphabet}`, Buffer.from(digest.toString(alphabet).slice(0, 20)))
  }
  return found
}

const NAMED: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&apos;' }

function addressForms(text: string): Map<string, Buffer> {
  const found = new Map<string, Buffer>()
  const packed = isIPv4(text) ? Buffer.from(text.split('.').map(Number)) : isIPv6(text) ? packedIpv6(text) : undefined
  if (packed === undefined) return found
  found.set('packed', packed)
  found.set('packed, backwards', Buffer.from(packed).reverse())
  found.set('packed hex', Buffer.from(packed.toString('hex')))
  if (packed.length === 16) {
    found.set('in full', Buffer.from(packed.toString('hex').replace(/....(?!$)/g, '$&:')))
    return found
  }
  found.set('a number', Buffer.from(String(packed.readUInt32BE())))
  found.set('mapped', Buffer.from(`::ffff:${text}`))
  found.set('mapped, packed', Buffer.concat([Buffer.from('00000000000000000000ffff', 'hex'), packed]))
  return found
}

/** Of an address without `::`. */
function packedIpv6(text: string): Buffer {
  return Buffer.from(
    text
      .split(':')
      .map(group => group.padStart(4, '0'))
      .join(''),
    'hex',
  )
}

/** The part of its base64 that is the same whatever stands before and after it, where `phase` bytes are left over from before. */
function inBase64(bytes: Buffer, phase: number, alphabet: 'base64' | 'base64url'): Buffer {
  const skipped = (3 - phase) % 3
  const whole = bytes.subarray(skipped, skipped + Math.floor((bytes.length - skipped) / 3) * 3)
  return Buffer.from(whole.toString(alphabet))
}
