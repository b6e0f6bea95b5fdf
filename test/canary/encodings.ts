import { createHash } from 'node:crypto'
import { isIPv4 } from 'node:net'

/** How a text may lie in a file: what a search for it must look for. Names tell which encoding was found. */
export function encodingsOf(text: string): Map<string, Buffer> {
  const bytes = Buffer.from(text)
  const found = new Map<string, Buffer>([
    ['UTF-8', bytes],
    ['UTF-16LE', Buffer.from(text, 'utf16le')],
    ['UTF-16BE', Buffer.from(text, 'utf16le').swap16()],
    ['hex', Buffer.from(bytes.toString('hex'))],
    ['HEX', Buffer.from(bytes.toString('hex').toUpperCase())],
    ['percent', Buffer.from([...bytes].map(byte => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`).join(''))],
    ['reversed', Buffer.from([...text].reverse().join(''))],
    ['upper case', Buffer.from(text.toUpperCase())],
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
  if (isIPv4(text)) {
    const packed = Buffer.from(text.split('.').map(Number))
    found.set('packed', packed)
    found.set('packed, little-endian', Buffer.from(packed).reverse())
    found.set('packed hex', Buffer.from(packed.toString('hex')))
    found.set('a number', Buffer.from(String(packed.readUInt32BE())))
    found.set('mapped', Buffer.from(`::ffff:${text}`))
  }
  return found
}

/** The part of its base64 that is the same whatever stands before and after it, where `phase` bytes are left over from before. */
function inBase64(bytes: Buffer, phase: number, alphabet: 'base64' | 'base64url'): Buffer {
  const skipped = (3 - phase) % 3
  const whole = bytes.subarray(skipped, skipped + Math.floor((bytes.length - skipped) / 3) * 3)
  return Buffer.from(whole.toString(alphabet))
}
