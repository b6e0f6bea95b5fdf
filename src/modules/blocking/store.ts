import { type Db, type Migration, sql } from '../../storage/db.ts'

export const migrations: readonly Migration[] = [
  () => 'CREATE TABLE blocked (account TEXT NOT NULL, jid TEXT NOT NULL, PRIMARY KEY (account, jid))',
]

/** Whom each account blocks. */
export class BlockingStore {
  readonly #db: Db

  constructor(db: Db) {
    this.#db = db
  }

  async blockedBy(account: string): Promise<string[]> {
    const rows = await this.#db.all<{ jid: string }>(sql`SELECT jid FROM blocked WHERE account = ${account} ORDER BY jid`)
    return rows.map(row => row.jid)
  }

  block(account: string, jids: readonly string[]): Promise<void> {
    return this.#db.tx(async db => {
      for (const jid of jids) await db.run(sql`INSERT INTO blocked (account, jid) VALUES (${account}, ${jid}) ON CONFLICT DO NOTHING`)
    })
  }

  unblock(account: string, jids: readonly string[]): Promise<void> {
    return this.#db.tx(async db => {
      for (const jid of jids) await db.run(sql`DELETE FROM blocked WHERE account = ${account} AND jid = ${jid}`)
    })
  }

  async unblockAll(account: string, db = this.#db): Promise<void> {
    await db.run(sql`DELETE FROM blocked WHERE account = ${account}`)
  }
}
