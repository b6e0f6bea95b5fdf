import type { Socket as NetSocket } from 'node:net'
import { connect } from 'node:tls'
import type { Certificates } from '../certificates.ts'
import { Deadlines } from '../deadlines.ts'
import { asciiDomain } from '../domain-name.ts'
import type { Peers } from '../peer-key.ts'
import type { Socket } from '../socket.ts'
import { TcpSocket, type Transport } from '../tcp-socket.ts'

const HANDSHAKE_LIMIT = 15_000

/** Whom a connection is opened to, and in whose name. */
export interface Call {
  /** `tls` begins with the handshake (XEP-0368). */
  readonly kind: 'tcp' | 'tls'
  /** The domain that is asked for (SNI), and ours, whose certificate is shown (XEP-0178 §3). */
  readonly remote: string
  readonly local: string
}

/** Makes sockets of connections to other servers that we have opened. Their certificates are judged by others: none is refused here. */
export class Callers {
  readonly #certificates: Certificates
  readonly #peers: Peers
  readonly #handshakes: Deadlines<TcpSocket>

  constructor(certificates: Certificates, peers: Peers, handshakeLimit = HANDSHAKE_LIMIT) {
    this.#certificates = certificates
    this.#peers = peers
    this.#handshakes = new Deadlines(handshakeLimit, socket => socket.destroy())
  }

  /** `raw` is connected, and nobody has read from it. */
  socketOf(raw: NetSocket, { kind, remote, local }: Call): Socket {
    const alpn = kind === 'tls' ? 'xmpp-server' : undefined
    const servername = asciiDomain(remote)
    const transport: Transport = {
      secure: socket =>
        connect({
          socket,
          secureContext: this.#certificates.callerContextFor(local),
          rejectUnauthorized: false,
          checkServerIdentity: () => undefined,
          ...(servername !== undefined && { servername }),
          ...(alpn !== undefined && { ALPNProtocols: [alpn] }),
        }),
      isCaller: true,
      handshakes: this.#handshakes,
      isDirect: kind === 'tls',
      onReady: () => {},
      onGone: () => {},
    }
    const socket = new TcpSocket(raw, this.#peers.keyOf(undefined), transport)
    raw.resume()
    return socket
  }
}
