import type { Account } from '../../core/account.ts'
import { lockedError } from '../../core/locked.ts'
import type { SealedRows } from '../../core/sealed-rows.ts'
import type { Session } from '../../core/session.ts'
import { PRIVATE_ITEM, PRIVATE_NODE } from '../../core/stores.ts'
import { randomNumber } from '../../lib/random.ts'
import type { Db } from '../../storage/db.ts'
import type { Element } from '../../xml/element.ts'
import { StanzaError } from '../../xmpp/error.ts'
import { Jid } from '../../xmpp/jid.ts'
import type { RosterApi } from '../roster/roster.ts'
import { isPrivate, may, type Standing } from './access.ts'
import type { Listeners } from './listeners.ts'
import type { Item, Node } from './node.ts'
import { type NodeConfig, usualOfAccount } from './node-config.ts'
import { noSuchNode, Place, type Receiver } from './place.ts'
import { PrivateNodes, PrivateRows } from './private-rows.ts'
import type { Rows } from './rows.ts'
import { isCurrent, type Subscription } from './subscription.ts'

interface Surroundings {
  readonly roster: RosterApi
  isBlocked(account: Account, other: Jid): boolean
  /** Who is available, and what he wants to hear of. */
  readonly listeners: Listeners
  /** By node, what other modules say of a new one. */
  readonly usual: ReadonlyMap<string, Partial<NodeConfig>>
  readonly sealed: SealedRows
}

/** Every account a pubsub service (XEP-0163 §2.1). */
export class AccountPlace extends Place {
  readonly kind = 'account'
  readonly account: Account
  readonly #around: Surroundings

  readonly #private: PrivateNodes
  /** Private nodes are open, and among those that are known. */
  #isOpen = false

  constructor(account: Account, around: Surroundings, ...base: ConstructorParameters<typeof Place>) {
    super(...base)
    this.account = account
    this.#around = around
    this.#private = new PrivateNodes(account, around.sealed, this.clock)
  }

  /** With the private nodes, if the account is open. */
  override async load(): Promise<boolean> {
    const isNew = await super.load()
    if (this.#isOpen || !this.#around.sealed.isOpen(this.account)) return isNew
    const nodes = await this.#private.nodes()
    this.know(nodes)
    this.#isOpen = true
    for (const node of nodes) if (this.find(node.name) !== node) await this.#takeBack(node)
    return true
  }

  /** From before a password that was lost and then found again: what is in it and in no newer one of its name comes back. */
  async #takeBack(former: Node): Promise<void> {
    const node = this.find(former.name)
    if (node?.seal === undefined) return
    const [old, now] = await Promise.all([former, node].map(each => this.#itemsOf(each)))
    const most = node.config.maxItems === 'max' ? this.limits.items : node.config.maxItems
    const lost = old!.filter(({ id }) => now!.every(other => other.id !== id))
    const regained = lost.slice(Math.max(0, lost.length - Math.max(0, most - now!.length)))
    await this.change(async db => {
      if (regained.length > 0) await this.rows(node, db).putItems(node, [...regained, ...now!])
      await this.rows(former, db).remove(former)
    })
  }

  async #itemsOf(node: Node, db?: Db): Promise<Item[]> {
    const rows = this.rows(node, db)
    const heads = await rows.heads(node, 0)
    return rows.items(
      node,
      heads.map(({ id }) => id),
      0,
    )
  }

  /** The account is locked: what was opened is overwritten, and private nodes are not known any more. */
  lock(): void {
    this.#private.forget()
    this.unknow(({ seal }) => seal !== undefined)
    this.#isOpen = false
  }

  override forget(): void {
    super.forget()
    this.lock()
  }

  override rows(node: Node, db: Db = this.db): Rows {
    return node.seal === undefined ? super.rows(node, db) : new PrivateRows(this.#private, db)
  }

  protected override async readSize(): Promise<number> {
    return (await super.readSize()) + (await this.#around.sealed.size(this.account, PRIVATE_ITEM))
  }

  override async change<T>(work: (db: Db) => Promise<T>): Promise<T> {
    // It may have been locked while a request of somebody else waited, whom that does not concern.
    if (this.#isOpen && this.#around.sealed.isOpen(this.account)) await this.#around.sealed.prepare(this.account)
    return super.change(work)
  }

  /** A private node is sealed. While those that there are cannot be read, one of them might have that name. */
  override async add(node: Node, db: Db): Promise<void> {
    const isToBeSealed = isPrivate(node.config, node.affiliations)
    if (!this.#isOpen && (isToBeSealed || (await this.#around.sealed.count(this.account, PRIVATE_NODE, db)) > 0)) throw lockedError()
    if (isToBeSealed) node.seal = randomNumber()
    await super.add(node, db)
  }

  /** What becomes private is sealed, and what is not any more is written in the clear, with all that is in it. */
  override async reconfigure(node: Node, config: NodeConfig, db: Db): Promise<void> {
    const isToBeSealed = isPrivate(config, node.affiliations)
    if (isToBeSealed === (node.seal !== undefined)) return super.reconfigure(node, config, db)
    const items = await this.#itemsOf(node, db)
    await this.rows(node, db).remove(node)
    node.seal = isToBeSealed ? randomNumber() : undefined
    await super.reconfigure(node, config, db)
    const rows = this.rows(node, db)
    for (const [jid, affiliation] of node.affiliations) await rows.setAffiliation(node, jid, affiliation)
    for (const [jid, subscription] of node.subscriptions) await rows.setSubscription(node, jid, subscription)
    await rows.putItems(node, items)
  }

  get jid(): Jid {
    return this.account.jid
  }

  get owner(): string {
    return this.account.name
  }

  usual(node: string): NodeConfig {
    return { ...usualOfAccount(node), ...this.#around.usual.get(node) }
  }

  isOwn(who: Jid): boolean {
    return who.bare.equals(this.account.jid)
  }

  mustCreate(who: Jid): void {
    if (!this.isOwn(who)) throw new StanzaError('forbidden')
  }

  autoCreates(who: Jid): boolean {
    return this.isOwn(who)
  }

  standingOf(node: Node, who: Jid): Standing {
    const { account } = this
    const { roster } = this.#around
    const bare = String(who.bare)
    if (this.isOwn(who)) return { affiliation: 'owner', isSubscribed: true, seesPresence: true, groups: [] }
    return {
      affiliation: node.affiliations.get(bare) ?? 'none',
      isSubscribed: isSubscribed(node, who, this.clock.now()),
      seesPresence: roster.isSubscriber(account, who),
      groups: roster.groupsOf(account, who),
    }
  }

  knows(node: Node, who: Jid): boolean {
    if (this.isOwn(who)) return true
    return node.seal === undefined && (this.#isContact(who) || isForStrangers(node, who))
  }

  mustKnow(node: Node | undefined, who: Jid): void {
    if (node !== undefined ? this.knows(node, who) : this.isOwn(who) || this.#isContact(who)) return
    // To others a private node is none.
    throw this.#isContact(who) ? noSuchNode() : new StanzaError('service-unavailable')
  }

  /** Strangers must not learn which accounts there are: it looks as if there were none, unless something is meant for all. */
  mustKnowPlace(who: Jid): void {
    if (!this.isKnownTo(who)) throw new StanzaError('service-unavailable')
  }

  isKnownTo(who: Jid): boolean {
    if (this.isOwn(who) || this.#isContact(who)) return true
    for (const node of this.all()) if (this.knows(node, who)) return true
    return false
  }

  #isContact(who: Jid): boolean {
    return this.#around.roster.isSubscriber(this.account, who)
  }

  override isShown(client: Jid): boolean {
    return this.isOwn(client) && this.account.sessions.get(client.resource)?.isAvailable === true
  }

  /** XEP-0163 §4.3.3: nobody who is blocked. */
  override mayBeTold(to: string): boolean {
    return !this.#around.isBlocked(this.account, Jid.parse(to))
  }

  *ownersOf(): Iterable<string> {
    yield String(this.account.jid)
  }

  /** XEP-0163 §4.3: clients of the owner and of contacts that are available and want to hear of the node, and who has subscribed to it. */
  *receivers(node: Node): Iterable<Receiver> {
    const { account } = this
    const { listeners } = this.#around
    for (const session of listeners.own(account, node.name)) yield { ...ofSession(session), seesPresence: true }
    for (const session of listeners.asked(account)) {
      const deliver = (message: Element): void => listeners.hold(session, { node: node.name, message })
      yield { to: String(session.jid), deliver, seesPresence: true }
    }
    for (const { jid, interests } of listeners.others(account)) {
      if (!interests?.has(node.name)) continue
      const standing = this.#mayHear(node, jid)
      if (standing !== undefined) yield { to: String(jid), seesPresence: standing.seesPresence }
    }
    for (const subscription of node.subscriptions.values()) {
      if (!this.#isToBeTold(node, subscription)) continue
      const standing = this.#mayHear(node, Jid.parse(subscription.jid))
      if (standing !== undefined) yield { to: subscription.jid, seesPresence: standing.seesPresence }
    }
  }

  /** Whether a notification goes to the address that is subscribed. */
  #isToBeTold(node: Node, subscription: Subscription): boolean {
    const { deliver, showValues } = subscription.options
    if (!isCurrent(subscription, this.clock.now()) || !deliver) return false
    const jid = Jid.parse(subscription.jid)
    const clients = [...this.#around.listeners.of(this.account, String(jid.bare))]
    if (clients.length === 0) return !node.config.presenceBased
    // XEP-0163 §4.3.2: where it is known which clients there are, those are notified that want it, and have been.
    const client = clients.find(each => each.jid.equals(jid))
    if (jid.isBare || client?.interests?.has(node.name)) return false
    if (client === undefined) return !node.config.presenceBased
    return showValues.some(show => show === client.show)
  }

  /** What somebody is to the node who may be notified. */
  #mayHear(node: Node, jid: Jid): Standing | undefined {
    const standing = this.standingOf(node, jid)
    return may('retrieve', standing, node.config) ? standing : undefined
  }
}

const ofSession = (session: Session): Pick<Receiver, 'to' | 'deliver'> => ({
  to: String(session.jid),
  deliver: message => session.send(message),
})

const isSubscribed = ({ subscriptions }: Node, who: Jid, now: number): boolean =>
  [String(who), String(who.bare)].some(jid => isCurrent(subscriptions.get(jid), now))

function isForStrangers({ config, affiliations, subscriptions }: Node, who: Jid): boolean {
  if (config.accessModel === 'open' || config.accessModel === 'authorize' || config.publishModel === 'open') return true
  const bare = String(who.bare)
  const isAffiliated = affiliations.has(bare) && affiliations.get(bare) !== 'outcast'
  return isAffiliated || subscriptions.has(String(who)) || subscriptions.has(bare)
}
