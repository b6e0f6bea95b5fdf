import { logMigrations, unfiledMigration } from '../../core/sealed-log.ts'
import { type Db, type Migration, sql } from '../../storage/db.ts'

export const migrations: readonly Migration[] = [
  ...logMigrations('archive'),
  ({ bytes, withoutRowid }) => `CREATE TABLE archive_preference (account TEXT NOT NULL PRIMARY KEY, usual TEXT NOT NULL,
    proof ${bytes}, always ${bytes} NOT NULL, never ${bytes} NOT NULL) ${withoutRowid}`,
  ({ withoutRowid }) =>
    `CREATE TABLE archive_retraction (account TEXT NOT NULL, ord BIGINT NOT NULL, PRIMARY KEY (account, ord)) ${withoutRowid}`,
  ({ withoutRowid }) => `CREATE TABLE archive_shortened (account TEXT NOT NULL PRIMARY KEY, until BIGINT NOT NULL) ${withoutRowid}`,
  unfiledMigration('archive'),
]

/** What a user wants to have archived, as the server may know it: the addresses are tags. */
export interface StoredPreferences {
  readonly usual: string
  /** Tells whether the tags were made with the secret that the account has now; undefined where there are none. */
  readonly proof: Uint8Array | null
  readonly always: Uint8Array
  readonly never: Uint8Array
}

/** What the archive keeps beside the messages. */
export class ArchiveStore {
  readonly #db: Db

  constructor(db: Db) {
    this.#db = db
  }

  async preferences(account: string): Promise<StoredPreferences | undefined> {
    const [row] = await this.#db.all<StoredPreferences>(
      sql`SELECT usual, proof, always, never FROM archive_preference WHERE account = ${account}`,
    )
    return row
  }

  async setPreferences(account: string, { usual, proof, always, never }: StoredPreferences): Promise<void> {
    await this.#db.run(sql`INSERT INTO archive_preference (account, usual, proof, always, never)
      VALUES (${account}, ${usual}, ${proof}, ${always}, ${never}) ON CONFLICT (account) DO UPDATE
      SET usual = excluded.usual, proof = excluded.proof, always = excluded.always, never = excluded.never`)
  }

  /** Retractions that came while their account was locked: what they take back is still there. */
  async retractions(account: string, most: number): Promise<number[]> {
    const rows = await this.#db.all<{ ord: number }>(
      sql`SELECT ord FROM archive_retraction WHERE account = ${account} ORDER BY ord LIMIT ${most}`,
    )
    return rows.map(({ ord }) => ord)
  }

  async addRetraction(account: string, ord: number): Promise<void> {
    await this.#db.run(sql`INSERT INTO archive_retraction (account, ord) VALUES (${account}, ${ord})`)
  }

  /** Up to that one. */
  async removeRetractions(account: string, ord: number): Promise<void> {
    await this.#db.run(sql`DELETE FROM archive_retraction WHERE account = ${account} AND ord <= ${ord}`)
  }

  /** The account has messages of a longer choice than it has now; the last of them ends at that time, in ms. */
  async setShortened(account: string, until: number): Promise<void> {
    await this.#db.run(sql`INSERT INTO archive_shortened (account, until) VALUES (${account}, ${until})
      ON CONFLICT (account) DO UPDATE SET until = excluded.until`)
  }

  async shortened(): Promise<{ account: string; until: number }[]> {
    return this.#db.all(sql`SELECT account, until FROM archive_shortened`)
  }

  async removeShortened(account: string): Promise<void> {
    await this.#db.run(sql`DELETE FROM archive_shortened WHERE account = ${account}`)
  }

  /** In the transaction that removes the account. */
  async removeAll(account: string): Promise<void> {
    await this.#db.run(sql`DELETE FROM archive_preference WHERE account = ${account}`)
    await this.#db.run(sql`DELETE FROM archive_retraction WHERE account = ${account}`)
    await this.#db.run(sql`DELETE FROM archive_shortened WHERE account = ${account}`)
  }
}
