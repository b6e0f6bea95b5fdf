import { type Db, type Migration, sql } from '../../storage/db.ts'
import { type Choice, isChoice } from './choice.ts'

export const migrations: readonly Migration[] = [
  ({ withoutRowid }) => `CREATE TABLE retention (account TEXT NOT NULL PRIMARY KEY, choice TEXT NOT NULL) ${withoutRowid}`,
]

/** What users have chosen. In the clear, as the server must know it while they are away. */
export class RetentionStore {
  readonly #db: Db

  constructor(db: Db) {
    this.#db = db
  }

  async of(account: string): Promise<Choice | undefined> {
    const [row] = await this.#db.all<{ choice: string }>(sql`SELECT choice FROM retention WHERE account = ${account}`)
    return isChoice(row?.choice) ? row.choice : undefined
  }

  async set(account: string, choice: Choice): Promise<void> {
    await this.#db.run(sql`INSERT INTO retention (account, choice) VALUES (${account}, ${choice})
      ON CONFLICT (account) DO UPDATE SET choice = excluded.choice`)
  }

  async remove(account: string): Promise<void> {
    await this.#db.run(sql`DELETE FROM retention WHERE account = ${account}`)
  }
}
