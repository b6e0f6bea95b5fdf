import { join, u8 } from './encoding.ts'
import { SealError } from './seal-error.ts'

/**
 * The first byte of all that is stored. 1: DHKEM(X25519, HKDF-SHA256), HKDF-SHA256 and ChaCha20-Poly1305 for what is sealed to a
 * public key, HKDF-SHA512 and AES-256-GCM for what is sealed with a secret. 2: the same, with AES-256-GCM for all. Other ciphers get
 * another number.
 */
export type Suite = 1 | 2

export function withSuite(suite: Suite, ...parts: readonly Buffer[]): Buffer {
  return join(u8(suite), ...parts)
}

/**
 * Cuts off the suite byte and a part of so many bytes: that part, the rest, and the suite; less where there is less. Throws a SealError
 * if the suite is none of those.
 */
export function splitBlob(blob: Buffer, size: number, ...suites: readonly Suite[]): [part: Buffer, rest: Buffer, suite: Suite] {
  const suite = suites.find(known => known === blob[0])
  if (suite === undefined) throw new SealError('malformed', 'this was sealed in a way that is not known here')
  return [blob.subarray(1, 1 + size), blob.subarray(1 + size), suite]
}
