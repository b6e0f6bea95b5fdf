const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'
const PADDING = 0x3d
const VALUES = new Int8Array(256).fill(-1)
for (let value = 0; value < 64; value++) VALUES[ALPHABET.charCodeAt(value)] = value

/**
 * Reads base64 (RFC 4648 §4) from bytes into bytes, since a string on the way could not be wiped. Strict, as one value
 * must have one spelling: undefined for other characters, wrong padding, or bits left over.
 */
export function readBase64(text: Buffer): Buffer | undefined {
  if (text.length % 4 !== 0) return undefined
  const padding = text.at(-1) !== PADDING ? 0 : text.at(-2) !== PADDING ? 1 : 2
  const digits = text.length - padding
  const bytes = Buffer.alloc((text.length / 4) * 3 - padding)
  let bits = 0
  let written = 0
  let pending = 0
  for (let i = 0; i < digits; i++) {
    const value = VALUES[text[i]!]!
    if (value < 0) return undefined
    pending = ((pending << 6) | value) & 0xffff
    bits += 6
    if (bits >= 8) bytes[written++] = pending >> (bits -= 8)
  }
  return (pending & ((1 << bits) - 1)) === 0 ? bytes : undefined
}
