import type { Clock } from '../core/clock.ts'
import type { Custody } from '../core/custody.ts'

/** `<r/>` is answered this late at most, in the hope that what it asks for becomes safe. */
const ANSWER_WITHIN = 300
/** A client that comes back waits so long at most until what it sent before is safe, so that it need not send it again. */
const SETTLE_WITHIN = 1_000
/** So many stanzas of a client that are not safe are put on disk where they are, whether it asks or not. */
const PUT_AWAY_EVERY = 128

interface Arrival {
  readonly custody: Custody | undefined
  isDone: boolean
}

/** What comes over an acknowledged stream, of a client or another server: counted in its order, each stanza when it is safe (DESIGN law 7). */
export class Arrivals {
  readonly #clock: Clock
  readonly #acknowledge: () => void
  readonly #onFewer: (() => void) | undefined
  #handled = 0
  /** Those after the handled ones that came but are not safe, or stand behind one that is not. */
  readonly #unsafe: Arrival[] = []
  /** An answer goes out at the end of this turn. */
  #isDue = false
  /** One goes out when all is safe. */
  #isAsked = false
  #cancelAnswer: (() => void) | undefined
  #settling: Promise<void> | undefined
  #whenSettled: (() => void) | undefined

  /** `acknowledge` tells the other side how many are handled (XEP-0198 §4); `onFewer` is called when fewer wait. */
  constructor(clock: Clock, acknowledge: () => void, onFewer?: () => void) {
    this.#clock = clock
    this.#acknowledge = acknowledge
    this.#onFewer = onFewer
  }

  /** How many are safe, without a gap; grows beyond what the wire can say. */
  get handled(): number {
    return this.#handled
  }

  /** How many came and are not safe, or stand behind one that is not. */
  get waiting(): number {
    return this.#unsafe.length
  }

  /** All that came is safe. */
  get isSafe(): boolean {
    return this.#unsafe.length === 0
  }

  /** A stanza that is being dealt with until `pending` is done; gives what the next one waits for. */
  add(pending: void | Promise<void>, custody: Custody | undefined): void | Promise<void> {
    if (!(pending instanceof Promise) && this.isSafe && (custody === undefined || custody.isSettled)) {
      this.#handled++
      return
    }
    const arrival: Arrival = { custody, isDone: false }
    this.#unsafe.push(arrival)
    if (this.#unsafe.length % PUT_AWAY_EVERY === 0) this.#hurryAll(true)
    if (!(pending instanceof Promise)) return this.#dealtWith(arrival)
    return pending.then(() => this.#dealtWith(arrival))
  }

  /** §4: `<r/>`. One answer is for all requests before it: those that come together cost no more than one. */
  requested(): void {
    if (this.isSafe) {
      if (!this.#isDue) queueMicrotask(this.#answerDue)
      this.#isDue = true
      return
    }
    this.#isAsked = true
    if (this.#cancelAnswer !== undefined) return
    this.#cancelAnswer = this.#clock.after(ANSWER_WITHIN, () => {
      this.#cancelAnswer = undefined
      this.#acknowledge()
      this.#hurryAll(false)
    })
    this.#hurryAll(false)
  }

  /** Puts what is not safe on disk; done when all is, or when it has been waited for long enough. */
  settle(): Promise<void> {
    this.#settling ??= new Promise<void>(resolve => {
      const cancel = this.#clock.after(SETTLE_WITHIN, () => this.#settled())
      this.#whenSettled = () => {
        cancel()
        resolve()
      }
    })
    this.#hurryAll(true)
    return this.#settling
  }

  /** The connection is about to end: answers what has been asked for, as it stands. */
  hasten(): void {
    if (this.#isDue || this.#isAsked) this.#answer()
  }

  /** What is not safe by now is not said to be handled; the client sends it again, and it must not be counted twice. */
  forgetUnsafe(): void {
    this.#unsafe.length = 0
    this.#isDue = this.#isAsked = false
  }

  /** Nobody is to be answered any more. */
  close(): void {
    this.#isDue = false
    this.#cancelAnswer?.()
    this.#settled()
  }

  #dealtWith(arrival: Arrival): void {
    const { custody } = arrival
    if (custody === undefined || custody.isSettled) this.#safe(arrival)
    else custody.onSettled = () => this.#safe(arrival)
  }

  #safe(arrival: Arrival): void {
    arrival.isDone = true
    let done = 0
    while (done < this.#unsafe.length && this.#unsafe[done]!.isDone) done++
    if (done === 0) return
    this.#unsafe.splice(0, done)
    this.#handled += done
    this.#onFewer?.()
    if (!this.isSafe) return
    this.#settled()
    if (this.#isAsked) this.#answer()
  }

  #settled(): void {
    this.#whenSettled?.()
    this.#whenSettled = this.#settling = undefined
  }

  #hurryAll(isUrgent: boolean): void {
    for (const { custody } of this.#unsafe) custody?.hurry(isUrgent)
  }

  readonly #answerDue = (): void => {
    if (!this.#isDue) return
    this.#isDue = false
    this.#acknowledge()
  }

  #answer(): void {
    this.#isDue = this.#isAsked = false
    this.#cancelAnswer?.()
    this.#cancelAnswer = undefined
    this.#acknowledge()
  }
}
