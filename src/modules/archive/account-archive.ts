import type { Account } from '../../core/account.ts'
import type { ArchiveIds, Entry, SealedLog } from '../../core/sealed-log.ts'
import type { Filter, HeaderIndexes } from './header-index.ts'
import { readBody, readHeader } from './kept-message.ts'
import type { Paged, PageRange } from './pages.ts'

export interface AccountIds {
  readonly idsOf: () => ArchiveIds
  readonly numberOf: (account: Account) => number
}

/** The archives of accounts, for pages. In the account's turn. */
export class AccountArchive implements Paged<Account> {
  readonly #messages: SealedLog
  readonly #indexes: HeaderIndexes<Account>
  readonly #ids: AccountIds

  constructor(messages: SealedLog, indexes: HeaderIndexes<Account>, ids: AccountIds) {
    this.#messages = messages
    this.#indexes = indexes
    this.#ids = ids
  }

  has(account: Account): boolean {
    return this.#messages.has(account)
  }

  ends(account: Account, from?: number, to?: number): Promise<{ first: number; last: number } | undefined> {
    return this.#messages.ends(account, from, to)
  }

  headers(account: Account, range: PageRange): Promise<Entry[]> {
    return this.#messages.headers(account, range)
  }

  bodies(account: Account, range: PageRange): Promise<Entry[]> {
    return this.#messages.bodies(account, range)
  }

  find(account: Account, filter: Filter): Promise<number[]> {
    return this.#indexes.find(account, filter)
  }

  idOf(account: Account, ord: number): string {
    return this.#ids.idsOf().encode(this.#ids.numberOf(account), ord)
  }

  ordIn(account: Account, id: string): number | undefined {
    return this.#ids.idsOf().decode(this.#ids.numberOf(account), id)
  }

  timeOf(header: Buffer): number {
    return readHeader(header).at
  }

  read(_: Account, entry: Entry): { readonly at: number; readonly xml: string } {
    return readBody(entry)
  }
}
