import { randomBytes, randomInt } from 'node:crypto'
import type { Account } from '../../core/account.ts'
import type { Session } from '../../core/session.ts'
import type { Element } from '../../xml/element.ts'
import type { Jid } from '../../xmpp/jid.ts'
import { Client } from '../../xmpp/stanza.ts'
import { type Item, itemElement, Roster, stranger } from './item.ts'
import type { RosterStore } from './store.ts'

interface Known {
  readonly items: Map<string, Item>
  version: number
  listed: number
  requests: number
}

/** The rosters of the accounts in memory, as they are on disk, and the sessions that follow them. */
export class Rosters {
  readonly #store: RosterStore
  readonly #known = new WeakMap<Account, Known>()
  readonly #interested = new WeakSet<Session>()

  constructor(store: RosterStore) {
    this.#store = store
  }

  async load(account: Account): Promise<void> {
    const known: Known = { items: new Map(), version: await this.#store.version(account.name), listed: 0, requests: 0 }
    for (const item of await this.#store.items(account.name)) remember(known, item)
    this.#known.set(account, known)
  }

  item(account: Account, contact: Jid): Item {
    const jid = String(contact)
    return this.#of(account).items.get(jid) ?? stranger(jid)
  }

  items(account: Account): Iterable<Item> {
    return this.#of(account).items.values()
  }

  version(account: Account): string {
    return String(this.#of(account).version)
  }

  /** How many items clients see. */
  listed(account: Account): number {
    return this.#of(account).listed
  }

  /** How many requests wait for an answer. */
  requests(account: Account): number {
    return this.#of(account).requests
  }

  /** Keeps the item, or forgets it if there is nothing to keep. Done when it is safe on disk; true if clients see it otherwise now. */
  async save(account: Account, item: Item): Promise<boolean> {
    const known = this.#of(account)
    const isSeen = shown(item) !== shown(known.items.get(item.jid))
    const version = isSeen ? following(known.version) : known.version
    if (isKept(item)) await this.#store.put(account.name, item, version)
    else await this.#store.remove(account.name, item.jid, version)
    known.version = version
    remember(known, item)
    return isSeen
  }

  /** From now on the session hears of changes: it has asked for the roster (RFC 6121 §2.1.6). */
  follow(session: Session): void {
    this.#interested.add(session)
  }

  *interested(account: Account): Iterable<Session> {
    for (const session of account.sessions.values()) if (this.#interested.has(session)) yield session
  }

  /** A roster push of the item as it is now (RFC 6121 §2.1.6). */
  push(account: Account, { jid }: Item): void {
    const item = this.#of(account).items.get(jid)
    const element = item?.isListed === true ? itemElement(item) : Roster('item', { jid, subscription: 'remove' })
    let push: Element | undefined
    for (const session of this.interested(account)) {
      push ??= Client(
        'iq',
        { type: 'set', id: randomBytes(8).toString('hex'), from: String(account.jid) },
        Roster('query', { ver: this.version(account) }, element),
      )
      session.send(push.with({ to: String(session.jid) }))
    }
  }

  #of(account: Account): Known {
    return this.#known.get(account) ?? NOTHING
  }
}

/** Of accounts that do not exist; nothing is ever saved for them. */
const NOTHING: Known = Object.freeze({ items: new Map<string, Item>(), version: 0, listed: 0, requests: 0 })

function remember(known: Known, item: Item): void {
  const former = known.items.get(item.jid)
  known.listed += Number(item.isListed) - Number(former?.isListed ?? false)
  known.requests += Number(item.request !== undefined) - Number(former?.request !== undefined)
  if (isKept(item)) known.items.set(item.jid, item)
  else known.items.delete(item.jid)
}

const isKept = (item: Item): boolean => item.isListed || item.request !== undefined

/** What clients see of the item. */
const shown = (item: Item | undefined): string => (item?.isListed === true ? String(itemElement(item)) : '')

/** The first version is drawn: the roster of a later account of the same name must not be taken for this one. */
const following = (version: number): number => (version === 0 ? randomInt(1, 2 ** 47) : version + 1)
