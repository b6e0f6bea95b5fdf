import type { Account } from '../../core/account.ts'
import type { Log } from '../../core/log.ts'
import type { ArchiveIds, Entry, SealedLog } from '../../core/sealed-log.ts'
import { StanzaError } from '../../xmpp/error.ts'
import type { Page } from '../../xmpp/rsm.ts'
import type { HeaderIndexes } from './header-index.ts'
import { readBody, readHeader } from './kept-message.ts'
import type { Query } from './query.ts'

/** A message as it is answered. */
export interface Found {
  readonly id: string
  readonly at: number
  /** As XML. */
  readonly message: string
}

export interface Answer {
  /** In their order. */
  readonly found: readonly Found[]
  readonly page: Page
  /** Nothing more matches in the direction in which was asked. */
  readonly isComplete: boolean
}

/** The messages of a page may be so large together, in bytes; one is always given. A client's queue holds little more. */
const LARGEST_PAGE = 500_000

/** What is read for it, which is sealed: with what fills it up it has twice the size at most. Where as much was read, too much is there. */
const LARGEST_READ = 2 * LARGEST_PAGE + 200_000

const END = 2 ** 47

/** A part of the archive, as ords: what matches is all between, or what is listed. */
interface Matching {
  readonly from: number
  readonly to: number
  readonly ords: readonly number[] | undefined
}

/** Finds pages in archives (XEP-0313 §4). In the account's turn. */
export class Pages {
  readonly #archive: SealedLog
  readonly #indexes: HeaderIndexes
  readonly #idsOf: () => ArchiveIds
  readonly #numberOf: (account: Account) => number
  readonly #log: Log

  constructor(
    archive: SealedLog,
    indexes: HeaderIndexes,
    ids: { readonly idsOf: () => ArchiveIds; readonly numberOf: (account: Account) => number },
    log: Log,
  ) {
    this.#archive = archive
    this.#indexes = indexes
    this.#idsOf = ids.idsOf
    this.#numberOf = ids.numberOf
    this.#log = log
  }

  idOf(account: Account, ord: number): string {
    return this.#idsOf().encode(this.#numberOf(account), ord)
  }

  /** Throws item-not-found for an id that is not in the archive (§4.1.4, §4.3.2). */
  async ordOf(account: Account, id: string): Promise<number> {
    const ord = this.#archive.has(account) ? this.#idsOf().decode(this.#numberOf(account), id) : undefined
    if (ord === undefined || (await this.#archive.ends(account, ord, ord)) === undefined) throw new StanzaError('item-not-found')
    return ord
  }

  async answer(account: Account, query: Query): Promise<Answer> {
    const { page } = query
    // Before anything is searched for: what it begins at must be there.
    const after = page.after === undefined ? undefined : await this.ordOf(account, page.after)
    const before = page.before === undefined || page.before === '' ? undefined : await this.ordOf(account, page.before)
    const matching = await this.#match(account, query)
    return matching.ords === undefined
      ? this.#range(account, query, matching, after, before)
      : this.#list(account, query, matching.ords, after, before)
  }

  async #match(account: Account, query: Query): Promise<Matching> {
    const { start, end, ids } = query
    let from = query.afterId === undefined ? 0 : (await this.ordOf(account, query.afterId)) + 1
    let to = query.beforeId === undefined ? END : (await this.ordOf(account, query.beforeId)) - 1
    const wanted = ids && new Set(await Promise.all(ids.map(id => this.ordOf(account, id))))
    if (query.with !== undefined) {
      const ords = await this.#indexes.find(account, { with: query.with, from, to, start, end })
      return { from, to, ords: wanted === undefined ? ords : ords.filter(ord => wanted.has(ord)) }
    }
    if (start !== undefined) from = Math.max(from, await this.#firstAt(account, start))
    if (end !== undefined) to = Math.min(to, (await this.#firstAt(account, end + 1)) - 1)
    const ords = wanted && [...wanted].filter(ord => ord >= from && ord <= to).sort((a, b) => a - b)
    return { from, to, ords }
  }

  async #range(
    account: Account,
    query: Query,
    { from, to }: Matching,
    after: number | undefined,
    before: number | undefined,
  ): Promise<Answer> {
    const ends = from > to ? undefined : await this.#archive.ends(account, from, to)
    if (ends === undefined) return { found: [], page: { count: 0 }, isComplete: true }
    const { max, index = 0, before: backwards } = query.page
    // What is removed from within leaves a replacement, so there are no gaps but those of messages that were never safe.
    const count = ends.last - ends.first + 1
    if (max === 0) return { found: [], page: { count }, isComplete: false }
    const isDescending = backwards !== undefined
    const low = Math.max(ends.first + index, after === undefined ? 0 : after + 1)
    const high = Math.min(ends.last, before === undefined ? END : before - 1)
    const entries =
      low > high ? [] : await this.#archive.bodies(account, { from: low, to: high, limit: max + 1, isDescending, bytes: LARGEST_READ })
    return this.#page(account, query, { entries, hasMore: entries.length > max }, count, ord => ord - ends.first)
  }

  async #list(
    account: Account,
    query: Query,
    ords: readonly number[],
    after: number | undefined,
    before: number | undefined,
  ): Promise<Answer> {
    const { max, index = 0, before: backwards } = query.page
    const count = ords.length
    if (max === 0 || count === 0) return { found: [], page: { count }, isComplete: count === 0 }
    const isDescending = backwards !== undefined
    const low = after === undefined ? index : ords.findIndex(ord => ord > after)
    const high = before === undefined ? count : ords.findLastIndex(ord => ord < before) + 1
    const part = low < 0 ? [] : ords.slice(low, high)
    const chosen = isDescending ? part.slice(-(max + 1)) : part.slice(0, max + 1)
    const entries =
      chosen.length === 0 ? [] : await this.#archive.bodies(account, { ords: chosen, limit: max + 1, isDescending, bytes: LARGEST_READ })
    return this.#page(account, query, { entries, hasMore: chosen.length > max }, count, ord => ords.indexOf(ord))
  }

  /** Entries stand in the direction in which was asked. */
  #page(
    account: Account,
    query: Query,
    { entries, hasMore }: { readonly entries: readonly Entry[]; readonly hasMore: boolean },
    count: number,
    indexOf: (ord: number) => number,
  ): Answer {
    const shown = fitting(entries.slice(0, query.page.max))
    const isComplete = !hasMore && shown.length === entries.length
    const isBackwards = query.page.before !== undefined
    const ordered = isBackwards ? shown.toReversed() : shown
    const found = ordered.flatMap(entry => this.#read(account, query, entry) ?? [])
    for (const { body } of entries) body.fill(0)
    const [first, last] = [ordered[0]?.ord, ordered.at(-1)?.ord]
    if (first === undefined || last === undefined) return { found, page: { count }, isComplete }
    // It is optional (XEP-0059). slixmpp takes a page that ends where all ends for the last one, also when it pages backwards.
    const index = isBackwards ? undefined : indexOf(first)
    const page = { first: this.idOf(account, first), last: this.idOf(account, last), index, count }
    return { found, page, isComplete }
  }

  #read(account: Account, { start, end }: Query, entry: Entry): Found | undefined {
    try {
      const { at, xml } = readBody(entry)
      // A clock that was put back has left times that do not rise.
      if ((start !== undefined && at < start) || (end !== undefined && at > end)) return undefined
      return { id: this.idOf(account, entry.ord), at, message: xml }
    } catch (error) {
      this.#log.fault('archive.unreadable', error)
    }
  }

  /** The ord of the first message of that time or later: times rise with ords. */
  async #firstAt(account: Account, time: number): Promise<number> {
    const ends = await this.#archive.ends(account)
    if (ends === undefined) return 0
    let [low, high] = [ends.first, ends.last + 1]
    while (low < high) {
      const middle = Math.floor((low + high) / 2)
      const [entry] = await this.#archive.headers(account, { from: middle, limit: 1 })
      if (entry === undefined || entry.ord >= high || readHeader(entry.header).at >= time) high = middle
      else low = entry.ord + 1
    }
    return low
  }
}

/** As many of the first ones as go together. */
function fitting(entries: readonly Entry[]): readonly Entry[] {
  let bytes = 0
  const end = entries.findIndex(({ body }, i) => (bytes += body.length) > LARGEST_PAGE && i > 0)
  return end === -1 ? entries : entries.slice(0, end)
}
