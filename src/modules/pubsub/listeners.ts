import type { Account } from '../../core/account.ts'
import type { Session } from '../../core/session.ts'
import type { Element } from '../../xml/element.ts'
import type { Jid } from '../../xmpp/jid.ts'
import type { Interests } from '../caps/caps.ts'

/** So many clients of one contact are known, and so many of those who are no contacts. */
const MOST_OF_ONE = 20
const MOST_SHARERS = 100

/** A client that has sent the account its presence. */
export interface Listener {
  readonly jid: Jid
  /** What its presence shows; `online` where it shows nothing (RFC 6121 §4.7.2.1). */
  readonly show: string
  /** Undefined until it has said so. */
  readonly interests: Interests | undefined
  /** It is no contact's, and has sent its presence of its own accord (XEP-0060 §9.1.3). */
  readonly isSharer: boolean
}

/** A notification for a client of the account that has not said yet what it wants to hear. */
export interface Held {
  readonly node: string
  readonly message: Element
}

/** So many of them wait. */
const MOST_HELD = 20

/** Of one account: by bare address, then by full one. */
interface Others {
  readonly clients: Map<string, Map<string, Listener>>
  sharers: number
}

/** Which clients are available, and of which nodes they want to hear (XEP-0060 §9.2): the account's own, and others that it sees. */
export class Listeners {
  readonly #own = new WeakMap<Session, Interests>()
  readonly #held = new WeakMap<Session, Held[]>()
  readonly #others = new WeakMap<Account, Others>()

  /** Gives what has waited for that. */
  setOwn(session: Session, interests: Interests): readonly Held[] {
    const held = this.#held.get(session) ?? []
    this.#held.delete(session)
    this.#own.set(session, interests)
    return held
  }

  /** It is asked what it wants to hear: what is published meanwhile waits for the answer. */
  ask(session: Session): void {
    if (!this.#held.has(session)) this.#held.set(session, [])
  }

  *asked(account: Account): Iterable<Session> {
    for (const session of account.available()) if (this.#held.has(session)) yield session
  }

  hold(session: Session, held: Held): void {
    const waiting = this.#held.get(session)
    if (waiting !== undefined && waiting.length < MOST_HELD) waiting.push(held)
  }

  ofOwn(session: Session): Interests | undefined {
    return this.#own.get(session)
  }

  removeOwn(session: Session): void {
    this.#own.delete(session)
    this.#held.delete(session)
  }

  /** The account's own clients that want to hear of the node. */
  *own(account: Account, node: string): Iterable<Session> {
    for (const session of account.available()) {
      if (this.#own.get(session)?.has(node) && !this.#held.has(session)) yield session
    }
  }

  get(account: Account, client: Jid): Listener | undefined {
    return this.#others.get(account)?.clients.get(String(client.bare))?.get(String(client))
  }

  /** Passed over where there are too many. */
  set(account: Account, listener: Listener): void {
    const others = this.#others.get(account) ?? { clients: new Map(), sharers: 0 }
    this.#others.set(account, others)
    this.remove(account, listener.jid)
    const bare = String(listener.jid.bare)
    const clients = others.clients.get(bare) ?? new Map<string, Listener>()
    if (clients.size >= MOST_OF_ONE || (listener.isSharer && others.sharers >= MOST_SHARERS)) return
    if (listener.isSharer) others.sharers++
    others.clients.set(bare, clients.set(String(listener.jid), listener))
  }

  remove(account: Account, client: Jid): void {
    const others = this.#others.get(account)
    const bare = String(client.bare)
    const clients = others?.clients.get(bare)
    const former = clients?.get(String(client))
    if (others === undefined || clients === undefined || former === undefined) return
    clients.delete(String(client))
    if (former.isSharer) others.sharers--
    if (clients.size === 0) others.clients.delete(bare)
  }

  /** All of that bare address. */
  of(account: Account, bare: string): Iterable<Listener> {
    return this.#others.get(account)?.clients.get(bare)?.values() ?? []
  }

  /** Everybody's but the account's own. */
  *others(account: Account): Iterable<Listener> {
    for (const clients of this.#others.get(account)?.clients.values() ?? []) yield* clients.values()
  }
}
