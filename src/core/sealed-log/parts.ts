import type { SealedAccount } from '../../seal/account.ts'
import type { PrivateKey } from '../../seal/private-key.ts'
import type { RetentionClass } from '../../seal/retention.ts'
import type { Db } from '../../storage/db.ts'
import type { Account, Accounts } from '../account.ts'
import type { Clock } from '../clock.ts'
import type { Hooks } from '../hooks.ts'
import type { Log } from '../log.ts'

/** How long a message is kept, and under which secret. */
export interface Kind {
  readonly class: RetentionClass
  readonly period: number
}

/** What a log must know of an account's keys. */
export interface LogKeys extends SealedAccount {
  /** A secret of the account is to be destroyed: nothing may be sealed with it any more. */
  readonly isDoomed?: boolean
  readonly number: number
  readonly isOpen: boolean
  keyOf(generation?: number): PrivateKey | undefined
  /** All that are open, by generation. */
  opened(): ReadonlyMap<number, PrivateKey>
}

/** Where the secrets are. */
export interface Shred {
  period(cls: RetentionClass, period: number): Buffer | undefined
  makePeriod(cls: RetentionClass, period: number): Promise<Buffer>
  account(id: Buffer): { readonly archive: Buffer; readonly server: Buffer } | undefined
  makeAccount(id: Buffer): Promise<void>
}

/** What a log needs of its host. */
export interface LogHost {
  readonly accounts: Pick<Accounts, 'of'>
  readonly db: Db
  readonly clock: Clock
  readonly log: Log
  readonly on: Hooks['on']
  readonly keys: { of(account: Account): LogKeys | undefined; readonly shred: Shred; shredDoomed?(): Promise<void> }
}
