import { hkdf } from '../../seal/hkdf.ts'
import { SealError } from '../../seal/seal-error.ts'
import { SECRET_SIZE } from '../../seal/segment.ts'
import { openForServer, sealForServer } from '../../seal/server-box.ts'
import { StorageError } from '../../storage/db.ts'
import type { Kind, LogKeys, Shred } from './parts.ts'

/** The two secrets without which a segment does not open. */
export interface Secrets {
  readonly period: Buffer
  readonly account: Buffer
  /** What `account` is, or comes from. */
  readonly root: Buffer
}

const NO_SALT = Buffer.alloc(0)

/**
 * Which of the account's secrets a log dies with. S_acct is replaced when the owner empties the archive; what waits for delivery, and
 * was acknowledged to those who sent it, must outlive that, and dies with B_acct.
 */
export class LogSecrets {
  readonly #shred: Shred
  readonly #which: 'archive' | 'server'

  constructor(shred: Shred, which: 'archive' | 'server') {
    this.#shred = shred
    this.#which = which
  }

  /** The account's secret, on loan; undefined where there is none. */
  rootOf(keys: LogKeys): Buffer | undefined {
    return this.#shred.account(keys.id)?.[this.#which]
  }

  /** Lends them to `work`; undefined where one of them was not made, or is destroyed. */
  lend<T>(keys: LogKeys, { class: cls, period: number }: Kind, work: (secrets: Secrets) => T): T | undefined {
    const period = this.#shred.period(cls, number)
    const account = this.#shred.account(keys.id)
    if (period === undefined || account === undefined) return undefined
    const root = account[this.#which]
    if (this.#which === 'archive') return work({ period, account: root, root })
    const derived = hkdf('sha256', root, NO_SALT, 'CXZ-SEAL-1 spool', SECRET_SIZE)
    try {
      return work({ period, account: derived, root })
    } finally {
      derived.fill(0)
    }
  }

  /** What the server may read while the owner is away (class B): of one message of one log, under B_acct. */
  sealNote(keys: LogKeys, store: number, ord: number, note: Buffer): Buffer {
    const account = this.#shred.account(keys.id)
    if (account === undefined) throw new StorageError('broken', 'a secret that was made is not there')
    return sealForServer(account.server, contextOf(store, ord), note)
  }

  /** Undefined where the secret is not the one that sealed it. */
  openNote(keys: LogKeys, store: number, ord: number, box: Buffer): Buffer | undefined {
    const account = this.#shred.account(keys.id)
    try {
      return account && openForServer(account.server, contextOf(store, ord), box)
    } catch (error) {
      if (error instanceof SealError) return undefined
      throw error
    }
  }
}

const contextOf = (store: number, ord: number): string => `note ${store} ${ord}`
