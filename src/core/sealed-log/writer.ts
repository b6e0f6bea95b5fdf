import { randomInt } from 'node:crypto'
import type { LiveSegment } from './live-segments.ts'
import type { LogTables, MessageRow } from './tables.ts'

interface Pending extends MessageRow {
  readonly live: LiveSegment
  resolve(): void
  reject(error: unknown): void
}

/** So many rows in one statement at most. Statements are of few lengths, so that few need to be prepared. */
const LONGEST = 32

/**
 * Writes what comes in one turn of the event loop together, in an order of chance: where the engine keeps an order of insertion, or
 * a number for each transaction, the two copies of a message do not stand side by side more than any others of that moment.
 */
export class Writer {
  readonly #tables: LogTables
  #pending: Pending[] = []

  constructor(tables: LogTables) {
    this.#tables = tables
  }

  /** Done when the row and that of its segment are on disk. */
  add(row: MessageRow, live: LiveSegment): Promise<void> {
    if (this.#pending.length === 0) setImmediate(() => this.flush())
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    this.#pending.push({ ...row, live, resolve, reject })
    // Whoever needs to know waits for it; that nobody does is no fault.
    promise.catch(() => {})
    return promise
  }

  /** Hands all that waits to the database: what is read from now on sees it. */
  flush(): void {
    if (this.#pending.length === 0) return
    const rows = shuffle(this.#pending)
    this.#pending = []
    const segments = new Set(rows.filter(({ live }) => !live.isStored).map(({ live }) => live))
    const begun = segments.size === 0 ? undefined : this.#tables.addSegments([...segments])
    for (let from = 0, length = 0; from < rows.length; from += length) {
      length = Math.min(LONGEST, 2 ** Math.floor(Math.log2(rows.length - from)))
      void this.#write(rows.slice(from, from + length), begun)
    }
  }

  async #write(rows: readonly Pending[], begun: Promise<void> | undefined): Promise<void> {
    try {
      const written = this.#tables.addMessages(
        rows.map(({ live, ord, seg, header, body, note }) => ({ owner: live.owner, ord, seg, header, body, note })),
      )
      await Promise.all([written, begun])
      for (const { live, resolve } of rows) {
        live.isStored = true
        resolve()
      }
    } catch (error) {
      for (const { reject } of rows) reject(error)
    }
  }
}

/** Fisher and Yates. */
function shuffle<T>(items: T[]): T[] {
  for (let i = items.length - 1; i > 0; i--) {
    const j = randomInt(i + 1)
    ;[items[i], items[j]] = [items[j]!, items[i]!]
  }
  return items
}
