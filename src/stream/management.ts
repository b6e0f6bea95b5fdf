// XEP-0198: Stream Management

import { createHash, randomBytes } from 'node:crypto'
import { Custody } from '../core/custody.ts'
import type { LocalHost } from '../core/host.ts'
import { messagesAcknowledged, messageUndelivered, sessionResumed } from '../core/points.ts'
import type { Position, Session, Transport } from '../core/session.ts'
import type { Element } from '../xml/element.ts'
import { StreamError } from '../xmpp/error.ts'
import { Sm } from './namespaces.ts'

/** The part of a connection that stream management needs. */
export interface Carrier {
  sendElement(element: Element): void
  /** Ends the connection, not the session. */
  close(error: StreamError | undefined): void
}

export interface ManagementLimits {
  /** How long a session waits for its client to come back, ms. */
  readonly resumeFor: number
  /** Stanzas that may wait for acknowledgement. */
  readonly queue: number
}

/** A stanza on its way to the client. */
interface Unacknowledged {
  readonly stanza: Element
  readonly custody: Custody | undefined
  /** It is on disk, under its position, until it is acknowledged. */
  isKept: boolean
}

/** After so many unacknowledged stanzas the client is asked; before, after a pause, or when a sender waits. */
const ASK_EVERY = 25
const ASK_AFTER = 2_000
/** A sender whose message is not acknowledged by then need not wait for it any longer: it goes to disk. */
const KEEP_AFTER = 5_000
/** `<r/>` is answered this late at most, in the hope that what it asks for becomes safe. */
const ANSWER_WITHIN = 300

const modulo = (count: number): number => count % 2 ** 32

/** The streams of a host that can be resumed, by the identifier that their clients know. */
export class ResumableStreams {
  readonly #byId = new Map<string, StreamManagement>()

  add(management: StreamManagement): void {
    this.#byId.set(management.id, management)
  }

  delete(management: StreamManagement): void {
    this.#byId.delete(management.id)
  }

  /** Only its own account finds a stream; for others it is as if it did not exist. */
  find(id: string, account: string): StreamManagement | undefined {
    const found = this.#byId.get(id)
    return found?.session.account.name === account ? found : undefined
  }
}

/** How a stream stands on disk: its identifier is a secret, so its hash. */
export const streamKey = (id: string): string => createHash('sha256').update(id).digest('base64url').slice(0, 22)

/**
 * One session's acknowledged stream, over one connection after the other. Outgoing stanzas are kept until the client
 * has acknowledged them; incoming ones are acknowledged when they are safe (DESIGN law 7).
 */
export class StreamManagement implements Transport {
  readonly id = randomBytes(18).toString('base64url')
  readonly session: Session
  readonly #host: LocalHost
  readonly #streams: ResumableStreams
  readonly #limits: ManagementLimits
  readonly #isResumable: boolean
  #carrier: Carrier | undefined
  #sent = 0
  #acknowledged = 0
  #askedAt = 0
  readonly #queue: Unacknowledged[] = []
  #cancelAsk: (() => void) | undefined
  #cancelKeep: (() => void) | undefined
  #cancelExpiry: (() => void) | undefined
  /** Incoming: how many are safe, and those after them that came but are not. */
  #handled = 0
  readonly #unsafe: Incoming[] = []
  #isAsked = false
  #cancelAnswer: (() => void) | undefined

  constructor(session: Session, carrier: Carrier, host: LocalHost, streams: ResumableStreams, limits: ManagementLimits, isResumable: boolean) {
    this.session = session
    this.#carrier = carrier
    this.#host = host
    this.#streams = streams
    this.#limits = limits
    this.#isResumable = isResumable
    if (isResumable) streams.add(this)
  }

  /** §3: the answer to `<enable/>`. */
  enabled(): Element {
    if (!this.#isResumable) return Sm('enabled')
    return Sm('enabled', { id: this.id, resume: 'true', max: String(Math.floor(this.#limits.resumeFor / 1000)) })
  }

  get handled(): number {
    return modulo(this.#handled)
  }

  get position(): Position {
    return { stream: streamKey(this.id), seq: modulo(this.#sent) }
  }

  send(stanza: Element, custody: Custody | undefined): void {
    this.#sent++
    const entry: Unacknowledged = { stanza, custody, isKept: false }
    this.#queue.push(entry)
    custody?.hold(this.#hurry)
    if (this.#carrier === undefined) this.#keep(entry, this.#sent)
    else {
      this.#carrier.sendElement(stanza)
      if (this.#sent - Math.max(this.#askedAt, this.#acknowledged) >= ASK_EVERY) this.#ask()
      else this.#cancelAsk ??= this.#host.clock.after(ASK_AFTER, this.#askLate)
    }
    if (this.#queue.length > this.#limits.queue) this.#overflow()
  }

  /** Takes a stanza from the client; done when the next one may come. */
  receive(stanza: Element): void | Promise<void> {
    const incoming: Incoming = { custody: stanza.name === 'message' ? new Custody() : undefined, isDone: false }
    const pending = this.#host.receive(this.session, stanza, incoming.custody)
    if (!(pending instanceof Promise) && this.#unsafe.length === 0 && (incoming.custody === undefined || incoming.custody.isSafe)) {
      this.#handled++
      return
    }
    this.#unsafe.push(incoming)
    if (!(pending instanceof Promise)) return this.#dealtWith(incoming)
    return pending.then(() => this.#dealtWith(incoming))
  }

  /** §4: `<r/>`. */
  requested(): void {
    if (this.#unsafe.length === 0) return this.#answer()
    this.#isAsked = true
    this.#cancelAnswer ??= this.#host.clock.after(ANSWER_WITHIN, () => {
      this.#cancelAnswer = undefined
      this.#carrier?.sendElement(Sm('a', { h: String(this.handled) }))
    })
    for (const { custody } of this.#unsafe) custody?.hurry()
  }

  /** §4: `<a h=''/>`. Throws a StreamError if the client claims more than it was sent. */
  acknowledge(h: number): void {
    const news = (h - modulo(this.#acknowledged) + 2 ** 32) % 2 ** 32
    if (news > this.#queue.length) {
      const extra = Sm('handled-count-too-high', { h: String(h), 'send-count': String(modulo(this.#sent)) })
      throw new StreamError('undefined-condition', '', extra)
    }
    this.#acknowledged += news
    let anyKept = false
    for (const { custody, isKept } of this.#queue.splice(0, news)) {
      custody?.safe()
      anyKept ||= isKept
    }
    if (anyKept || this.session.hasKept) this.#forgetKept(modulo(this.#acknowledged))
    if (this.#queue.length > 0) return
    this.#cancelAsk?.()
    this.#cancelKeep?.()
    this.#cancelAsk = this.#cancelKeep = undefined
  }

  /** The connection is gone without a word: wait for the client to come back (§5), or give the session up. */
  detach(carrier: Carrier): void {
    if (this.#carrier !== carrier) return
    this.#carrier = undefined
    if (this.session.isEnded) return
    if (!this.#isResumable) return this.#host.end(this.session)
    for (const [i, entry] of this.#queue.entries()) this.#keep(entry, this.#acknowledged + i + 1)
    this.#cancelExpiry = this.#host.clock.after(this.#limits.resumeFor, () => this.#host.end(this.session))
  }

  /** §5: the client is back, and has got all up to `h`. What it has not got is sent again after `<resumed/>` is out. */
  resume(carrier: Carrier, h: number, announce: (resumed: Element) => void): void {
    this.acknowledge(h)
    const former = this.#carrier
    this.#carrier = carrier
    former?.close(new StreamError('conflict', 'resumed on another connection'))
    this.#cancelExpiry?.()
    announce(Sm('resumed', { previd: this.id, h: String(this.handled) }))
    for (const { stanza } of this.#queue) carrier.sendElement(stanza)
    if (this.#queue.length > 0) this.#ask()
    void this.#host.hooks.tell(sessionResumed, this.session, this.#host.failed)
  }

  /** The session is over: what was not acknowledged goes other ways. */
  close(error: StreamError | undefined): void {
    this.#streams.delete(this)
    for (const cancel of [this.#cancelAsk, this.#cancelKeep, this.#cancelExpiry, this.#cancelAnswer]) cancel?.()
    const carrier = this.#carrier
    this.#carrier = undefined
    carrier?.close(error)
    for (const { stanza, custody, isKept } of this.#queue.splice(0)) {
      if (!isKept) this.#host.redeliver(this.session, stanza, custody)
      custody?.release()
    }
  }

  readonly #hurry = (): void => {
    if (this.#carrier === undefined) return
    if (this.#askedAt !== this.#sent) this.#ask()
    this.#cancelKeep ??= this.#host.clock.after(KEEP_AFTER, () => {
      this.#cancelKeep = undefined
      for (const [i, entry] of this.#queue.entries()) this.#keep(entry, this.#acknowledged + i + 1)
    })
  }

  readonly #askLate = (): void => {
    this.#cancelAsk = undefined
    if (this.#queue.length > 0 && this.#carrier !== undefined) this.#ask()
  }

  #ask(): void {
    this.#askedAt = this.#sent
    this.#carrier?.sendElement(Sm('r'))
  }

  /** Puts a message on disk under its position, so that its sender need not wait and a crash does not lose it. */
  #keep(entry: Unacknowledged, count: number): void {
    if (entry.isKept || !isWorthKeeping(entry.stanza)) return
    const { account } = this.session
    const position = { stream: streamKey(this.id), seq: modulo(count) }
    const kept = account.turn.take(() => this.#host.hooks.run(messageUndelivered, { account, stanza: entry.stanza, position }))
    Promise.resolve(kept).then(
      verdict => {
        if (verdict !== 'kept') return
        entry.isKept = true
        entry.custody?.safe()
        // Acknowledged or given up while it was being written: nothing holds it any more.
        if (!this.#queue.includes(entry) && !this.session.isEnded) this.#forgetKept(modulo(this.#acknowledged))
      },
      error => this.#host.failed('stream.keep', error),
    )
  }

  #forgetKept(seq: number): void {
    const { account } = this.session
    const event = { account, position: { stream: streamKey(this.id), seq } }
    void account.turn.take(() => this.#host.hooks.tell(messagesAcknowledged, event, this.#host.failed))
  }

  /** The client does not acknowledge, or stays away too long for all that comes. */
  #overflow(): void {
    if (this.#carrier === undefined) this.#host.end(this.session)
    else this.#host.end(this.session, new StreamError('resource-constraint', 'too many stanzas are not acknowledged'))
  }

  #dealtWith(incoming: Incoming): void {
    const { custody } = incoming
    if (custody === undefined || custody.isSafe) return this.#safe(incoming)
    custody.onSafe = () => this.#safe(incoming)
  }

  #safe(incoming: Incoming): void {
    incoming.isDone = true
    let done = 0
    while (done < this.#unsafe.length && this.#unsafe[done]!.isDone) done++
    if (done === 0) return
    this.#unsafe.splice(0, done)
    this.#handled += done
    if (this.#isAsked && this.#unsafe.length === 0) this.#answer()
  }

  #answer(): void {
    this.#isAsked = false
    this.#cancelAnswer?.()
    this.#cancelAnswer = undefined
    this.#carrier?.sendElement(Sm('a', { h: String(this.handled) }))
  }
}

interface Incoming {
  readonly custody: Custody | undefined
  isDone: boolean
}

/** Messages that a user would miss; the rest is of use only now. */
function isWorthKeeping(stanza: Element): boolean {
  const { type } = stanza.attrs
  return stanza.name === 'message' && type !== 'error' && type !== 'headline' && type !== 'groupchat'
}
