import { randomUUID } from 'node:crypto'
import type { Account } from '../../core/account.ts'
import type { Element } from '../../xml/element.ts'
import { DiscoInfo } from '../../xmpp/disco.ts'
import type { Jid } from '../../xmpp/jid.ts'
import { Client } from '../../xmpp/stanza.ts'
import type { ClaimedCaps } from './claimed.ts'

/** So many clients are asked at a time in the name of an account; what older ones answer is passed over. */
const MOST = 500

interface Question {
  readonly from: Jid
  readonly claimed: ClaimedCaps
}

/** Which clients were asked what they can do, in the name of their contacts' accounts (XEP-0115 §6.2). */
export class Questions {
  readonly #asked = new WeakMap<Account, Map<string, Question>>()

  /** The request; undefined if that client is being asked already. */
  ask(account: Account, client: Jid, claimed: ClaimedCaps): Element | undefined {
    const asked = this.#asked.get(account) ?? new Map<string, Question>()
    this.#asked.set(account, asked)
    for (const { from, claimed: before } of asked.values()) if (from.equals(client) && before.ver === claimed.ver) return undefined
    if (asked.size >= MOST) for (const oldest of asked.keys().take(1)) asked.delete(oldest)
    const id = randomUUID()
    asked.set(id, { from: client, claimed })
    const query = DiscoInfo('query', { node: `${claimed.node}#${claimed.ver}` })
    return Client('iq', { type: 'get', id, from: String(account.jid), to: String(client) }, query)
  }

  /** Which question the stanza answers; it is answered now. */
  answered(account: Account, { attrs: { id = '' } }: Element, from: Jid): ClaimedCaps | undefined {
    const asked = this.#asked.get(account)
    const question = asked?.get(id)
    if (question === undefined || !question.from.equals(from)) return undefined
    asked!.delete(id)
    return question.claimed
  }
}
