import { createHmac, hash } from 'node:crypto'

export type ScramHash = 'SHA-1' | 'SHA-256' | 'SHA-512'

/** Strongest first. */
export const SCRAM_HASHES: readonly ScramHash[] = ['SHA-512', 'SHA-256', 'SHA-1']

/** By the names that OpenSSL uses. */
export const DIGESTS: Readonly<Record<ScramHash, string>> = { 'SHA-1': 'sha1', 'SHA-256': 'sha256', 'SHA-512': 'sha512' }

/** Bytes of output. */
export const HASH_SIZES: Readonly<Record<ScramHash, number>> = { 'SHA-1': 20, 'SHA-256': 32, 'SHA-512': 64 }

/** H() of RFC 5802 §2.2. */
export function digest(algorithm: ScramHash, data: Buffer | string): Buffer {
  return hash(DIGESTS[algorithm], data, 'buffer')
}

/** Bytes that a hash takes at a time. */
const BLOCKS: Readonly<Record<ScramHash, number>> = { 'SHA-1': 64, 'SHA-256': 64, 'SHA-512': 128 }

// One piece of memory for all: nothing waits while it is in use, and it is wiped after each.
const inner = Buffer.alloc(1024)
const outer = Buffer.alloc(BLOCKS['SHA-512'] + HASH_SIZES['SHA-512'])

/** HMAC() of RFC 5802 §2.2, as RFC 2104 §2 makes it of two hashes: those take half as long as Node's object for it. */
export function hmac(algorithm: ScramHash, key: Buffer, data: Buffer | string): Buffer {
  const block = BLOCKS[algorithm]
  const length = typeof data === 'string' ? Buffer.byteLength(data) : data.length
  if (key.length > block || block + length > inner.length) return createHmac(DIGESTS[algorithm], key).update(data).digest()
  inner.fill(0x36, 0, block)
  outer.fill(0x5c, 0, block)
  for (let i = 0; i < key.length; i++) {
    inner[i]! ^= key[i]!
    outer[i]! ^= key[i]!
  }
  if (typeof data === 'string') inner.write(data, block)
  else data.copy(inner, block)
  digest(algorithm, inner.subarray(0, block + length)).copy(outer, block)
  const code = digest(algorithm, outer.subarray(0, block + HASH_SIZES[algorithm]))
  inner.fill(0)
  outer.fill(0)
  return code
}
