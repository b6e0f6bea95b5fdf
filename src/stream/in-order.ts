import type { Element } from '../xml/element.ts'

/** Elements that wait at which no more are read. */
const BACKLOG = 32

/** The elements of one stream, dealt with one after the other (RFC 6120 §10.1): without waiting while the work does not. */
export class InOrder {
  readonly #take: (element: Element) => void | Promise<void>
  readonly #failed: (error: unknown) => void
  readonly #steer: () => void
  readonly #waiting: Element[] = []
  #isWorking = false
  #isOver = false
  #whenDone: (() => void) | undefined

  /** `failed` gets what `take` throws; `steer` is told when the backlog has become long, or short again. */
  constructor(take: (element: Element) => void | Promise<void>, failed: (error: unknown) => void, steer: () => void) {
    this.#take = take
    this.#failed = failed
    this.#steer = steer
  }

  /** So much waits that no more should be read. */
  get isFull(): boolean {
    return this.#waiting.length >= BACKLOG
  }

  add(element: Element): void {
    if (this.#isOver) return
    if (!this.#isWorking && this.#waiting.length === 0) this.#next(element)
    else {
      this.#waiting.push(element)
      if (this.isFull) this.#steer()
    }
  }

  /** Work that elements which come later wait for. */
  first(work: () => void | Promise<void>): void {
    try {
      const pending = work()
      if (pending instanceof Promise) this.#wait(pending)
    } catch (error) {
      this.#failed(error)
    }
  }

  /** Calls back once all that has been added is dealt with. */
  whenDone(done: () => void): void {
    if (!this.#isWorking && this.#waiting.length === 0) done()
    else this.#whenDone = done
  }

  /** Whatever waits is dropped. */
  end(): void {
    this.#isOver = true
    this.#waiting.length = 0
  }

  #next(element: Element): void {
    try {
      const pending = this.#take(element)
      if (pending instanceof Promise) this.#wait(pending)
    } catch (error) {
      this.#failed(error)
    }
  }

  #wait(pending: Promise<void>): void {
    this.#isWorking = true
    pending.catch(error => this.#failed(error)).finally(() => this.#catchUp())
  }

  #catchUp(): void {
    this.#isWorking = false
    while (!this.#isWorking && !this.#isOver && this.#waiting.length > 0) this.#next(this.#waiting.shift()!)
    if (this.#isWorking || this.#isOver) return
    this.#steer()
    this.#whenDone?.()
  }
}
