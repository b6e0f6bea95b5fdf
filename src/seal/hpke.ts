// RFC 9180: Hybrid Public Key Encryption, the modes Base and PSK, with DHKEM(X25519, HKDF-SHA256) and HKDF-SHA256

import { type AeadName, openAead, sealAead } from './aead.ts'
import { join, requireUnsigned, u8, u16 } from './encoding.ts'
import { expand, hmac } from './hkdf.ts'
import { decapsulateWith, type Encapsulation, encapsulateTo } from './kem.ts'
import type { PrivateKey } from './private-key.ts'

/** A cipher, and the number that it has in the registry of HPKE (RFC 9180 §7.3). */
export interface HpkeAead {
  readonly id: number
  readonly name: AeadName
  readonly keySize: number
}

/** Mode PSK: whoever lacks the secret cannot open, although he has the private key. */
export interface Psk {
  readonly secret: Buffer
  readonly id: Buffer
}

export const CHACHA20_POLY1305: HpkeAead = { id: 0x0003, name: 'chacha20-poly1305', keySize: 32 }
export const AES_256_GCM: HpkeAead = { id: 0x0002, name: 'aes-256-gcm', keySize: 32 }

const KEM_ID = u16(0x0020)
const KDF_ID = u16(0x0001)
const VERSION = 'HPKE-v1'
const HASH = 'sha256'
const NONCE_SIZE = 12
/** Where the bytes of a nonce are that the sequence number changes. */
const COUNTER = NONCE_SIZE - 4
const EMPTY = Buffer.alloc(0)

/** What a sender is given only to repeat a test vector. Takes the secret over. */
export interface HpkeVector {
  readonly encapsulation?: Encapsulation
  readonly aead?: HpkeAead
}

/** What was agreed on with one `enc`: a key for as many boxes as there are sequence numbers. Whoever holds it last calls `wipe`. */
export class HpkeContext {
  readonly #aead: HpkeAead
  readonly #key: Buffer
  readonly #baseNonce: Buffer
  readonly #nonce: Buffer
  #isWiped = false

  constructor(aead: HpkeAead, key: Buffer, baseNonce: Buffer) {
    this.#aead = aead
    this.#key = key
    this.#baseNonce = baseNonce
    this.#nonce = join(baseNonce)
  }

  /** Each number must be used once at most: the caller sees to that. */
  seal(sequence: number, aad: Buffer, plain: Buffer): Buffer {
    return sealAead(this.#aead.name, this.#useKey(), this.#nonceOf(sequence), aad, plain)
  }

  /** In any order. Throws a SealError. */
  open(sequence: number, aad: Buffer, box: Buffer): Buffer {
    return openAead(this.#aead.name, this.#useKey(), this.#nonceOf(sequence), aad, box)
  }

  wipe(): void {
    this.#isWiped = true
    this.#key.fill(0)
    this.#baseNonce.fill(0)
    this.#nonce.fill(0)
  }

  #useKey(): Buffer {
    if (this.#isWiped) throw new Error('this context was wiped')
    return this.#key
  }

  /** RFC 9180 §5.2: the number, which has 32 bits here, is added to the base nonce bit by bit. */
  #nonceOf(sequence: number): Buffer {
    requireUnsigned(sequence, 4)
    this.#nonce.writeInt32BE(this.#baseNonce.readInt32BE(COUNTER) ^ sequence, COUNTER)
    return this.#nonce
  }
}

/** SetupBaseS or SetupPSKS (RFC 9180 §5.1): `enc` goes to the owner of the public key. Throws a SealError if that is none. */
export function setupSender(publicKey: Buffer, info: Buffer, psk?: Psk, vector: HpkeVector = {}): { enc: Buffer; context: HpkeContext } {
  const { enc, secret } = vector.encapsulation ?? encapsulateTo(publicKey)
  return { enc, context: schedule(secret, info, psk, vector.aead) }
}

/** SetupBaseR or SetupPSKR. Whether key and secret were the right ones is seen when the first box is opened. */
export function setupRecipient(enc: Buffer, key: PrivateKey, info: Buffer, psk?: Psk, aead?: HpkeAead): HpkeContext {
  return schedule(decapsulateWith(key.bytes, enc), info, psk, aead)
}

/** KeySchedule (RFC 9180 §5.1). Wipes what it derives on the way, and the shared secret. */
function schedule(sharedSecret: Buffer, info: Buffer, psk: Psk | undefined, aead = CHACHA20_POLY1305): HpkeContext {
  const suite = join('HPKE', KEM_ID, KDF_ID, u16(aead.id))
  const context = join(
    u8(psk === undefined ? 0 : 1),
    labeledExtract(suite, EMPTY, 'psk_id_hash', psk?.id ?? EMPTY),
    labeledExtract(suite, EMPTY, 'info_hash', info),
  )
  const secret = labeledExtract(suite, sharedSecret, 'secret', psk?.secret ?? EMPTY)
  const key = labeledExpand(suite, secret, 'key', context, aead.keySize)
  const baseNonce = labeledExpand(suite, secret, 'base_nonce', context, NONCE_SIZE)
  sharedSecret.fill(0)
  secret.fill(0)
  return new HpkeContext(aead, key, baseNonce)
}

function labeledExtract(suite: Buffer, salt: Buffer, label: string, ikm: Buffer): Buffer {
  return hmac(HASH, salt, VERSION, suite, label, ikm)
}

function labeledExpand(suite: Buffer, prk: Buffer, label: string, info: Buffer, size: number): Buffer {
  return expand(HASH, prk, join(u16(size), VERSION, suite, label, info), size)
}
