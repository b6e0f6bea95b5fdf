import { type Db, every, list, type Migration, name, rows, type Sql, sql } from '../../storage/db.ts'
import type { Kind } from './parts.ts'

/** A segment as it stands on disk; `seg` is the ord of its first message. */
export interface SegmentRow extends Kind {
  readonly seg: number
  readonly generation: number
  readonly enc: Uint8Array
}

export interface MessageRow {
  readonly ord: number
  readonly seg: number
  readonly header: Uint8Array
  readonly body: Uint8Array
  /** In a log with notes; all of its messages have one. */
  readonly note?: Uint8Array | undefined
}

/** A message with its segment. */
export type StoredRow = MessageRow & SegmentRow

/** Which messages: those between two ords, both inclusive, or certain ones; the first or the last of them. */
export interface Range {
  readonly from?: number | undefined
  readonly to?: number | undefined
  readonly ords?: readonly number[] | undefined
  /** Of whose generations the key is there, the oldest. */
  readonly generation?: number
  readonly limit: number
  /** The newest first. */
  readonly isDescending?: boolean
}

/** What is known of an account's messages without opening them. */
export interface Extent {
  /** The highest ord that was ever used; undefined if none was. */
  readonly last: number | undefined
  /** Messages up to this one are removed, although rows of them may still be there. */
  readonly until: number
}

/** So many messages are in a segment at most. */
export const SEGMENT_LENGTH = 128

/** The number of a segment that holds one message alone, in the place of another one that was there. */
export const aloneAt = (ord: number): number => ord + ALONE

/** Where a message stands in its segment. */
export const indexIn = (seg: number, ord: number): number => (seg >= ALONE ? 0 : ord - seg)

/** Ords are smaller, so that the numbers of segments which begin with one, and of those which replace one, differ. */
export const ALONE = 2 ** 47

/** An `until` beyond all ords: the account is gone. */
const ALL = 2 ** 48

/**
 * The order of insertion must leave no trace, or it would pair the sender's copy of a message with the recipient's: rows stand in the
 * order of their keys, which are random numbers of accounts.
 */
export const logMigrations = (prefix: string, hasNotes = false): readonly Migration[] => [
  ({ bytes, withoutRowid }) => `CREATE TABLE ${prefix}_message (account_no BIGINT NOT NULL, ord BIGINT NOT NULL, seg BIGINT NOT NULL,
    header ${bytes} NOT NULL, body ${bytes} NOT NULL, ${hasNotes ? `note ${bytes} NOT NULL, ` : ''}PRIMARY KEY (account_no, ord)) ${withoutRowid}`,
  ({ bytes, withoutRowid }) => `CREATE TABLE ${prefix}_segment (account_no BIGINT NOT NULL, seg BIGINT NOT NULL,
    generation BIGINT NOT NULL, class BIGINT NOT NULL, period BIGINT NOT NULL, enc ${bytes} NOT NULL,
    PRIMARY KEY (account_no, seg)) ${withoutRowid}`,
  () => `CREATE INDEX ${prefix}_segment_by_period ON ${prefix}_segment (class, period)`,
  ({ withoutRowid }) => `CREATE TABLE ${prefix}_extent (account_no BIGINT NOT NULL PRIMARY KEY, last BIGINT NOT NULL,
    until BIGINT NOT NULL) ${withoutRowid}`,
]

/** The rows of a log. They are found by the account's number alone; what is in them is sealed. */
export class LogTables {
  readonly #db: Db
  readonly #messages: Sql
  readonly #segments: Sql
  readonly #extents: Sql

  constructor(db: Db, prefix: string) {
    this.#db = db
    this.#messages = name(`${prefix}_message`)
    this.#segments = name(`${prefix}_segment`)
    this.#extents = name(`${prefix}_extent`)
  }

  /** The same tables in a transaction. */
  tx<T>(work: (tables: LogTables) => Promise<T>): Promise<T> {
    return this.#db.tx(db => work(this.in(db)))
  }

  in(db: Db): LogTables {
    return new LogTables(db, this.#messages.sql.replace(/_message$/, ''))
  }

  /** Those that are there stay. */
  async addSegments(segments: readonly (SegmentRow & { readonly account: number })[]): Promise<void> {
    const values = segments.map(({ account, seg, generation, class: cls, period, enc }) => [account, seg, generation, cls, period, enc])
    await this.#db.run(sql`INSERT INTO ${this.#segments} (account_no, seg, generation, class, period, enc)
      VALUES ${rows(values)} ON CONFLICT DO NOTHING`)
  }

  async addMessages(messages: readonly (MessageRow & { readonly account: number })[]): Promise<void> {
    const values = messages.map(({ account, ord, seg, header, body, note }) => {
      return note === undefined ? [account, ord, seg, header, body] : [account, ord, seg, header, body, note]
    })
    const columns = name(`account_no, ord, seg, header, body${messages[0]?.note === undefined ? '' : ', note'}`)
    await this.#db.run(sql`INSERT INTO ${this.#messages} (${columns}) VALUES ${rows(values)}`)
  }

  async extent(account: number): Promise<Extent> {
    const [row] = await this.#db.all<{ newest: number | null; last: number | null; until: number | null }>(sql`SELECT
      (SELECT MAX(ord) FROM ${this.#messages} WHERE account_no = ${account}) AS newest,
      (SELECT last FROM ${this.#extents} WHERE account_no = ${account}) AS last,
      (SELECT until FROM ${this.#extents} WHERE account_no = ${account}) AS until`)
    const { newest = null, last = null, until = null } = row ?? {}
    return { last: newest === null && last === null ? undefined : Math.max(newest ?? 0, last ?? 0), until: until ?? 0 }
  }

  /** With bodies, or with headers alone. */
  async read(account: number, range: Range, isWhole: boolean): Promise<StoredRow[]> {
    const { from, to, ords, generation, isDescending, limit } = range
    const conditions = every(
      sql`m.account_no = ${account}`,
      from !== undefined && sql`m.ord >= ${from}`,
      to !== undefined && sql`m.ord <= ${to}`,
      ords !== undefined && sql`m.ord IN ${list(ords)}`,
      generation !== undefined && sql`s.generation >= ${generation}`,
    )
    const order = name(isDescending === true ? 'DESC' : 'ASC')
    return this.#db.all<StoredRow>(sql`SELECT m.ord, m.seg, m.header, ${name(isWhole ? 'm.body' : 'm.header AS body')}, s.generation,
      s.class, s.period, s.enc
      FROM ${this.#messages} m JOIN ${this.#segments} s ON s.account_no = m.account_no AND s.seg = m.seg
      WHERE ${conditions} ORDER BY m.ord ${order} LIMIT ${limit}`)
  }

  /** The ends of what is there between two ords. */
  async ends(account: number, from: number, to: number): Promise<{ first: number; last: number } | undefined> {
    const between = sql`account_no = ${account} AND ord >= ${from} AND ord <= ${to}`
    const [row] = await this.#db.all<{ first: number | null; last: number | null }>(sql`SELECT
      (SELECT MIN(ord) FROM ${this.#messages} WHERE ${between}) AS first, (SELECT MAX(ord) FROM ${this.#messages} WHERE ${between}) AS last`)
    if (row === undefined || row.first === null || row.last === null) return undefined
    return { first: row.first, last: row.last }
  }

  /** The ords with the sizes that their boxes have on disk. */
  sizes(account: number, from: number, limit: number): Promise<{ ord: number; size: number }[]> {
    return this.#db.all(sql`SELECT ord, LENGTH(header) + LENGTH(body) AS size FROM ${this.#messages}
      WHERE account_no = ${account} AND ord >= ${from} ORDER BY ord LIMIT ${limit}`)
  }

  /** Those that begin where the message before ended. */
  segments(account: number): Promise<(Kind & { readonly seg: number })[]> {
    return this.#db.all(sql`SELECT seg, class, period FROM ${this.#segments} WHERE account_no = ${account} AND seg < ${ALONE}`)
  }

  notes(account: number, from: number, limit: number): Promise<{ ord: number; note: Uint8Array }[]> {
    return this.#db.all(
      sql`SELECT ord, note FROM ${this.#messages} WHERE account_no = ${account} AND ord >= ${from} ORDER BY ord LIMIT ${limit}`,
    )
  }

  /** In a transaction. */
  async annotate(account: number, notes: readonly { readonly ord: number; readonly note: Uint8Array }[]): Promise<void> {
    for (const { ord, note } of notes)
      await this.#db.run(sql`UPDATE ${this.#messages} SET note = ${note} WHERE account_no = ${account} AND ord = ${ord}`)
  }

  /** Of a message that is there. */
  async kindOf(account: number, ord: number): Promise<Kind | undefined> {
    const [found] = await this.#db.all<Kind>(sql`SELECT s.class, s.period
      FROM ${this.#messages} m JOIN ${this.#segments} s ON s.account_no = m.account_no AND s.seg = m.seg
      WHERE m.account_no = ${account} AND m.ord = ${ord}`)
    return found
  }

  /** In a transaction. */
  async replace(account: number, { seg, generation, class: cls, period, enc }: SegmentRow, message: MessageRow): Promise<void> {
    await this.#db.run(sql`DELETE FROM ${this.#segments} WHERE account_no = ${account} AND seg = ${seg}`)
    await this.#db.run(sql`INSERT INTO ${this.#segments} (account_no, seg, generation, class, period, enc)
      VALUES (${account}, ${seg}, ${generation}, ${cls}, ${period}, ${enc})`)
    await this.#db.run(sql`UPDATE ${this.#messages} SET seg = ${seg}, header = ${message.header}, body = ${message.body}
      WHERE account_no = ${account} AND ord = ${message.ord}`)
  }

  /** In a transaction: removes messages, and the segments that are empty then, but for the one that is being written. */
  async remove(account: number, ords: readonly number[], live: number | undefined): Promise<void> {
    await this.keepLast(account)
    const those = sql`account_no = ${account} AND ord IN ${list(ords)}`
    const segments = await this.#db.all<{ seg: number }>(sql`SELECT DISTINCT seg FROM ${this.#messages} WHERE ${those}`)
    await this.#db.run(sql`DELETE FROM ${this.#messages} WHERE ${those}`)
    for (const { seg } of segments) {
      if (seg === live) continue
      await this.#db.run(sql`DELETE FROM ${this.#segments} WHERE account_no = ${account} AND seg = ${seg}
        AND NOT EXISTS (SELECT 1 FROM ${this.#messages} WHERE ${inSegment(account, seg)})`)
    }
  }

  /** In a transaction: from now on, the messages up to this one are removed; their rows go with `clean`. */
  async removeUntil(account: number, ord: number): Promise<void> {
    await this.keepLast(account)
    await this.#db.run(sql`UPDATE ${this.#extents} SET until = ${ord} WHERE account_no = ${account} AND until < ${ord}`)
  }

  /** In a transaction: the account is gone, and with it all that there is of it. */
  async removeAccount(account: number): Promise<void> {
    await this.#db.run(sql`INSERT INTO ${this.#extents} (account_no, last, until) VALUES (${account}, ${ALL}, ${ALL})
      ON CONFLICT (account_no) DO UPDATE SET until = excluded.until`)
  }

  /** The accounts that have rows of removed messages. */
  async unclean(): Promise<number[]> {
    const found = await this.#db.all<{ account_no: number }>(sql`SELECT account_no FROM ${this.#extents} e
      WHERE until >= ${ALL} OR EXISTS (SELECT 1 FROM ${this.#messages} m WHERE m.account_no = e.account_no AND m.ord <= e.until)`)
    return found.map(row => row.account_no)
  }

  /** In a transaction: removes some rows of removed messages. False when none are left. */
  async clean(account: number, most: number): Promise<boolean> {
    const { until } = await this.extent(account)
    const removed = await this.#db.run(sql`DELETE FROM ${this.#messages} WHERE account_no = ${account} AND ord IN
      (SELECT ord FROM ${this.#messages} WHERE account_no = ${account} AND ord <= ${until} ORDER BY ord LIMIT ${most})`)
    if (removed === most) return true
    if (until >= ALL) {
      await this.#db.run(sql`DELETE FROM ${this.#segments} WHERE account_no = ${account}`)
      await this.#db.run(sql`DELETE FROM ${this.#extents} WHERE account_no = ${account}`)
    } else {
      await this.#db.run(sql`DELETE FROM ${this.#segments} WHERE account_no = ${account} AND
        (seg <= ${until - SEGMENT_LENGTH + 1} OR (seg >= ${ALONE} AND seg <= ${aloneAt(until)}))`)
    }
    return false
  }

  /** The first class and period after these in which there are segments. */
  async nextPeriod(after: { readonly class: number; readonly period: number }): Promise<Kind | undefined> {
    const [next] = await this.#db.all<Kind>(sql`SELECT class, period FROM ${this.#segments}
      WHERE class > ${after.class} OR (class = ${after.class} AND period > ${after.period}) ORDER BY class, period LIMIT 1`)
    return next
  }

  /** In a transaction: removes some segments of a period with their messages. False when none were left. */
  async removePeriod(cls: number, period: number, most: number): Promise<boolean> {
    const dead = await this.#db.all<{ account_no: number; seg: number }>(sql`SELECT account_no, seg FROM ${this.#segments}
      WHERE class = ${cls} AND period = ${period} LIMIT ${most}`)
    for (const { account_no: account, seg } of dead) {
      await this.keepLast(account)
      await this.#db.run(sql`DELETE FROM ${this.#messages} WHERE ${inSegment(account, seg)}`)
      await this.#db.run(sql`DELETE FROM ${this.#segments} WHERE account_no = ${account} AND seg = ${seg}`)
    }
    return dead.length > 0
  }

  /** Before messages go: the ord of the newest is remembered, for none may be used again. */
  async keepLast(account: number): Promise<void> {
    await this.#db.run(sql`INSERT INTO ${this.#extents} (account_no, last, until)
      SELECT account_no, MAX(ord), 0 FROM ${this.#messages} WHERE account_no = ${account} GROUP BY account_no
      ON CONFLICT (account_no) DO UPDATE SET last = excluded.last WHERE excluded.last > ${this.#extents}.last`)
  }
}

/** The messages of one segment. */
function inSegment(account: number, seg: number): Sql {
  if (seg >= ALONE) return sql`account_no = ${account} AND ord = ${seg - ALONE} AND seg = ${seg}`
  return sql`account_no = ${account} AND ord >= ${seg} AND ord < ${seg + SEGMENT_LENGTH} AND seg = ${seg}`
}
