import type { Log } from '../../core/log.ts'
import type { Entry } from '../../core/sealed-log.ts'
import { StanzaError } from '../../xmpp/error.ts'
import type { Page } from '../../xmpp/rsm.ts'
import type { Filter } from './header-index.ts'
import type { Query } from './query.ts'

/** A message as it is answered. */
export interface Found {
  readonly id: string
  readonly at: number
  /** As XML. */
  readonly message: string
}

/** One of the two messages between which all others are. */
export interface End {
  readonly id: string
  readonly at: number
}

export interface Answer {
  /** In their order. */
  readonly found: readonly Found[]
  readonly page: Page
  /** Nothing more matches in the direction in which was asked. */
  readonly isComplete: boolean
}

/** Archives of which pages are cut: whose, is what `Owner` says. */
export interface Paged<Owner> {
  /** Whether he has one. */
  has(owner: Owner): boolean
  /** The ords of the first and the last message between two ords, inclusive. */
  ends(owner: Owner, from?: number, to?: number): Promise<{ readonly first: number; readonly last: number } | undefined>
  headers(owner: Owner, range: PageRange): Promise<Entry[]>
  /** Whatever `read` needs. */
  bodies(owner: Owner, range: PageRange): Promise<Entry[]>
  /** The ords of the messages of somebody, in their order. */
  find(owner: Owner, filter: Filter): Promise<number[]>
  idOf(owner: Owner, ord: number): string
  /** The ord in an id of this archive; undefined if it is none. */
  ordIn(owner: Owner, id: string): number | undefined
  /** When the message came, in ms. */
  timeOf(header: Buffer): number
  read(owner: Owner, entry: Entry): { readonly at: number; readonly xml: string }
}

/** Which messages are wanted, as ords. */
export interface PageRange {
  readonly from?: number
  readonly to?: number
  readonly ords?: readonly number[]
  readonly limit: number
  /** The newest first. */
  readonly isDescending?: boolean
  /** When as much is read, no more is. */
  readonly bytes?: number
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

/** Finds pages in archives (XEP-0313 §4). */
export class Pages<Owner> {
  readonly #archive: Paged<Owner>
  readonly #log: Log

  constructor(archive: Paged<Owner>, log: Log) {
    this.#archive = archive
    this.#log = log
  }

  /** Throws item-not-found for an id that is not in the archive (§4.1.4, §4.3.2). */
  async ordOf(owner: Owner, id: string): Promise<number> {
    const ord = this.#archive.has(owner) ? this.#archive.ordIn(owner, id) : undefined
    if (ord === undefined || (await this.#archive.ends(owner, ord, ord)) === undefined) throw new StanzaError('item-not-found')
    return ord
  }

  /** §5: the first and the last message; undefined where there is none. */
  async metadata(owner: Owner): Promise<{ readonly start: End; readonly end: End } | undefined> {
    if (!this.#archive.has(owner) || (await this.#archive.ends(owner)) === undefined) return undefined
    const [first] = await this.#archive.headers(owner, { limit: 1 })
    const [last] = await this.#archive.headers(owner, { limit: 1, isDescending: true })
    if (first === undefined || last === undefined) return undefined
    const end = ({ ord, header }: Entry): End => ({ id: this.#archive.idOf(owner, ord), at: this.#archive.timeOf(header) })
    return { start: end(first), end: end(last) }
  }

  async answer(owner: Owner, query: Query): Promise<Answer> {
    const { page } = query
    // Before anything is searched for: what it begins at must be there.
    const after = page.after === undefined ? undefined : await this.ordOf(owner, page.after)
    const before = page.before === undefined || page.before === '' ? undefined : await this.ordOf(owner, page.before)
    const matching = await this.#match(owner, query)
    return matching.ords === undefined
      ? this.#range(owner, query, matching, after, before)
      : this.#list(owner, query, matching.ords, after, before)
  }

  async #match(owner: Owner, query: Query): Promise<Matching> {
    const { start, end, ids } = query
    let from = query.afterId === undefined ? 0 : (await this.ordOf(owner, query.afterId)) + 1
    let to = query.beforeId === undefined ? END : (await this.ordOf(owner, query.beforeId)) - 1
    const wanted = ids && new Set(await Promise.all(ids.map(id => this.ordOf(owner, id))))
    if (query.with !== undefined) {
      const ords = await this.#archive.find(owner, { with: query.with, from, to, start, end })
      return { from, to, ords: wanted === undefined ? ords : ords.filter(ord => wanted.has(ord)) }
    }
    if (start !== undefined) from = Math.max(from, await this.#firstAt(owner, start))
    if (end !== undefined) to = Math.min(to, (await this.#firstAt(owner, end + 1)) - 1)
    const ords = wanted && [...wanted].filter(ord => ord >= from && ord <= to).sort((a, b) => a - b)
    return { from, to, ords }
  }

  async #range(owner: Owner, query: Query, { from, to }: Matching, after: number | undefined, before: number | undefined): Promise<Answer> {
    const ends = from > to ? undefined : await this.#archive.ends(owner, from, to)
    if (ends === undefined) return { found: [], page: { count: 0 }, isComplete: true }
    const { max, index = 0, before: backwards } = query.page
    // What is removed from within leaves a replacement, so there are no gaps but those of messages that were never safe.
    const count = ends.last - ends.first + 1
    if (max === 0) return { found: [], page: { count }, isComplete: false }
    const isDescending = backwards !== undefined
    const low = Math.max(ends.first + index, after === undefined ? 0 : after + 1)
    const high = Math.min(ends.last, before === undefined ? END : before - 1)
    const entries =
      low > high ? [] : await this.#archive.bodies(owner, { from: low, to: high, limit: max + 1, isDescending, bytes: LARGEST_READ })
    return this.#page(owner, query, { entries, hasMore: entries.length > max }, count, ord => ord - ends.first)
  }

  async #list(owner: Owner, query: Query, ords: readonly number[], after: number | undefined, before: number | undefined): Promise<Answer> {
    const { max, index = 0, before: backwards } = query.page
    const count = ords.length
    if (max === 0 || count === 0) return { found: [], page: { count }, isComplete: count === 0 }
    const isDescending = backwards !== undefined
    const low = after === undefined ? index : ords.findIndex(ord => ord > after)
    const high = before === undefined ? count : ords.findLastIndex(ord => ord < before) + 1
    const part = low < 0 ? [] : ords.slice(low, high)
    const chosen = isDescending ? part.slice(-(max + 1)) : part.slice(0, max + 1)
    const entries =
      chosen.length === 0 ? [] : await this.#archive.bodies(owner, { ords: chosen, limit: max + 1, isDescending, bytes: LARGEST_READ })
    return this.#page(owner, query, { entries, hasMore: chosen.length > max }, count, ord => ords.indexOf(ord))
  }

  /** Entries stand in the direction in which was asked. */
  #page(
    owner: Owner,
    query: Query,
    { entries, hasMore }: { readonly entries: readonly Entry[]; readonly hasMore: boolean },
    count: number,
    indexOf: (ord: number) => number,
  ): Answer {
    const shown = fitting(entries.slice(0, query.page.max))
    const isComplete = !hasMore && shown.length === entries.length
    const isBackwards = query.page.before !== undefined
    const ordered = isBackwards ? shown.toReversed() : shown
    const found = ordered.flatMap(entry => this.#read(owner, query, entry) ?? [])
    for (const part of entries.flatMap(({ header, body }) => [header, body])) part.fill(0)
    const [first, last] = [ordered[0]?.ord, ordered.at(-1)?.ord]
    if (first === undefined || last === undefined) return { found, page: { count }, isComplete }
    // It is optional (XEP-0059). slixmpp takes a page that ends where all ends for the last one, also when it pages backwards.
    const index = isBackwards ? undefined : indexOf(first)
    const page = { first: this.#archive.idOf(owner, first), last: this.#archive.idOf(owner, last), index, count }
    return { found, page, isComplete }
  }

  #read(owner: Owner, { start, end }: Query, entry: Entry): Found | undefined {
    try {
      const { at, xml } = this.#archive.read(owner, entry)
      // A clock that was put back has left times that do not rise.
      if ((start !== undefined && at < start) || (end !== undefined && at > end)) return undefined
      return { id: this.#archive.idOf(owner, entry.ord), at, message: xml }
    } catch (error) {
      this.#log.fault('archive.unreadable', error)
    }
  }

  /** The ord of the first message of that time or later: times rise with ords. */
  async #firstAt(owner: Owner, time: number): Promise<number> {
    const ends = await this.#archive.ends(owner)
    if (ends === undefined) return 0
    let [low, high] = [ends.first, ends.last + 1]
    while (low < high) {
      const middle = Math.floor((low + high) / 2)
      const [entry] = await this.#archive.headers(owner, { from: middle, limit: 1 })
      if (entry === undefined || entry.ord >= high || this.#archive.timeOf(entry.header) >= time) high = middle
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
