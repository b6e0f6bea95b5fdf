/** What is done to the stores from time to time. */
import { performance } from 'node:perf_hooks'
import { setInterval } from 'node:timers'
import type { Log } from './core/log.ts'
import type { Store } from './storage/db.ts'

const MIB = 2 ** 20
const DAY = 86_400_000
const TIDY_EVERY = 5 * 60_000
/** The share of time that a quiet process works at most. */
const QUIET = 0.1
/** The largest database that is written anew once a day, for which some seconds are taken, and at the end, which has few. */
const LARGEST = 256 * MIB
const LARGEST_AT_END = 64 * MIB

export interface UpkeepProcess {
  readonly now: () => number
  /** The share of time that the process worked since this was last asked. */
  readonly load: () => number
}

/** Removes what deleted rows leave, and once a day the traces of the order in which rows came. */
export class Upkeep {
  readonly #stores: readonly Store[]
  readonly #process: UpkeepProcess
  readonly #log: Log
  #day: number
  #last: Promise<void> = Promise.resolve()

  constructor(stores: readonly Store[], process: UpkeepProcess, log: Log) {
    this.#stores = stores
    this.#process = process
    this.#log = log
    this.#day = this.#today
  }

  /** Every few minutes. */
  onTick(): Promise<void> {
    const isQuiet = this.#process.load() < QUIET
    const isDue = isQuiet && this.#today !== this.#day
    if (isDue) this.#day = this.#today
    this.#last = this.#last.then(() => this.#keep(isDue ? LARGEST : 0))
    return this.#last
  }

  /** When nothing is written any more. */
  async end(): Promise<void> {
    await this.#last
    await this.#keep(LARGEST_AT_END)
  }

  async #keep(most: number): Promise<void> {
    for (const store of this.#stores) {
      try {
        await store.tidy()
        if (most > 0) await store.rewrite(most)
      } catch (error) {
        this.#log.fault('store.upkeep', error)
      }
    }
  }

  get #today(): number {
    return Math.floor(this.#process.now() / DAY)
  }
}

/** Gives what ends it. */
export function keepUp(stores: readonly Store[], log: Log): () => Promise<void> {
  let before = performance.eventLoopUtilization()
  const load = (): number => {
    const now = performance.eventLoopUtilization()
    const { utilization } = performance.eventLoopUtilization(now, before)
    before = now
    return utilization
  }
  const upkeep = new Upkeep(stores, { now: Date.now, load }, log)
  const timer = setInterval(() => void upkeep.onTick(), TIDY_EVERY)
  return async () => {
    clearInterval(timer)
    await upkeep.end()
  }
}
