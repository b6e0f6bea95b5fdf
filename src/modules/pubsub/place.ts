import type { Clock } from '../../core/clock.ts'
import { LimitedEach } from '../../lib/limited.ts'
import type { Db } from '../../storage/db.ts'
import type { Element } from '../../xml/element.ts'
import { StanzaError } from '../../xmpp/error.ts'
import type { Jid } from '../../xmpp/jid.ts'
import { type Action, must, type Standing } from './access.ts'
import type { NodeLimits, PlaceKind } from './config-fields.ts'
import { dayOf } from './day.ts'
import { MOVE_IS_TOLD, type Move, Moved } from './moved.ts'
import type { Node } from './node.ts'
import type { NodeConfig } from './node-config.ts'
import { ClearRows, type Rows } from './rows.ts'
import { Tally } from './tally.ts'

/** The most that there may be of the nodes of one person, or of all. */
export interface Share {
  readonly nodes: number
  /** Bytes of all items together. */
  readonly bytes: number
  readonly affiliations: number
}

/** The most that there may be in one place. */
export interface PlaceLimits extends NodeLimits, Share {
  readonly subscriptions: number
  /** Changes by one person of which others are notified, in a minute. */
  readonly changes: number
}

const MINUTE = 60_000
/** So many are remembered who have changed something. */
const MOST_REMEMBERED = 1000

/** Somebody who is notified. */
export interface Receiver {
  readonly to: string
  /** A client of the account itself. */
  readonly deliver?: (message: Element) => void
  /** He may know which client has published (XEP-0163 §4.3.1). */
  readonly seesPresence: boolean
}

/**
 * An account as a pubsub service (XEP-0060 §9, XEP-0163), or the service of a domain: its nodes, in its turn. They are in memory once
 * it was asked for them; what is in them is not.
 */
export abstract class Place {
  abstract readonly kind: PlaceKind
  /** Where it is: notifications come from there. */
  abstract readonly jid: Jid
  /** Under which its rows stand. */
  abstract readonly owner: string
  readonly limits: PlaceLimits
  readonly clock: Clock
  protected readonly db: Db
  readonly #nodes = new Map<string, Node>()
  /** Where nodes went that were here. */
  readonly #moved = new Map<string, Move>()
  #isLoaded = false
  readonly #size = new Tally(() => this.readSize())
  /** By bare address: whether he has changed too much of late. */
  readonly #changes: LimitedEach

  constructor(db: Db, clock: Clock, limits: PlaceLimits) {
    this.db = db
    this.clock = clock
    this.limits = limits
    this.#changes = new LimitedEach(limits.changes, MINUTE, () => clock.now(), MOST_REMEMBERED)
  }

  /** The configuration of a new node. */
  abstract usual(node: string): NodeConfig
  /** Throws the StanzaError for who may not make nodes. */
  abstract mustCreate(who: Jid): void
  /** §7.1.4: whether a node is made when he publishes where there is none. */
  abstract autoCreates(who: Jid): boolean
  abstract standingOf(node: Node, who: Jid): Standing
  /** Everybody who is notified of what happens to the node. */
  abstract receivers(node: Node): Iterable<Receiver>
  /** Whether it is an account's, and this is its owner. */
  abstract isOwn(who: Jid): boolean
  /** Bare addresses. */
  abstract ownersOf(node: Node): Iterable<string>
  /** Whether he may know that there is such a node. */
  abstract knows(node: Node, who: Jid): boolean
  /** Throws where he may not; and where there is no node if he must not learn that either. */
  abstract mustKnow(node: Node | undefined, who: Jid): void
  /** Throws where he must not even learn that there is such a place. Said before anything else. */
  abstract mustKnowPlace(who: Jid): void

  /** Whether those who see the account's presence see this client's. */
  isShown(_client: Jid): boolean {
    return false
  }

  /** Whether anything may be sent to that address, whatever it has subscribed to. */
  mayBeTold(_to: string): boolean {
    return true
  }

  /** Reads its nodes, unless they are known; true if there are some now that were not. To be called before all else. */
  async load(): Promise<boolean> {
    if (this.#isLoaded) return false
    for (const node of await new ClearRows(this.db, this.owner).nodes()) this.#nodes.set(node.name, node)
    for (const [name, move] of await new Moved(this.db, this.owner).all()) this.#moved.set(name, move)
    this.#isLoaded = true
    return true
  }

  all(): Iterable<Node> {
    return this.#nodes.values()
  }

  /** Those that somebody may know of. */
  nodes(who: Jid): Node[] {
    return [...this.#nodes.values()].filter(node => this.knows(node, who))
  }

  /** Of all its nodes. */
  get subscriptions(): number {
    let all = 0
    for (const { subscriptions } of this.#nodes.values()) all += subscriptions.size
    return all
  }

  /** How much of the place those nodes may have that one person has made. */
  get share(): Share {
    return this.limits
  }

  /** Whether somebody more may be affiliated with the node. */
  hasRoomForAffiliation({ creator }: Node): boolean {
    let all = 0
    let ofOne = 0
    for (const { affiliations, creator: other } of this.#nodes.values()) {
      all += affiliations.size
      if (other === creator) ofOne += affiliations.size
    }
    return all < this.limits.affiliations && ofOne < this.share.affiliations
  }

  find(name: string): Node | undefined {
    return this.#nodes.get(name)
  }

  /** Throws item-not-found, or gone. */
  node(name: string, who: Jid): Node {
    const node = this.find(name)
    this.mustKnow(node, who)
    if (node !== undefined) return node
    // §6.1.3.11.
    const move = this.#moved.get(name)
    throw move === undefined || (move.until ?? Number.POSITIVE_INFINITY) <= this.clock.now()
      ? noSuchNode()
      : new StanzaError('gone', '', { uri: move.uri })
  }

  /** The node of that name, if he may do that with it. */
  nodeFor(action: Action, name: string, who: Jid): Node {
    const node = this.node(name, who)
    must(action, this.standingOf(node, who), node.config)
    return node
  }

  /** Where the node stands, or is to stand. */
  rows(_: Node, db: Db = this.db): Rows {
    return new ClearRows(db, this.owner)
  }

  /** Counts changes of which others may be notified; throws if these are too many, with those of late. */
  mustNotHurry(who: Jid, changes = 1): void {
    if (this.#changes.isTooMuch(String(who.bare), Math.max(1, changes)))
      throw new StanzaError('policy-violation', 'this is too much at once', { type: 'wait' })
  }

  /** Throws if there is no room for so many bytes more in a node that he has made. */
  async mustHaveRoom(_creator: string, more: number): Promise<void> {
    if (!(await this.#size.hasRoom(more, this.limits.bytes))) throw new StanzaError('resource-constraint', 'there is no room for more')
  }

  /** So many bytes more are kept there, or fewer. */
  grow(_creator: string, more: number): void {
    this.#size.grow(more)
  }

  protected readSize(): Promise<number> {
    return new ClearRows(this.db, this.owner).size()
  }

  /** What is done is in memory at once, and on disk when this is done. If that fails, all is forgotten and read again. */
  async change<T>(work: (db: Db) => Promise<T>): Promise<T> {
    try {
      return await this.db.tx(work)
    } catch (error) {
      this.forget()
      throw error
    }
  }

  /** Nothing is known any more of what is on disk. */
  forget(): void {
    this.#nodes.clear()
    this.#moved.clear()
    this.#size.forget()
    this.#isLoaded = false
  }

  /** Within a change. Throws a StanzaError if there are too many. */
  async add(node: Node, db: Db): Promise<void> {
    await this.#forgetMove(node.name, db)
    await this.#makeRoom(node, db)
    this.#nodes.set(node.name, node)
    const rows = this.rows(node, db)
    await rows.put(node)
    for (const [jid, affiliation] of node.affiliations) await rows.setAffiliation(node, jid, affiliation)
  }

  /** For one node more. Where nodes went makes room for those that there are: the oldest word first, of the same person. */
  async #makeRoom({ creator }: Node, db: Db): Promise<void> {
    const { nodes } = this.share
    const ofHis = [...this.#nodes.values(), ...this.#moved.values()].filter(each => each.creator === creator).length
    const tooMany = Math.max(ofHis - nodes, this.#nodes.size + this.#moved.size - this.limits.nodes) + 1
    if (tooMany <= 0) return
    const oldest = [...this.#moved].filter(([, move]) => (move.creator ?? creator) === creator).slice(0, tooMany)
    if (oldest.length < tooMany) throw new StanzaError('resource-constraint', 'there are too many nodes')
    for (const [name] of oldest) await this.#forgetMove(name, db)
  }

  async #forgetMove(name: string, db: Db): Promise<void> {
    if (this.#moved.delete(name)) await new Moved(db, this.owner).remove(name)
  }

  /** Within a change. Who asks for it is sent to `uri` from then on, if there is one. */
  async remove(node: Node, db: Db, uri?: string): Promise<void> {
    this.#nodes.delete(node.name)
    await this.rows(node, db).remove(node)
    if (uri === undefined || node.seal !== undefined) return
    const move: Move = { uri, creator: node.creator, until: dayOf(this.clock.now()) + MOVE_IS_TOLD }
    this.#moved.set(node.name, move)
    await new Moved(db, this.owner).set(node.name, move)
  }

  /** Within a change: also where only affiliations have changed. */
  async reconfigure(node: Node, config: NodeConfig, db: Db): Promise<void> {
    node.config = config
    await this.rows(node, db).put(node)
  }

  /** Nodes that become known later than others. */
  protected know(nodes: Iterable<Node>): void {
    this.#size.forget()
    for (const node of nodes) if (!this.#nodes.has(node.name)) this.#nodes.set(node.name, node)
  }

  /** Those that are to be known no longer. */
  protected unknow(test: (node: Node) => boolean): void {
    this.#size.forget()
    for (const node of [...this.#nodes.values()]) if (test(node)) this.#nodes.delete(node.name)
  }
}

// COMPAT(profanity 0.15): it makes its first list of OMEMO devices only if the error that there is none has this code (XEP-0086).
export const noSuchNode = (): StanzaError => new StanzaError('item-not-found', '', { code: 404 })
