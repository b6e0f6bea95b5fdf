/** Short pieces that are done in one go, when many wait; then whatever else the process has to do has its turn. */
const SLICE = 32

/**
 * Work on one thing, one piece after the other, in the order in which it was handed in. A piece runs at once
 * when nothing is under way; what is handed in from inside a piece waits until that piece is done.
 */
export class Turn {
  #isBusy = false
  #isDraining = false
  #waiting: (() => void)[] | undefined
  #first: (() => void)[] | undefined

  get isIdle(): boolean {
    return !this.#isBusy
  }

  /** Gives what the work gives; a promise only if it has to wait, or the work does. */
  take<T>(work: () => T | Promise<T>): T | Promise<T> {
    return this.#isBusy ? this.#later(work, (this.#waiting ??= [])) : this.#run(work)
  }

  /** Like `take`, but before all that `take` has let wait. Several such pieces stay in their order. */
  takeFirst<T>(work: () => T | Promise<T>): T | Promise<T> {
    return this.#isBusy ? this.#later(work, (this.#first ??= [])) : this.#run(work)
  }

  #later<T>(work: () => T | Promise<T>, queue: (() => void)[]): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      queue.push(() => {
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
    if ((this.#waiting === undefined && this.#first === undefined) || this.#isDraining) return
    this.#isDraining = true
    for (let left = SLICE; !this.#isBusy; left--) {
      if (left === 0) {
        this.#isBusy = true
        setImmediate(() => this.#next())
        break
      }
      const piece = this.#first?.shift() ?? this.#waiting?.shift()
      if (piece === undefined) break
      piece()
    }
    this.#isDraining = false
    if (this.#first?.length === 0) this.#first = undefined
    if (this.#waiting?.length === 0) this.#waiting = undefined
  }
}
