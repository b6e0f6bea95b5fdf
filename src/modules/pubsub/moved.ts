import { type Db, sql } from '../../storage/db.ts'

/** For so many ms it is told where a node went. */
export const MOVE_IS_TOLD = 90 * 86_400_000

export interface Move {
  readonly uri: string
  /** Who had made the node; not known of those that went in former versions. */
  readonly creator: string | undefined
  /** A day, in ms; those of former versions stay. */
  readonly until: number | undefined
}

interface MoveRow {
  node: string
  uri: string
  creator: string | null
  expires_at: number | null
}

/** Where nodes of a place went that its owner has deleted with a word about that (XEP-0060 §8.4.1). */
export class Moved {
  readonly #db: Db
  readonly #owner: string

  constructor(db: Db, owner: string) {
    this.#db = db
    this.#owner = owner
  }

  /** By former name, the oldest first. */
  async all(): Promise<[name: string, move: Move][]> {
    const rows = await this.#db.all<MoveRow>(sql`SELECT node, uri, creator, expires_at FROM pubsub_moved
      WHERE account = ${this.#owner} ORDER BY COALESCE(expires_at, 0), node`)
    return rows.map(({ node, uri, creator, expires_at: until }) => [
      node,
      { uri, creator: creator ?? undefined, until: until === null ? undefined : Number(until) },
    ])
  }

  async set(node: string, { uri, creator, until }: Move): Promise<void> {
    await this.#db.run(sql`INSERT INTO pubsub_moved (account, node, uri, creator, expires_at)
      VALUES (${this.#owner}, ${node}, ${uri}, ${creator ?? null}, ${until ?? null})`)
  }

  async remove(node: string): Promise<void> {
    await this.#db.run(sql`DELETE FROM pubsub_moved WHERE account = ${this.#owner} AND node = ${node}`)
  }
}
