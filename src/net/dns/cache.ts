const SHORTEST = 5_000
const LONGEST = 3_600_000
const NEGATIVE = 60_000
const STALE = 3_600_000
/** RFC 8767 §5: how long the servers are left alone when an old answer had to do. */
const RECHECKED_AFTER = 30_000

/** What DNS told, and whether a validating resolver on this machine vouches for it (DNSSEC). No records: there are none. */
export interface Answer<R> {
  readonly records: readonly R[]
  readonly isAuthentic: boolean
}

interface Entry {
  readonly answer: Answer<unknown>
  freshUntil: number
  readonly staleUntil: number
}

/** Answers by question, of which those not used for longest go first. Times are ms of `now`. */
export class DnsCache {
  readonly #most: number
  readonly #now: () => number
  readonly #entries = new Map<string, Entry>()

  constructor(most: number, now: () => number) {
    this.#most = most
    this.#now = now
  }

  get size(): number {
    return this.#entries.size
  }

  /** What may be used without asking anybody. */
  fresh(key: string): Answer<unknown> | undefined {
    const entry = this.#entries.get(key)
    if (entry === undefined || entry.freshUntil <= this.#now()) return undefined
    this.#entries.delete(key)
    this.#entries.set(key, entry)
    return entry.answer
  }

  /** What may be used because nobody answers: up to an hour beyond its time. */
  stale(key: string): Answer<unknown> | undefined {
    const now = this.#now()
    const entry = this.#entries.get(key)
    if (entry === undefined || entry.staleUntil <= now) return undefined
    entry.freshUntil = Math.min(now + RECHECKED_AFTER, entry.staleUntil)
    return entry.answer
  }

  /** Keeps an answer for `ttl` seconds, within reason; without `ttl` it says that there is nothing. */
  keep(key: string, answer: Answer<unknown>, ttl: number | undefined): void {
    const freshUntil = this.#now() + (ttl === undefined ? NEGATIVE : Math.min(Math.max(ttl * 1000, SHORTEST), LONGEST))
    this.#entries.delete(key)
    this.#entries.set(key, { answer, freshUntil, staleUntil: freshUntil + STALE })
    if (this.#entries.size > this.#most) this.#entries.delete(this.#entries.keys().next().value!)
  }
}
