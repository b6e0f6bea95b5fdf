import { createHmac } from 'node:crypto'
import { join, u8 } from './encoding.ts'

export type HashName = 'sha256' | 'sha512'

/** Of the parts, one after the other. */
export function hmac(hash: HashName, key: Buffer, ...parts: readonly (string | Buffer)[]): Buffer {
  const mac = createHmac(hash, key)
  for (const part of parts) mac.update(part)
  return mac.digest()
}

/** HKDF-Expand (RFC 5869 §2.3), at most 255 times the length of the hash. */
export function expand(hash: HashName, prk: Buffer, info: Buffer, size: number): Buffer {
  const okm = Buffer.alloc(size)
  let block: Buffer = Buffer.alloc(0)
  for (let at = 0, count = 1; at < size; at += block.length, count++) {
    const next = hmac(hash, prk, block, info, u8(count))
    block.fill(0)
    block = next
    block.copy(okm, at)
  }
  block.fill(0)
  return okm
}

/**
 * HKDF (RFC 5869). By single HMACs: `hkdfSync` of Node takes longer, and what it has derived on the way lies in memory until the
 * garbage collector comes.
 */
export function hkdf(hash: HashName, ikm: Buffer, salt: Buffer, info: string | Buffer, size: number): Buffer {
  const prk = hmac(hash, salt, ikm)
  const okm = expand(hash, prk, join(info), size)
  prk.fill(0)
  return okm
}
