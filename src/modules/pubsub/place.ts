import type { Clock } from '../../core/clock.ts'
import { limited } from '../../lib/limited.ts'
import type { Db } from '../../storage/db.ts'
import type { Element } from '../../xml/element.ts'
import { StanzaError } from '../../xmpp/error.ts'
import type { Jid } from '../../xmpp/jid.ts'
import { type Action, isPrivate, must, type Standing } from './access.ts'
import type { NodeLimits, PlaceKind } from './config-fields.ts'
import type { Node } from './node.ts'
import type { NodeConfig } from './node-config.ts'
import { ClearRows, type Rows } from './rows.ts'

/** The most that there may be in one place. */
export interface PlaceLimits extends NodeLimits {
  readonly nodes: number
  /** Bytes of all items together. */
  readonly bytes: number
  readonly subscriptions: number
  readonly affiliations: number
  /** Changes of which others are notified, in a minute. */
  readonly changes: number
}

const MINUTE = 60_000

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
  #isLoaded = false
  #size: number | undefined
  readonly #areTooMany: () => boolean

  constructor(db: Db, clock: Clock, limits: PlaceLimits) {
    this.db = db
    this.clock = clock
    this.limits = limits
    this.#areTooMany = limited(limits.changes, MINUTE, () => clock.now())
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
  /** Throws where somebody must not even learn that there is something, or nothing. */
  protected abstract mustKnow(node: Node | undefined, who: Jid): void

  /** Reads its nodes, unless they are known. To be called before all else. */
  async load(): Promise<void> {
    if (this.#isLoaded) return
    for (const node of await new ClearRows(this.db, this.owner).nodes()) this.#nodes.set(node.name, node)
    this.#isLoaded = true
  }

  nodes(): Iterable<Node> {
    return this.#nodes.values()
  }

  find(name: string): Node | undefined {
    return this.#nodes.get(name)
  }

  /** Throws item-not-found, or gone. */
  node(name: string, who: Jid): Node {
    const node = this.find(name)
    this.mustKnow(node, who)
    if (node === undefined) throw new StanzaError('item-not-found')
    return node
  }

  /** The node of that name, if he may do that with it. */
  nodeFor(action: Action, name: string, who: Jid): Node {
    const node = this.node(name, who)
    must(action, this.standingOf(node, who), node.config)
    return node
  }

  rows(node: Pick<Node, 'seal'>, db: Db = this.db): Rows {
    void node
    return new ClearRows(db, this.owner)
  }

  /** Counts a change of which many may be notified; throws if there were too many of late. */
  mustNotHurry(): void {
    if (this.#areTooMany()) throw new StanzaError('policy-violation', 'this is too much at once', { type: 'wait' })
  }

  /** Bytes of all items. */
  async size(): Promise<number> {
    this.#size ??= await new ClearRows(this.db, this.owner).size()
    return this.#size
  }

  /** What is done is in memory at once, and on disk when this is done. If that fails, all is forgotten and read again. */
  async change<T>(work: (db: Db) => Promise<T>): Promise<T> {
    try {
      return await this.db.tx(work)
    } catch (error) {
      this.forget()
      throw error
    } finally {
      this.#size = undefined
    }
  }

  /** Nothing is known any more of what is on disk. */
  forget(): void {
    this.#nodes.clear()
    this.#isLoaded = false
  }

  /** Within a change. Throws a StanzaError if there are too many. */
  async add(node: Node, db: Db): Promise<void> {
    if (this.#nodes.size >= this.limits.nodes) throw new StanzaError('resource-constraint', 'there are too many nodes')
    this.#nodes.set(node.name, node)
    await this.rows(node, db).put(node)
  }

  /** Within a change. */
  async remove(node: Node, db: Db): Promise<void> {
    this.#nodes.delete(node.name)
    await this.rows(node, db).remove(node)
  }

  /** Whether nobody but the owner of the place may learn of it. */
  isPrivate(node: Node): boolean {
    return this.kind === 'account' && isPrivate(node.config, node.affiliations)
  }
}
