/** A map with changes that it does not have yet. */
export class Overlay {
  readonly #base: Map<string, number>
  readonly #changes = new Map<string, number | undefined>()

  constructor(base: Map<string, number>) {
    this.#base = base
  }

  get(key: string): number | undefined {
    return this.#changes.has(key) ? this.#changes.get(key) : this.#base.get(key)
  }

  /** Undefined takes the key away. */
  set(key: string, value: number | undefined): void {
    this.#changes.set(key, value)
  }

  /** Makes the changes in the map. */
  apply(): void {
    for (const [key, value] of this.#changes)
      if (value === undefined) this.#base.delete(key)
      else this.#base.set(key, value)
  }
}
