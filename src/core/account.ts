import { Turn } from '../lib/turn.ts'
import type { StanzaError } from '../xmpp/error.ts'
import { Jid } from '../xmpp/jid.ts'
import type { Session } from './session.ts'

/**
 * One account: an island (DESIGN law 6). What is done for it is done in its turn, and modules keep what they know
 * about it in a `WeakMap` keyed by it.
 */
export class Account {
  readonly name: string
  /** The bare address. */
  readonly jid: Jid
  readonly turn = new Turn()
  /** Whether there is such an account; known after its first turn. */
  exists = false
  /** Set while what is known of it cannot be read: every stanza to it is refused with this. */
  trouble: StanzaError | undefined
  /** Connections over which its owner has logged in. */
  holds = 0
  readonly #sessions = new Map<string, Session>()

  constructor(name: string, domain: string) {
    this.name = name
    this.jid = Jid.of(name, domain)
  }

  /** Its bound sessions, by resource. */
  get sessions(): ReadonlyMap<string, Session> {
    return this.#sessions
  }

  add(session: Session): void {
    this.#sessions.set(session.jid.resource, session)
  }

  remove(session: Session): void {
    if (this.#sessions.get(session.jid.resource) === session) this.#sessions.delete(session.jid.resource)
  }

  /** Sessions that broadcast available presence. */
  *available(): Iterable<Session> {
    for (const session of this.#sessions.values()) if (session.presence !== undefined) yield session
  }
}

/** The accounts that are in memory: those with sessions or work under way, and some that were used lately. */
export class Accounts {
  readonly #byName = new Map<string, Account>()
  readonly #domain: string
  readonly #load: (account: Account) => void | Promise<void>
  readonly #most: number
  #idle = 0

  /** `load` is the first turn of each account; at most `most` accounts without sessions are kept. */
  constructor(domain: string, load: (account: Account) => void | Promise<void>, most = 2000) {
    this.#domain = domain
    this.#load = load
    this.#most = most
  }

  /** The account of that (prepared) name, whether it exists or not: `exists` says so in its turn. */
  of(name: string): Account {
    const known = this.#byName.get(name)
    if (known !== undefined) return known
    const account = new Account(name, this.#domain)
    this.#byName.set(name, account)
    if (++this.#idle > this.#most) this.#evict()
    void account.turn.take(() => this.#load(account))
    return account
  }

  /** Those with sessions. */
  *online(): Iterable<Account> {
    for (const account of this.#byName.values()) if (account.sessions.size > 0) yield account
  }

  get(name: string): Account | undefined {
    return this.#byName.get(name)
  }

  forget(account: Account): void {
    if (this.#byName.get(account.name) === account) this.#byName.delete(account.name)
  }

  /** Lets go of accounts that nobody uses, the oldest first, until half as many may come again. */
  #evict(): void {
    const unused = [...this.#byName.values()].filter(account => account.sessions.size === 0 && account.holds === 0 && account.turn.isIdle)
    const surplus = unused.slice(0, Math.max(0, unused.length - (this.#most >> 1)))
    for (const account of surplus) this.#byName.delete(account.name)
    this.#idle = unused.length - surplus.length
  }
}
