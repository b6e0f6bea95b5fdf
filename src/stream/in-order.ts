import type { Element } from '../xml/element.ts'

/** Elements that wait at which no more are read. */
const BACKLOG = 32
/** Elements of one stream that are dealt with in one go; then all others have their turn. */
const SLICE = 16

/** Whose elements they are. */
export interface Taker {
  /** Deals with one; the next one waits for the promise. */
  take(element: Element): void | Promise<void>
  /** What `take` has thrown. */
  fail(error: unknown): void
  /** The backlog has become long, or short again. */
  steer(): void
}

/**
 * The elements of one stream, dealt with one after the other (RFC 6120 §10.1): without waiting while the work does not, but
 * for those who bring many at once, so that nobody else waits for them.
 */
export class InOrder {
  readonly #taker: Taker
  readonly #waiting: Element[] = []
  #isWorking = false
  #isOver = false
  /** So many more may be dealt with before the others have their turn; at none it rests until then. */
  #left = SLICE
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

  /** How many elements wait. */
  get length(): number {
    return this.#waiting.length
  }

  /** They wait for what is being dealt with, not for their turn alone. */
  get isHeldUp(): boolean {
    return this.#isWorking
  }

  add(element: Element): void {
    if (this.#isOver) return
    if (!this.isBusy && this.#left > 0) this.#next(element)
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

  /** Nothing more will come: what waits for its turn alone is dealt with now. */
  finish(): void {
    this.#left = Number.POSITIVE_INFINITY
    this.#catchUp()
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
    // Counted, not timed: this is on everybody's way.
    if (--this.#left === 0) setImmediate(InOrder.#goOn, this)
    try {
      const pending = this.#taker.take(element)
      if (pending instanceof Promise) this.#wait(pending)
    } catch (error) {
      this.#taker.fail(error)
    }
  }

  static #goOn(rested: InOrder): void {
    rested.#left = Math.max(rested.#left, SLICE)
    if (rested.#waiting.length > 0) rested.#catchUp()
  }

  #wait(pending: Promise<void>): void {
    this.#isWorking = true
    const done = (): void => {
      this.#isWorking = false
      this.#catchUp()
    }
    pending.then(done, error => {
      this.#taker.fail(error)
      done()
    })
  }

  #catchUp(): void {
    while (!this.#isWorking && !this.#isOver && this.#left > 0 && this.#waiting.length > 0) this.#next(this.#waiting.shift()!)
    if (this.isBusy || this.#isOver) return
    const tell = this.#whenDone
    this.#whenDone = undefined
    if (tell !== undefined) tell()
    else this.#taker.steer()
  }
}
