import type { X509Certificate } from 'node:crypto'
import type { PeerKey } from './peer-key.ts'

/** What the stream layer sees of a connection, whatever carries it: bytes (tcp, tls) or frames (websocket). */
export interface Socket {
  readonly kind: 'tcp' | 'tls' | 'websocket'
  readonly peer: PeerKey
  /** By TLS; for a websocket also by a proxy on this machine, which has ended it. */
  readonly isSecure: boolean
  /** What TLS says of this connection; `undefined` before the handshake is done, and without TLS. */
  readonly tls: TlsFacts | undefined
  /** Queued; all output of one event-loop turn goes out in one write. A websocket makes one frame of each call. */
  send(xml: string): void
  /** Output the operating system has not taken yet, in bytes (what is not ASCII is counted somewhat low). */
  readonly queued: number
  /** Sends what is queued, then ends. A peer that does not take it in time is cut off. */
  close(): void
  destroy(): void
  pause(): void
  resume(): void
  /**
   * RFC 6120 §5.4.3.3: sends what is queued, then lets TLS begin; `domain` for clients without SNI. Plaintext that has
   * arrived is dropped: the caller must forget the rest of the chunk it is reading.
   */
  startTls?(domain?: string): void
  /** The bytes are overwritten when it returns. */
  onData: (bytes: Buffer) => void
  /** Called once, after which nothing else is. */
  onClose: () => void
  /** Called when a TLS handshake is done that came after this was assigned. */
  onSecured?: () => void
  /** Called when `queued` had grown beyond the socket's mark and is nothing again. */
  onDrained: () => void
}

/** What channel binding needs. */
export interface TlsFacts {
  readonly version: '1.2' | '1.3'
  /** RFC 9266: 32 bytes. Bind to them on 1.3 only; on 1.2 they are unsafe without extended master secret. */
  exporter(): Buffer
  /** The certificate this very connection was made with, for RFC 5929 §4 `tls-server-end-point`. */
  endPoint(): X509Certificate
  readonly serverName: string | undefined
  /** The certificates that the other side has shown, its own first. On connections between servers only. */
  shown(): readonly X509Certificate[]
  /** Whether OpenSSL believes them to be a server's, for the name that was asked for; only of connections that we have opened. */
  readonly isVerified: boolean
}
