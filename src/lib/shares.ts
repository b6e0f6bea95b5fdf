/** So many entries there may be, and for how long. */
export interface ShareLimits {
  /** Of each whose they are. */
  readonly each: number
  readonly all: number
  /** In ms. */
  readonly keptFor: number
}

interface Kept<Value> {
  readonly value: Value
  readonly whose: string
  readonly until: number
}

/** What is remembered for a while, by key: the oldest makes room for what is new of the same, so that nobody takes the place of others. */
export class Shares<Value> {
  /** The oldest first. */
  readonly #entries = new Map<string, Kept<Value>>()
  /** The keys of each, the oldest first. */
  readonly #keys = new Map<string, Set<string>>()
  readonly #limits: ShareLimits
  readonly #now: () => number

  constructor(limits: ShareLimits, now: () => number) {
    this.#limits = limits
    this.#now = now
  }

  set(key: string, whose: string, value: Value): void {
    this.delete(key)
    this.#forgetOld()
    const keys = this.#keys.get(whose)
    if (keys !== undefined && keys.size >= this.#limits.each) for (const oldest of keys.keys().take(1)) this.delete(oldest)
    if (this.#entries.size >= this.#limits.all) for (const oldest of this.#entries.keys().take(1)) this.delete(oldest)
    this.#entries.set(key, { value, whose, until: this.#now() + this.#limits.keptFor })
    this.#keys.set(whose, (this.#keys.get(whose) ?? new Set()).add(key))
  }

  get(key: string): Value | undefined {
    this.#forgetOld()
    return this.#entries.get(key)?.value
  }

  delete(key: string): void {
    const kept = this.#entries.get(key)
    if (kept === undefined) return
    this.#entries.delete(key)
    const keys = this.#keys.get(kept.whose)
    keys?.delete(key)
    if (keys?.size === 0) this.#keys.delete(kept.whose)
  }

  #forgetOld(): void {
    for (const [key, { until }] of this.#entries) {
      if (until > this.#now()) return
      this.delete(key)
    }
  }
}
