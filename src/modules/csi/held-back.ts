import type { Gate, Session } from '../../core/session.ts'
import type { Element } from '../../xml/element.ts'

/** Under which name a stanza waits, so that the latest takes the place of the one before it; undefined for what is important. */
export type KeyOf = (stanza: Element) => string | undefined

export interface HeldBackLimits {
  /** Stanzas. */
  readonly most: number
  /** Characters of XML. */
  readonly largest: number
}

/** The stanzas that wait for an inactive client. They need no custody: the client could do without them. */
export class HeldBack implements Gate {
  readonly #session: Session
  readonly #keyOf: KeyOf
  readonly #limits: HeldBackLimits
  readonly #held = new Map<string, { readonly stanza: Element; readonly length: number }>()
  #length = 0

  constructor(session: Session, keyOf: KeyOf, limits: HeldBackLimits) {
    this.#session = session
    this.#keyOf = keyOf
    this.#limits = limits
  }

  /** What is important wakes the device, so all that waits goes with it, and before it: order is kept (RFC 6120 §10.1). */
  holds(stanza: Element): boolean {
    const key = this.#keyOf(stanza)
    if (key === undefined) {
      this.release()
      return false
    }
    const length = String(stanza).length
    this.#length += length - (this.#held.get(key)?.length ?? 0)
    this.#held.delete(key)
    this.#held.set(key, { stanza, length })
    if (this.#held.size > this.#limits.most || this.#length > this.#limits.largest) this.release()
    return true
  }

  /** Sends all that waits. */
  release(): void {
    if (this.#held.size === 0) return
    const held = [...this.#held.values()]
    this.#held.clear()
    this.#length = 0
    for (const { stanza } of held) this.#session.sendNow(stanza)
  }
}
