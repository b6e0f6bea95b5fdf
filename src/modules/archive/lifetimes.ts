import type { Account, Accounts } from '../../core/account.ts'
import type { Clock } from '../../core/clock.ts'
import type { Keys } from '../../core/keys.ts'
import type { RetentionClass, SealedLog } from '../../core/sealed-log.ts'
import type { ArchiveStore } from './store.ts'

const DAY = 86_400_000

/** What was kept by the longest choice is gone by then, in ms. */
const LONGEST = 32 * DAY

interface LifetimesHost {
  readonly accounts: Accounts
  readonly clock: Clock
  readonly keys: Keys
}

/** Sees to it that nothing is kept beyond its owner's choice, also where it was kept under a longer one before. */
export class Lifetimes {
  readonly #host: LifetimesHost
  readonly #archive: SealedLog
  readonly #store: ArchiveStore
  readonly #classOf: (account: Account) => RetentionClass | undefined

  constructor(host: LifetimesHost, archive: SealedLog, store: ArchiveStore, classOf: (account: Account) => RetentionClass | undefined) {
    this.#host = host
    this.#archive = archive
    this.#store = store
    this.#classOf = classOf
  }

  /** The owner has chosen. In the account's turn. */
  async choose(account: Account): Promise<void> {
    const cls = this.#classOf(account)
    if (cls === undefined) await this.empty(account)
    else if (this.#archive.has(account)) {
      // To the day: when exactly the owner chose is nobody's business.
      await this.#store.setShortened(account.name, Math.ceil((this.#host.clock.now() + LONGEST) / DAY) * DAY)
      await this.#shorten(account, cls)
    }
  }

  /** Removes all that is kept, and destroys its secret: no copy of it opens any more. In the account's turn. */
  async empty(account: Account): Promise<void> {
    if (this.#archive.has(account)) await this.#archive.empty(account, work => this.#host.keys.shredAll(account, work))
  }

  /** Removes what is over. */
  async sweep(): Promise<void> {
    await this.#archive.expire()
    const { accounts, clock } = this.#host
    for (const { account: name, until } of await this.#store.shortened()) {
      const account = accounts.of(name)
      await account.turn.take(async () => {
        const cls = this.#classOf(account)
        if (account.exists && cls !== undefined && this.#archive.has(account)) await this.#shorten(account, cls)
        if (until <= clock.now()) await this.#store.removeShortened(name)
      })
    }
  }

  /** The number of an archive's class is that of its days. */
  #shorten(account: Account, cls: RetentionClass): Promise<void> {
    return this.#archive.removeOlder(account, this.#host.clock.now() - cls * DAY)
  }
}
