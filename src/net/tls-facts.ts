import type { X509Certificate } from 'node:crypto'
import type { TLSSocket } from 'node:tls'
import type { TlsFacts } from './socket.ts'
import { presentedBy } from './trust/presented.ts'

const NO_CONTEXT = Buffer.alloc(0)

/** Reads the facts when they are asked for: most connections never are, and the memory of each counts. */
export class LiveTlsFacts implements TlsFacts {
  readonly #socket: TLSSocket

  constructor(socket: TLSSocket) {
    this.#socket = socket
  }

  get version(): '1.2' | '1.3' {
    return this.#socket.getProtocol() === 'TLSv1.3' ? '1.3' : '1.2'
  }

  exporter(): Buffer {
    return this.#socket.exportKeyingMaterial(32, 'EXPORTER-Channel-Binding', NO_CONTEXT)
  }

  endPoint(): X509Certificate {
    return this.#socket.getX509Certificate()!
  }

  shown(): readonly X509Certificate[] {
    return presentedBy(this.#socket)
  }

  get isVerified(): boolean {
    return this.#socket.authorized
  }

  get serverName(): string | undefined {
    // Node gives `false` when the client sent none; its types do not know.
    return (this.#socket as { servername?: string | false | null }).servername || undefined
  }
}
