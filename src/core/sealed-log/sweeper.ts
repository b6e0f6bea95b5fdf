import { setImmediate } from 'node:timers/promises'
import { endOf, type RetentionClass } from '../../seal/retention.ts'
import type { Log } from '../log.ts'
import type { Kind } from './parts.ts'
import type { LogTables } from './tables.ts'

/** Rows in one transaction: others get to write in between. */
const BATCH = 128
/** The same of segments, which have up to 128 rows each. */
const SEGMENTS = 4

/** Takes what nobody can read any more out of the tables of a log, a little at a time. */
export class Sweeper {
  readonly #tables: LogTables
  readonly #log: Log
  readonly #cleaning = new Set<number>()

  constructor(tables: LogTables, log: Log) {
    this.#tables = tables
    this.#log = log
  }

  /** What was removed of an owner's messages: nobody waits for it. */
  clean(number: number): void {
    if (this.#cleaning.has(number)) return
    this.#cleaning.add(number)
    const clean = async (): Promise<void> => {
      while (await this.#tables.tx(tables => tables.clean(number, BATCH))) await setImmediate()
    }
    clean()
      .catch(error => this.#log.fault('sealed.clean', error))
      .finally(() => this.#cleaning.delete(number))
  }

  /** What is over at `now`, and what a crash has left. */
  async expire(now: number, isAlive: (kind: Kind) => boolean): Promise<void> {
    let at: Kind | undefined = { class: 0 as RetentionClass, period: 0 }
    while ((at = await this.#tables.nextPeriod(at)) !== undefined) {
      // A secret that is missing before its time may come back, as with a file that was restored.
      if (endOf(at.class, at.period) > now || isAlive(at)) continue
      const dead = at
      while (await this.#tables.tx(tables => tables.removePeriod(dead, SEGMENTS))) await setImmediate()
    }
    for (const number of await this.#tables.unclean()) this.clean(number)
  }
}
