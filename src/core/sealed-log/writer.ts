import { shuffle } from '../../lib/shuffle.ts'
import type { LiveSegment } from './live-segments.ts'
import type { LogTables, OwnedRow } from './tables.ts'
import type { Unfiled } from './unfiled.ts'

/** So many are written together at most. */
const LONGEST = 256

/** So many are in one statement at most. Statements are of few lengths, so that few need to be prepared. */
const LONGEST_STATEMENT = 32

/** What is written together. */
class Round {
  readonly rows: OwnedRow[] = []
  /** Segments whose own rows are not on disk yet. */
  readonly begun = new Set<LiveSegment>()
  readonly #done = Promise.withResolvers<void>()
  /** Done when all is on disk. */
  readonly safe = this.#done.promise
  /** The same, or has failed. */
  readonly settled = this.safe.catch(() => {})

  resolve(): void {
    for (const live of this.begun) live.isStored = true
    this.#done.resolve()
  }

  reject(error: unknown): void {
    this.#done.reject(error)
  }
}

/**
 * Writes together what comes in one turn of the event loop, or while others are being written. In an order of chance: the two copies of
 * a message do not stand side by side more than any others of that moment.
 */
export class Writer {
  readonly #tables: LogTables
  readonly #unfiled: Unfiled | undefined
  /** In their order; the last one is open for more. */
  readonly #rounds: Round[] = []
  #writing: Round | undefined

  /** Into the table, or first into that of what is not filed yet. */
  constructor(tables: LogTables, unfiled: Unfiled | undefined) {
    this.#tables = tables
    this.#unfiled = unfiled
  }

  /** Gives two promises: done when the message and the row of its segment are on disk, and done when that is so or has failed. */
  add(row: OwnedRow, live: LiveSegment): { readonly safe: Promise<void>; readonly settled: Promise<void> } {
    const round = this.#round()
    round.rows.push(row)
    if (!live.isStored) round.begun.add(live)
    return round
  }

  #round(): Round {
    const open = this.#rounds.at(-1)
    if (open !== undefined && open.rows.length < LONGEST) return open
    if (open === undefined) setImmediate(() => this.flush())
    const round = new Round()
    this.#rounds.push(round)
    return round
  }

  /** Does not wait for the end of the turn. */
  flush(): void {
    if (this.#writing !== undefined) return
    const round = this.#rounds.shift()
    this.#writing = round
    if (round !== undefined) void this.#write(round)
  }

  /** Done when all that was added so far is on disk, or has failed. */
  async settle(): Promise<void> {
    const last = this.#rounds.at(-1) ?? this.#writing
    this.flush()
    await last?.settled
  }

  async #write(round: Round): Promise<void> {
    const { begun, rows } = round
    try {
      await Promise.all([begun.size === 0 ? undefined : this.#tables.addSegments([...begun]), this.#add(shuffle(rows))])
      round.resolve()
    } catch (error) {
      round.reject(error)
    }
    this.#writing = undefined
    this.flush()
  }

  async #add(rows: readonly OwnedRow[]): Promise<void> {
    if (this.#unfiled !== undefined) return this.#unfiled.add(rows)
    const added: Promise<void>[] = []
    for (let from = 0, length = 0; from < rows.length; from += length) {
      length = Math.min(LONGEST_STATEMENT, 2 ** Math.floor(Math.log2(rows.length - from)))
      added.push(this.#tables.addMessages(rows.slice(from, from + length)))
    }
    await Promise.all(added)
  }
}
