import type { Entry } from './opening.ts'
import type { Range, StoredRow } from './tables.ts'

/** Up to an ord nothing opens with the secrets of this process and the keys of these generations. */
export interface Dead {
  readonly until: number
  readonly generations: string
}

/** So many are read at a time where they may be large. */
const CHUNK = 32

/** So many are read at a time where few are asked for, as some may not open; the more, the more of them do not. */
const FEWEST = 10
const MOST = 500

/**
 * Reads on until there are as many as were asked for, as some may not open. Where secrets are lost, none of a whole archive does: the
 * first ones of which none opened are not tried again.
 */
export class Search {
  readonly entries: Entry[] = []
  isDone = false
  readonly #range: Range
  readonly #generations: string
  readonly #isFromStart: boolean
  #from: number
  #to: number | undefined
  #limit: number
  #fewest = FEWEST
  /** Bytes of those that opened, with what was read beside them. */
  #bytes = 0
  #highest = 0
  /** There is nothing behind what was read. */
  #isAll = false

  constructor(range: Range, { until, dead }: { readonly until: number; readonly dead: Dead | undefined }, generations: readonly number[]) {
    this.#generations = String(generations)
    const first = Math.max(until, dead?.generations === this.#generations ? dead.until : 0) + 1
    const { from = 0, to, limit, ords, segments } = range
    this.#range = range
    this.#isFromStart = from <= first && ords === undefined && segments === undefined
    this.#from = Math.max(from, first)
    this.#to = to
    this.#limit = this.#most(limit)
  }

  /** What to read. */
  next(): Range {
    return { ...this.#range, from: this.#from, to: this.#to, limit: this.#limit }
  }

  /** What was read, and what opened of it. */
  add(rows: readonly StoredRow[], opened: readonly Entry[]): void {
    const { limit, isDescending, bytes = Number.POSITIVE_INFINITY } = this.#range
    this.entries.push(...opened)
    if (opened.length > 0) for (const { header, body } of rows) this.#bytes += (body ?? header)?.length ?? 0
    this.#highest = rows.reduce((highest, { ord }) => Math.max(highest, ord), this.#highest)
    this.#isAll = rows.length < this.#limit
    this.isDone = this.#isAll || this.entries.length >= limit || this.#bytes > bytes
    if (this.isDone) return
    if (isDescending === true) this.#to = rows.at(-1)!.ord - 1
    else this.#from = rows.at(-1)!.ord + 1
    this.#fewest = opened.length > 0 ? FEWEST : Math.min(this.#fewest * 2, MOST)
    this.#limit = this.#most(Math.max(limit - this.entries.length, this.#fewest))
  }

  /** Those before the first one that opened, where they were all tried and the same keys are open as when it began. */
  deadAmong(generations: readonly number[]): Dead | undefined {
    const { isDescending = false } = this.#range
    const isTried = this.#isFromStart && this.#highest > 0 && (this.#isAll || !isDescending)
    if (!isTried || String(generations) !== this.#generations) return undefined
    const first = isDescending ? this.entries.at(-1) : this.entries[0]
    return { until: first === undefined ? this.#highest : first.ord - 1, generations: this.#generations }
  }

  #most(limit: number): number {
    return this.#range.bytes === undefined ? limit : Math.min(limit, CHUNK)
  }
}

/** The first ones, in no more segments than are left. */
export function inSegments(rows: readonly StoredRow[], segments: { left: number }): readonly StoredRow[] {
  const seen = new Set<number>()
  const end = rows.findIndex(({ seg }) => {
    if (seen.has(seg)) return false
    seen.add(seg)
    return segments.left-- <= 0
  })
  return end === -1 ? rows : rows.slice(0, end)
}
