// CXZ-SEAL-1: one thing after the other to the owner of an account, where nothing may stay that opens what was sealed before

import { randomFillSync } from 'node:crypto'
import type { SealedAccount } from './account.ts'
import { openAead, sealAead } from './aead.ts'
import { u64 } from './encoding.ts'
import { hkdf } from './hkdf.ts'
import { openItem, sealItem } from './item.ts'
import { type PaddingUnit, unpad, withPadded } from './padding.ts'
import type { PrivateKey } from './private-key.ts'
import { requireSecret } from './require-secret.ts'
import { SealError } from './seal-error.ts'

const KEY_SIZE = 32
const NO_SALT = Buffer.alloc(0)
const LINK: PaddingUnit = 256

/** There is one head for each chain. */
const HEAD = 0

/** Every link has a key of its own, which seals once. */
const NONCE = Buffer.alloc(12)

/**
 * A chain of keys, of which the first is sealed to the account, and each seals one link and gives the next. Only the next one is
 * in memory: whoever takes that opens what is sealed later, and nothing that was sealed before. Much cheaper than an item each.
 */
export class ChainSealer {
  /** What the owner needs to open the links. */
  readonly head: Buffer
  readonly #key: ChainKey

  constructor(account: SealedAccount, store: number) {
    const key = randomFillSync(Buffer.alloc(KEY_SIZE))
    this.head = sealItem(account, store, HEAD, key)
    this.#key = new ChainKey(key)
  }

  /** How many links there are: the index of the next one. */
  get length(): number {
    return this.#key.index
  }

  seal(plain: Buffer): Buffer {
    return withPadded(plain, LINK, padded => this.#key.use((key, aad) => sealAead('aes-256-gcm', key, NONCE, aad, padded)))
  }

  wipe(): void {
    this.#key.wipe()
  }
}

/** Opens the links of one chain, in their order; any of them may be left out. Whoever holds it last calls `wipe`. */
export class ChainOpener {
  readonly #key: ChainKey

  /** Throws a SealError. */
  constructor(key: PrivateKey, account: SealedAccount, store: number, head: Buffer) {
    this.#key = new ChainKey(openItem(key, account, store, HEAD, head))
  }

  /** Throws a SealError. */
  open(index: number, box: Buffer): Buffer {
    if (index < this.#key.index) throw new SealError('malformed', 'a chain is opened in its order')
    while (this.#key.index < index) this.#key.use(() => undefined)
    return unpad(
      this.#key.use((key, aad) => openAead('aes-256-gcm', key, NONCE, aad, box)),
      LINK,
    )
  }

  wipe(): void {
    this.#key.wipe()
  }
}

class ChainKey {
  index = 0
  #key: Buffer

  /** Takes the key over. */
  constructor(key: Buffer) {
    this.#key = key
  }

  /** Lends the key of the next link, which is overwritten when the work is done. */
  use<T>(work: (key: Buffer, aad: Buffer) => T): T {
    requireSecret(this.#key, KEY_SIZE)
    const both = hkdf('sha256', this.#key, NO_SALT, 'CXZ-SEAL-1 chain', 2 * KEY_SIZE)
    both.copy(this.#key, 0, KEY_SIZE)
    try {
      return work(both.subarray(0, KEY_SIZE), u64(this.index++))
    } finally {
      both.fill(0)
    }
  }

  wipe(): void {
    this.#key.fill(0)
  }
}
