import type { Socket as NetSocket } from 'node:net'
import { TLSSocket } from 'node:tls'
import { Deadlines } from './deadlines.ts'
import { flushSoon } from './outbox.ts'
import type { PeerKey } from './peer-key.ts'
import type { Socket, TlsFacts } from './socket.ts'
import { LiveTlsFacts } from './tls-facts.ts'

const CLOSING_LIMIT = 5_000
// Node's TLS keeps what it sends in a buffer as large as the server's part of the handshake, which bin/openssl.cnf pads to
// more than 2 KiB. A write that does not fit makes it keep 16 KiB more for as long as the connection lives, so what is
// moderately large goes in pieces; beyond that, the memory costs less than the writes. One that is larger than a record makes it keep
// as much as the write is long: nothing does. What is written while a piece is on its way Node would put together: it waits here.
const PIECE = 2000
const WHOLE = 8_192
const LARGE = 16_000

/** What all sockets of a listener have in common, or all that we open. */
export interface Transport {
  /** Puts TLS around a connection; `domain` is whom the client asked for otherwise than by SNI, or whom we ask for. */
  readonly secure: (raw: NetSocket, domain: string | undefined) => TLSSocket | undefined
  /** We have opened the connection, and begin with TLS. */
  readonly isCaller: boolean
  /** Those who shake hands; they are cut off when they take too long. */
  readonly handshakes: Deadlines<TcpSocket>
  /** TLS from the first byte (XEP-0368); else STARTTLS. */
  readonly isDirect: boolean
  /** Called when a socket of direct TLS has shaken hands. */
  readonly onReady: (socket: Socket) => void
  /** Called once for each socket, when its connection is gone. */
  readonly onGone: (peer: PeerKey) => void
}

// One hidden property on Node's socket instead of five closures per connection, of which there are very many.
const owner = Symbol('owner')
type Owned = NetSocket & { [owner]: TcpSocket }

/**
 * Hands over what comes at once, without Node's queue, which takes an event and a tick for each piece even when it is empty.
 * What comes while it is paused goes through the queue, and so does the end.
 */
export class DirectTlsSocket extends TLSSocket {
  override push(chunk: Buffer | null): boolean {
    if (chunk === null || this.readableFlowing !== true || this.readableLength > 0) return super.push(chunk)
    hand((this as unknown as Owned)[owner], chunk)
    return true
  }
}

const closing = new Deadlines<TcpSocket>(CLOSING_LIMIT, socket => socket.destroy())
const nothing = () => {}

/** A TCP connection, with or without TLS. */
export class TcpSocket implements Socket {
  readonly peer: PeerKey
  isSecure = false
  onData: (bytes: Buffer) => void = nothing
  onClose: () => void = nothing
  onDrained: () => void = nothing
  onSecured: () => void = nothing
  readonly #transport: Transport
  #raw: NetSocket
  #pending = ''
  /** What goes out in pieces, and up to where it has. */
  #leaving = ''
  #left = 0
  /** The system has not taken the last piece yet. */
  #isWriting = false
  /** It had to wait for that. */
  #isBehind = false
  #state: 'open' | 'upgrading' | 'closing' | 'closed' = 'open'

  /** `domain` is whom a connection of ours that begins with TLS asks for. */
  constructor(raw: NetSocket, peer: PeerKey, transport: Transport, domain?: string) {
    this.peer = peer
    this.#transport = transport
    this.#raw = raw
    own(raw, this)
    raw.on('close', handClose)
    if (transport.isDirect) this.#handshake(domain)
    else this.#listen()
  }

  get kind(): 'tcp' | 'tls' {
    return this.#transport.isDirect ? 'tls' : 'tcp'
  }

  get tls(): TlsFacts | undefined {
    return this.isSecure ? new LiveTlsFacts(this.#raw as TLSSocket) : undefined
  }

  get queued(): number {
    return this.#pending.length + this.#leaving.length - this.#left + this.#raw.writableLength
  }

  send(xml: string): void {
    if (this.#state !== 'open') return
    if (this.#pending === '') flushSoon(this)
    this.#pending += xml
  }

  flush(): void {
    if (this.#isWriting) this.#isBehind ||= this.#pending !== ''
    else this.#writePiece()
  }

  #writePiece(): void {
    const piece = this.#nextPiece()
    if (piece === '' || !this.#raw.writable) return
    this.#isBehind ||= this.#left < this.#leaving.length || piece.length > LARGE
    // Of most nobody need hear that the system has taken it: one piece more may be behind it, which Node writes by itself.
    if (!this.#isBehind && piece.length <= PIECE && this.#raw.writableLength === 0) this.#raw.write(piece)
    else {
      this.#isWriting = true
      this.#raw.write(piece, () => this.#written())
    }
  }

  #written(): void {
    this.#isWriting = false
    if (this.#state !== 'open' || !this.#raw.writable) return
    this.#writePiece()
    if (this.#isWriting || !this.#isBehind) return
    this.#isBehind = false
    this.onDrained()
  }

  #nextPiece(): string {
    if (this.#left === this.#leaving.length) {
      this.#leaving = this.#pending
      this.#left = 0
      this.#pending = ''
    }
    const piece = pieceOf(this.#leaving, this.#left, this.isSecure)
    this.#left += piece.length
    if (this.#left === this.#leaving.length) this.#forget()
    return piece
  }

  #forget(): void {
    this.#leaving = ''
    this.#left = 0
  }

  /** Before something else is said on this connection. */
  #writeRest(): void {
    const rest = this.#leaving.slice(this.#left) + this.#pending
    this.#forget()
    this.#pending = ''
    if (rest !== '' && this.#raw.writable) this.#raw.write(rest)
  }

  close(): void {
    if (this.#state === 'upgrading') this.destroy()
    if (this.#state !== 'open') return
    this.#writeRest()
    this.#state = 'closing'
    closing.add(this)
    this.#raw.end()
  }

  destroy(): void {
    this.#raw.destroy()
  }

  pause(): void {
    this.#raw.pause()
  }

  resume(): void {
    this.#raw.resume()
  }

  startTls(domain?: string): void {
    if (this.#state !== 'open' || this.isSecure) return
    this.#writeRest()
    const raw = this.#raw
    raw.off('data', handData)
    // What came in plaintext must never be taken for something that TLS protects.
    while (raw.read() !== null);
    this.#handshake(domain)
  }

  /** For the handlers below only. */
  secured(): void {
    this.#transport.handshakes.delete(this)
    this.isSecure = true
    this.#state = 'open'
    if (this.kind === 'tls') this.#transport.onReady(this)
    this.#listen()
    this.onSecured()
  }

  /** For the handlers below only. */
  gone(): void {
    if (this.#state === 'closed') return
    this.#state = 'closed'
    this.#forget()
    this.#pending = ''
    this.#transport.handshakes.delete(this)
    closing.delete(this)
    this.#transport.onGone(this.peer)
    const tell = this.onClose
    this.onData = this.onDrained = this.onSecured = this.onClose = nothing
    tell()
  }

  #listen(): void {
    this.#raw.on('data', handData)
  }

  #handshake(domain: string | undefined): void {
    this.#state = 'upgrading'
    this.#transport.handshakes.add(this)
    // TLS begins when the client does. Who stays silent costs no TLS state; and Node, given the first bytes, makes the
    // connection's read buffer as large as they are, which otherwise would be 64 KiB for as long as the connection lives.
    if (this.#transport.isCaller) this.#wrap(domain)
    else this.#raw.once('readable', () => (this.#raw.readableLength === 0 ? this.destroy() : this.#wrap(domain)))
  }

  #wrap(domain: string | undefined): void {
    const raw = this.#transport.secure(this.#raw, domain)
    if (raw === undefined) {
      this.destroy()
      return
    }
    own(raw, this)
    raw.on('secure', handSecured).on('_tlsError', destroyBroken)
    this.#raw = raw
  }
}

/** What goes out at once of a text. It is cut anywhere but between the two halves of a character. */
function pieceOf(text: string, from: number, isSecure: boolean): string {
  if (!isSecure || text.length <= PIECE) return text
  if (text.length <= WHOLE) return cut(text, from, PIECE)
  const piece = cut(text, from, LARGE)
  return Buffer.byteLength(piece) <= LARGE ? piece : cut(text, from, Math.floor(LARGE / 3))
}

function cut(text: string, from: number, most: number): string {
  const to = from + most
  return text.slice(from, to < text.length && (text.charCodeAt(to) & 0xfc00) === 0xdc00 ? to - 1 : to)
}

function own(raw: NetSocket, socket: TcpSocket): void {
  ;(raw as Owned)[owner] = socket
  // Why a connection broke is of no use to anybody; that it did is told by `close`.
  raw.on('error', nothing)
}

function handData(this: NetSocket, bytes: Buffer): void {
  hand((this as Owned)[owner], bytes)
}

/** What came lies in a block of 64 KiB that Node shares out among all connections, and keeps for as long as one piece of it is in use. */
function hand(socket: TcpSocket, bytes: Buffer): void {
  socket.onData(bytes)
  bytes.fill(0)
}

function handSecured(this: NetSocket): void {
  ;(this as Owned)[owner].secured()
}

function handClose(this: NetSocket): void {
  ;(this as Owned)[owner].gone()
}

// After the handshake, Node leaves it to the owner of a bare TLSSocket to end it on an error of the TLS layer.
function destroyBroken(this: NetSocket): void {
  this.destroy()
}
