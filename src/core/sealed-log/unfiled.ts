import { setImmediate } from 'node:timers/promises'
import { shuffle } from '../../lib/shuffle.ts'
import type { Db } from '../../storage/db.ts'
import type { Clock } from '../clock.ts'
import { messageAt, packBatch, placesIn } from './batch.ts'
import { Batches } from './batches.ts'
import type { LogTables, OwnedRow } from './tables.ts'

/** After so many ms all that waits is filed. */
const LATEST = 1000

/** When so many bytes wait they are filed at once; while twice as many wait, nothing is added. */
const MOST = 4 << 20

/** So many are filed before others have their turn. */
const STEP = 64

interface Batch {
  readonly number: number
  readonly bytes: Buffer
  /** Messages that are not filed yet. */
  left: number
}

interface Waiting {
  readonly ord: number
  readonly batch: Batch
  readonly at: number
}

/**
 * Messages that are on disk, and not in the table yet. Each account has a place of its own in the table, and to write into a hundred
 * places takes much longer than to write all that comes in one moment into one. So it goes there first, and a second later into the
 * table, with what came for the same accounts meanwhile. What a process leaves behind is filed by the next one.
 */
export class Unfiled {
  readonly #tables: LogTables
  readonly #batches: Batches
  readonly #clock: Clock
  readonly #failed: (error: unknown) => void
  /** By the account's number. */
  readonly #waiting = new Map<number, Waiting[]>()
  #bytes = 0
  /** All will be filed in a while. */
  #isWatched = false
  /** There is so much that all is being filed. */
  #isMuch = false
  #filing: Promise<void> = Promise.resolve()
  #recovery: Promise<void> | undefined

  constructor(db: Db, prefix: string, tables: LogTables, clock: Clock, failed: (error: unknown) => void) {
    this.#tables = tables
    this.#batches = new Batches(db, prefix)
    this.#clock = clock
    this.#failed = failed
  }

  /** Done when they are on disk. One call after the other. */
  async add(rows: readonly OwnedRow[]): Promise<void> {
    if (this.#bytes > 2 * MOST) await this.file()
    const bytes = packBatch(rows, size => this.#batches.memory(size))
    this.#wait(await this.#batches.write(bytes), bytes)
    if (this.#bytes > MOST) this.#fileMuch()
    this.#watch()
  }

  /** Files what waits of one account, or all. Done when it is on disk. */
  file(number?: number): Promise<void> {
    if (number !== undefined && !this.#waiting.has(number)) return Promise.resolve()
    const filing = this.#filing.then(() => this.#file(number === undefined ? [...this.#waiting.keys()] : [number]))
    this.#filing = filing.catch(() => {})
    return filing
  }

  /** Files what was left behind. To be awaited before anything else is done with the table. */
  recover(): Promise<void> {
    this.#recovery ??= this.#recover().catch(error => {
      this.#recovery = undefined
      throw error
    })
    return this.#recovery
  }

  /** Files all, and leaves nothing beside the table. Nothing is added any more. */
  async close(): Promise<void> {
    await this.file()
    await this.#batches.clear()
  }

  async #recover(): Promise<void> {
    this.#waiting.clear()
    for (const { number, bytes } of await this.#batches.read()) this.#wait(number, bytes)
    await this.file()
    await this.#batches.clear()
  }

  #wait(number: number, bytes: Buffer): void {
    const places = placesIn(bytes)
    const batch = { number, bytes, left: places.length }
    this.#bytes += bytes.length
    for (const { number, ord, at } of places) {
      const others = this.#waiting.get(number)
      if (others === undefined) this.#waiting.set(number, [{ ord, batch, at }])
      else others.push({ ord, batch, at })
    }
  }

  #fileMuch(): void {
    if (this.#isMuch) return
    this.#isMuch = true
    const done = (): void => {
      this.#isMuch = false
    }
    this.file().catch(this.#failed).then(done)
  }

  #watch(): void {
    if (this.#isWatched) return
    this.#isWatched = true
    this.#clock.after(LATEST, () => {
      this.#isWatched = false
      void this.#fileAll()
    })
  }

  async #fileAll(): Promise<void> {
    try {
      await this.file()
      await this.#batches.clearOld()
    } catch (error) {
      this.#failed(error)
    }
    if (this.#waiting.size > 0 || this.#batches.hasSpent) this.#watch()
  }

  /** In an order of chance, so that where the engine keeps one it does not tell who wrote to whom. */
  async #file(numbers: number[]): Promise<void> {
    const work: Promise<void>[] = []
    let count = 0
    for (const number of shuffle(numbers)) {
      const waiting = this.#waiting.get(number)
      if (waiting === undefined) continue
      work.push(this.#put(number, [...waiting]))
      count += waiting.length
      if (count < STEP) continue
      count = 0
      await setImmediate()
    }
    // Whatever fails: the next filing begins when this one does nothing more.
    await Promise.allSettled(work)
    await Promise.all(work)
  }

  async #put(number: number, waiting: readonly Waiting[]): Promise<void> {
    const extent = await this.#tables.extent(number)
    if (extent !== undefined) {
      // What is as old as others there was filed before the process ended, and may have been removed since.
      const first = Math.max(extent.last, extent.until) + 1
      const left = waiting.filter(({ ord }) => ord >= first).sort((a, b) => a.ord - b.ord)
      const owner = { number, slot: extent.slot }
      if (left.length > 0) await this.#tables.addMessages(left.map(({ batch, at }) => ({ owner, ...messageAt(batch.bytes, at) })))
    }
    const later = this.#waiting.get(number)!.slice(waiting.length)
    if (later.length === 0) this.#waiting.delete(number)
    else this.#waiting.set(number, later)
    for (const { batch } of waiting) {
      if (--batch.left > 0) continue
      this.#bytes -= batch.bytes.length
      this.#batches.spend(batch.number, batch.bytes)
    }
  }
}
