/** A map with changes that it does not have yet. */
export class Overlay<K> {
  readonly #base: Map<K, number>
  readonly #changes = new Map<K, number | undefined>()

  constructor(base: Map<K, number>) {
    this.#base = base
  }

  get(key: K): number | undefined {
    return this.#changes.has(key) ? this.#changes.get(key) : this.#base.get(key)
  }

  /** Undefined takes the key away. */
  set(key: K, value: number | undefined): void {
    this.#changes.set(key, value)
  }

  /** Makes the changes in the map. */
  apply(): void {
    for (const [key, value] of this.#changes)
      if (value === undefined) this.#base.delete(key)
      else this.#base.set(key, value)
  }
}
