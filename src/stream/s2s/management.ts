// XEP-0198 between servers: acknowledgements in both directions, without resumption

import type { Clock } from '../../core/clock.ts'
import { Custody } from '../../core/custody.ts'
import type { Element } from '../../xml/element.ts'
import { Arrivals } from '../arrivals.ts'
import { modulo, newlyAcknowledged } from '../count.ts'
import { Sm } from '../namespaces.ts'
import type { Parcel } from './parcel.ts'
import type { WindowLimits } from './settings.ts'

/** After so many unacknowledged stanzas the other side is asked, or after that time, ms. */
const ASK_EVERY = 50
const ASK_AFTER = 1_000
/** What is asked for is acknowledged by then, unless it never will be, ms. */
const STUCK_AFTER = 15_000
/** Stanzas of the other side that are under way here, at which no more are read. */
const MOST_UNDER_WAY = 256

const REQUEST = Sm('r')

/** A stanza on its way, and how long it was. */
interface Sent {
  readonly parcel: Parcel
  readonly size: number
}

/** What one connection between servers has sent and received (DESIGN law 7). */
export class LinkManagement {
  /** From when on each side acknowledges what it gets is settled by the negotiation. */
  #countsSent = false
  #countsReceived = false
  readonly #clock: Clock
  readonly #send: (element: Element) => void
  readonly #steer: () => void
  #sent = 0
  #acknowledged = 0
  #askedAt = 0
  #unacknowledged: Sent[] = []
  #bytes = 0
  /** What is being written and will not be acknowledged. */
  #writing: Parcel | undefined
  /** Since when what waits has been waiting, without one acknowledgement that was news, ms of the clock. */
  #stuckSince = 0
  #cancelAsk: (() => void) | undefined
  #arrivals: Arrivals

  constructor(clock: Clock, send: (element: Element) => void, steer: () => void) {
    this.#clock = clock
    this.#send = send
    this.#steer = steer
    this.#arrivals = this.#newArrivals()
  }

  /** What is sent from now on is acknowledged by the other side. */
  countSent(): void {
    this.#countsSent = true
  }

  /** What is received from now on is acknowledged by us. */
  countReceived(): void {
    this.#countsReceived = true
    this.#arrivals.close()
    this.#arrivals = this.#newArrivals()
  }

  /** The other side will not acknowledge after all. */
  countNothing(): void {
    this.#countsSent = false
    this.#forget(this.#unacknowledged.length)
  }

  get isOn(): boolean {
    return this.#countsSent
  }

  // --- what goes out

  /** It is about to be written. Without acknowledgements more cannot be known. */
  count(parcel: Parcel, size: number): void {
    if (!this.#countsSent) {
      this.#writing = parcel
      return
    }
    this.#sent++
    if (this.#unacknowledged.length === 0) this.#stuckSince = this.#clock.now()
    this.#unacknowledged.push({ parcel, size })
    this.#bytes += size
    parcel.custody?.hold(this.#hurry)
  }

  /** What was counted has been written. */
  sent(): void {
    this.#writing?.custody?.safe()
    this.#writing = undefined
    if (this.#unacknowledged.length === 0) return
    if (this.#sent - Math.max(this.#askedAt, this.#acknowledged) >= ASK_EVERY) this.#ask()
    else this.#cancelAsk ??= this.#clock.after(ASK_AFTER, this.#askLate)
  }

  /** §4: `<a h=''/>`. Throws a StreamError if the other side claims more than it was sent. */
  acknowledge(h: number): void {
    const news = newlyAcknowledged(h, this.#acknowledged, this.#sent, this.#unacknowledged.length)
    if (news === undefined) return
    this.#acknowledged += news
    if (news > 0) this.#stuckSince = this.#clock.now()
    this.#forget(news)
    if (this.#unacknowledged.length > 0) return
    this.#cancelAsk?.()
    this.#cancelAsk = undefined
  }

  #forget(count: number): void {
    for (const { parcel, size } of this.#unacknowledged.splice(0, count)) {
      this.#bytes -= size
      parcel.custody?.safe()
    }
  }

  /** The stream is about to end in good order: says what has been handled, which the other side then need not send again. */
  conclude(): void {
    if (this.#countsReceived) this.#send(Sm('a', { h: String(modulo(this.#arrivals.handled)) }))
  }

  /** What comes is acknowledged, so that the other side knows what has not been handled. */
  get acknowledges(): boolean {
    return this.#countsReceived
  }

  /** How many stanzas the other side has not acknowledged. */
  get unacknowledged(): number {
    return this.#unacknowledged.length
  }

  /** More may be sent before the other side has acknowledged what it has got. */
  hasRoom({ stanzas, bytes }: WindowLimits): boolean {
    return this.#unacknowledged.length < stanzas && this.#bytes < bytes
  }

  /** A sender has waited for so long, and in the last part of that time nothing was acknowledged, ms. */
  isStuck(age: number): boolean {
    const [first] = this.#unacknowledged
    const now = this.#clock.now()
    return first !== undefined && now - first.parcel.since > age && now - this.#stuckSince > STUCK_AFTER
  }

  /** The connection is over: gives what was not acknowledged, in order, for another one to carry. */
  end(): Parcel[] {
    this.#cancelAsk?.()
    this.#cancelAsk = undefined
    this.#arrivals.close()
    this.#countsSent = this.#countsReceived = false
    const rest = this.#unacknowledged.map(({ parcel }) => parcel)
    this.#unacknowledged = []
    this.#bytes = 0
    for (const { custody } of rest) {
      custody?.giveBack()
      custody?.release()
    }
    // Over which the connection ended.
    if (this.#writing !== undefined) rest.push(this.#writing)
    this.#writing = undefined
    return rest
  }

  readonly #hurry = (): void => {
    if (this.#askedAt !== this.#sent) this.#ask()
  }

  readonly #askLate = (): void => {
    this.#cancelAsk = undefined
    if (this.#unacknowledged.length > 0) this.#ask()
  }

  #ask(): void {
    this.#askedAt = this.#sent
    this.#send(REQUEST)
  }

  // --- what comes in

  /** Too much of what came is still being dealt with. */
  get isFull(): boolean {
    return this.#arrivals.waiting >= MOST_UNDER_WAY
  }

  /** Hands a stanza on; it counts once it is safe. */
  receive(route: (custody: Custody) => void): void {
    const custody = new Custody()
    custody.hold()
    route(custody)
    custody.release()
    void this.#arrivals.add(undefined, custody)
    if (this.isFull) this.#steer()
  }

  /** §4: `<r/>`. */
  requested(): void {
    this.#arrivals.requested()
  }

  #newArrivals(): Arrivals {
    const arrivals = new Arrivals(
      this.#clock,
      () => {
        if (this.#countsReceived) this.#send(Sm('a', { h: String(modulo(arrivals.handled)) }))
      },
      this.#steer,
    )
    return arrivals
  }
}
