import { hash } from 'node:crypto'
import type { StreamManagement } from './management.ts'

/** The streams of a host that can be resumed (XEP-0198 §5), by the identifier that their clients know. */
export class ResumableStreams {
  readonly #byId = new Map<string, StreamManagement>()

  add(management: StreamManagement): void {
    this.#byId.set(management.id, management)
  }

  delete(management: StreamManagement): void {
    this.#byId.delete(management.id)
  }

  /** Only its own account finds a stream; for others it is as if it did not exist. */
  find(id: string, account: string): StreamManagement | undefined {
    const found = this.#byId.get(id)
    return found?.session.account.name === account && !found.session.isEnded ? found : undefined
  }
}

/** How a stream stands on disk: its identifier is a secret, so its hash. */
export const streamKey = (id: string): string => hash('sha256', id, 'base64url').slice(0, 22)
