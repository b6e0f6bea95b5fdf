import { randomInt } from 'node:crypto'
import { StanzaError, StreamError } from '../../xmpp/error.ts'
import type { Verdict } from './dialback.ts'
import type { Vouched } from './dialback-key.ts'
import type { Federation, Purpose } from './federation.ts'
import type { Link } from './link.ts'
import { type Failure, failure, type Parcel } from './parcel.ts'
import { Queue } from './queue.ts'

/** The first wait before another try, and the longest one, ms; each is up to a half longer, by chance. */
const FIRST_RETRY = 1_000
const LONGEST_RETRY = 300_000
/** Keys of one domain that wait for its server at a time. */
const MOST_QUESTIONS = 100

/** A key that the domain's own server is to vouch for. */
interface Question {
  readonly vouched: Vouched
  readonly key: string
  readonly tell: (verdict: Verdict) => void
}

interface Opening {
  readonly local: string
  readonly purpose: Purpose
  link: Link | undefined
}

/** One other domain: its connections, what waits for it, and what went wrong. In memory only. */
export class Peer {
  readonly domain: string
  readonly #federation: Federation
  /** All on which something of the domain was proved, whichever side has opened them. */
  readonly links = new Set<Link>()
  /** Over which of them each of our domains says what it says there. */
  readonly #carrying = new Map<string, Link>()
  /** Those that we have opened and whose certificate is believed: here keys may be checked, and on some further domains of ours be proved. */
  readonly #secured = new Set<Link>()
  readonly #extendable = new Set<Link>()
  /** The connection that is being made, for one of our domains, until that may send. */
  #opening: Opening | undefined
  readonly #queue: Queue
  #questions: Question[] = []
  /** Why the domain could not be reached, until it can. */
  failure: Failure | undefined
  #failures = 0
  #retryAt = 0
  #triedAt = Number.NEGATIVE_INFINITY
  /** When a connection was tried for nothing but keys that strangers have shown, since the last one that served. */
  #triedForKeysAt = Number.NEGATIVE_INFINITY
  #cancelRetry: (() => void) | undefined

  constructor(domain: string, federation: Federation) {
    this.domain = domain
    this.#federation = federation
    this.#queue = new Queue(federation.settings.queue)
  }

  get waiting(): number {
    return this.#queue.length
  }

  /** Something waits for a connection that is being made. */
  get isUnderWay(): boolean {
    return this.#queue.length > 0 && (this.#opening !== undefined || this.#extendable.size > 0)
  }

  /** Nothing would be lost if it were forgotten. */
  get isIdle(): boolean {
    return this.links.size === 0 && this.#queue.length === 0 && this.#questions.length === 0 && this.#opening === undefined
  }

  // --- stanzas

  /** Sends it, or lets it wait for a connection; answers it if neither can be. */
  deliver(parcel: Parcel): void {
    const local = parcel.from.domain
    const link = this.#linkFor(local)
    if (link?.hasRoom && !this.#queue.has(local)) link.send(parcel)
    else if (this.failure !== undefined && this.#isHopeless(this.failure)) this.#return([parcel], this.failure)
    else if (this.#queue.add(parcel)) {
      if (link === undefined) this.#connect(local)
    } else this.#federation.refuse(parcel, new StanzaError('resource-constraint', 'too much waits for this domain'))
  }

  /** No try will be made before a stanza would be returned anyway. */
  #isHopeless({ isLasting }: Failure): boolean {
    const patience = isLasting ? 0 : this.#federation.settings.queue.age
    return this.#opening === undefined && this.#retryAt - this.#now > patience
  }

  /** Returns what has waited too long. */
  expire(): void {
    const late = this.#queue.takeLate(this.#now - this.#federation.settings.queue.age)
    this.#return(late, this.failure ?? failure('no connection was made in time'))
  }

  /** The same one as long as it may send: on another one, what comes later would overtake what is dealt with slowly (RFC 6120 §10.1). */
  #linkFor(local: string): Link | undefined {
    const former = this.#carrying.get(local)
    if (former?.sends(local, this.domain)) return former
    const link = this.links.values().find(link => link.sends(local, this.domain))
    if (link === undefined) this.#carrying.delete(local)
    else this.#carrying.set(local, link)
    return link
  }

  #return(parcels: readonly Parcel[], { condition, why }: Failure): void {
    for (const parcel of parcels) this.#federation.refuse(parcel, new StanzaError(condition, why))
  }

  // --- connections

  /** A connection that we have opened is to be trusted. `isExtendable`: the other side says that it can refuse a pair and go on. */
  secured(link: Link, isExtendable: boolean): void {
    if (!this.#mayJoin(link)) return
    this.#join(link)
    this.#secured.add(link)
    if (isExtendable && !this.#isApart) this.#extendable.add(link)
    for (const question of this.#questions.splice(0)) {
      if (this.#mayAskOn(link, question.vouched)) link.dialback.verify(question.vouched, question.key).then(question.tell)
      else this.#questions.push(question)
    }
    if (this.#opening?.link === link) link.dialback.request(this.#opening.local, this.domain)
    this.#goOn()
  }

  /** Our domain may send over the link: what has waited goes out. */
  authorised(link: Link, local: string): void {
    if (!this.#mayJoin(link)) return
    this.#join(link)
    if (this.#opening?.local === local) this.#opening = undefined
    this.failure = undefined
    this.#retryAt = 0
    this.#triedForKeysAt = Number.NEGATIVE_INFINITY
    this.#sendFrom(local)
    this.#goOn()
  }

  /** The other side has acknowledged some of what it got: what has waited for that goes out. */
  relieved(): void {
    this.#failures = 0
    if (this.#queue.length > 0) for (const local of this.#queue.senders()) this.#sendFrom(local)
  }

  /** Over the link that `deliver` takes, whichever made room: of one domain of ours nothing may overtake on another one. */
  #sendFrom(local: string): void {
    for (;;) {
      const link = this.#linkFor(local)
      const parcel = link?.hasRoom ? this.#queue.next(local) : undefined
      if (link === undefined || parcel === undefined) return
      link.send(parcel)
    }
  }

  /** The domain may write to us over the link. So it is there: what waits for it need not wait longer, if the last try is not just over. */
  heard(link: Link): void {
    if (!this.#mayJoin(link)) return
    this.#join(link)
    this.#retryAt = this.#soonest
    this.#goOn()
  }

  /** The other side does not take stanzas from a domain of ours over this link. */
  refused(link: Link, local: string, reason: Failure): void {
    if (this.#opening?.link === link) {
      link.end(reason.why)
      return
    }
    this.#extendable.delete(link)
    // XEP-0220 §2.1.1: a key that is not right would not be so elsewhere; for all else, a connection of its own is the last thing to try.
    if (reason.why === 'it does not believe us') this.#return(this.#queue.takeFrom(local), reason)
    this.#goOn()
  }

  /** The link is over; `rest` was sent on it and not acknowledged. */
  left(link: Link, rest: readonly Parcel[]): void {
    this.links.delete(link)
    this.#extendable.delete(link)
    this.#secured.delete(link)
    for (const [local, carrying] of this.#carrying) if (carrying === link) this.#carrying.delete(local)
    if (link.hasFailed && this.links.size === 0) this.failure = link.failure
    if (rest.length > 0) {
      this.#queue.putBack(rest)
      // What has waited for its acknowledgement for so long is not carried once more.
      this.expire()
    }
    if (this.#opening?.link === link) this.#failed(link.failure)
    // Who hangs up on what he is sent could do so as often as he likes.
    else if ((link.hasFailed || rest.length > 0) && this.links.size === 0) this.#broke()
    else this.#goOn()
  }

  /** XEP-0220 §2.1.2: whether the domain's own server made this key; asked only where its certificate is believed. */
  verify(vouched: Vouched, key: string): Promise<Verdict> {
    const link = [...this.#secured].find(link => this.#mayAskOn(link, vouched))
    if (link !== undefined) return link.dialback.verify(vouched, key)
    if (this.#questions.length >= MOST_QUESTIONS) return Promise.resolve('resource-constraint')
    const { promise, resolve } = Promise.withResolvers<Verdict>()
    this.#questions.push({ vouched, key, tell: resolve })
    this.#connect(vouched.target)
    return promise
  }

  /** False if it is over, or ends here: the domain may have been blocked while it was being proved. */
  #mayJoin(link: Link): boolean {
    if (!this.#federation.settings.isAllowed(this.domain)) link.end('it is blocked by the settings', new StreamError('policy-violation'))
    return !link.isClosed
  }

  /** No connection says more than one of our domains, where the other side must not see which are served together. */
  #mayAskOn(link: Link, { target }: Vouched): boolean {
    return !this.#isApart || link.local === target
  }

  get #isApart(): boolean {
    return this.#federation.settings.isApart(this.domain)
  }

  #join(link: Link): void {
    this.links.add(link)
    link.peers.add(this)
  }

  /** What waits goes out where there is a connection for it; whoever has none gets one. */
  #goOn(): void {
    const [question] = this.#questions
    if (question !== undefined) this.#connect(question.vouched.target)
    for (const local of this.#queue.senders()) {
      if (this.#linkFor(local) === undefined) this.#connect(local)
      else this.#sendFrom(local)
    }
  }

  /** Has our domain proved: on a connection that is there, if that can be, or else on a new one. */
  #connect(local: string): void {
    if (!this.#federation.settings.isAllowed(this.domain)) {
      this.#giveUp(failure('it is blocked by the settings'))
      return
    }
    if (this.#opening !== undefined) return
    const [extendable] = this.#extendable
    if (extendable !== undefined) {
      extendable.dialback.request(local, this.domain)
      return
    }
    this.#cancelRetry?.()
    this.#cancelRetry = undefined
    const wait = this.#earliest - this.#now
    if (wait > 0) {
      this.#cancelRetry = this.#federation.clock.after(wait, () => this.#goOn())
      return
    }
    const opening: Opening = { local, purpose: this.#queue.length > 0 ? 'stanzas' : 'keys', link: undefined }
    this.#triedAt = this.#now
    if (opening.purpose === 'keys') this.#triedForKeysAt = this.#now
    this.#opening = opening
    this.#federation.open(local, this.domain, opening.purpose).then(
      link => {
        if (link.isClosed) return this.#failed(link.failure)
        opening.link = link
        this.#join(link)
      },
      (reason: Failure) => this.#failed(reason),
    )
  }

  /** Who asks us to check a key of the domain has seen it alive: then a try is worth more, but no more often than the first one. */
  get #earliest(): number {
    const forKeys = this.#questions.length > 0 ? this.#triedForKeysAt + FIRST_RETRY : Number.POSITIVE_INFINITY
    return this.#queue.length > 0 ? Math.min(this.#retryAt, forKeys) : forKeys
  }

  get #soonest(): number {
    return Math.min(this.#retryAt, this.#triedAt + FIRST_RETRY)
  }

  /**
   * What has served is replaced at once. But a domain whose connections break one after the other is tried ever more rarely, like
   * one that cannot be reached, until it acknowledges something; and even then not all the time.
   */
  #broke(): void {
    this.#retryAt = Math.max(this.#retryAt, this.#triedAt + this.#nextWait())
    this.#goOn()
  }

  #nextWait(): number {
    const wait = Math.min(LONGEST_RETRY, FIRST_RETRY * 2 ** Math.min(this.#failures++, 10))
    return wait + randomInt(wait / 2)
  }

  #failed(reason: Failure): void {
    const isForKeys = this.#opening?.purpose === 'keys' && this.#queue.length === 0
    this.#opening = undefined
    this.failure = reason
    // Tries that only strangers have caused do not count: how often those come is up to them.
    if (!isForKeys) this.#retryAt = this.#now + this.#nextWait()
    this.#doubt(reason)
    if (reason.isLasting) this.#giveUp(reason)
    else this.#goOn()
  }

  /** Nothing waits any more. */
  #giveUp(reason: Failure): void {
    this.#doubt(reason)
    this.#return(this.#queue.takeAll(), reason)
  }

  /** Keys that could not be asked about are not vouched for (XEP-0220 §2.4). */
  #doubt({ condition }: Failure): void {
    const verdict = condition === 'remote-server-not-found' ? condition : 'remote-server-timeout'
    for (const { tell } of this.#questions.splice(0)) tell(verdict)
  }

  /** All connections end, and nothing waits any more. */
  close(reason: Failure): void {
    for (const link of [...this.links]) link.end(reason.why)
    this.#cancelRetry?.()
    this.#cancelRetry = undefined
    this.#giveUp(reason)
  }

  get #now(): number {
    return this.#federation.clock.now()
  }
}
