import { Shares } from '../../lib/shares.ts'
import type { Jid } from '../../xmpp/jid.ts'
import type { Visit } from './occupant.ts'

/** A request that went on to another occupant. */
export interface Relayed {
  /** Who has asked. */
  readonly by: Visit
  /** As he has called it. */
  readonly id: string
  /** The occupant whom he has asked: the answer comes from there, whatever the nick is by then. */
  readonly of: Jid
  /** The address to which it went on, and from which the answer may come. */
  readonly asked: string
}

/** What has no answer by then has none. */
const LIMITS = { each: 100, all: 10_000, keptFor: 5 * 60_000 }

/** What went from one occupant to another, so that an answer finds its way back and nobody learns an address (XEP-0045 §17.4): of each client so much, for a while. */
export class Relays {
  readonly #requests: Shares<Relayed>
  readonly #whispers: Shares<Visit>

  constructor(now: () => number) {
    this.#requests = new Shares(LIMITS, now)
    this.#whispers = new Shares(LIMITS, now)
  }

  /** A request went on under an id that nobody can guess. */
  asked(id: string, relayed: Relayed): void {
    this.#requests.set(id, relayed.by.to, relayed)
  }

  /** The request that this is the answer to: it has one answer. */
  answered(id: string, by: string): Relayed | undefined {
    const relayed = this.#requests.get(id)
    if (relayed === undefined || relayed.asked !== by) return undefined
    this.#requests.delete(id)
    return relayed
  }

  whispered(to: Visit, id: string, by: Visit): void {
    this.#whispers.set(`${to.to} ${id}`, by.to, by)
  }

  /** Who has sent the private message that came back from that client. */
  bounced(from: string, id: string): Visit | undefined {
    const by = this.#whispers.get(`${from} ${id}`)
    this.#whispers.delete(`${from} ${id}`)
    return by
  }
}
