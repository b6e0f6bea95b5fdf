import { join, u8 } from './encoding.ts'
import { SealError } from './seal-error.ts'

/**
 * The first byte of all that is stored. 1: DHKEM(X25519, HKDF-SHA256), HKDF-SHA256 and ChaCha20-Poly1305 for what is sealed to a
 * public key, HKDF-SHA512 and AES-256-GCM for what is sealed with a secret. Other ciphers get another number.
 */
const SUITE = 1

export function withSuite(...parts: readonly Buffer[]): Buffer {
  return join(u8(SUITE), ...parts)
}

/** Cuts off the suite byte and a part of so many bytes: that part, and the rest; less where there is less. Throws a SealError if this suite is unknown. */
export function splitBlob(blob: Buffer, size: number): [part: Buffer, rest: Buffer] {
  if (blob[0] !== SUITE) throw new SealError('malformed', 'this was sealed in a way that is not known here')
  return [blob.subarray(1, 1 + size), blob.subarray(1 + size)]
}
