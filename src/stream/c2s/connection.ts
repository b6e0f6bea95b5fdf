import type { Custody } from '../../core/custody.ts'
import { then } from '../../core/host.ts'
import type { KeyHold } from '../../core/keys.ts'
import type { Position, Session, Transport } from '../../core/session.ts'
import { randomId } from '../../lib/random.ts'
import type { Socket } from '../../net/socket.ts'
import type { Element } from '../../xml/element.ts'
import { type StreamHandler, XmlError } from '../../xml/parser.ts'
import { StreamError } from '../../xmpp/error.ts'
import type { Jid } from '../../xmpp/jid.ts'
import { Client } from '../../xmpp/stanza.ts'
import { readAddress } from '../address.ts'
import { readCount } from '../count.ts'
import { type Framing, TcpFraming, WebSocketFraming } from '../framing.ts'
import { InOrder, type Taker } from '../in-order.ts'
import { inLanguage, languageOf } from '../language.ts'
import { Ping, Sm, Stanzas } from '../namespaces.ts'
import type { ClientStreams } from './client-streams.ts'
import { StreamManagement } from './management.ts'
import { Negotiation } from './negotiation.ts'
import type { ServedHost } from './settings.ts'

/** The share of its output buffer from which on a client is behind. */
const BEHIND = 1 / 4

/**
 * One client's connection: reads its stream, keeps its stanzas in order, writes what it is sent (RFC 6120 §4).
 * Until a resource is bound its `Negotiation` deals with what comes, then the session does.
 */
export class Connection implements StreamHandler, Taker, Transport {
  readonly streams: ClientStreams
  readonly socket: Socket
  readonly #framing: Framing
  readonly #inOrder = new InOrder(this)
  served: ServedHost | undefined
  /** The revision of the accounts when authentication began. */
  revision = 0
  /** What the client is known as that has logged in, if it has said who it is. */
  client: string | undefined
  /** The `from` of the client's header: only a hint until it has authenticated. */
  claimed: Jid | undefined
  /** Of the client's stanzas, where they name none. */
  #language: string | undefined
  #negotiation: Negotiation | undefined = new Negotiation(this)
  #keys: KeyHold | undefined
  #session: Session | undefined
  #management: StreamManagement | undefined
  /** The header of the stream has been answered. */
  #isOpen = false
  /** Its end has come; what came before it is still being dealt with. */
  #isEnding = false
  /** The session, if there is one, ends with this connection. */
  #isOver = false
  #isClosed = false
  #isReading = true
  /** It does not read what it is sent as fast as it comes; done when it has caught up. */
  #behind: PromiseWithResolvers<void> | undefined
  /** When the client was last heard, in ticks of `ClientStreams`. */
  heardAt = 0
  isAsked = false
  /** Bytes it may still send in this tick, if that is limited. */
  allowance = 0
  isShaped = false

  constructor(streams: ClientStreams, socket: Socket) {
    this.streams = streams
    this.socket = socket
    const { xmlBefore } = streams.settings
    this.#framing = socket.kind === 'websocket' ? new WebSocketFraming(this, xmlBefore) : new TcpFraming(this, xmlBefore)
    this.allowance = streams.settings.bytesPerSecond
    socket.onData = bytes => this.#read(bytes)
    socket.onClose = () => {
      this.#inOrder.finish()
      this.#leave()
    }
  }

  get session(): Session | undefined {
    return this.#session
  }

  get management(): StreamManagement | undefined {
    return this.#management
  }

  get isClosed(): boolean {
    return this.#isClosed
  }

  get position(): Position | undefined {
    return undefined
  }

  // --- what comes in

  #read(bytes: Buffer): void {
    if (this.#isClosed || this.#isEnding) return
    this.heardAt = this.streams.tick
    this.isAsked = false
    this.streams.shape(this, bytes.length)
    try {
      this.#framing.read(bytes)
    } catch (error) {
      // What comes behind the end of a stream must not keep what came before it from being dealt with.
      if (!this.#isEnding) this.fail(error)
    }
  }

  onOpen(root: Element): void {
    if (this.#isClosed) return
    if (this.#isOpen) throw new StreamError('policy-violation', 'the stream is open')
    const isTcp = this.socket.kind !== 'websocket'
    if (isTcp && root.name !== 'stream') throw new StreamError('bad-format')
    if (isTcp && root.ns !== 'http://etherx.jabber.org/streams') throw new StreamError('invalid-namespace')
    const { to, from, version = '0.9' } = root.attrs
    const served = to === undefined ? undefined : this.streams.served(to)
    this.#open(served?.host.domain ?? this.streams.anyDomain, from)
    if (served === undefined || (this.served !== undefined && this.served !== served)) throw new StreamError('host-unknown')
    this.served = served
    if (!(Number.parseInt(version, 10) >= 1)) throw new StreamError('unsupported-version')
    this.claimed = readAddress(from)
    this.#language = languageOf(root)
    const negotiation = this.#negotiation!
    if (!negotiation.isSecure && !isTcp) throw new StreamError('policy-violation', 'this WebSocket is not secure')
    this.sendStreamElement(negotiation.features())
  }

  onElement(element: Element): void {
    if (this.#isClosed || this.#isEnding) return
    if (!this.#isOpen) throw new StreamError('bad-format', 'the stream is not open')
    // XEP-0388 §2.4: during authentication nothing else may come.
    if (this.#inOrder.isBusy && this.#negotiation?.isAuthenticating && element.name !== 'abort')
      throw new StreamError('policy-violation', 'not now')
    this.#inOrder.add(element)
  }

  /** RFC 6120 §4.4: what the client has sent before it closed the stream still counts. */
  onClose(): void {
    if (this.#isClosed) return
    this.#isEnding = true
    // Who says goodbye says last what it has got: that must hold once the server has said goodbye too.
    this.#inOrder.whenDone(() => void then(this.#management?.forgotten(), () => this.#end(undefined)))
  }

  take(element: Element): void | Promise<void> {
    if (this.#negotiation !== undefined) return this.#negotiation.take(element)
    const pending = this.#dispatch(element)
    return pending instanceof Promise ? pending.then(this.#untilCaughtUp) : this.#untilCaughtUp()
  }

  /** What a client has asked for at once is answered as fast as it reads. */
  readonly #untilCaughtUp = (): void | Promise<void> => this.#behind?.promise

  /** Reads on, unless the client has sent more than it may or than is dealt with, or does not read the answers. */
  steer(): void {
    const mayRead = !this.isShaped && this.#behind === undefined && !this.#inOrder.isFull
    if (mayRead === this.#isReading || this.#isClosed) return
    this.#isReading = mayRead
    if (mayRead) this.socket.resume()
    else this.socket.pause()
  }

  #dispatch(element: Element): void | Promise<void> {
    const session = this.#session!
    if (element.ns === 'jabber:client') {
      if (element.name !== 'message' && element.name !== 'presence' && element.name !== 'iq')
        throw new StreamError('unsupported-stanza-type')
      this.#checkFrom(element, session)
      const stanza = inLanguage(element, this.#language)
      return this.#management === undefined ? this.served!.host.receive(session, stanza) : this.#management.receive(stanza)
    }
    if (element.ns === Sm.uri) return this.#manage(element, session)
    const handle = this.served!.host.stream.nonzaHandler(element)
    if (handle !== undefined) return handle(session, element)
    throw new StreamError(isStanzaName(element.name) ? 'invalid-namespace' : 'unsupported-stanza-type')
  }

  /** RFC 6120 §8.1.2.1: a client may say only its own full or bare address. Whatever it says is replaced. */
  #checkFrom({ attrs: { from, to } }: Element, session: Session): void {
    if (from === undefined || from === session.jid.toString()) return
    const jid = readAddress(from)
    if (jid?.equals(session.jid) || jid?.equals(session.account.jid)) return
    // COMPAT(Converse.js 14): what is for one occupant of a room is from another there, which it is itself.
    const occupant = to === undefined || jid === undefined || jid.resource === '' ? undefined : readAddress(to)
    if (occupant === undefined || occupant.resource === '' || !occupant.bare.equals(jid!.bare)) throw new StreamError('invalid-from')
  }

  #manage(element: Element, session: Session): void {
    switch (element.name) {
      case 'r':
        this.#management?.requested()
        return
      case 'a': {
        this.#management?.acknowledge(readCount(element.attrs['h']))
        return
      }
      case 'enable':
        this.sendElement(this.#management === undefined ? this.manage(session, element) : failed('unexpected-request'))
        return
      case 'resume':
        this.sendElement(failed('unexpected-request'))
        return
      default:
        throw new StreamError('unsupported-stanza-type')
    }
  }

  // --- becoming a session

  /** What is sealed for the account stays open as long as this connection. */
  hold(keys: KeyHold | undefined): void {
    this.#keys?.release()
    this.#keys = keys
  }

  /** What the client has shown is worth nothing any more: the password was changed, the account removed, or the client revoked. */
  isOutdated(account: string): boolean {
    const { store, tokens } = this.served!.host
    return store.isOutdated(account, this.revision) || (this.client !== undefined && tokens.isOutdated(account, this.client, this.revision))
  }

  /** Turns stream management on for the session (XEP-0198 §3); gives the answer. */
  manage(session: Session, enable: Element): Element {
    const { host, streams } = this.served!
    const { management } = this.streams.settings
    const isResumable = enable.attrs['resume'] === 'true' || enable.attrs['resume'] === '1'
    const limits = { ...management, resumeFor: Math.min(management.resumeFor, preferred(enable)) }
    this.#management = new StreamManagement(session, this, host, streams, limits, isResumable)
    session.transport = this.#management
    return this.#management.enabled()
  }

  /** From now on stanzas are the session's. Throws if the client has gone meanwhile: no session stays without one. */
  bound(session: Session): void {
    if (this.#isClosed) {
      this.served!.host.end(session)
      throw new StreamError('reset', 'the client has gone')
    }
    this.#session = session
    if (this.client !== undefined) session.client = this.client // one that is resumed may not have said it before
    this.#negotiation = undefined
    this.claimed = undefined
    this.streams.bound(this)
    this.#framing.limit(this.streams.settings.xmlAfter)
  }

  /** The session of a former connection goes on here (XEP-0198 §5). */
  resumed(management: StreamManagement): void {
    this.#management = management
    this.bound(management.session)
  }

  /** RFC 6120 §4.3.3: the client opens the stream anew. What it sent before it could know is not taken. */
  restart(): void {
    if (this.#inOrder.length > 0 || !this.#framing.isIdle) throw new StreamError('policy-violation', 'too early')
    this.#isOpen = false
    this.#framing.restart()
  }

  /** RFC 6120 §5.4.3.3: nothing that came before TLS counts. */
  startTls(): void {
    this.#framing.discard()
    this.#framing.restart()
    this.#isOpen = false
    this.#inOrder.drop()
    this.socket.startTls!(this.served!.host.domain)
  }

  // --- what goes out

  /** Transport of a session without stream management. */
  send(stanza: Element, custody: Custody | undefined): void {
    this.sendElement(stanza)
    custody?.safe() // this client acknowledges nothing: more cannot be known
  }

  sendElement(element: Element): number {
    const xml = this.#framing.stanza(element)
    this.#write(xml)
    return xml.length
  }

  sendStreamElement(element: Element): void {
    this.#write(this.#framing.streamElement(element))
  }

  /** A header answers a header; an error that comes before one has a header of its own (RFC 6120 §4.9.1.2). */
  #open(from: string, to: string | undefined): void {
    this.#isOpen = true
    this.#write(this.#framing.header({ from, to, id: randomId(15) }))
  }

  /** Asks a client that acknowledges nothing for a sign of life (RFC 6120 §4.6.1; RFC 7395 §3.8 wants no white space). */
  poke(): void {
    if (this.socket.kind !== 'websocket') this.#write(' ')
    else
      this.sendElement(
        Client('iq', { type: 'get', id: randomId(9), from: this.served!.host.domain, to: String(this.#session!.jid) }, Ping('ping')),
      )
  }

  #write(xml: string): void {
    if (this.#isClosed) return
    this.socket.send(xml)
    const { queued } = this.socket
    const { outputBuffer } = this.streams.settings
    if (queued > outputBuffer) this.giveUp()
    else if (queued > outputBuffer * BEHIND && this.#behind === undefined) this.#fallBehind()
  }

  /** Until it has caught up it is not read from, and what was read is not dealt with: its requests alone must not make so many answers that it is given up. */
  #fallBehind(): void {
    const behind = (this.#behind = Promise.withResolvers())
    this.socket.onDrained = () => {
      this.#behind = undefined
      behind.resolve()
      this.steer()
    }
    this.steer()
  }

  fail(error: unknown): void {
    if (error instanceof XmlError) this.#end(new StreamError(error.condition))
    else if (error instanceof StreamError) this.#end(error)
    else {
      this.streams.log.fault('stream.failed', error)
      this.#end(new StreamError('internal-server-error'))
    }
  }

  /** The stream is closed, in good order or with an error, and its session ends with it. */
  #end(error: StreamError | undefined): void {
    this.#isOver = true
    this.close(error)
  }

  /** Closes the stream; a session that can be resumed stays. */
  close(error: StreamError | undefined): void {
    if (this.#isClosed) return
    this.#management?.closing(this)
    if (error !== undefined) {
      if (!this.#isOpen) this.#open(this.streams.anyDomain, undefined)
      this.sendStreamElement(error.toElement())
    }
    if (this.#isOpen) this.#write(this.#framing.end)
    this.socket.close()
    this.#leave()
  }

  /** No sign of life, or none that it reads: as if the connection had broken. The session may be resumed. */
  giveUp(): void {
    this.socket.destroy()
    this.#leave()
  }

  #leave(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.streams.left(this)
    this.#framing.discard()
    this.#inOrder.end()
    this.#negotiation?.abandon()
    this.#negotiation = undefined
    this.#keys?.release()
    const session = this.#session
    if (session === undefined) return
    if (this.#management === undefined || this.#isOver) this.served!.host.end(session)
    else this.#management.detach(this)
  }
}

const isStanzaName = (name: string): boolean => name === 'message' || name === 'presence' || name === 'iq'

export const failed = (condition: 'item-not-found' | 'unexpected-request', h?: number): Element => {
  const attrs = h === undefined ? {} : { h: String(h) }
  return Sm('failed', attrs, Stanzas(condition))
}

/** XEP-0198 §3: how long the client would like its session to wait for it at most, in ms. */
function preferred(enable: Element): number {
  const { max = '' } = enable.attrs
  return /^[1-9]\d{0,8}$/.test(max) ? Number(max) * 1000 : Number.POSITIVE_INFINITY
}
