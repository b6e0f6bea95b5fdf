import type { Element } from '../xml/element.ts'

/** Elements that wait at which no more are read. */
const BACKLOG = 32

/** Whose elements they are. */
export interface Taker {
  /** Deals with one; the next one waits for the promise. */
  take(element: Element): void | Promise<void>
  /** What `take` has thrown. */
  fail(error: unknown): void
  /** The backlog has become long, or short again. */
  steer(): void
}

/** The elements of one stream, dealt with one after the other (RFC 6120 §10.1): without waiting while the work does not. */
export class InOrder {
  readonly #taker: Taker
  readonly #waiting: Element[] = []
  #isWorking = false
  #isOver = false
  #whenDone: (() => void) | undefined

  constructor(taker: Taker) {
    this.#taker = taker
  }

  /** So much waits that no more should be read. */
  get isFull(): boolean {
    return this.#waiting.length >= BACKLOG
  }

  /** An element that comes now will have to wait. */
  get isBusy(): boolean {
    return this.#isWorking || this.#waiting.length > 0
  }

  /** How many elements wait behind what is being dealt with. */
  get length(): number {
    return this.#waiting.length
  }

  add(element: Element): void {
    if (this.#isOver) return
    if (!this.isBusy) this.#next(element)
    else {
      this.#waiting.push(element)
      if (this.isFull) this.#taker.steer()
    }
  }

  /** Work that elements which come later wait for. */
  first(work: () => void | Promise<void>): void {
    try {
      const pending = work()
      if (pending instanceof Promise) this.#wait(pending)
    } catch (error) {
      this.#taker.fail(error)
    }
  }

  /** Calls back once all that has been added is dealt with. */
  whenDone(done: () => void): void {
    if (this.isBusy) this.#whenDone = done
    else done()
  }

  /** Whatever waits is dropped. */
  drop(): void {
    this.#waiting.length = 0
  }

  /** So is whatever comes. */
  end(): void {
    this.#isOver = true
    this.drop()
  }

  #next(element: Element): void {
    try {
      const pending = this.#taker.take(element)
      if (pending instanceof Promise) this.#wait(pending)
    } catch (error) {
      this.#taker.fail(error)
    }
  }

  #wait(pending: Promise<void>): void {
    this.#isWorking = true
    pending.then(
      () => this.#catchUp(),
      error => {
        this.#taker.fail(error)
        this.#catchUp()
      },
    )
  }

  #catchUp(): void {
    this.#isWorking = false
    while (!this.#isWorking && !this.#isOver && this.#waiting.length > 0) this.#next(this.#waiting.shift()!)
    if (this.#isWorking || this.#isOver) return
    if (this.#whenDone !== undefined) this.#whenDone()
    else this.#taker.steer()
  }
}
