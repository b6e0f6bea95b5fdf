import { setImmediate } from 'node:timers/promises'

/** Does it for each, and lets others have their turn after so many. For what takes longer the more there are. */
export async function inSlices<T>(all: Iterable<T>, most: number, work: (one: T) => void | Promise<void>): Promise<void> {
  let done = 0
  for (const one of all) {
    const pending = work(one)
    if (pending instanceof Promise) await pending
    if (++done % most === 0) await setImmediate()
  }
}

/** The same of what many do, who know nothing of each other: after so many of all of them together, too. */
export class Slices {
  readonly #each: number
  readonly #all: number
  /** In this turn of the event loop. */
  #done = 0

  constructor(each: number, all: number) {
    this.#each = each
    this.#all = all
  }

  /** Waits only where these are many, or others have done much. */
  each<T>(all: Iterable<T>, size: number, work: (one: T) => void): void | Promise<void> {
    if (size > this.#each || this.#done + size > this.#all) return this.#inSlices(all, work)
    this.#count(size)
    for (const one of all) work(one)
  }

  async #inSlices<T>(all: Iterable<T>, work: (one: T) => void): Promise<void> {
    let done = 0
    for (const one of all) {
      if (done === this.#each) {
        await setImmediate()
        done = 0
      }
      while (this.#done >= this.#all) await setImmediate()
      done++
      this.#count(1)
      work(one)
    }
  }

  #count(size: number): void {
    if (this.#done === 0) {
      void setImmediate().then(() => {
        this.#done = 0
      })
    }
    this.#done += size
  }
}
