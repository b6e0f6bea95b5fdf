import { Recent } from './recent.ts'

/** Counts what is asked of it; true where that makes more than `most` in a span of `ms`, and then it does not count. */
export function limited(most: number, ms: number, now: () => number): (count?: number) => boolean {
  let until = 0
  let left = 0
  return (count = 1) => {
    if (now() >= until) {
      until = now() + ms
      left = most
    }
    if (count > left) return true
    left -= count
    return false
  }
}

/** The same for each of many: of so many of them, those that asked lately. */
export class LimitedEach {
  readonly #known: Recent<string, (count?: number) => boolean>
  readonly #make: () => (count?: number) => boolean

  constructor(most: number, ms: number, now: () => number, remembered: number) {
    this.#known = new Recent(remembered)
    this.#make = () => limited(most, ms, now)
  }

  /** Counts what is asked for by that key; true where it is too much. */
  isTooMuch(key: string, count = 1): boolean {
    const known = this.#known.get(key)
    const asks = known ?? this.#make()
    if (known === undefined) this.#known.set(key, asks)
    return asks(count)
  }
}
