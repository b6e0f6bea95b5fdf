import type { Account } from '../../core/account.ts'
import type { Clock } from '../../core/clock.ts'
import type { OpenedRow, SealedRows as Sealed } from '../../core/sealed-rows.ts'
import { PRIVATE_ITEM, PRIVATE_NODE } from '../../core/stores.ts'
import { randomNumber } from '../../lib/random.ts'
import type { Db } from '../../storage/db.ts'
import type { Affiliation } from './access.ts'
import { type Item, type ItemHead, type Leaving, leavingOf, Node, weightOf } from './node.ts'
import { readConfig, writeConfig } from './node-config.ts'
import type { Rows } from './rows.ts'
import { endOf, readOptions, type Subscription, writeOptions } from './subscription.ts'

/** All nodes are one part; the items of each are one of the number of the node. */
const NODES = 0

/** An item in memory. */
interface Kept extends Omit<Item, 'payload'> {
  readonly number: number
  readonly ord: number
  readonly payload: Buffer
}

/** A node as it is sealed. */
interface Written {
  readonly name: string
  readonly config: string
  readonly createdAt: number
  readonly affiliations: readonly (readonly [jid: string, affiliation: Affiliation])[]
  readonly subscriptions: readonly (readonly [jid: string, state: Subscription['state'], options: string, endsAt: number | null])[]
}

/**
 * Private nodes of an account (class A2). Of what is in them nothing is in the clear, not even their names; opened once, they are in
 * memory until the account is locked.
 */
export class PrivateNodes {
  readonly account: Account
  readonly sealed: Sealed
  readonly #clock: Clock
  /** By the number of the node, then by id, the oldest first. */
  readonly #items = new Map<number, Map<string, Kept>>()

  constructor(account: Account, sealed: Sealed, clock: Clock) {
    this.account = account
    this.sealed = sealed
    this.#clock = clock
  }

  now(): number {
    return this.#clock.now()
  }

  /** Opens the nodes. Of those of one name, the one that was written under the newest password comes first. */
  async nodes(): Promise<Node[]> {
    const rows = await this.sealed.read(this.account, PRIVATE_NODE, NODES)
    return rows.sort((a, b) => b.generation - a.generation).map(row => readNode(row, String(this.account.jid)))
  }

  /** Those of the node, the oldest first. */
  async items({ seal = 0 }: Node, db?: Db): Promise<Map<string, Kept>> {
    const known = this.#items.get(seal)
    if (known !== undefined) return known
    const rows = await this.sealed.read(this.account, PRIVATE_ITEM, seal, db)
    const kept = rows.map(row => readItem(row, String(this.account.jid))).sort((a, b) => a.ord - b.ord)
    const items = new Map(kept.map(item => [item.id, item]))
    this.#items.set(seal, items)
    return items
  }

  /** Overwrites what is in memory. */
  forget(): void {
    for (const items of this.#items.values()) for (const { payload } of items.values()) payload.fill(0)
    this.#items.clear()
  }

  dropItems(seal: number): void {
    for (const { payload } of this.#items.get(seal)?.values() ?? []) payload.fill(0)
    this.#items.delete(seal)
  }
}

/** How they are read and written. */
export class PrivateRows implements Rows {
  readonly #nodes: PrivateNodes
  readonly #db: Db

  constructor(nodes: PrivateNodes, db: Db) {
    this.#nodes = nodes
    this.#db = db
  }

  nodes(): Promise<Node[]> {
    return this.#nodes.nodes()
  }

  /** All that is known of a node is one row. */
  async put(node: Node): Promise<void> {
    node.seal ??= randomNumber()
    const written: Written = {
      name: node.name,
      config: writeConfig(node.config),
      createdAt: node.createdAt,
      affiliations: [...node.affiliations],
      subscriptions: [...node.subscriptions.values()].map(({ jid, state, options }) => [
        jid,
        state,
        writeOptions(options),
        endOf(options) ?? null,
      ]),
    }
    await this.#write(PRIVATE_NODE, NODES, node.seal, written)
  }

  async remove(node: Node): Promise<void> {
    const { account, sealed } = this.#nodes
    await sealed.removePart(account, PRIVATE_ITEM, node.seal!, this.#db)
    await sealed.remove(account, PRIVATE_NODE, NODES, [node.seal!], this.#db)
    this.#nodes.dropItems(node.seal!)
  }

  async setAffiliation(node: Node, _jid: string, _affiliation: Affiliation): Promise<void> {
    await this.put(node)
  }

  async setSubscription(node: Node, _jid: string, _subscription: Subscription | undefined): Promise<void> {
    await this.put(node)
  }

  async heads(node: Node, now: number): Promise<ItemHead[]> {
    const items = await this.#nodes.items(node, this.#db)
    return [...items.values()].filter(isThere(now)).map(item => ({ id: item.id, publisher: item.publisher, size: weightOf(item) }))
  }

  async leaving(node: Node, ids: readonly string[], most: number, now: number): Promise<Leaving> {
    return leavingOf(await this.heads(node, now), ids, most)
  }

  async items(node: Node, ids: readonly string[], now: number): Promise<Item[]> {
    const wanted = new Set(ids)
    const items = await this.#nodes.items(node, this.#db)
    return [...items.values()].filter(item => wanted.has(item.id) && isThere(now)(item)).map(itemOf)
  }

  async newest(node: Node, now: number): Promise<Item | undefined> {
    const items = await this.#nodes.items(node, this.#db)
    const newest = [...items.values()].findLast(isThere(now))
    return newest && itemOf(newest)
  }

  async putItems(node: Node, items: readonly Item[]): Promise<void> {
    const kept = await this.#nodes.items(node, this.#db)
    node.last = Math.max(node.last, ...kept.values().map(({ ord }) => ord))
    const expired = [...kept.values()].filter(item => !isThere(this.#nodes.now())(item))
    if (expired.length > 0)
      await this.removeItems(
        node,
        expired.map(({ id }) => id),
      )
    for (const { id, publisher, at, expiresAt, payload } of items) {
      const former = kept.get(id)
      const item: Kept = {
        id,
        publisher,
        at,
        expiresAt,
        number: former?.number ?? randomNumber(),
        ord: ++node.last,
        payload: Buffer.from(payload),
      }
      // Nearly always its owner, whose name need not be in every row.
      const other = publisher === String(this.#nodes.account.jid) ? {} : { publisher }
      await this.#write(PRIVATE_ITEM, node.seal!, item.number, { id, at, expiresAt, ord: item.ord, payload, ...other })
      kept.delete(id)
      kept.set(id, item)
      former?.payload.fill(0)
    }
  }

  async removeItems(node: Node, ids: readonly string[]): Promise<void> {
    const { account, sealed } = this.#nodes
    const kept = await this.#nodes.items(node, this.#db)
    const gone = ids.flatMap(id => kept.get(id) ?? [])
    await sealed.remove(
      account,
      PRIVATE_ITEM,
      node.seal!,
      gone.map(({ number }) => number),
      this.#db,
    )
    for (const { id, payload } of gone) {
      kept.delete(id)
      payload.fill(0)
    }
  }

  size(): Promise<number> {
    return this.#nodes.sealed.size(this.#nodes.account, PRIVATE_ITEM)
  }

  async #write(store: number, part: number, number: number, what: object): Promise<void> {
    await this.#nodes.sealed.write(this.#nodes.account, { store, part, number }, Buffer.from(JSON.stringify(what)), this.#db)
  }
}

function readNode({ number, plain }: OpenedRow, creator: string): Node {
  const { name, config, createdAt, affiliations, subscriptions }: Written = JSON.parse(plain.toString())
  plain.fill(0)
  const known = subscriptions.map(
    ([jid, state, options, endsAt]) => [jid, { jid, state, options: readOptions(options, endsAt ?? undefined) }] as const,
  )
  const people = { affiliations: new Map(affiliations), subscriptions: new Map(known) }
  return new Node({ name, config: readConfig(config), creator, createdAt, seal: number, ...people })
}

function readItem({ number, plain }: OpenedRow, owner: string): Kept {
  const { payload, publisher = owner, ...rest } = JSON.parse(plain.toString())
  plain.fill(0)
  return { ...rest, publisher, number, payload: Buffer.from(payload) }
}

const itemOf = ({ id, publisher, at, expiresAt, payload }: Kept): Item => ({ id, publisher, at, expiresAt, payload: payload.toString() })

const isThere =
  (now: number) =>
  ({ expiresAt }: Pick<Item, 'expiresAt'>): boolean =>
    expiresAt === undefined || expiresAt > now
