import { Recent } from './recent.ts'

/** Counts what is asked of it; true once there were `most` in a span of `ms`. */
export function limited(most: number, ms: number, now: () => number): () => boolean {
  let until = 0
  let left = 0
  return () => {
    if (now() >= until) {
      until = now() + ms
      left = most
    }
    return --left < 0
  }
}

/** The same for each of many: of so many of them, those that asked lately. */
export class LimitedEach {
  readonly #known: Recent<string, () => boolean>
  readonly #make: () => () => boolean

  constructor(most: number, ms: number, now: () => number, remembered: number) {
    this.#known = new Recent(remembered)
    this.#make = () => limited(most, ms, now)
  }

  /** Counts what is asked for by that key; true once it was too much. */
  isTooMuch(key: string): boolean {
    const known = this.#known.get(key)
    const asks = known ?? this.#make()
    if (known === undefined) this.#known.set(key, asks)
    return asks()
  }
}
