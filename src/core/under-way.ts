/** So many stanzas of a session may be on their way. */
const MOST = 64

/** What a session has sent and is not dealt with yet. One that sends faster than others take it waits, or it would pile up (DESIGN law 10). */
export class UnderWay {
  #count = 0
  #fewer: PromiseWithResolvers<void> | undefined

  add(work: Promise<unknown>): void {
    this.#count++
    const done = (): void => {
      if (--this.#count >= MOST) return
      this.#fewer?.resolve()
      this.#fewer = undefined
    }
    work.then(done, done)
  }

  /** At once where there are not many; else done when there are fewer. Not to be awaited in anybody's turn: two would wait for each other. */
  fewer(): void | Promise<void> {
    if (this.#count < MOST) return
    this.#fewer ??= Promise.withResolvers()
    return this.#fewer.promise
  }
}
