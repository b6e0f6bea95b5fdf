import { createServer, type Socket as NetSocket, type Server } from 'node:net'
import type { TLSSocket } from 'node:tls'
import type { Certificates } from './certificates.ts'
import { Deadlines } from './deadlines.ts'
import type { Gate } from './gate.ts'
import { type Endpoint, listen } from './listen.ts'
import type { Socket } from './socket.ts'
import { DirectTlsSocket, TcpSocket, type Transport } from './tcp-socket.ts'

const HANDSHAKE_LIMIT = 10_000

export interface ListenersOptions {
  readonly certificates: Certificates
  readonly gate: Gate
  /** Longest TLS handshake in ms. */
  readonly handshakeLimit?: number
}

/** A place where connections come in as bytes. */
export interface Listener extends Endpoint {
  /** `tls` begins with the handshake (XEP-0368), `tcp` in plaintext, to be upgraded by `startTls`. */
  readonly kind: 'tcp' | 'tls'
  /** Whom the port is for; it decides what a direct TLS client must call the protocol, if it calls it anything (ALPN). */
  readonly role: 'client' | 'server' | 'component'
  /** Assign the socket's handlers before you return. */
  readonly onConnection: (socket: Socket) => void
}

/** The TCP and direct TLS ports. Changed certificates are shown to whoever connects next. */
export class Listeners {
  readonly #certificates: Certificates
  readonly #gate: Gate
  readonly #handshakes: Deadlines<TcpSocket>
  readonly #servers: Server[] = []

  constructor({ certificates, gate, handshakeLimit = HANDSHAKE_LIMIT }: ListenersOptions) {
    this.#certificates = certificates
    this.#gate = gate
    this.#handshakes = new Deadlines(handshakeLimit, socket => socket.destroy())
  }

  /** Gives the port. Throws an `Error` whose message is a sentence for the operator. */
  async open({ kind, role, onConnection, ...endpoint }: Listener): Promise<number> {
    const alpn = kind === 'tls' ? protocolList(`xmpp-${role}`) : undefined
    const transport: Transport = {
      secure: (raw, domain) => this.#secure(raw, domain, alpn, role === 'server'),
      isCaller: false,
      handshakes: this.#handshakes,
      isDirect: kind === 'tls',
      onReady: onConnection,
      onGone: peer => this.#gate.leave(peer),
    }
    const server = createServer({ noDelay: true }, raw => {
      const peer = this.#gate.enter(raw.remoteAddress)
      if (peer === undefined) return raw.destroy()
      const socket = new TcpSocket(raw, peer, transport)
      if (kind === 'tcp') onConnection(socket)
    })
    // Told by accept(2), when the process has no more file descriptors: those who are connected shall not suffer.
    server.on('error', () => {})
    const port = await listen(server, endpoint)
    this.#servers.push(server)
    return port
  }

  /** XEP-0178 §3: servers are asked for a certificate; what it is worth is for others to judge, so none is refused here. */
  #secure(raw: NetSocket, domain: string | undefined, alpn: Buffer | undefined, isServers: boolean): TLSSocket | undefined {
    const secureContext = this.#certificates.contextFor(domain)
    if (secureContext === undefined) return undefined
    const { sniCallback } = this.#certificates
    return new DirectTlsSocket(raw, {
      isServer: true,
      secureContext,
      ...(sniCallback && { SNICallback: sniCallback }),
      ...(alpn !== undefined && { ALPNProtocols: alpn }),
      ...(isServers && { requestCert: true, rejectUnauthorized: false }),
    })
  }

  /** Takes no further connections. Those that are open stay so. */
  close(): void {
    for (const server of this.#servers.splice(0)) server.close()
  }
}

/** RFC 7301 §3.1: the name of the protocol as TLS writes it. Node would write it anew for each connection. */
const protocolList = (name: string): Buffer => Buffer.concat([Buffer.of(name.length), Buffer.from(name)])
