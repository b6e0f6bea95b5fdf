import { createServer as createHttp, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from 'node:http'
import { createServer as createHttps } from 'node:https'
import type { Socket as NetSocket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { Server as TlsServer } from 'node:tls'
import { type WebSocket, WebSocketServer } from 'ws'
import type { Certificates } from './certificates.ts'
import { forwardedFor } from './forwarded.ts'
import type { Gate } from './gate.ts'
import { type DomainLinks, hostMetaRoutes } from './host-meta.ts'
import { type Endpoint, listen } from './listen.ts'
import type { PeerKey } from './peer-key.ts'
import type { Socket } from './socket.ts'
import { WebSocketSocket } from './websocket.ts'

const HANDSHAKE_LIMIT = 10_000
const HEADERS_LIMIT = 10_000
const REQUEST_LIMIT = 60_000
const LARGEST_HEADERS = 8_192
const LARGEST_FRAME = 262_144
const SUBPROTOCOL = 'xmpp'
const WEBSOCKET_PATH = '/xmpp-websocket'

export interface HttpOptions {
  readonly gate: Gate
  /** XEP-0156: where else each domain can be reached. */
  readonly links: DomainLinks
  /** A client that has negotiated RFC 7395. Assign the socket's handlers before you return. */
  readonly onConnection: (socket: Socket) => void
  /** Largest WebSocket message in bytes. */
  readonly largestFrame?: number
  readonly handshakeLimit?: number
  /** A proxy on this machine, in front of the endpoints without TLS, says where its clients come from (X-Forwarded-For). */
  readonly isForwarded?: boolean
}

/** The web side of the server. `routes` maps a path, without query, to what answers it; anything else is not found. */
export class Http {
  readonly routes: Map<string, RequestListener>
  readonly #options: HttpOptions
  readonly #webSockets: WebSocketServer
  readonly #closers: (() => void)[] = []
  /** As whom the gate counts a connection. */
  readonly #entered = new WeakMap<NetSocket, PeerKey>()

  constructor(options: HttpOptions) {
    this.#options = options
    this.routes = new Map(hostMetaRoutes(options.links))
    this.#webSockets = new WebSocketServer({
      noServer: true,
      clientTracking: false,
      perMessageDeflate: false,
      maxPayload: options.largestFrame ?? LARGEST_FRAME,
      handleProtocols: () => SUBPROTOCOL,
    })
  }

  /** Without `certificates` in plaintext: on loopback, for a proxy. Gives the port; throws a sentence for the operator. */
  async open(endpoint: Endpoint, certificates?: Certificates): Promise<number> {
    const server = certificates === undefined ? createHttp(LIMITS) : this.#secureServer(certificates)
    server.on('connection', (raw: NetSocket) => this.#admit(raw))
    server.on('request', (request, response) => this.#answer(request, response))
    const isForwarded = certificates === undefined && this.#options.isForwarded === true
    server.on('upgrade', (request, raw, head) => this.#upgrade(request, raw, head, isForwarded))
    server.on('error', () => {})
    const port = await listen(server, endpoint)
    this.#closers.push(() => server.close())
    return port
  }

  /** For the WebSockets that are opened from now on, in bytes. */
  set largestFrame(bytes: number) {
    this.#webSockets.options.maxPayload = bytes
  }

  /** Takes no further connections. WebSockets that are open stay so. */
  close(): void {
    for (const close of this.#closers.splice(0)) close()
  }

  #secureServer(certificates: Certificates): Server {
    const server = createHttps({
      ...LIMITS,
      ...certificates.serverOptions(),
      handshakeTimeout: this.#options.handshakeLimit ?? HANDSHAKE_LIMIT,
      ALPNProtocols: ['http/1.1'],
      ...(certificates.sniCallback && { SNICallback: certificates.sniCallback }),
    })
    this.#closers.push(certificates.onChanged(() => adopt(server, certificates)))
    return server
  }

  #admit(raw: NetSocket): void {
    const { gate } = this.#options
    const peer = gate.enter(raw.remoteAddress)
    if (peer === undefined) return void raw.destroy()
    this.#entered.set(raw, peer)
    raw.once('close', () => gate.leave(this.#entered.get(raw)!))
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const route = this.routes.get(pathOf(request))
    if (route === undefined) response.writeHead(404).end()
    else route(request, response)
  }

  #upgrade(request: IncomingMessage, raw: Duplex, head: Buffer, isForwarded: boolean): void {
    raw.on('error', () => {})
    const offered = request.headers['sec-websocket-protocol']?.split(',').map(name => name.trim()) ?? []
    // RFC 7395 §3.1: without this subprotocol there is no XMPP.
    if (pathOf(request) !== WEBSOCKET_PATH) refuse(raw, '404 Not Found')
    else if (!offered.includes(SUBPROTOCOL)) refuse(raw, '400 Bad Request')
    else if (isForwarded && !this.#recount(request)) refuse(raw, '429 Too Many Requests')
    else this.#webSockets.handleUpgrade(request, raw, head, webSocket => this.#welcome(webSocket, request.socket))
  }

  /** Counts a connection that a proxy on this machine has passed on by where it comes from; false if there are too many from there. */
  #recount(request: IncomingMessage): boolean {
    const { socket } = request
    const former = this.#entered.get(socket)
    const address = forwardedFor(request)
    if (former === undefined || !former.isShared || address === undefined) return true
    const peer = this.#options.gate.exchange(former, address)
    if (peer !== undefined) this.#entered.set(socket, peer)
    return peer !== undefined
  }

  #welcome(webSocket: WebSocket, raw: NetSocket): void {
    const near = this.#options.gate.peers.keyOf(raw.remoteAddress)
    this.#options.onConnection(new WebSocketSocket(webSocket, raw, this.#entered.get(raw) ?? near, near.isShared))
  }
}

const LIMITS = {
  headersTimeout: HEADERS_LIMIT,
  requestTimeout: REQUEST_LIMIT,
  maxHeaderSize: LARGEST_HEADERS,
  noDelay: true,
}

function adopt(server: Server, certificates: Certificates): void {
  const secure = server as Server & Pick<TlsServer, 'setSecureContext'>
  secure.setSecureContext(certificates.serverOptions())
}

function pathOf({ url = '' }: IncomingMessage): string {
  return url.split('?', 1)[0]!
}

function refuse(raw: Duplex, status: string): void {
  raw.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`)
}
