import type { Socket as NetSocket } from 'node:net'
import { TLSSocket } from 'node:tls'
import type { WebSocket } from 'ws'
import { Deadlines } from './deadlines.ts'
import { flushSoon } from './outbox.ts'
import type { PeerKey } from './peer-key.ts'
import type { Socket, TlsFacts } from './socket.ts'
import { LiveTlsFacts } from './tls-facts.ts'

const CLOSING_LIMIT = 5_000
const NORMAL = 1000
const UNSUPPORTED_DATA = 1003

/** So much goes out at once: of TLS, Node keeps as much room as the largest write took. A frame that is larger goes alone. */
const LARGE = 16_000

const closing = new Deadlines<WebSocketSocket>(CLOSING_LIMIT, socket => socket.destroy())
const nothing = () => {}

/** RFC 7395 over one WebSocket: each frame is one `send` or one `onData`. What is in the frames is the stream's affair. */
export class WebSocketSocket implements Socket {
  readonly kind = 'websocket'
  readonly peer: PeerKey
  onData: (bytes: Buffer) => void = nothing
  onClose: () => void = nothing
  onDrained: () => void = nothing
  readonly #webSocket: WebSocket
  readonly #raw: NetSocket
  readonly #isNear: boolean
  #pending: string[] = []
  #pendingLength = 0
  /** The system has not taken the last frames yet. */
  #isWriting = false
  /** Frames had to wait for that. */
  #isBehind = false
  #isClosing = false

  /** `isNear`: it comes from this machine; without TLS, by way of a proxy that has ended it. */
  constructor(webSocket: WebSocket, raw: NetSocket, peer: PeerKey, isNear: boolean) {
    this.peer = peer
    this.#isNear = isNear
    this.#webSocket = webSocket
    this.#raw = raw
    webSocket.on('message', (data, isBinary) => {
      // RFC 7395 §3.2: data frames must be of type text.
      if (isBinary) this.#end(UNSUPPORTED_DATA)
      else this.onData(data as Buffer)
      ;(data as Buffer).fill(0)
    })
    webSocket.on('error', nothing)
    webSocket.on('close', () => this.#gone())
  }

  /** RFC 7395 §3.9. */
  get isSecure(): boolean {
    return this.#isNear || this.#raw instanceof TLSSocket
  }

  get tls(): TlsFacts | undefined {
    return this.#raw instanceof TLSSocket ? new LiveTlsFacts(this.#raw) : undefined
  }

  get queued(): number {
    return this.#pendingLength + this.#raw.writableLength
  }

  send(xml: string): void {
    if (this.#isClosing) return
    if (this.#pending.push(xml) === 1) flushSoon(this)
    this.#pendingLength += xml.length
  }

  flush(): void {
    if (this.#isWriting) this.#isBehind ||= this.#pending.length > 0
    else this.#writeSome()
  }

  #writeSome(): void {
    if (this.#pending.length === 0 || this.#webSocket.readyState !== this.#webSocket.OPEN) return
    const frames = this.#pending.splice(0, countOf(this.#pending))
    for (const { length } of frames) this.#pendingLength -= length
    this.#isWriting = true
    this.#isBehind ||= this.#pending.length > 0 || frames[0]!.length > LARGE
    this.#write(frames, () => this.#written())
  }

  #written(): void {
    this.#isWriting = false
    if (this.#isClosing) return
    this.#writeSome()
    if (this.#isWriting || !this.#isBehind) return
    this.#isBehind = false
    this.onDrained()
  }

  /** They come together. */
  #write(frames: readonly string[], written = nothing): void {
    this.#raw.cork()
    for (const [i, frame] of frames.entries()) this.#webSocket.send(frame, i === frames.length - 1 ? written : nothing)
    this.#raw.uncork()
  }

  close(): void {
    this.#end(NORMAL)
  }

  destroy(): void {
    this.#webSocket.terminate()
  }

  pause(): void {
    this.#webSocket.pause()
  }

  resume(): void {
    this.#webSocket.resume()
  }

  #end(code: number): void {
    if (this.#isClosing) return
    if (this.#webSocket.readyState === this.#webSocket.OPEN) this.#write(this.#pending)
    this.#pending = []
    this.#pendingLength = 0
    this.#isClosing = true
    closing.add(this)
    this.#webSocket.close(code)
  }

  #gone(): void {
    closing.delete(this)
    this.#isClosing = true
    this.#pending = []
    this.#pendingLength = 0
    const tell = this.onClose
    this.onData = this.onDrained = this.onClose = nothing
    tell()
  }
}

/** How many of the first frames go out together. */
function countOf(frames: readonly string[]): number {
  let bytes = Buffer.byteLength(frames[0]!)
  let count = 1
  while (count < frames.length && (bytes += Buffer.byteLength(frames[count]!)) <= LARGE) count++
  return count
}
