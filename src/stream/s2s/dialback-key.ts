import { createHmac, hash, timingSafeEqual } from 'node:crypto'
import { randomBytes } from '../../lib/random.ts'

/** What a dialback key vouches for: one stream, and one pair of domains on it (XEP-0220 §1.3). */
export interface Vouched {
  /** The Receiving Server's domain. */
  readonly target: string
  /** The Initiating Server's domain. */
  readonly sender: string
  /** Of the Receiving Server's stream header. */
  readonly streamId: string
}

/** Makes and checks dialback keys (XEP-0185). The secret is as old as the process: a key outlives no stream anyway. */
export class DialbackKeys {
  readonly #key: string

  constructor(secret: Uint8Array = randomBytes(32)) {
    this.#key = hash('sha256', secret)
  }

  make({ target, sender, streamId }: Vouched): string {
    // Neither domains nor the identifiers of streams hold spaces, so no other three texts make the same one.
    return createHmac('sha256', this.#key).update(`${target} ${sender} ${streamId}`).digest('hex')
  }

  isRight(key: string, vouched: Vouched): boolean {
    if (/\s/.test(vouched.streamId)) return false
    const right = Buffer.from(this.make(vouched))
    const given = Buffer.from(key)
    return given.length === right.length && timingSafeEqual(given, right)
  }
}
