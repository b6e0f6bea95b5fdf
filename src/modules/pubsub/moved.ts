import { type Db, sql } from '../../storage/db.ts'

/** Where nodes of a place went that its owner has deleted with a word about that (XEP-0060 §8.4.1). */
export class Moved {
  readonly #db: Db
  readonly #owner: string

  constructor(db: Db, owner: string) {
    this.#db = db
    this.#owner = owner
  }

  /** The former name of each, and its URI. */
  async all(): Promise<[name: string, uri: string][]> {
    const rows = await this.#db.all<{ node: string; uri: string }>(sql`SELECT node, uri FROM pubsub_moved WHERE account = ${this.#owner}`)
    return rows.map(({ node, uri }) => [node, uri])
  }

  async set(node: string, uri: string): Promise<void> {
    await this.#db.run(sql`INSERT INTO pubsub_moved (account, node, uri) VALUES (${this.#owner}, ${node}, ${uri})`)
  }

  async remove(node: string): Promise<void> {
    await this.#db.run(sql`DELETE FROM pubsub_moved WHERE account = ${this.#owner} AND node = ${node}`)
  }
}
