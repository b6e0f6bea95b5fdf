// XEP-0198: Stream Management

import { randomInt } from 'node:crypto'
import { Custody } from '../../core/custody.ts'
import { Hibernation, outlineOf, type SealedStanza } from '../../core/hibernation.ts'
import { type LocalHost, then } from '../../core/host.ts'
import { messagesAcknowledged, messageUndelivered, sessionHibernated, sessionResumed } from '../../core/points.ts'
import type { Position, Session, Transport } from '../../core/session.ts'
import { randomId } from '../../lib/random.ts'
import { Element } from '../../xml/element.ts'
import { delayed } from '../../xmpp/delay.ts'
import { StreamError } from '../../xmpp/error.ts'
import { Arrivals } from '../arrivals.ts'
import { modulo, newlyAcknowledged } from '../count.ts'
import { Sm } from '../namespaces.ts'
import { type ResumableStreams, streamKey } from './resumable-streams.ts'
import { isBulk, isOutOfArchive, isWorthKeeping, type QueueLimits, type Unacknowledged, UnacknowledgedQueue } from './unacknowledged.ts'

/** The part of a connection that stream management needs. */
export interface Carrier {
  /** Gives the length of what it sent. */
  sendElement(element: Element): number
  /** Ends the connection, not the session. */
  close(error: StreamError | undefined): void
}

export interface ManagementLimits extends QueueLimits {
  /** How long a session waits for its client to come back, ms. */
  readonly resumeFor: number
}

/** After so many unacknowledged stanzas the client is asked; before, after a pause, or when a sender waits. */
const ASK_EVERY = 25
const ASK_AFTER = 2_000
/** A sender whose message is not acknowledged by then need not wait for it any longer: it goes to disk. */
const KEEP_AFTER = 5_000
/** A client that is away for so long at most, ms, finds what waits for it sealed; not at the same moment for all that lost their connection in one. */
const HIBERNATE_AFTER = 60_000
const SPREAD = 15_000

const REQUEST = Sm('r')

/**
 * One session's acknowledged stream, over one connection after the other. Outgoing stanzas are kept until the client
 * has acknowledged them; incoming ones are acknowledged when they are safe (DESIGN law 7).
 */
export class StreamManagement implements Transport {
  readonly id = randomId(18)
  readonly session: Session
  taken: readonly Position[] = []
  readonly #host: LocalHost
  readonly #streams: ResumableStreams
  readonly #limits: ManagementLimits
  readonly #isResumable: boolean
  #carrier: Carrier | undefined
  #sent = 0
  #acknowledged = 0
  #askedAt = 0
  readonly #queue: UnacknowledgedQueue
  #isOver = false
  #cancelAsk: (() => void) | undefined
  #cancelKeep: (() => void) | undefined
  #cancelExpiry: (() => void) | undefined
  #cancelHibernation: (() => void) | undefined
  #hibernation: Hibernation | undefined
  #forgetting: Promise<void> | undefined
  readonly #arrivals: Arrivals
  #key: string | undefined

  constructor(
    session: Session,
    carrier: Carrier,
    host: LocalHost,
    streams: ResumableStreams,
    limits: ManagementLimits,
    isResumable: boolean,
  ) {
    this.session = session
    this.#carrier = carrier
    this.#host = host
    this.#streams = streams
    this.#limits = limits
    this.#queue = new UnacknowledgedQueue(limits)
    this.#isResumable = isResumable
    this.#arrivals = new Arrivals(host.clock, () => this.#carrier?.sendElement(Sm('a', { h: String(this.handled) })))
    if (isResumable) streams.add(this)
  }

  /** §3: the answer to `<enable/>`. */
  enabled(): Element {
    if (!this.#isResumable) return Sm('enabled')
    return Sm('enabled', { id: this.id, resume: 'true', max: String(Math.floor(this.#limits.resumeFor / 1000)) })
  }

  get handled(): number {
    return modulo(this.#arrivals.handled)
  }

  get isAway(): boolean {
    return this.#carrier === undefined
  }

  get position(): Position {
    return this.#positionOf(this.#sent)
  }

  send(stanza: Element, custody: Custody | undefined): void {
    this.#sent++
    const { account } = this.session
    const carrier = this.#carrier
    const entry: Unacknowledged = {
      content: stanza,
      isBulk: isBulk(stanza, account, carrier !== undefined),
      custody,
      size: 0,
      at: this.#host.clock.now(),
      isKept: false,
      isGone: false,
    }
    this.#queue.push(entry)
    custody?.hold(this.#hurry)
    this.#queue.weigh(entry, carrier === undefined ? this.#store(entry, stanza) : this.#write(carrier, stanza))
    if (this.#queue.isOver && !this.#isOver) this.#overflow()
  }

  /** For a client that is away; gives its length, as `#write` does. */
  #store(entry: Unacknowledged, stanza: Element): number {
    void this.#host.track(this.#keep(entry, stanza, this.#sent))
    if (this.#hibernation !== undefined) entry.content = this.#hibernation.seal(stanza, entry.isKept)
    return String(stanza).length
  }

  #write(carrier: Carrier, stanza: Element): number {
    const size = carrier.sendElement(stanza)
    if (this.#sent - Math.max(this.#askedAt, this.#acknowledged) >= ASK_EVERY) this.#ask()
    else this.#cancelAsk ??= this.#host.clock.after(ASK_AFTER, this.#askLate)
    return size
  }

  /** Takes a stanza from the client; done when the next one may come. */
  receive(stanza: Element): void | Promise<void> {
    const custody = stanza.name === 'message' ? new Custody() : undefined
    return this.#arrivals.add(this.#host.receive(this.session, stanza, custody), custody)
  }

  /** §4: `<r/>`. */
  requested(): void {
    this.#arrivals.requested()
  }

  /** The connection is about to be closed; what its client has asked for is answered first. */
  closing(carrier: Carrier): void {
    if (this.#carrier === carrier) this.#arrivals.hasten()
  }

  /**
   * §4: `<a h=''/>`. False if it says less than what was acknowledged before. Throws a StreamError if the client claims
   * more than it was sent.
   */
  acknowledge(h: number): boolean {
    const news = newlyAcknowledged(h, this.#acknowledged, this.#sent, this.#queue.length)
    if (news === undefined) return false
    this.#acknowledged += news
    let anyKept = false
    for (const { custody, isKept } of this.#queue.take(news)) {
      custody?.taken()
      anyKept ||= isKept
    }
    if (anyKept || this.session.hasKept) this.#forgetKept()
    if (this.#queue.length > 0) return true
    this.#cancelAsk?.()
    this.#cancelKeep?.()
    this.#cancelAsk = this.#cancelKeep = undefined
    return true
  }

  /** The connection is gone without a word: wait for the client to come back (§5), or give the session up. */
  detach(carrier: Carrier): void {
    if (this.#carrier !== carrier) return
    this.#carrier = undefined
    if (this.session.isEnded) return
    if (!this.#isResumable) {
      this.#host.end(this.session)
      return
    }
    void this.#keepAll()
    const { clock } = this.#host
    this.#cancelExpiry = clock.after(this.#limits.resumeFor, () => this.#host.end(this.session))
    this.#cancelHibernation = clock.after(HIBERNATE_AFTER - randomInt(SPREAD), () => this.#hibernate())
  }

  /** From now on nothing waits in memory that can be read without the client's login. */
  #hibernate(): void {
    const { hooks, keys, failed } = this.#host
    const { account } = this.session
    const hibernation = Hibernation.of(account, keys)
    if (hibernation === undefined) return // of an account whose owner has not logged in since there are keys
    this.#hibernation = hibernation
    for (const entry of this.#queue) {
      if (entry.content instanceof Element) entry.content = hibernation.seal(entry.content, entry.isKept)
    }
    void account.turn.take(() => hooks.tell(sessionHibernated, this.session, failed))
  }

  /**
   * §5: the client is coming back, and has proved who it is: what was sealed is opened. False if it does not open, or not all that the
   * client lacks is there; then the session is over.
   */
  wake(): boolean {
    const opened = this.#queue.hasGaps ? undefined : this.#opened([...this.#queue])
    if (opened === undefined) {
      this.#host.end(this.session)
      return false
    }
    if (this.#hibernation === undefined) return true
    for (const [entry, stanza] of opened) entry.content = stanza
    this.#hibernation.end()
    this.#hibernation = undefined
    return true
  }

  /** Undefined while nobody is there to open them. */
  #opened(entries: readonly Unacknowledged[]): Map<Unacknowledged, Element> | undefined {
    const sealed = entries.filter(({ content }) => content !== undefined && !(content instanceof Element))
    const stanzas = sealed.length === 0 ? [] : this.#hibernation?.open(sealed.map(({ content }) => content as SealedStanza))
    return stanzas && new Map(stanzas.map((stanza, i) => [sealed[i]!, stanza]))
  }

  /**
   * §5: the client is coming back. Done when all that it has sent so far is safe, so that it can be told to have been
   * handled, or when it has waited long enough; at once where there is nothing to wait for.
   */
  settle(): void | Promise<void> {
    if (this.#arrivals.isSafe) return
    this.#carrier?.close(resumedElsewhere())
    return this.#arrivals.settle()
  }

  /** §5: the client is back, and has acknowledged what it has got. The rest is sent again once `<resumed/>` is out. */
  resume(carrier: Carrier, announce: (resumed: Element) => void): void {
    const former = this.#carrier
    this.#carrier = carrier
    former?.close(resumedElsewhere())
    this.#cancelExpiry?.()
    this.#cancelHibernation?.()
    this.#cancelExpiry = this.#cancelHibernation = undefined
    this.#arrivals.forgetUnsafe()
    announce(Sm('resumed', { previd: this.id, h: String(this.handled) }))
    for (const entry of this.#queue) if (entry.content instanceof Element) carrier.sendElement(this.#late(entry, entry.content))
    if (this.#queue.length > 0) this.#ask()
    const { hooks, failed } = this.#host
    void this.session.account.turn.take(() => hooks.tell(sessionResumed, this.session, failed))
  }

  /** XEP-0198 §4: with the moment at which it came; what the archive has shown says its own. */
  #late({ at }: Unacknowledged, stanza: Element): Element {
    return stanza.name === 'iq' || isOutOfArchive(stanza, this.session.account) ? stanza : delayed(stanza, at, this.#host.jid)
  }

  suspend(error: StreamError): Promise<unknown> | undefined {
    if (!this.#isResumable) return undefined
    this.#carrier?.close(error)
    this.taken = this.#takenElsewhere()
    return this.#keepAll()
  }

  /** The session is over: what was not acknowledged goes other ways. */
  close(error: StreamError | undefined): void {
    this.#streams.delete(this)
    for (const cancel of [this.#cancelAsk, this.#cancelKeep, this.#cancelExpiry, this.#cancelHibernation]) cancel?.()
    const carrier = this.#carrier
    this.#carrier = undefined
    carrier?.close(error)
    this.#arrivals.close()
    this.taken = this.#takenElsewhere()
    const left = this.#queue.take()
    this.#passOn(left.filter(({ custody, isKept }) => (custody === undefined || custody.giveBack()) && !isKept))
    for (const { custody } of left) custody?.release()
    this.#hibernation?.end()
    this.#hibernation = undefined
  }

  #takenElsewhere(): Position[] {
    return Array.from(this.#queue).flatMap(({ custody, isKept }, i) =>
      isKept && custody?.isTaken === true ? [this.#positionOf(this.#acknowledged + i + 1)] : [],
    )
  }

  /** To others of the account, to the disk, or back: what is sealed only while somebody is there to open it, and else back. */
  #passOn(entries: readonly Unacknowledged[]): void {
    const opened = this.#opened(entries)
    for (const entry of entries) {
      const { content, custody, at } = entry
      const stanza = content instanceof Element ? content : opened?.get(entry)
      if (stanza !== undefined) this.#host.redeliver(this.session, stanza, custody, at)
      else this.#giveUp(entry)
    }
  }

  #giveUp({ content, custody }: Unacknowledged): void {
    const outline = content instanceof Element ? outlineOf(content) : content && this.#hibernation?.openReply(content)
    if (outline !== undefined) this.#host.giveUp(this.session, outline, custody)
  }

  /** A sender waits for what is in the queue. */
  readonly #hurry = (isUrgent: boolean): void => {
    if (isUrgent) void this.#keepAll()
    if (isUrgent || this.#carrier === undefined) return
    if (this.#askedAt !== this.#sent) this.#ask()
    this.#cancelKeep ??= this.#host.clock.after(KEEP_AFTER, () => {
      this.#cancelKeep = undefined
      void this.#keepAll()
    })
  }

  readonly #askLate = (): void => {
    this.#cancelAsk = undefined
    if (this.#queue.length > 0 && this.#carrier !== undefined) this.#ask()
  }

  #ask(): void {
    this.#askedAt = this.#sent
    this.#carrier?.sendElement(REQUEST)
  }

  #keepAll(): Promise<unknown> {
    const keeping = Promise.all(
      Array.from(this.#queue, (entry, i) => {
        // What is sealed was to be kept when it came.
        return entry.content instanceof Element ? this.#keep(entry, entry.content, this.#acknowledged + i + 1) : undefined
      }),
    )
    return this.#host.track(keeping)
  }

  /** Puts a message on disk under its position, so that its sender need not wait and a crash does not lose it. */
  async #keep(entry: Unacknowledged, stanza: Element, count: number): Promise<void> {
    const { account } = this.session
    const { custody } = entry
    if (entry.isKept || custody?.isSafe || !isWorthKeeping(stanza, account)) return
    const keep = (): void | Promise<void> => {
      // Meanwhile it may have been acknowledged, or another session has it, or this one is over.
      if (entry.isGone || entry.isKept || custody?.isSafe) return
      const event = { account, stanza, position: this.#positionOf(count), at: entry.at }
      return then(this.#host.hooks.run(messageUndelivered, event), verdict => {
        if (verdict !== 'kept') return
        entry.isKept = true
        if (entry.content !== undefined && !(entry.content instanceof Element)) entry.content.reply = undefined
        custody?.safe()
        if (entry.isGone) this.#forgetKept()
      })
    }
    try {
      await account.turn.take(keep)
    } catch (error) {
      this.#host.failed('stream.keep', error)
    }
  }

  /** What is acknowledged need not be on disk any more; first, as after the session's end it would be given again. */
  #forgetKept(): void {
    const { account } = this.session
    const event = { account, position: this.#positionOf(this.#acknowledged) }
    const told = account.turn.takeFirst(() => this.#host.hooks.tell(messagesAcknowledged, event, this.#host.failed))
    if (told instanceof Promise) this.#forgetting = told
  }

  /** Done when what was acknowledged so far has gone from the disk: it does not come again, even after a crash. */
  forgotten(): void | Promise<void> {
    const pending = this.#forgetting
    // Meanwhile it may have become more: what was on its way to the disk.
    return pending?.then(() => (pending === this.#forgetting ? undefined : this.forgotten()))
  }

  #positionOf(count: number): Position {
    return { stream: (this.#key ??= streamKey(this.id)), seq: modulo(count) }
  }

  /** The client does not acknowledge, or stays away too long for all that comes. */
  #overflow(): void {
    this.#isOver = true
    if (this.#carrier === undefined) this.#host.end(this.session)
    else this.#host.end(this.session, new StreamError('resource-constraint', 'too many stanzas are not acknowledged'))
  }
}

const resumedElsewhere = (): StreamError => new StreamError('conflict', 'resumed on another connection')
