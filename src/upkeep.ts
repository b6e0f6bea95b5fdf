/** What is done to the stores from time to time. */
import { performance } from 'node:perf_hooks'
import { setInterval } from 'node:timers'
import type { Log } from './core/log.ts'
import type { Store } from './storage/db.ts'

const MIB = 2 ** 20
const HOUR = 3_600_000
const DAY = 24 * HOUR
const TIDY_EVERY = 5 * 60_000
/** The share of time that a quiet process works at most. */
const QUIET = 0.1
/** The largest database that is written anew once an hour, and at the end, which takes a second; and once a day, which takes some. */
const SMALL = 64 * MIB
const LARGEST = 256 * MIB

export interface UpkeepProcess {
  readonly now: () => number
  /** The share of time that the process worked since this was last asked. */
  readonly load: () => number
}

/** Removes what deleted rows leave, and, when it is quiet, the traces of the order in which rows came. */
export class Upkeep {
  readonly #stores: readonly Store[]
  readonly #process: UpkeepProcess
  readonly #log: Log
  /** When it was done last, in ms; at the start nobody knows. */
  #hourly: number
  #daily: number
  #last: Promise<void> = Promise.resolve()

  constructor(stores: readonly Store[], process: UpkeepProcess, log: Log) {
    this.#stores = stores
    this.#process = process
    this.#log = log
    this.#hourly = this.#daily = process.now()
  }

  /** Every few minutes. */
  onTick(): Promise<void> {
    const most = this.#process.load() < QUIET ? this.#due() : 0
    this.#last = this.#last.then(() => this.#keep(most))
    return this.#last
  }

  /** How large a database may be that is written anew now. */
  #due(): number {
    const now = this.#process.now()
    const isOver = (span: number, last: number): boolean => Math.floor(now / span) !== Math.floor(last / span)
    const [isDaily, isHourly] = [isOver(DAY, this.#daily), isOver(HOUR, this.#hourly)]
    if (isDaily) this.#daily = now
    if (isHourly) this.#hourly = now
    return isDaily ? LARGEST : isHourly ? SMALL : 0
  }

  /** When nothing is written any more. */
  async end(): Promise<void> {
    await this.#last
    await this.#keep(SMALL)
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
