// RFC 9180 §4.1: DHKEM(X25519, HKDF-SHA256), as OpenSSL has it

import { createPrivateKey, createPublicKey, decapsulate, encapsulate } from 'node:crypto'
import { SealError } from './seal-error.ts'

/** Bytes of a private key, of a public key, of an encapsulation and of the secret inside. */
export const KEY_SIZE = 32

/** A secret that both sides have, and what the other side needs to get it. */
export interface Encapsulation {
  readonly secret: Buffer
  readonly enc: Buffer
}

/**
 * Keys go to OpenSSL as bytes, for one operation each. Its copy is overwritten as soon as the garbage collector finds that operation;
 * a KeyObject would live for as long as it is held, and cannot be wiped.
 */
const privateInput = (key: Buffer) => ({ key, format: 'raw-private', asymmetricKeyType: 'x25519' }) as const
const publicInput = (key: Buffer) => ({ key, format: 'raw-public', asymmetricKeyType: 'x25519' }) as const

/** X25519 with the base point (RFC 7748 §6.1). */
export function publicKeyOf(privateKey: Buffer): Buffer {
  return createPublicKey(createPrivateKey(privateInput(privateKey))).export({ format: 'raw-public' })
}

/** Throws a SealError for a public key that is none, or one of those with which everybody gets the same (RFC 7748 §6.1). */
export function encapsulateTo(publicKey: Buffer): Encapsulation {
  try {
    const { sharedKey, ciphertext } = encapsulate(publicInput(publicKey))
    return { secret: sharedKey, enc: ciphertext }
  } catch (cause) {
    throw new SealError('malformed', 'a public key is none', { cause })
  }
}

/** The secret in an encapsulation, in a buffer of its own. Throws a SealError if it is none. */
export function decapsulateWith(privateKey: Buffer, enc: Buffer): Buffer {
  try {
    return decapsulate(privateInput(privateKey), enc)
  } catch (cause) {
    throw new SealError('malformed', 'an encapsulated key is none', { cause })
  }
}
