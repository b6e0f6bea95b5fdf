import { randomUUID } from 'node:crypto'
import type { Account } from '../../core/account.ts'
import type { Clock } from '../../core/clock.ts'
import type { Element } from '../../xml/element.ts'
import { DiscoInfo } from '../../xmpp/disco.ts'
import type { Jid } from '../../xmpp/jid.ts'
import { Client } from '../../xmpp/stanza.ts'
import type { ClaimedCaps } from './claimed.ts'

/** In ms: after that a question is lost, and may be asked again. */
const LONGEST_WAIT = 60_000

interface Question {
  readonly id: string
  readonly claimed: ClaimedCaps
  readonly at: number
}

/** Which clients were asked what they can do, in the name of their contacts' accounts (XEP-0115 §6.2). */
export class Questions {
  /** By client, the oldest first. */
  readonly #asked = new WeakMap<Account, Map<string, Question>>()
  readonly #most: number
  readonly #clock: Clock

  /** So many clients are asked at a time in the name of an account; what older ones answer is passed over. */
  constructor(most: number, clock: Clock) {
    this.#most = most
    this.#clock = clock
  }

  /** The request; undefined if the client is being asked that already. */
  ask(account: Account, client: Jid, claimed: ClaimedCaps): Element | undefined {
    const asked = this.#asked.get(account) ?? new Map<string, Question>()
    this.#asked.set(account, asked)
    const now = this.#clock.now()
    for (const [lost, { at }] of asked) {
      if (now - at < LONGEST_WAIT) break
      asked.delete(lost)
    }
    const key = String(client)
    if (asked.get(key)?.claimed.ver === claimed.ver) return undefined
    asked.delete(key)
    if (asked.size >= this.#most) for (const oldest of asked.keys().take(1)) asked.delete(oldest)
    const id = randomUUID()
    asked.set(key, { id, claimed, at: now })
    const query = DiscoInfo('query', { node: `${claimed.node}#${claimed.ver}` })
    return Client('iq', { type: 'get', id, from: String(account.jid), to: key }, query)
  }

  /** Which question the stanza answers; it is answered now. */
  answered(account: Account, { attrs }: Element, from: Jid): ClaimedCaps | undefined {
    const question = this.#asked.get(account)?.get(String(from))
    if (question === undefined || question.id !== attrs['id']) return undefined
    this.forget(account, from)
    return question.claimed
  }

  /** The client is gone: it will not answer, and is asked anew when it comes again. */
  forget(account: Account, client: Jid): void {
    this.#asked.get(account)?.delete(String(client))
  }
}
