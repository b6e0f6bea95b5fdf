import { randomInt } from 'node:crypto'
import { randomId } from '../../lib/random.ts'
import type { Socket } from '../../net/socket.ts'
import type { Element } from '../../xml/element.ts'
import { type StreamHandler, XmlError } from '../../xml/parser.ts'
import { StreamError } from '../../xmpp/error.ts'
import { readAddress } from '../address.ts'
import { readCount } from '../count.ts'
import { TcpFraming } from '../framing.ts'
import { InOrder, type Taker } from '../in-order.ts'
import { inLanguage, languageOf } from '../language.ts'
import { Etherx, Sm } from '../namespaces.ts'
import type { Belief } from './belief.ts'
import { DialbackSide } from './dialback.ts'
import type { Federation } from './federation.ts'
import { LinkManagement } from './management.ts'
import { Dialback } from './namespaces.ts'
import { failure, type Parcel, type Why } from './parcel.ts'
import type { Peer } from './peer.ts'
import { Proofs } from './proofs.ts'

/** How long the other side may take to end a stream that we have ended, ms. */
const LINGER = 5_000
/** Elements that may wait before anything is proved. */
const MOST_BEFORE = 64

/** What the two sides settle on a connection; what is no stanza and no acknowledgement goes to it. */
export interface Negotiation {
  /** The other side's stream header; what comes behind it waits. */
  onHeader(root: Element): void | Promise<void>
  /** Throws a StreamError for what may not come now. */
  take(element: Element): void | Promise<void>
  /** The TLS handshake is done. */
  onSecured(): void | Promise<void>
  /** Stanzas may go out for a pair of domains; calls back once it is settled whether they are acknowledged. */
  beforeStanzas(go: () => void): void
  /** A stanza has come. */
  onStanza?(): void
}

/**
 * One connection with another server, opened by either side: stanzas of the pairs of domains that were proved on it, in one
 * direction or, with XEP-0288, in both (RFC 6120 §4, §8.1).
 */
export class Link implements StreamHandler, Taker {
  readonly federation: Federation
  readonly socket: Socket
  readonly isIncoming: boolean
  readonly dialback: DialbackSide
  readonly management: LinkManagement
  readonly #framing: TcpFraming
  readonly #inOrder = new InOrder(this)
  readonly #negotiation: Negotiation
  /** The domains that the headers speak of; the other side's is only a hint until it has been proved. */
  local = ''
  remote = ''
  /** The receiving side's, of the stream's last header (XEP-0220 §2.1.1). */
  streamId = ''
  /** How the certificate of the other side was believed, if it was. */
  belief: Belief | undefined
  /** The domains of the other side that use this connection. */
  readonly peers = new Set<Peer>()
  /** Stanzas go both ways (XEP-0288). */
  isBidi = false
  readonly proofs = new Proofs()
  /** Of the other side's stanzas, where they name none. */
  #language: string | undefined
  #isHeaderSent = false
  #isClosed = false
  /** We have ended the stream, and wait for what the other side has sent before it ends it, too. */
  #isLingering = false
  /** The other side has ended the stream. */
  #isEnded = false
  #isReading = true
  #isShakingHands: boolean
  /** What went wrong, for the operator; the first cause counts. */
  #why: Why | undefined
  /** In ticks of `Federation`: when a byte came, and when a stanza went either way. */
  heardAt = 0
  usedAt = 0
  isAsked = false
  /** The share of the longest rest that this connection is given, so that not all end at once. */
  readonly patience = 1 + randomInt(100) / 1000
  allowance = 0
  isShaped = false

  constructor(federation: Federation, socket: Socket, isIncoming: boolean, negotiation: (link: Link) => Negotiation) {
    this.federation = federation
    this.socket = socket
    this.isIncoming = isIncoming
    this.#isShakingHands = socket.kind === 'tls' && !socket.isSecure
    this.heardAt = this.usedAt = federation.tick
    this.#framing = new TcpFraming(this, federation.settings.xmlBefore, 'jabber:server')
    this.management = new LinkManagement(
      federation.clock,
      element => this.sendElement(element),
      () => this.steer(),
    )
    this.dialback = new DialbackSide(this)
    this.#negotiation = negotiation(this)
    socket.onData = bytes => this.#read(bytes)
    socket.onClose = () => {
      this.#inOrder.finish()
      this.#why ??= this.#isShakingHands ? 'the TLS handshake failed' : 'the connection broke'
      this.#lingerNoMore()
      this.#leave()
    }
    socket.onSecured = () => {
      this.#isShakingHands = false
      this.#inOrder.first(() => this.#negotiation.onSecured())
    }
  }

  get isClosed(): boolean {
    return this.#isClosed
  }

  /** Some pair of domains has been proved. */
  get isAuthenticated(): boolean {
    return !this.proofs.isEmpty
  }

  /** It did not end in order. */
  get hasFailed(): boolean {
    return this.#why !== undefined
  }

  /** Why it ended, if it has and that is known. */
  get why(): Why {
    return this.#why ?? 'the connection broke'
  }

  // --- who may send what

  /** Stanzas from our `local` to `remote` may go out here from now on. */
  maySendFrom(local: string, remote: string): void {
    this.#authenticated()
    this.#negotiation.beforeStanzas(() => {
      if (this.#isClosed) return
      this.proofs.allowOut(local, remote)
      this.federation.peer(remote).authorised(this, local)
    })
  }

  /** Stanzas from `remote` to our `local` may come in here from now on. */
  mayReceiveFrom(remote: string, local: string): void {
    this.proofs.allowIn(remote, local)
    this.#authenticated()
    this.federation.peer(remote).heard(this)
  }

  /** The other side is `remote`, whomever of us it writes to (XEP-0178 §3). */
  hasProved(remote: string): void {
    this.proofs.certify(remote)
    this.#authenticated()
    this.federation.peer(remote).heard(this)
  }

  sends(local: string, remote: string): boolean {
    return !this.#isClosed && this.proofs.allowsOut(local, remote)
  }

  receives(remote: string, local: string): boolean {
    return this.proofs.allowsIn(remote, local)
  }

  #authenticated(): void {
    this.#framing.limit(this.federation.settings.xmlAfter)
    this.federation.authenticated(this)
  }

  // --- what comes in

  #read(bytes: Buffer): void {
    if (this.#isClosed && !this.#isLingering) return
    this.heardAt = this.federation.tick
    this.isAsked = false
    this.federation.shape(this, bytes.length)
    try {
      this.#framing.read(bytes)
    } catch (error) {
      this.fail(error)
    }
  }

  onOpen(root: Element, content: string): void {
    if (this.#isClosed) return
    if (root.name !== 'stream') throw new StreamError('bad-format')
    // RFC 6120 §4.8.2: a client has taken this port for one of its own.
    if (root.ns !== Etherx.uri || content === 'jabber:client') throw new StreamError('invalid-namespace')
    this.#language = languageOf(root)
    this.#inOrder.first(() => this.#negotiation.onHeader(root))
  }

  onElement(element: Element): void {
    if (this.#isClosed && !this.#isLingering) return
    // While a certificate is looked at, one piece of TLS could bring thousands of the smallest elements, each many times its size.
    if (!this.isAuthenticated && this.#inOrder.isHeldUp && this.#inOrder.length >= MOST_BEFORE)
      throw new StreamError('policy-violation', 'too much at once')
    this.#inOrder.add(element)
  }

  /** RFC 6120 §4.4: what came before the end still counts. */
  onClose(): void {
    this.#isEnded = true
    if (this.#isLingering) this.#inOrder.whenDone(() => this.#lingerNoMore())
    else if (!this.#isClosed) this.#inOrder.whenDone(() => this.close(undefined))
  }

  take(element: Element): void | Promise<void> {
    if (element.ns === 'jabber:client') return this.#stanza(element)
    if (this.#isLingering) return
    if (element.is(Etherx, 'error')) return this.#streamError(element)
    if (element.ns === Dialback.uri) return this.#dialback(element)
    if (element.ns === Sm.uri && this.#acknowledgement(element)) return
    return this.#negotiation.take(element)
  }

  #stanza(stanza: Element): void {
    const { name, attrs } = stanza
    if (name !== 'message' && name !== 'presence' && name !== 'iq') throw new StreamError('unsupported-stanza-type')
    const from = readAddress(attrs['from'])
    if (from === undefined || attrs['to'] === undefined) throw new StreamError('improper-addressing')
    if (!this.isAuthenticated) throw new StreamError('not-authorized')
    this.usedAt = this.federation.tick
    this.#negotiation.onStanza?.()
    this.management.receive(custody => this.federation.receive(this, inLanguage(stanza, this.#language), from, attrs['to']!, custody))
  }

  #dialback(element: Element): void {
    // RFC 6120 §5.3.1: TLS comes first; nothing is believed that came without it.
    if (!this.socket.isSecure) throw new StreamError('policy-violation', 'TLS comes first')
    this.dialback.take(element)
  }

  /** True if the element was one of the few that both sides may send at any time (XEP-0198 §4). */
  #acknowledgement({ name, attrs }: Element): boolean {
    if (name !== 'r' && name !== 'a') return false
    if (!this.management.isOn) throw new StreamError('policy-violation', 'nothing is acknowledged here')
    if (name === 'r') this.management.requested()
    else {
      this.management.acknowledge(readCount(attrs['h']))
      for (const peer of this.peers) peer.relieved()
    }
    return true
  }

  /** RFC 6120 §4.9.1.1: the stream is over. */
  #streamError(error: Element): void {
    const isShutdown = error.elements().some(({ name }) => name === 'system-shutdown' || name === 'reset' || name === 'conflict')
    this.#why ??= isShutdown ? 'the connection broke' : 'it ended the stream with an error'
    this.close(undefined)
  }

  /** Reads on, unless more has come than may come or than is dealt with. */
  steer(): void {
    const mayRead = !this.isShaped && !this.#inOrder.isFull && !this.management.isFull
    if (mayRead === this.#isReading || (this.#isClosed && !this.#isLingering)) return
    this.#isReading = mayRead
    if (mayRead) this.socket.resume()
    else this.socket.pause()
  }

  // --- what goes out

  /** More may be sent now; else it waits until what was sent is acknowledged. */
  get hasRoom(): boolean {
    return this.management.hasRoom(this.federation.settings.window)
  }

  send(parcel: Parcel): void {
    this.usedAt = this.federation.tick
    const xml = this.#framing.stanza(parcel.stanza)
    // Counted first: what a connection is too full to take comes back with the rest, when it is given up for that.
    this.management.count(parcel, xml.length)
    this.write(xml)
    this.management.sent()
  }

  sendElement(element: Element): void {
    this.write(this.#framing.stanza(element))
  }

  sendStreamElement(element: Element): void {
    this.write(this.#framing.streamElement(element))
  }

  /** RFC 6120 §4.7; the receiving side names the stream, and gives the id that dialback goes by. */
  sendHeader(isReceiving: boolean): void {
    this.#isHeaderSent = true
    if (isReceiving) this.streamId = randomId(18)
    const id = isReceiving ? this.streamId : undefined
    this.write(this.#framing.header({ from: this.local, to: this.remote || undefined, id }))
  }

  write(xml: string): void {
    if (this.#isClosed) return
    this.socket.send(xml)
    if (this.socket.queued > this.federation.settings.outputBuffer) this.giveUp('it does not answer')
  }

  /** Asks for a sign of life, where one would come; and a broken connection shows itself when it is written to. */
  ask(): void {
    if (this.management.isOn) {
      this.isAsked = true
      this.sendElement(Sm('r'))
    } else {
      this.heardAt = this.federation.tick
      this.write(' ')
    }
  }

  // --- its phases and its end

  /** The other side opens the stream anew (RFC 6120 §4.3.3). */
  restart(): void {
    this.#isHeaderSent = false
    this.#framing.restart()
  }

  /** RFC 6120 §5.4.3.3: nothing that came before TLS counts. */
  startTls(): void {
    this.#framing.discard()
    this.#inOrder.drop()
    this.restart()
    this.#isShakingHands = true
    this.socket.startTls!(this.local)
  }

  fail(error: unknown): void {
    if (this.#isLingering) this.#lingerNoMore()
    else if (error instanceof XmlError) this.end('it speaks no XMPP', new StreamError(error.condition))
    else if (error instanceof StreamError) this.end('the connection broke', error)
    else {
      this.federation.log.fault('stream.failed', error)
      this.close(new StreamError('internal-server-error'))
    }
  }

  /** Ends the stream; `why` is for the operator. */
  end(why: Why, error?: StreamError): void {
    this.#why ??= why
    this.close(error)
  }

  close(error: StreamError | undefined): void {
    if (this.#isClosed) return
    this.management.conclude()
    // RFC 6120 §4.9.1.2: an error comes behind a header. Whom we have called, but do not believe yet, hears nothing.
    if (error !== undefined && (this.#isHeaderSent || this.isIncoming)) {
      this.local ||= this.federation.anyDomain
      if (!this.#isHeaderSent) this.sendHeader(true)
      this.sendStreamElement(error.toElement())
    }
    // RFC 6120 §4.4: what is under way to us would be lost, unless the other side knows that we have not acknowledged it.
    const isInGoodOrder = error === undefined && this.#why === undefined && this.isAuthenticated && !this.#isEnded
    const lingers = isInGoodOrder && !this.management.acknowledges
    if (this.#isHeaderSent) this.write(this.#framing.end)
    if (lingers) this.#linger()
    else this.socket.close()
    this.#leave()
  }

  #linger(): void {
    this.#isLingering = true
    this.federation.clock.after(LINGER, () => this.#lingerNoMore())
  }

  #lingerNoMore(): void {
    if (!this.#isLingering) return
    this.#isLingering = false
    this.#discard()
    this.socket.close()
  }

  /** Without a word: as if the connection had broken. */
  giveUp(why: Why): void {
    this.#why ??= why
    this.socket.destroy()
    this.#leave()
  }

  #leave(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    if (!this.#isLingering) this.#discard()
    this.dialback.end()
    this.federation.left(this, this.management.end())
  }

  #discard(): void {
    this.#framing.discard()
    this.#inOrder.end()
  }

  /** What a sender is told of what could not be sent here. */
  get failure(): ReturnType<typeof failure> {
    return failure(this.why)
  }
}
