import type { Clock } from '../../core/clock.ts'
import type { Custody } from '../../core/custody.ts'
import { SUBSCRIPTION_TYPES } from '../../core/host.ts'
import type { Log } from '../../core/log.ts'
import type { Destination, Router } from '../../core/router.ts'
import type { Socket } from '../../net/socket.ts'
import type { Element } from '../../xml/element.ts'
import { StanzaError, StreamError } from '../../xmpp/error.ts'
import { Jid } from '../../xmpp/jid.ts'
import { readAddress } from '../address.ts'
import { Shaper } from '../shaper.ts'
import type { Dial, Judge, Judgement } from './belief.ts'
import { DialbackKeys } from './dialback-key.ts'
import { IncomingNegotiation } from './incoming.ts'
import { Link } from './link.ts'
import { OutgoingNegotiation } from './outgoing.ts'
import { failure, type Parcel } from './parcel.ts'
import { Peer } from './peer.ts'
import { Pings } from './pings.ts'
import type { ServerStreamSettings } from './settings.ts'

/** One timer for all connections ticks this often, ms. */
const TICK = 1000
/** Domains that are remembered. */
const MOST_PEERS = 10_000
/**
 * Connections that are being made at a time, until they can be used: for stanzas of our own, and to ask about keys that strangers
 * have shown. These can be made to lead to anybody and to hang, and must not stand in the way of those.
 */
const MOST_OPENING = { stanzas: 400, keys: 100 } as const
/** Connections that we have opened, at which none is opened for strangers any more. */
const MOST_OPENED = 5_000

/** What a connection is opened for. */
export type Purpose = keyof typeof MOST_OPENING
/** How long a stop waits for connections and acknowledgements, ms. */
const SETTLE_WITHIN = 1_500

export interface FederationOptions {
  readonly router: Router
  readonly clock: Clock
  readonly log: Log
  readonly settings: ServerStreamSettings
  readonly dial: Dial
  readonly judge: Judge
  /** Whether a domain of ours takes part. */
  readonly isOpen?: (local: string) => boolean
}

/** All domains that are not served here, and all connections with their servers (RFC 6120 §10.4). */
export class Federation implements Destination {
  /** May be replaced while running. */
  settings: ServerStreamSettings
  readonly clock: Clock
  readonly log: Log
  readonly keys = new DialbackKeys()
  tick = 0
  readonly #router: Router
  readonly #dial: Dial
  readonly #judge: Judge
  readonly #isOpen: (local: string) => boolean
  readonly #peers = new Map<string, Peer>()
  readonly #links = new Set<Link>()
  /** Those on which nothing has been proved yet, with the tick at which they end. */
  readonly #unproved = new Map<Link, number>()
  readonly #shaper = new Shaper()
  readonly #pings: Pings
  readonly #opening = { stanzas: 0, keys: 0 }
  /** Those of the connections that we have opened which cannot be used yet. */
  readonly #opened = new Map<Link, Purpose>()
  /** When domains were last looked through for some to forget. */
  #sweptAt = 0
  /** How many we have opened. */
  #outgoing = 0
  readonly #timer: NodeJS.Timeout
  #isOver = false

  constructor({ router, clock, log, settings, dial, judge, isOpen = () => true }: FederationOptions) {
    this.#router = router
    this.clock = clock
    this.log = log
    this.settings = settings
    this.#dial = dial
    this.#judge = judge
    this.#isOpen = isOpen
    this.#pings = new Pings(clock)
    this.#timer = setInterval(() => this.onTick(), TICK).unref()
    router.foreign = this
  }

  isLocal(domain: string): boolean {
    return this.#router.isLocal(domain)
  }

  /** Served here, and for other servers too. */
  isOpen(domain: string): boolean {
    return this.isLocal(domain) && this.#isOpen(domain)
  }

  /** Named in a header when nobody knows whom the other side meant. */
  get anyDomain(): string {
    for (const domain of this.#router.domains) if (this.#isOpen(domain)) return domain
    return ''
  }

  peer(domain: string): Peer {
    const known = this.#peers.get(domain)
    if (known !== undefined) return known
    if (this.#peers.size >= MOST_PEERS && this.#sweptAt !== this.tick) {
      this.#sweptAt = this.tick
      for (const peer of this.#peers.values()) if (peer.isIdle) this.#peers.delete(peer.domain)
    }
    const peer = new Peer(domain, this)
    this.#peers.set(domain, peer)
    return peer
  }

  /** Those that are in memory. */
  get peers(): Iterable<Peer> {
    return this.#peers.values()
  }

  get counts(): { peers: number; links: number } {
    return { peers: this.#peers.size, links: this.#links.size }
  }

  // --- stanzas

  deliver(stanza: Element, from: Jid, to: Jid, custody: Custody | undefined): void {
    custody?.hold()
    const parcel: Parcel = { stanza, from, to, custody, since: this.clock.now() }
    if (!this.isOpen(from.domain)) {
      this.refuse(parcel, new StanzaError('remote-server-not-found'))
      return
    }
    if (!this.settings.isAllowed(to.domain)) {
      this.refuse(parcel, new StanzaError('not-allowed', 'this domain is blocked'))
      return
    }
    this.peer(to.domain).deliver(parcel)
  }

  refuse({ stanza, from, to, custody }: Parcel, error: StanzaError): void {
    this.#pings.failed(stanza, error.message)
    this.#router.refuse(stanza, from, to, error)
    custody?.release()
  }

  /** From another server (RFC 6120 §8.1.1.2 and §8.1.2.2). Throws a StreamError if the other side may not send it. */
  receive(link: Link, stanza: Element, from: Jid, to: string, custody: Custody): void {
    const recipient = readAddress(to)
    if (recipient === undefined) {
      if (!link.receives(from.domain, link.local)) throw new StreamError('invalid-from')
      const here = Jid.of('', link.local)
      this.#router.refuse(stanza.with({ to: link.local }), from, here, new StanzaError('jid-malformed'))
      return
    }
    // Nobody is relayed for (V24): what is not for us was never meant to come here.
    if (!this.isOpen(recipient.domain)) throw new StreamError('host-unknown')
    if (!link.receives(from.domain, recipient.domain)) throw new StreamError('invalid-from')
    // RFC 6121 §3.1.3: subscriptions are between bare addresses.
    const isSubscription = stanza.name === 'presence' && SUBSCRIPTION_TYPES.has(stanza.attrs['type'])
    const [sender, receiver] = isSubscription ? [from.bare, recipient.bare] : [from, recipient]
    const [own, other] = [String(sender), String(receiver)]
    if (this.#pings.answered(stanza, from, recipient)) return
    const isPrepared = stanza.attrs['from'] === own && stanza.attrs['to'] === other
    this.#router.route(isPrepared ? stanza : stanza.with({ from: own, to: other }), sender, receiver, custody)
  }

  /**
   * Asks a domain's server for an answer (XEP-0199), in the name of one of ours. Undefined once it has come, else why there
   * is none.
   */
  ping(domain: string): Promise<string | undefined> {
    const from = Jid.of('', this.anyDomain)
    const to = Jid.of('', domain)
    const { stanza, answer } = this.#pings.make(from, to)
    this.deliver(stanza, from, to, undefined)
    return answer
  }

  /** Ends all connections with a domain; false if there are none. What waits for it gets a new one. */
  closeDomain(domain: string): boolean {
    const links = [...(this.#peers.get(domain)?.links ?? [])]
    for (const link of links) link.close(undefined)
    return links.length > 0
  }

  // --- connections

  /** A server has connected. */
  accept(socket: Socket): void {
    this.#add(new Link(this, socket, true, link => new IncomingNegotiation(link)))
  }

  /** Connects to a domain in the name of one of ours. Rejects with a `Failure`. */
  async open(local: string, remote: string, purpose: Purpose): Promise<Link> {
    if (this.#isOver) throw failure('the connection broke')
    const isTooMuch = purpose === 'keys' && this.#outgoing >= MOST_OPENED
    if (isTooMuch || this.#opening[purpose] >= MOST_OPENING[purpose]) throw failure('no connection was made in time')
    this.#opening[purpose]++
    let socket: Socket
    try {
      socket = await this.#dial(local, remote)
    } catch (error) {
      this.#opening[purpose]--
      if (!(error instanceof Error)) throw error
      this.log.fault('dial.failed', error)
      throw failure('no connection could be made')
    }
    const link = new Link(this, socket, false, link => new OutgoingNegotiation(link, local, remote))
    this.#opened.set(link, purpose)
    if (link.isClosed) this.#free(link)
    else this.#add(link)
    return link
  }

  /** It can be used, or is over: another one may be made. */
  #free(link: Link): void {
    const purpose = this.#opened.get(link)
    if (purpose !== undefined) this.#opening[purpose]--
    this.#opened.delete(link)
  }

  judge(link: Link, domain: string): Promise<Judgement> {
    return this.#judge(link.socket, domain)
  }

  #add(link: Link): void {
    this.#links.add(link)
    if (!link.isIncoming) this.#outgoing++
    this.#unproved.set(link, this.tick + Math.ceil(this.settings.timeToAuthenticate / TICK))
  }

  authenticated(link: Link): void {
    this.#unproved.delete(link)
    this.#free(link)
  }

  /** The link is over; `rest` was sent on it and not acknowledged. */
  left(link: Link, rest: Parcel[]): void {
    if (this.#links.delete(link) && !link.isIncoming) this.#outgoing--
    this.#unproved.delete(link)
    this.#shaper.forget(link)
    this.#free(link)
    for (const peer of link.peers) {
      peer.left(
        link,
        rest.filter(({ to }) => to.domain === peer.domain),
      )
    }
  }

  /** Counts what the other side sends; who sends too much is not read from until the next tick. */
  shape(link: Link, bytes: number): void {
    this.#shaper.count(link, bytes, this.settings)
  }

  /** Takes up other settings; connections that they forbid end. */
  reload(settings: ServerStreamSettings): void {
    this.settings = settings
    for (const peer of this.#peers.values()) if (!settings.isAllowed(peer.domain)) peer.close(failure('it is blocked by the settings'))
  }

  /**
   * Before the server stops: done when all that was to be sent has been, where connections are being made, and is
   * acknowledged, where it ever is; or when that has been waited for long enough.
   */
  async settle(): Promise<void> {
    const deadline = performance.now() + SETTLE_WITHIN
    while (this.#isUnsettled() && performance.now() < deadline) await new Promise(resolve => setTimeout(resolve, 10))
  }

  #isUnsettled(): boolean {
    const unsettled = [...this.#links].filter(({ management }) => management.unacknowledged > 0)
    for (const link of unsettled) if (!link.isAsked) link.ask()
    return unsettled.length > 0 || this.#peers.values().some(({ isUnderWay }) => isUnderWay)
  }

  /** Ends all streams. What was not acknowledged was not acknowledged to its senders either. */
  close(): void {
    this.#isOver = true
    clearInterval(this.#timer)
    for (const link of [...this.#links]) link.close(new StreamError('system-shutdown'))
  }

  /** Once a second. */
  onTick(): void {
    this.tick++
    for (const [link, deadline] of this.#unproved) {
      if (deadline > this.tick) break // they stand in the order in which they came
      link.end('it did not finish the negotiation in time', new StreamError('connection-timeout'))
    }
    this.#shaper.replenish(this.settings)
    for (const peer of this.#peers.values()) peer.expire()
    for (const link of this.#links) if (link.management.isStuck(this.settings.queue.age)) link.giveUp('it does not answer')
    if (this.tick % 15 === 0) for (const link of this.#links) this.#look(link)
  }

  /** Closes what nobody uses, asks who is silent (RFC 6120 §4.6), and gives up who does not answer. */
  #look(link: Link): void {
    if (this.#unproved.has(link)) return
    const { idleAfter, silentAfter, answerWithin } = this.settings
    const silent = (this.tick - link.heardAt) * TICK
    if ((this.tick - link.usedAt) * TICK > idleAfter * link.patience && link.management.unacknowledged === 0) link.close(undefined)
    else if (silent < silentAfter) return
    else if (!link.isAsked) link.ask()
    else if (silent > silentAfter + answerWithin) link.giveUp('it does not answer')
  }
}
