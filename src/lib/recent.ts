/** The entries that were used lately, by key: at most so many; those not used for the longest time make room. */
export class Recent<Key, Value> {
  readonly #most: number
  readonly #entries = new Map<Key, Value>()

  constructor(most: number) {
    this.#most = most
  }

  get(key: Key): Value | undefined {
    const value = this.#entries.get(key)
    if (value !== undefined) this.set(key, value)
    return value
  }

  set(key: Key, value: Value): void {
    this.#entries.delete(key)
    this.#entries.set(key, value)
    if (this.#entries.size > this.#most) for (const oldest of this.#entries.keys().take(1)) this.#entries.delete(oldest)
  }

  /** Those not used for the longest time first. */
  entries(): Iterable<[Key, Value]> {
    return this.#entries
  }

  delete(key: Key): void {
    this.#entries.delete(key)
  }
}
