// CXZ-SEAL-1: messages with a limited time (class A1), many to one HPKE context

import { accountBinding, accountId, type SealedAccount } from './account.ts'
import { join, u8, u32, u48, u64 } from './encoding.ts'
import { AES_256_GCM, CHACHA20_POLY1305, type HpkeAead, type HpkeContext, type Psk, setupRecipient, setupSender } from './hpke.ts'
import { type Encapsulation, KEY_SIZE } from './kem.ts'
import { type PaddingUnit, unpad, withPadded } from './padding.ts'
import type { PrivateKey } from './private-key.ts'
import { requireSecret } from './require-secret.ts'
import { SealError } from './seal-error.ts'
import { type Suite, splitBlob, withSuite } from './suite.ts'

/** Which segment: of whose messages, in which store, under which retention class and period. */
export interface SegmentAddress {
  readonly account: SealedAccount
  readonly store: number
  /** 48 bits. */
  readonly segment: number
  readonly class: number
  /** A day in UTC since 1970, or an hour where the class counts hours. */
  readonly period: number
}

/** By suite. Processors have instructions for AES, not for ChaCha20. */
const AEADS: Readonly<Record<Suite, HpkeAead>> = { 1: CHACHA20_POLY1305, 2: AES_256_GCM }

const HEADER: PaddingUnit = 128
const BODY: PaddingUnit = 256
export const SECRET_SIZE = 32

/** Seals the messages of one segment to the owner of the account. Whoever holds it last calls `wipe`. */
export class SegmentSealer {
  /** What the owner needs to open the segment: `u8 suite ‖ enc`. */
  readonly enc: Buffer
  readonly #context: HpkeContext
  #next = 0

  /** The suite and the encapsulation are given only to repeat a test vector. */
  constructor(address: SegmentAddress, periodSecret: Buffer, accountSecret: Buffer, suite: Suite = 2, encapsulation?: Encapsulation) {
    requireSecret(periodSecret, SECRET_SIZE)
    requireSecret(accountSecret, SECRET_SIZE)
    const psk = shredKey(address, periodSecret, accountSecret)
    const { enc, context } = setupSender(address.account.publicKey, info(address), psk, {
      aead: AEADS[suite],
      ...(encapsulation && { encapsulation }),
    })
    psk.secret.fill(0)
    this.enc = withSuite(suite, enc)
    this.#context = context
  }

  /** Each index must be greater than the one before: one that is used twice would give away both messages. */
  seal(index: number, ord: number, header: Buffer, body: Buffer): { header: Buffer; body: Buffer } {
    if (index < this.#next) throw new Error('this place in the segment was used')
    const sequence = sequenceOf(index)
    const aad = u64(ord)
    this.#next = index + 1
    return { header: this.#seal(sequence, aad, header, HEADER), body: this.#seal(sequence + 1, aad, body, BODY) }
  }

  wipe(): void {
    this.#context.wipe()
  }

  #seal(sequence: number, aad: Buffer, plain: Buffer, unit: PaddingUnit): Buffer {
    return withPadded(plain, unit, padded => this.#context.seal(sequence, aad, padded))
  }
}

/** Opens the messages of one segment, in any order. Whoever holds it last calls `wipe`. */
export class SegmentOpener {
  readonly #context: HpkeContext

  /** Throws a SealError if `enc` is none; whether it was sealed to this key shows when the first box is opened. */
  constructor(address: SegmentAddress, enc: Buffer, key: PrivateKey, periodSecret: Buffer, accountSecret: Buffer) {
    const psk = shredKey(address, periodSecret, accountSecret)
    try {
      const { encapsulated, suite } = splitEnc(enc)
      this.#context = setupRecipient(encapsulated, key, info(address), psk, AEADS[suite])
    } finally {
      psk.secret.fill(0)
    }
  }

  /** Throws a SealError. */
  header(index: number, ord: number, box: Buffer): Buffer {
    return unpad(this.#context.open(sequenceOf(index), u64(ord), box), HEADER)
  }

  /** Throws a SealError. */
  body(index: number, ord: number, box: Buffer): Buffer {
    return unpad(this.#context.open(sequenceOf(index) + 1, u64(ord), box), BODY)
  }

  wipe(): void {
    this.#context.wipe()
  }
}

/** Two numbers for each message. The context refuses those that have no 32 bits. */
function sequenceOf(index: number): number {
  if (!Number.isInteger(index)) throw new SealError('malformed', 'a segment has no such place')
  return index * 2
}

function splitEnc(blob: Buffer): { encapsulated: Buffer; suite: Suite } {
  const [encapsulated, rest, suite] = splitBlob(blob, KEY_SIZE, 1, 2)
  if (rest.length > 0) throw new SealError('malformed', 'what was sealed is too long')
  return { encapsulated, suite }
}

/** Once either half is destroyed nobody opens the segment, not even with the private key. */
function shredKey({ account, class: cls, period }: SegmentAddress, periodSecret: Buffer, accountSecret: Buffer): Psk {
  return { secret: join(periodSecret, accountSecret), id: join('CXZ1', u8(cls), u32(period), accountId(account)) }
}

function info({ account, store, segment }: SegmentAddress): Buffer {
  return join('CXZ-SEAL-1 seg', accountBinding(account), u8(store), u48(segment))
}
