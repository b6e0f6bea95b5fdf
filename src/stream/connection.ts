import { randomBytes } from 'node:crypto'
import type { Custody } from '../core/custody.ts'
import type { Position, Session, Transport } from '../core/session.ts'
import type { Socket } from '../net/socket.ts'
import type { Element } from '../xml/element.ts'
import { type StreamHandler, XmlError } from '../xml/parser.ts'
import { StreamError } from '../xmpp/error.ts'
import { Jid } from '../xmpp/jid.ts'
import type { ClientStreams } from './client-streams.ts'
import { type Framing, TcpFraming, WebSocketFraming } from './framing.ts'
import { StreamManagement } from './management.ts'
import { Sm, Stanzas } from './namespaces.ts'
import { Negotiation } from './negotiation.ts'
import type { ServedHost } from './settings.ts'

/** Stanzas read but not dealt with, from one client, at which it is not read from any more. */
const BACKLOG = 32

/**
 * One client's connection: reads its stream, keeps its stanzas in order, writes what it is sent (RFC 6120 §4).
 * Until a resource is bound its `Negotiation` deals with what comes, then the session does.
 */
export class Connection implements StreamHandler, Transport {
  readonly streams: ClientStreams
  readonly socket: Socket
  readonly #framing: Framing
  served: ServedHost | undefined
  /** The `from` of the client's header: only a hint until it has authenticated. */
  claimed: Jid | undefined
  #negotiation: Negotiation | undefined = new Negotiation(this)
  #session: Session | undefined
  #management: StreamManagement | undefined
  #isOpen = false
  #isClosed = false
  #isWorking = false
  readonly #backlog: Element[] = []
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
    socket.onClose = () => this.#gone()
    socket.onDrained = () => {}
  }

  get session(): Session | undefined {
    return this.#session
  }

  get management(): StreamManagement | undefined {
    return this.#management
  }

  get isBound(): boolean {
    return this.#session !== undefined
  }

  readonly position: Position | undefined = undefined

  // --- what comes in

  #read(bytes: Buffer): void {
    if (this.#isClosed) return
    this.heardAt = this.streams.tick
    this.isAsked = false
    this.streams.shape(this, bytes.length)
    try {
      this.#framing.read(bytes)
    } catch (error) {
      this.fail(error)
    }
  }

  onOpen(root: Element): void {
    if (this.#session !== undefined) throw new StreamError('policy-violation')
    const isTcp = this.socket.kind !== 'websocket'
    if (isTcp && root.name !== 'stream') throw new StreamError('bad-format')
    if (isTcp && root.ns !== 'http://etherx.jabber.org/streams') throw new StreamError('invalid-namespace')
    const { to, from, version = '0.9' } = root.attrs
    const served = to === undefined ? undefined : this.streams.served(to)
    const answerFrom = served?.host.domain ?? this.streams.anyDomain
    this.#isOpen = true
    this.served ??= served
    this.#write(this.#framing.header({ from: answerFrom, to: from, id: randomBytes(15).toString('base64url') }))
    if (served === undefined) throw new StreamError('host-unknown')
    if (served !== this.served) throw new StreamError('host-unknown', 'a stream keeps its host')
    if (!(Number.parseInt(version, 10) >= 1)) throw new StreamError('unsupported-version')
    this.claimed = from === undefined ? undefined : readFrom(from)
    this.sendStreamElement(this.#negotiation!.features())
  }

  onElement(element: Element): void {
    if (this.#isClosed) return
    if (this.#isWorking || this.#backlog.length > 0) {
      this.#backlog.push(element)
      if (this.#backlog.length === BACKLOG) this.socket.pause()
      return
    }
    this.#take(element)
  }

  onClose(): void {
    if (this.#isClosed) return
    const session = this.#session
    if (session !== undefined) this.served!.host.end(session)
    this.close(undefined)
  }

  #take(element: Element): void {
    let pending: void | Promise<void>
    try {
      pending = this.#negotiation === undefined ? this.#dispatch(element) : this.#negotiation.take(element)
    } catch (error) {
      this.fail(error)
      return
    }
    if (!(pending instanceof Promise)) return
    this.#isWorking = true
    pending
      .catch(error => this.fail(error))
      .finally(() => {
        this.#isWorking = false
        this.#catchUp()
      })
  }

  #catchUp(): void {
    const wasPaused = this.#backlog.length >= BACKLOG
    while (!this.#isWorking && !this.#isClosed && this.#backlog.length > 0) this.#take(this.#backlog.shift()!)
    if (wasPaused && this.#backlog.length < BACKLOG && !this.isShaped) this.socket.resume()
  }

  #dispatch(element: Element): void | Promise<void> {
    const session = this.#session!
    if (element.ns === 'jabber:client') {
      if (element.name !== 'message' && element.name !== 'presence' && element.name !== 'iq') throw new StreamError('unsupported-stanza-type')
      this.#checkFrom(element, session)
      return this.#management === undefined ? this.served!.host.receive(session, element) : this.#management.receive(element)
    }
    if (element.ns === Sm.uri) return this.#manage(element, session)
    const handle = this.served!.host.stream.nonzaHandler(element)
    if (handle !== undefined) return handle(session, element)
    throw new StreamError(isStanzaName(element.name) ? 'invalid-namespace' : 'unsupported-stanza-type')
  }

  /** RFC 6120 §8.1.2.1: a client may say only its own full or bare address. */
  #checkFrom(element: Element, session: Session): void {
    const { from } = element.attrs
    if (from === undefined || from === session.jid.toString()) return
    const jid = readFrom(from)
    if (jid === undefined || !(jid.equals(session.jid) || jid.equals(session.account.jid))) throw new StreamError('invalid-from')
  }

  #manage(element: Element, session: Session): void {
    switch (element.name) {
      case 'r':
        return this.#management?.requested()
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

  /** Turns stream management on for the session (XEP-0198 §3); gives the answer. */
  manage(session: Session, enable: Element): Element {
    const { host, streams } = this.served!
    const { management } = this.streams.settings
    const isResumable = enable.attrs['resume'] === 'true' || enable.attrs['resume'] === '1'
    this.#management = new StreamManagement(session, this, host, streams, management, isResumable)
    session.transport = this.#management
    return this.#management.enabled()
  }

  /** From now on stanzas are the session's. */
  bound(session: Session): void {
    this.#session = session
    this.#negotiation = undefined
    this.streams.bound(this)
    this.#framing.limit(this.streams.settings.xmlAfter)
  }

  /** The session of a former connection goes on here (XEP-0198 §5). */
  resumed(management: StreamManagement): void {
    this.#management = management
    this.bound(management.session)
  }

  restart(): void {
    this.#framing.restart()
  }

  /** RFC 6120 §5.4.3.3: nothing that came before TLS counts. */
  startTls(): void {
    this.#framing.discard()
    this.#framing.restart()
    this.#isOpen = false
    this.socket.startTls!(this.served!.host.domain)
  }

  // --- what goes out

  /** Transport of a session without stream management. */
  send(stanza: Element, _custody: Custody | undefined): void {
    this.sendElement(stanza)
  }

  sendElement(element: Element): void {
    this.#write(this.#framing.stanza(element))
  }

  sendStreamElement(element: Element): void {
    this.#write(this.#framing.streamElement(element))
  }

  #write(xml: string): void {
    if (this.#isClosed) return
    this.socket.send(xml)
    if (this.socket.queued > this.streams.settings.outputBuffer) this.#notReading()
  }

  /** Memory is not for those who do not read: the connection goes, the session may be resumed. */
  #notReading(): void {
    this.#isClosed = true
    this.socket.destroy()
    this.#leave()
  }

  fail(error: unknown): void {
    if (error instanceof XmlError) this.#end(new StreamError(error.condition))
    else if (error instanceof StreamError) this.#end(error)
    else {
      this.streams.log.fault('stream.failed', error)
      this.#end(new StreamError('internal-server-error'))
    }
  }

  /** An error ends the stream, and with it the session. */
  #end(error: StreamError): void {
    if (this.#isClosed) return
    if (this.#session !== undefined) this.served!.host.end(this.#session, error)
    this.close(error)
  }

  close(error: StreamError | undefined): void {
    if (this.#isClosed) return
    if (error !== undefined) {
      if (!this.#isOpen) this.#write(this.#framing.header({ from: this.streams.anyDomain, to: undefined, id: randomBytes(15).toString('base64url') }))
      this.sendStreamElement(error.toElement())
    }
    this.#write(this.#framing.end)
    this.#isClosed = true
    this.socket.close()
    this.#leave()
  }

  /** No sign of life: as if the connection had broken. */
  giveUp(): void {
    this.#notReading()
  }

  #gone(): void {
    this.#isClosed = true
    this.#leave()
  }

  #leave(): void {
    this.streams.left(this)
    this.#backlog.length = 0
    this.#negotiation?.abandon()
    this.#negotiation = undefined
    const session = this.#session
    if (session === undefined) return
    if (this.#management !== undefined) this.#management.detach(this)
    else this.served!.host.end(session)
  }
}

const isStanzaName = (name: string): boolean => name === 'message' || name === 'presence' || name === 'iq'

export const failed = (condition: 'item-not-found' | 'unexpected-request', h?: number): Element => {
  const attrs = h === undefined ? {} : { h: String(h) }
  return Sm('failed', attrs, Stanzas(condition))
}

/** XEP-0198 §8: an unsigned 32-bit number. */
export function readCount(text: string | undefined): number {
  if (text === undefined || !/^\d{1,10}$/.test(text)) throw new StreamError('bad-format')
  const count = Number(text)
  if (count >= 2 ** 32) throw new StreamError('bad-format')
  return count
}

function readFrom(text: string): Jid | undefined {
  try {
    return Jid.parse(text)
  } catch {
    return undefined
  }
}
