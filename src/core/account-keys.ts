import type { SealedAccount } from '../seal/account.ts'
import type { PrivateKey } from '../seal/private-key.ts'
import type { SealIdentity } from './key-store.ts'

/** The key to which everything is sealed that is kept for one account. Its private half is there while its owner is connected. */
export class AccountKeys implements SealedAccount {
  readonly number: number
  readonly id: Buffer
  #generation: number
  #publicKey: Buffer
  #key: PrivateKey | undefined
  #former: Map<number, PrivateKey> | undefined
  /** The private half has been compared with the public one. */
  #isGenuine = false
  readonly #onForged: () => void
  /** A secret of the account is to be destroyed: nothing may be sealed with it any more. */
  isDoomed = false

  /** `onForged` is called when the public key turns out not to be that of the private one; it has been put right then. */
  constructor({ number, id, generation, publicKey }: SealIdentity, onForged: () => void) {
    this.number = number
    this.id = id
    this.#generation = generation
    this.#publicKey = publicKey
    this.#onForged = onForged
  }

  get generation(): number {
    return this.#generation
  }

  get publicKey(): Buffer {
    this.#verify()
    return this.#publicKey
  }

  get isOpen(): boolean {
    return this.#key !== undefined
  }

  /**
   * The private key of that generation, or of the present one; undefined while it is locked, or for good if it is lost.
   * It is on loan: neither to be kept nor to be wiped.
   */
  keyOf(generation = this.#generation): PrivateKey | undefined {
    this.#verify()
    return generation === this.#generation ? this.#key : this.#former?.get(generation)
  }

  /** All private keys that are open, by generation. */
  opened(): ReadonlyMap<number, PrivateKey> {
    this.#verify()
    const all = new Map(this.#former)
    return this.#key === undefined ? all : all.set(this.#generation, this.#key)
  }

  /** Takes the present key over. */
  unlock(key: PrivateKey): void {
    this.lock()
    this.#key = key
    this.#isGenuine = false
  }

  /** Takes one over of a generation before. */
  regain(generation: number, key: PrivateKey): void {
    this.#former ??= new Map()
    this.#former.set(generation, key)
  }

  /** From now on all is sealed to another key. Takes its private half over; without one, all is locked. */
  become({ generation, publicKey }: SealedAccount, key: PrivateKey | undefined): void {
    if (key === undefined || this.#key === undefined) this.lock()
    else this.regain(this.#generation, this.#key)
    this.#generation = generation
    this.#publicKey = publicKey
    this.#key = key
    this.#isGenuine = key !== undefined
  }

  /** Overwrites the private keys. */
  lock(): void {
    this.#key?.wipe()
    this.#key = undefined
    for (const key of this.#former?.values() ?? []) key.wipe()
    this.#former = undefined
  }

  /** Late, as many a login opens nothing: who can write to the disk could have put his own public key there, to read what comes. */
  #verify(): void {
    if (this.#isGenuine || this.#key === undefined) return
    this.#isGenuine = true
    if (this.#key.publicKey.equals(this.#publicKey)) return
    this.#publicKey = this.#key.publicKey
    this.#onForged()
  }
}
