/**
 * Work on one thing, one piece after the other, in the order in which it was handed in. A piece runs at once
 * when nothing is under way; what is handed in from inside a piece waits until that piece is done.
 */
export class Turn {
  #isBusy = false
  #isDraining = false
  #waiting: (() => void)[] | undefined

  get isIdle(): boolean {
    return !this.#isBusy
  }

  /** Gives what the work gives; a promise only if it has to wait, or the work does. */
  take<T>(work: () => T | Promise<T>): T | Promise<T> {
    if (this.#isBusy) {
      return new Promise<T>((resolve, reject) => {
        this.#waiting ??= []
        this.#waiting.push(() => {
          try {
            const value = this.#run(work)
            if (value instanceof Promise) value.then(resolve, reject)
            else resolve(value)
          } catch (error) {
            reject(error)
          }
        })
      })
    }
    return this.#run(work)
  }

  #run<T>(work: () => T | Promise<T>): T | Promise<T> {
    this.#isBusy = true
    let value: T | Promise<T>
    try {
      value = work()
    } catch (error) {
      this.#next()
      throw error
    }
    if (!(value instanceof Promise)) {
      this.#next()
      return value
    }
    return value.finally(() => this.#next())
  }

  /** A loop, not a recursion: a long queue of short pieces must not grow the stack. */
  #next(): void {
    this.#isBusy = false
    const waiting = this.#waiting
    if (waiting === undefined || this.#isDraining) return
    this.#isDraining = true
    while (!this.#isBusy && waiting.length > 0) waiting.shift()!()
    this.#isDraining = false
    if (waiting.length === 0) this.#waiting = undefined
  }
}
