import type { Clock } from '../../core/clock.ts'
import { randomId } from '../../lib/random.ts'
import type { Element } from '../../xml/element.ts'
import type { Jid } from '../../xmpp/jid.ts'
import { Client } from '../../xmpp/stanza.ts'
import { Ping } from '../namespaces.ts'

/** Longer than a stanza may wait for a connection, ms. */
const LIMIT = 90_000

interface Pending {
  readonly from: Jid
  readonly to: Jid
  tell(why: string | undefined): void
}

/** The operator's own pings (XEP-0199): what comes back on them is for no one else. */
export class Pings {
  readonly #clock: Clock
  readonly #pending = new Map<string, Pending>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** `answer` is undefined once there is one, be it an error, and else says why there is none. */
  make(from: Jid, to: Jid): { stanza: Element; answer: Promise<string | undefined> } {
    const id = randomId(12)
    const { promise, resolve } = Promise.withResolvers<string | undefined>()
    const cancel = this.#clock.after(LIMIT, () => this.#end(id, 'it does not answer'))
    this.#pending.set(id, {
      from,
      to,
      tell(why) {
        cancel()
        resolve(why)
      },
    })
    return { stanza: Client('iq', { type: 'get', id, from: String(from), to: String(to) }, Ping('ping')), answer: promise }
  }

  /** True if the stanza answers one of ours. */
  answered({ name, attrs: { id = '' } }: Element, from: Jid, to: Jid): boolean {
    const pending = name === 'iq' ? this.#pending.get(id) : undefined
    if (pending === undefined || !pending.to.equals(from) || !pending.from.equals(to)) return false
    this.#end(id, undefined)
    return true
  }

  /** The stanza could not be delivered. */
  failed({ attrs: { id = '' } }: Element, why: string): void {
    this.#end(id, why)
  }

  #end(id: string, why: string | undefined): void {
    this.#pending.get(id)?.tell(why)
    this.#pending.delete(id)
  }
}
