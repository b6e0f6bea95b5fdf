// XEP-0502: MUC Activity Indicator

const HOUR = 3_600_000
const HOURS = 24

/** How much is said in a room. */
export class Activity {
  /** Of the hour that runs, then of those before it. */
  readonly #counts: number[] = [0]
  #hour: number

  constructor(now: number) {
    this.#hour = hourOf(now)
  }

  /** Something was said. */
  count(now: number): void {
    this.#shift(now)
    this.#counts[0]!++
  }

  /** Messages in an hour, on the average of the last day; undefined while not one hour is over. */
  perHour(now: number): number | undefined {
    this.#shift(now)
    const over = this.#counts.slice(1)
    return over.length === 0 ? undefined : over.reduce((sum, count) => sum + count, 0) / over.length
  }

  #shift(now: number): void {
    const passed = Math.max(0, Math.min(hourOf(now) - this.#hour, HOURS + 1))
    this.#hour = hourOf(now)
    for (let i = 0; i < passed; i++) this.#counts.unshift(0)
    this.#counts.length = Math.min(this.#counts.length, HOURS + 1)
  }
}

const hourOf = (ms: number): number => Math.floor(ms / HOUR)
