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

/** HMAC() of RFC 5802 §2.2. */
export function hmac(algorithm: ScramHash, key: Buffer, data: Buffer | string): Buffer {
  return createHmac(DIGESTS[algorithm], key).update(data).digest()
}
