import type { Position } from '../../core/session.ts'
import { type Db, list, type Migration, sql } from '../../storage/db.ts'

export const migrations: readonly Migration[] = [
  ({ identity }) => `CREATE TABLE offline_message (id ${identity}, account TEXT NOT NULL, at BIGINT NOT NULL, size BIGINT NOT NULL,
    stanza TEXT NOT NULL, stream TEXT, seq BIGINT)`,
  () => 'CREATE INDEX offline_message_by_account ON offline_message (account, id)',
  () => 'CREATE UNIQUE INDEX offline_message_by_position ON offline_message (account, stream, seq)',
  () => 'CREATE INDEX offline_message_by_age ON offline_message (at)',
  () => 'ALTER TABLE offline_message ADD COLUMN from_stranger BIGINT NOT NULL DEFAULT 0',
]

/** A message that waits for its account's next session. */
export interface Waiting {
  readonly id: number
  /** When it was kept, in ms. */
  readonly at: number
  readonly size: number
  readonly stanza: string
}

export interface NewMessage extends Omit<Waiting, 'id'> {
  /** Its sender was no contact of the account. */
  readonly isFromStranger: boolean
}

/** How much there is of an account's messages, and of those that strangers sent. */
export interface Tally {
  count: number
  bytes: number
  readonly ofStrangers: { count: number; bytes: number }
  /** How many of them stand in which stream. */
  readonly byStream: Map<string, number>
}

interface TallyRow {
  stream: string | null
  from_stranger: number
  messages: number
  bytes: number
}

/** Messages kept for those who are away. Those that a stream has carried, but its client not acknowledged, stand under their position. */
export class OfflineStore {
  readonly #db: Db

  constructor(db: Db) {
    this.#db = db
  }

  async tally(account: string): Promise<Tally> {
    const tally: Tally = { count: 0, bytes: 0, ofStrangers: { count: 0, bytes: 0 }, byStream: new Map() }
    const rows = await this.#db.all<TallyRow>(sql`SELECT stream, from_stranger, COUNT(*) AS messages, SUM(size) AS bytes
      FROM offline_message WHERE account = ${account} GROUP BY stream, from_stranger`)
    for (const { stream, from_stranger, messages, bytes } of rows) {
      for (const sum of Number(from_stranger) === 0 ? [tally] : [tally, tally.ofStrangers]) {
        sum.count += Number(messages)
        sum.bytes += Number(bytes)
      }
      if (stream !== null) tally.byStream.set(stream, (tally.byStream.get(stream) ?? 0) + Number(messages))
    }
    return tally
  }

  /** False if what stands at that position is kept already. Done when it is safe on disk. */
  async add(account: string, message: NewMessage, position: Position | undefined): Promise<boolean> {
    const { at, size, stanza, isFromStranger } = message
    const { stream = null, seq = null } = position ?? {}
    const added = await this.#db.run(sql`INSERT INTO offline_message (account, at, size, stanza, stream, seq, from_stranger)
      VALUES (${account}, ${at}, ${size}, ${stanza}, ${stream}, ${seq}, ${Number(isFromStranger)}) ON CONFLICT DO NOTHING`)
    return added > 0
  }

  /** The oldest ones that stand in none of these streams. */
  async oldest(account: string, streams: readonly string[], most: number): Promise<Waiting[]> {
    const isTaken = streams.length === 0 ? sql`1 = 0` : sql`stream IN ${list(streams)}`
    const rows = await this.#db.all<Waiting>(sql`SELECT id, at, size, stanza FROM offline_message
      WHERE account = ${account} AND (stream IS NULL OR NOT (${isTaken})) ORDER BY id LIMIT ${most}`)
    return rows.map(({ id, at, size, stanza }) => ({ id: Number(id), at: Number(at), size: Number(size), stanza }))
  }

  /** They have been sent, and stand there in the stream. */
  place(positions: readonly (Position & { readonly id: number })[]): Promise<void> {
    return this.#db.tx(async db => {
      for (const { id, stream, seq } of positions)
        await db.run(sql`UPDATE offline_message SET stream = ${stream}, seq = ${seq} WHERE id = ${id}`)
    })
  }

  /** The stream is over: what was not acknowledged waits again. */
  async release(account: string, stream: string): Promise<void> {
    await this.#db.run(sql`UPDATE offline_message SET stream = NULL, seq = NULL WHERE account = ${account} AND stream = ${stream}`)
  }

  /** Removes what stands in the stream up to the position. Positions are modulo 2³², so half of them lie before any other. */
  async acknowledge(account: string, { stream, seq }: Position): Promise<void> {
    await this.#db.run(sql`DELETE FROM offline_message
      WHERE account = ${account} AND stream = ${stream} AND (${seq} - seq + 4294967296) % 4294967296 < 2147483648`)
  }

  async remove(ids: readonly number[]): Promise<void> {
    await this.#db.run(sql`DELETE FROM offline_message WHERE id IN ${list(ids)}`)
  }

  async removeOlder(account: string, at: number): Promise<void> {
    await this.#db.run(sql`DELETE FROM offline_message WHERE account = ${account} AND at < ${at}`)
  }

  async removeAll(account: string): Promise<void> {
    await this.#db.run(sql`DELETE FROM offline_message WHERE account = ${account}`)
  }

  /** Whose oldest message is older. */
  async accountsWithOlder(at: number): Promise<string[]> {
    return (await this.#db.all<{ account: string }>(sql`SELECT DISTINCT account FROM offline_message WHERE at < ${at}`)).map(
      row => row.account,
    )
  }
}
