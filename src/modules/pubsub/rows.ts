import { type Db, list, type Migration, sql } from '../../storage/db.ts'
import type { Affiliation } from './access.ts'
import { type Item, type ItemHead, type Leaving, Node, weightOf } from './node.ts'
import { readConfig, writeConfig } from './node-config.ts'
import { endOf, readOptions, type Subscription, TEMPORARY, writeOptions } from './subscription.ts'

/** Rows of an account stand under its name, those of the service under ''. */
export const migrations: readonly Migration[] = [
  ({ withoutRowid }) => `CREATE TABLE pubsub_node (account TEXT NOT NULL, node TEXT NOT NULL, config TEXT NOT NULL, creator TEXT NOT NULL,
    created_at BIGINT NOT NULL, PRIMARY KEY (account, node)) ${withoutRowid}`,
  ({ withoutRowid }) => `CREATE TABLE pubsub_item (account TEXT NOT NULL, node TEXT NOT NULL, id TEXT NOT NULL, ord BIGINT NOT NULL,
    publisher TEXT NOT NULL, at BIGINT NOT NULL, expires_at BIGINT, size BIGINT NOT NULL, payload TEXT NOT NULL,
    PRIMARY KEY (account, node, id)) ${withoutRowid}`,
  () => 'CREATE INDEX pubsub_item_by_order ON pubsub_item (account, node, ord)',
  () => 'CREATE INDEX pubsub_item_by_expiry ON pubsub_item (expires_at)',
  ({ withoutRowid }) => `CREATE TABLE pubsub_affiliation (account TEXT NOT NULL, node TEXT NOT NULL, jid TEXT NOT NULL,
    affiliation TEXT NOT NULL, PRIMARY KEY (account, node, jid)) ${withoutRowid}`,
  ({ withoutRowid }) => `CREATE TABLE pubsub_subscription (account TEXT NOT NULL, node TEXT NOT NULL, jid TEXT NOT NULL,
    state TEXT NOT NULL, options TEXT NOT NULL, expires_at BIGINT, PRIMARY KEY (account, node, jid)) ${withoutRowid}`,
  ({ withoutRowid }) => `CREATE TABLE pubsub_moved (account TEXT NOT NULL, node TEXT NOT NULL, uri TEXT NOT NULL,
    PRIMARY KEY (account, node)) ${withoutRowid}`,
  () => 'ALTER TABLE pubsub_moved ADD COLUMN creator TEXT; ALTER TABLE pubsub_moved ADD COLUMN expires_at BIGINT',
]

/** Where nodes of one place stand, and their items. What it changes is first in memory, in the node, and then on disk. */
export interface Rows {
  nodes(): Promise<Node[]>
  /** Adds the node, or writes how it is configured now. */
  put(node: Node): Promise<void>
  /** With its items and all that belongs to it. */
  remove(node: Node): Promise<void>
  setAffiliation(node: Node, jid: string, affiliation: Affiliation): Promise<void>
  /** Undefined ends it. */
  setSubscription(node: Node, jid: string, subscription: Subscription | undefined): Promise<void>
  /** Those that have not expired, the oldest first. */
  heads(node: Node, now: number): Promise<ItemHead[]>
  /** Of those that have not expired: the heads of these, and of the oldest others, but for the `most` newest. */
  leaving(node: Node, ids: readonly string[], most: number, now: number): Promise<Leaving>
  /** Those of these ids that have not expired, the oldest first. */
  items(node: Node, ids: readonly string[], now: number): Promise<Item[]>
  /** The newest one. */
  newest(node: Node, now: number): Promise<Item | undefined>
  /** Each becomes the newest one, also where there was one with its id. */
  putItems(node: Node, items: readonly Item[]): Promise<void>
  removeItems(node: Node, ids: readonly string[]): Promise<void>
  /** How much all items have together, about, in bytes. */
  size(): Promise<number>
}

interface NodeRow {
  node: string
  config: string
  creator: string
  created_at: number
  last: number | null
}
interface SubscriptionRow {
  node: string
  jid: string
  state: Subscription['state']
  options: string
  expires_at: number | null
}
interface ItemRow {
  id: string
  publisher: string
  at: number
  expires_at: number | null
  payload: string
}

/** In the clear (class C): what others may read while the owner is away. */
export class ClearRows implements Rows {
  readonly #db: Db
  readonly #owner: string

  constructor(db: Db, owner: string) {
    this.#db = db
    this.#owner = owner
  }

  async nodes(): Promise<Node[]> {
    const rows = await this.#db.all<NodeRow>(sql`SELECT node, config, creator, created_at,
      (SELECT MAX(ord) FROM pubsub_item WHERE pubsub_item.account = pubsub_node.account AND pubsub_item.node = pubsub_node.node) AS last
      FROM pubsub_node WHERE account = ${this.#owner} ORDER BY node`)
    const nodes = new Map(rows.map(row => [row.node, nodeOf(row)]))
    if (nodes.size === 0) return []
    for (const { node, jid, affiliation } of await this.#db.all<{ node: string; jid: string; affiliation: Affiliation }>(
      sql`SELECT node, jid, affiliation FROM pubsub_affiliation WHERE account = ${this.#owner} ORDER BY jid`,
    ))
      nodes.get(node)?.affiliations.set(jid, affiliation)
    const subscribed = await this.#db.all<SubscriptionRow>(
      sql`SELECT node, jid, state, options, expires_at FROM pubsub_subscription WHERE account = ${this.#owner} ORDER BY jid`,
    )
    for (const { node, jid, state, options, expires_at: end } of subscribed) {
      nodes.get(node)?.subscriptions.set(jid, { jid, state, options: readOptions(options, end === null ? undefined : Number(end)) })
    }
    return [...nodes.values()]
  }

  async put({ name, config, creator, createdAt }: Node): Promise<void> {
    await this.#db.run(sql`INSERT INTO pubsub_node (account, node, config, creator, created_at)
      VALUES (${this.#owner}, ${name}, ${writeConfig(config)}, ${creator}, ${createdAt})
      ON CONFLICT (account, node) DO UPDATE SET config = excluded.config`)
  }

  async remove({ name }: Node): Promise<void> {
    await this.#db.run(sql`DELETE FROM pubsub_item WHERE account = ${this.#owner} AND node = ${name}`)
    await this.#db.run(sql`DELETE FROM pubsub_affiliation WHERE account = ${this.#owner} AND node = ${name}`)
    await this.#db.run(sql`DELETE FROM pubsub_subscription WHERE account = ${this.#owner} AND node = ${name}`)
    await this.#db.run(sql`DELETE FROM pubsub_node WHERE account = ${this.#owner} AND node = ${name}`)
  }

  async setAffiliation({ name }: Node, jid: string, affiliation: Affiliation): Promise<void> {
    if (affiliation === 'none')
      await this.#db.run(sql`DELETE FROM pubsub_affiliation WHERE account = ${this.#owner} AND node = ${name} AND jid = ${jid}`)
    else
      await this.#db.run(sql`INSERT INTO pubsub_affiliation (account, node, jid, affiliation)
        VALUES (${this.#owner}, ${name}, ${jid}, ${affiliation})
        ON CONFLICT (account, node, jid) DO UPDATE SET affiliation = excluded.affiliation`)
  }

  async setSubscription({ name }: Node, jid: string, subscription: Subscription | undefined): Promise<void> {
    if (subscription === undefined)
      await this.#db.run(sql`DELETE FROM pubsub_subscription WHERE account = ${this.#owner} AND node = ${name} AND jid = ${jid}`)
    else
      await this.#db.run(sql`INSERT INTO pubsub_subscription (account, node, jid, state, options, expires_at)
        VALUES (${this.#owner}, ${name}, ${jid}, ${subscription.state}, ${writeOptions(subscription.options)}, ${endOf(subscription.options) ?? null})
        ON CONFLICT (account, node, jid) DO UPDATE SET state = excluded.state, options = excluded.options, expires_at = excluded.expires_at`)
  }

  async heads({ name }: Node, now: number): Promise<ItemHead[]> {
    const rows = await this.#db.all<ItemHead>(sql`SELECT id, publisher, size FROM pubsub_item
      WHERE account = ${this.#owner} AND node = ${name} AND (expires_at IS NULL OR expires_at > ${now}) ORDER BY ord`)
    return rows.map(headOf)
  }

  async leaving({ name }: Node, ids: readonly string[], most: number, now: number): Promise<Leaving> {
    const those = sql`account = ${this.#owner} AND node = ${name} AND (expires_at IS NULL OR expires_at > ${now})`
    const named = await this.#db.all<ItemHead>(sql`SELECT id, publisher, size FROM pubsub_item WHERE ${those} AND id IN ${list(ids)}`)
    if (most === Number.POSITIVE_INFINITY) return { named: named.map(headOf), oldest: [] }
    const [all] = await this.#db.all<{ count: number }>(sql`SELECT COUNT(*) AS count FROM pubsub_item WHERE ${those}`)
    const surplus = Number(all?.count ?? 0) - named.length - most
    if (surplus <= 0) return { named: named.map(headOf), oldest: [] }
    const oldest = await this.#db.all<ItemHead>(sql`SELECT id, publisher, size FROM pubsub_item
      WHERE ${those} AND id NOT IN ${list(ids)} ORDER BY ord LIMIT ${surplus}`)
    return { named: named.map(headOf), oldest: oldest.map(headOf) }
  }

  async items({ name }: Node, ids: readonly string[], now: number): Promise<Item[]> {
    const rows = await this.#db.all<ItemRow>(sql`SELECT id, publisher, at, expires_at, payload FROM pubsub_item
      WHERE account = ${this.#owner} AND node = ${name} AND id IN ${list(ids)} AND (expires_at IS NULL OR expires_at > ${now}) ORDER BY ord`)
    return rows.map(itemOf)
  }

  async newest({ name }: Node, now: number): Promise<Item | undefined> {
    const [row] = await this.#db.all<ItemRow>(sql`SELECT id, publisher, at, expires_at, payload FROM pubsub_item
      WHERE account = ${this.#owner} AND node = ${name} AND (expires_at IS NULL OR expires_at > ${now}) ORDER BY ord DESC LIMIT 1`)
    return row && itemOf(row)
  }

  async putItems(node: Node, items: readonly Item[]): Promise<void> {
    for (const { id, publisher, at, expiresAt = null, payload } of items)
      await this.#db.run(sql`INSERT INTO pubsub_item (account, node, id, ord, publisher, at, expires_at, size, payload)
        VALUES (${this.#owner}, ${node.name}, ${id}, ${++node.last}, ${publisher}, ${at}, ${expiresAt}, ${weightOf({ id, payload })}, ${payload})
        ON CONFLICT (account, node, id) DO UPDATE SET ord = excluded.ord, publisher = excluded.publisher, at = excluded.at,
          expires_at = excluded.expires_at, size = excluded.size, payload = excluded.payload`)
  }

  async removeItems({ name }: Node, ids: readonly string[]): Promise<void> {
    await this.#db.run(sql`DELETE FROM pubsub_item WHERE account = ${this.#owner} AND node = ${name} AND id IN ${list(ids)}`)
  }

  /** The same of the nodes that one person has made. */
  async sizeOf(creator: string): Promise<number> {
    const [row] = await this.#db.all<{ size: number | null }>(sql`SELECT SUM(size) AS size FROM pubsub_item
      WHERE account = ${this.#owner} AND node IN (SELECT node FROM pubsub_node WHERE account = ${this.#owner} AND creator = ${creator})`)
    return Number(row?.size ?? 0)
  }

  async size(): Promise<number> {
    const [row] = await this.#db.all<{ size: number | null }>(sql`SELECT SUM(size) AS size FROM pubsub_item WHERE account = ${this.#owner}`)
    return Number(row?.size ?? 0)
  }
}

const nodeOf = ({ node: name, config, creator, created_at: createdAt, last }: NodeRow): Node =>
  new Node({ name, config: readConfig(config), creator, createdAt: Number(createdAt), last: Number(last ?? 0) })

const headOf = ({ id, publisher, size }: ItemHead): ItemHead => ({ id, publisher, size: Number(size) })

const itemOf = ({ id, publisher, at, expires_at: expiresAt, payload }: ItemRow): Item => ({
  id,
  publisher,
  at: Number(at),
  expiresAt: expiresAt === null ? undefined : Number(expiresAt),
  payload,
})

/** Whether somebody is subscribed to a node of the account for as long as he is available (XEP-0060 §12.4). */
export async function hasTemporary(db: Db, account: string): Promise<boolean> {
  const found = await db.all(sql`SELECT 1 FROM pubsub_subscription WHERE account = ${account} AND options LIKE ${`%${TEMPORARY}%`} LIMIT 1`)
  return found.length > 0
}

/** All of an account goes, in the transaction that removes it. */
export async function removeAll(db: Db, account: string): Promise<void> {
  await db.run(sql`DELETE FROM pubsub_item WHERE account = ${account}`)
  await db.run(sql`DELETE FROM pubsub_affiliation WHERE account = ${account}`)
  await db.run(sql`DELETE FROM pubsub_subscription WHERE account = ${account}`)
  await db.run(sql`DELETE FROM pubsub_node WHERE account = ${account}`)
  await db.run(sql`DELETE FROM pubsub_moved WHERE account = ${account}`)
}

/** Of all accounts what has expired. */
export async function removeExpired(db: Db, now: number): Promise<void> {
  await db.run(sql`DELETE FROM pubsub_item WHERE expires_at <= ${now}`)
  await db.run(sql`DELETE FROM pubsub_subscription WHERE expires_at <= ${now}`)
  await db.run(sql`DELETE FROM pubsub_moved WHERE expires_at <= ${now}`)
}
