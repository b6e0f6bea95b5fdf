import type { Db, Migration } from '../../storage/db.ts'
import { sql } from '../../storage/db.ts'
import type { Item } from './item.ts'
import type { State } from './subscription.ts'

export const migrations: readonly Migration[] = [
  () => `CREATE TABLE roster_item (account TEXT NOT NULL, jid TEXT NOT NULL, name TEXT NOT NULL, group_names TEXT NOT NULL, state TEXT NOT NULL,
    is_approved BIGINT NOT NULL, is_listed BIGINT NOT NULL, request TEXT, PRIMARY KEY (account, jid))`,
  () => 'CREATE TABLE roster_version (account TEXT NOT NULL PRIMARY KEY, version BIGINT NOT NULL)',
]

interface ItemRow {
  jid: string
  name: string
  group_names: string
  state: State
  is_approved: number
  is_listed: number
  request: string | null
}

/** Whom each account knows. */
export class RosterStore {
  readonly #db: Db

  constructor(db: Db) {
    this.#db = db
  }

  async items(account: string): Promise<Item[]> {
    const rows = await this.#db.all<ItemRow>(
      sql`SELECT jid, name, group_names, state, is_approved, is_listed, request FROM roster_item WHERE account = ${account} ORDER BY jid`,
    )
    return rows.map(row => ({
      jid: row.jid,
      name: row.name,
      groups: JSON.parse(row.group_names),
      state: row.state,
      isApproved: Number(row.is_approved) === 1,
      isListed: Number(row.is_listed) === 1,
      request: row.request ?? undefined,
    }))
  }

  /** 0 while the roster was never changed. */
  async version(account: string): Promise<number> {
    const [row] = await this.#db.all<{ version: number }>(sql`SELECT version FROM roster_version WHERE account = ${account}`)
    return Number(row?.version ?? 0)
  }

  /** Adds the item or replaces it; what clients see has that version then. */
  put(account: string, item: Item, version: number): Promise<void> {
    const { jid, name, state, isApproved, isListed, request = null } = item
    const groups = JSON.stringify(item.groups)
    return this.#db.tx(async db => {
      await db.run(sql`INSERT INTO roster_item (account, jid, name, group_names, state, is_approved, is_listed, request)
        VALUES (${account}, ${jid}, ${name}, ${groups}, ${state}, ${isApproved}, ${isListed}, ${request})
        ON CONFLICT (account, jid) DO UPDATE SET name = excluded.name, group_names = excluded.group_names, state = excluded.state,
          is_approved = excluded.is_approved, is_listed = excluded.is_listed, request = excluded.request`)
      await setVersion(db, account, version)
    })
  }

  remove(account: string, jid: string, version: number): Promise<void> {
    return this.#db.tx(async db => {
      await db.run(sql`DELETE FROM roster_item WHERE account = ${account} AND jid = ${jid}`)
      await setVersion(db, account, version)
    })
  }

  async removeAll(account: string): Promise<void> {
    await this.#db.run(sql`DELETE FROM roster_item WHERE account = ${account}`)
    await this.#db.run(sql`DELETE FROM roster_version WHERE account = ${account}`)
  }
}

async function setVersion(db: Db, account: string, version: number): Promise<void> {
  await db.run(sql`INSERT INTO roster_version (account, version) VALUES (${account}, ${version})
    ON CONFLICT (account) DO UPDATE SET version = excluded.version`)
}
