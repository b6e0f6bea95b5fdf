import { hash } from 'node:crypto'
import { Turn } from '../lib/turn.ts'
import type { ShredStore } from '../seal/shred-store.ts'
import type { Db } from '../storage/db.ts'
import type { AccountKeys } from './account-keys.ts'
import { type Doomed, KeyStore } from './key-store.ts'

/**
 * Secrets that are to go: said in the transaction that removes what was sealed with them, and destroyed behind it. What a crash leaves
 * between the two is destroyed at the next start.
 */
export class DoomedSecrets {
  readonly #store: KeyStore
  readonly #shred: ShredStore
  readonly #keys = new Set<AccountKeys>()
  /** One after the other, or a secret would be replaced twice. */
  readonly #turn = new Turn()

  constructor(store: KeyStore, shred: ShredStore) {
    this.#store = store
    this.#shred = shred
  }

  /** Those of an account that has keys. At once nothing new is sealed with them. */
  doom(db: Db, keys: AccountKeys, kind: Doomed['kind']): Promise<void> {
    return this.#doom(db, keys.id, kind, () => {
      keys.isDoomed = true
      this.#keys.add(keys)
    })
  }

  /** Those that are no account's. */
  doomOthers(db: Db, id: Buffer): Promise<void> {
    return this.#doom(db, id, 'account', () => {})
  }

  /** `mark` is called before it is written, where there is anything to go. */
  async #doom(db: Db, id: Buffer, kind: Doomed['kind'], mark: () => void): Promise<void> {
    const hash = this.#hashOf(id)
    if (hash === undefined) return
    mark()
    await new KeyStore(db).doom({ id, kind, hash })
  }

  /** Destroys all that were said to go. */
  shred(): Promise<void> {
    return Promise.resolve(this.#turn.take(() => this.#shredAll()))
  }

  async #shredAll(): Promise<void> {
    for (const doomed of await this.#store.doomed()) {
      const { id, kind, hash } = doomed
      const isThere = this.#hashOf(id)?.equals(hash) === true
      if (isThere && kind === 'account') await this.#shred.removeAccount(id)
      else if (isThere) await this.#shred.replaceAccount(id, kind === 'all')
      await this.#store.gone(doomed)
    }
    for (const keys of this.#keys) keys.isDoomed = false
    this.#keys.clear()
  }

  /** Of the secret of the archive; undefined if there is none. */
  #hashOf(id: Buffer): Buffer | undefined {
    const secret = this.#shred.account(id)?.archive
    return secret && hash('sha256', secret, 'buffer')
  }
}
