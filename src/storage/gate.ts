/** Lets work through at once, unless someone has shut it; then in the order of arrival once it is open again. */
export class Gate {
  #isShut = false
  #waiting: (() => void)[] = []

  pass<T>(work: () => Promise<T>): Promise<T> {
    if (!this.#isShut) return work()
    return new Promise(resolve => this.#waiting.push(() => resolve(work())))
  }

  shut(): void {
    this.#isShut = true
  }

  open(): void {
    this.#isShut = false
    let passed = 0
    while (!this.#isShut && passed < this.#waiting.length) this.#waiting[passed++]!()
    this.#waiting.splice(0, passed)
  }
}
