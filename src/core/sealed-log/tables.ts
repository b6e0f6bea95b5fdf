import { randomInt } from 'node:crypto'
import { type Db, every, list, type Migration, name, rows, type Sql, sql } from '../../storage/db.ts'
import type { Kind } from './parts.ts'

/** A segment as it stands on disk; `seg` is the ord of its first message. */
export interface SegmentRow extends Kind {
  readonly seg: number
  readonly generation: number
  /** What opens it, together with the owner's key. */
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

export interface OwnedRow extends MessageRow {
  readonly owner: Owner
}

/** What is wanted of messages. */
export type Part = 'whole' | 'header' | 'body'

/** A message with its segment, but for what opens that. What was not wanted is null. */
export interface StoredRow extends Omit<SegmentRow, 'enc'> {
  readonly ord: number
  readonly header: Uint8Array | null
  readonly body: Uint8Array | null
}

/** Which messages: those between two ords, both inclusive, or certain ones; the first or the last of them. */
export interface Range {
  readonly from?: number | undefined
  readonly to?: number | undefined
  readonly ords?: readonly number[] | undefined
  /** Sealed to keys of these generations. */
  readonly generations?: readonly number[]
  readonly limit: number
  /** The newest first. */
  readonly isDescending?: boolean
  /** When the bodies are as large together no more are read; what is over is there. */
  readonly bytes?: number
  /** So many more segments are read; it counts down. What is in others is not there. */
  readonly segments?: { left: number } | undefined
}

/** Whose messages, and where: `slot` is the account's part of the table. */
export interface Owner {
  readonly number: number
  readonly slot: number
}

/** What is known of an account's messages without opening them. */
export interface Extent {
  readonly slot: number
  /** The highest ord that was ever used; 0 if none was. */
  readonly last: number
  /** Messages up to this one are removed, although rows of them may still be there. */
  readonly until: number
}

/** So many messages are in a segment at most. */
export const SEGMENT_LENGTH = 128

/** The number of a segment that holds one message alone, in the place of another one that was there. */
export const aloneAt = (ord: number): number => ord + ALONE

/** Where a message stands in its segment. */
export const indexIn = (seg: number, ord: number): number => (seg >= ALONE ? 0 : ord - seg)

/** Ords are much smaller, so that the numbers of segments which begin with one, and of those which replace one, differ. */
export const ALONE = 2 ** 47

/** Ords are smaller. A message's place in the table is its account's slot times this, and its ord. */
export const ORDS = 2 ** 33

/** Slots are smaller, so that places fit into 63 bits. */
const SLOTS = 2 ** 30

/** An `until` beyond all ords: the account is gone. */
const ALL = ORDS

/**
 * The order of insertion must leave no trace, or it would pair the sender's copy of a message with the recipient's: rows stand in the
 * order of their places, and slots are random. The place is the one key: with a key of two columns SQLite would keep whole rows in the
 * inner pages of its tree, and write half as much again for each message.
 */
export const logMigrations = (prefix: string, hasNotes = false): readonly Migration[] => [
  ({ bytes, identity }) => `CREATE TABLE ${prefix}_message (place ${identity}, seg BIGINT NOT NULL, header ${bytes} NOT NULL,
    body ${bytes} NOT NULL${hasNotes ? `, note ${bytes} NOT NULL` : ''})`,
  ({ bytes, withoutRowid }) => `CREATE TABLE ${prefix}_segment (account_no BIGINT NOT NULL, seg BIGINT NOT NULL,
    generation BIGINT NOT NULL, class BIGINT NOT NULL, period BIGINT NOT NULL, enc ${bytes} NOT NULL,
    PRIMARY KEY (account_no, seg)) ${withoutRowid}`,
  () => `CREATE INDEX ${prefix}_segment_by_period ON ${prefix}_segment (class, period)`,
  ({ withoutRowid }) => `CREATE TABLE ${prefix}_extent (account_no BIGINT NOT NULL PRIMARY KEY, slot BIGINT NOT NULL UNIQUE,
    last BIGINT NOT NULL, until BIGINT NOT NULL) ${withoutRowid}`,
]

/** A step that came later. */
export const unfiledMigration =
  (prefix: string): Migration =>
  ({ identity, bytes }) =>
    `CREATE TABLE ${prefix}_unfiled (number ${identity}, messages ${bytes} NOT NULL)`

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

  /** Gives the account a part of the table, or what it has already. */
  async makeExtent(account: number): Promise<Extent> {
    for (;;) {
      // Two accounts may be given the same one by chance: then the second is given another.
      await this.#db.run(sql`INSERT INTO ${this.#extents} (account_no, slot, last, until) VALUES (${account}, ${randomInt(SLOTS)}, 0, 0)
        ON CONFLICT DO NOTHING`)
      const made = await this.extent(account)
      if (made !== undefined) return made
    }
  }

  async extent(account: number): Promise<Extent | undefined> {
    const [row] = await this.#db.all<Extent>(sql`SELECT slot, last, until FROM ${this.#extents} WHERE account_no = ${account}`)
    return row && { ...row, last: Math.max(row.last, await this.#newest(row.slot)) }
  }

  /** Where the messages of the account are, if it ever had any. */
  async ownerOf(account: number): Promise<Owner | undefined> {
    const [row] = await this.#db.all<{ slot: number }>(sql`SELECT slot FROM ${this.#extents} WHERE account_no = ${account}`)
    return row && { number: account, slot: row.slot }
  }

  /** One that is there already is the same, or was begun in vain: its messages never reached the disk, and their ords are used again. */
  async addSegments(segments: readonly (SegmentRow & { readonly owner: Owner })[]): Promise<void> {
    await this.#db.run(sql`INSERT INTO ${this.#segments} (account_no, seg, generation, class, period, enc)
      VALUES ${rows(segments.map(segmentValues))} ON CONFLICT (account_no, seg) DO UPDATE
      SET generation = excluded.generation, class = excluded.class, period = excluded.period, enc = excluded.enc`)
  }

  /** All of them have a note, or none. */
  async addMessages(messages: readonly OwnedRow[]): Promise<void> {
    const values = messages.map(({ owner, ord, seg, header, body, note }) => {
      const place = placeOf(owner.slot, ord)
      return note === undefined ? [place, seg, header, body] : [place, seg, header, body, note]
    })
    const columns = name(messages[0]?.note === undefined ? 'place, seg, header, body' : 'place, seg, header, body, note')
    await this.#db.insert(sql`INSERT INTO ${this.#messages} (${columns})`, values)
  }

  async read({ number, slot }: Owner, range: Range, part: Part): Promise<StoredRow[]> {
    const { from = 0, to = ORDS, ords, generations, isDescending, limit } = range
    const conditions = every(
      between(slot, from, to),
      ords !== undefined && sql`m.place IN ${list(ords.map(ord => placeOf(slot, ord)))}`,
      generations !== undefined && sql`s.generation IN ${list(generations)}`,
    )
    const order = name(isDescending === true ? 'DESC' : 'ASC')
    const [header, body] = [part === 'body' ? 'NULL' : 'm.header', part === 'header' ? 'NULL' : 'm.body'].map(name)
    return this.#db.all<StoredRow>(sql`SELECT ${ORD}, m.seg, ${header!} AS header, ${body!} AS body, s.generation, s.class, s.period
      FROM ${this.#messages} m JOIN ${this.#segments} s ON s.account_no = ${number} AND s.seg = m.seg
      WHERE ${conditions} ORDER BY m.place ${order} LIMIT ${limit}`)
  }

  /** What opens segments, by their numbers. */
  async encs({ number }: Owner, segments: Iterable<number>): Promise<Map<number, Uint8Array>> {
    const found = await this.#db.all<Pick<SegmentRow, 'seg' | 'enc'>>(sql`SELECT seg, enc FROM ${this.#segments}
      WHERE account_no = ${number} AND seg IN ${list([...segments])}`)
    return new Map(found.map(({ seg, enc }) => [seg, enc]))
  }

  /** The ends of what is there between two ords. */
  async ends({ slot }: Owner, from: number, to: number): Promise<{ first: number; last: number } | undefined> {
    const end = (which: 'MIN' | 'MAX'): Sql =>
      sql`(SELECT ${name(which)}(m.place) FROM ${this.#messages} m WHERE ${between(slot, from, to)}) & ${name(MASK)}`
    const [row] = await this.#db.all<{ first: number | null; last: number | null }>(
      sql`SELECT ${end('MIN')} AS first, ${end('MAX')} AS last`,
    )
    if (row === undefined || row.first === null || row.last === null) return undefined
    return { first: row.first, last: row.last }
  }

  /** The ords with the sizes that their boxes have on disk. */
  sizes({ slot }: Owner, from: number, limit: number): Promise<{ ord: number; size: number }[]> {
    return this.#db.all(sql`SELECT ${ORD}, LENGTH(m.header) + LENGTH(m.body) AS size FROM ${this.#messages} m
      WHERE ${between(slot, from, ORDS)} ORDER BY m.place LIMIT ${limit}`)
  }

  notes({ slot }: Owner, from: number, limit: number): Promise<{ ord: number; note: Uint8Array }[]> {
    return this.#db.all(
      sql`SELECT ${ORD}, m.note FROM ${this.#messages} m WHERE ${between(slot, from, ORDS)} ORDER BY m.place LIMIT ${limit}`,
    )
  }

  /** In a transaction. */
  async annotate({ slot }: Owner, notes: readonly { readonly ord: number; readonly note: Uint8Array }[]): Promise<void> {
    for (const { ord, note } of notes)
      await this.#db.run(sql`UPDATE ${this.#messages} SET note = ${note} WHERE place = ${placeOf(slot, ord)}`)
  }

  /** Those that begin where the message before ended. */
  segments({ number }: Owner): Promise<(Kind & { readonly seg: number })[]> {
    return this.#db.all(sql`SELECT seg, class, period FROM ${this.#segments} WHERE account_no = ${number} AND seg < ${ALONE}`)
  }

  /** Of a message that is there. */
  async kindOf({ number, slot }: Owner, ord: number): Promise<Kind | undefined> {
    const [found] = await this.#db.all<Kind>(sql`SELECT s.class, s.period
      FROM ${this.#messages} m JOIN ${this.#segments} s ON s.account_no = ${number} AND s.seg = m.seg WHERE m.place = ${placeOf(slot, ord)}`)
    return found
  }

  /** In a transaction. */
  async replace(owner: Owner, segment: SegmentRow, message: MessageRow): Promise<void> {
    await this.#removeSegment(owner.number, segment.seg)
    await this.addSegments([{ ...segment, enc: segment.enc, owner }])
    await this.#db.run(sql`UPDATE ${this.#messages} SET seg = ${message.seg}, header = ${message.header}, body = ${message.body}
      WHERE place = ${placeOf(owner.slot, message.ord)}`)
  }

  /** In a transaction: removes messages, and the segments that are empty then, but for the one that is being written. */
  async remove(owner: Owner, ords: readonly number[], live: number | undefined): Promise<void> {
    await this.#keepLast(owner.number, await this.#newest(owner.slot))
    const those = sql`m.place IN ${list(ords.map(ord => placeOf(owner.slot, ord)))}`
    const segments = await this.#db.all<{ seg: number }>(sql`SELECT DISTINCT m.seg FROM ${this.#messages} m WHERE ${those}`)
    await this.#db.run(sql`DELETE FROM ${this.#messages} AS m WHERE ${those}`)
    for (const { seg } of segments) {
      const [left] = await this.#db.all(sql`SELECT 1 AS found FROM ${this.#messages} m WHERE ${inSegment(owner.slot, seg)} LIMIT 1`)
      if (seg !== live && left === undefined) await this.#removeSegment(owner.number, seg)
    }
  }

  /** In a transaction: from now on, the messages up to this one are removed; their rows go with `clean`. */
  async removeUntil(owner: Owner, ord: number): Promise<void> {
    await this.#keepLast(owner.number, ord)
    await this.#db.run(sql`UPDATE ${this.#extents} SET until = ${ord} WHERE account_no = ${owner.number} AND until < ${ord}`)
  }

  /** In a transaction: the account is gone, and with it all that there is of it. */
  async removeAccount(account: number): Promise<void> {
    await this.#db.run(sql`UPDATE ${this.#extents} SET until = ${ALL} WHERE account_no = ${account}`)
  }

  /** The accounts that have rows of removed messages. */
  async unclean(): Promise<number[]> {
    const found = await this.#db.all<{ account_no: number }>(sql`SELECT e.account_no FROM ${this.#extents} e
      WHERE e.until >= ${ALL} OR (e.until > 0 AND EXISTS (SELECT 1 FROM ${this.#messages} m
        WHERE m.place >= e.slot * ${name(String(ORDS))} AND m.place <= e.slot * ${name(String(ORDS))} + e.until))`)
    return found.map(row => row.account_no)
  }

  /** In a transaction: removes some rows of removed messages. False when none are left. */
  async clean(account: number, most: number): Promise<boolean> {
    const extent = await this.extent(account)
    if (extent === undefined) return false
    const { slot, until } = extent
    const removed = await this.#db.run(sql`DELETE FROM ${this.#messages} WHERE place IN
      (SELECT m.place FROM ${this.#messages} m WHERE ${between(slot, 0, until)} ORDER BY m.place LIMIT ${most})`)
    if (removed === most) return true
    const gone = until >= ALL ? sql`1 = 1` : sql`seg <= ${until - SEGMENT_LENGTH + 1} OR (seg >= ${ALONE} AND seg <= ${aloneAt(until)})`
    await this.#db.run(sql`DELETE FROM ${this.#segments} WHERE account_no = ${account} AND (${gone})`)
    if (until >= ALL) await this.#db.run(sql`DELETE FROM ${this.#extents} WHERE account_no = ${account}`)
    return false
  }

  /** The first class and period after these in which there are segments. */
  async nextPeriod(after: Kind): Promise<Kind | undefined> {
    const [next] = await this.#db.all<Kind>(sql`SELECT class, period FROM ${this.#segments}
      WHERE class > ${after.class} OR (class = ${after.class} AND period > ${after.period}) ORDER BY class, period LIMIT 1`)
    return next
  }

  /** In a transaction: removes some segments of a period with their messages. False when none were left. */
  async removePeriod({ class: cls, period }: Kind, most: number): Promise<boolean> {
    const dead = await this.#db.all<{ account_no: number; slot: number; seg: number }>(sql`SELECT s.account_no, e.slot, s.seg
      FROM ${this.#segments} s JOIN ${this.#extents} e ON e.account_no = s.account_no
      WHERE s.class = ${cls} AND s.period = ${period} LIMIT ${most}`)
    for (const { account_no: number, slot, seg } of dead) {
      await this.#keepLast(number, await this.#newest(slot))
      await this.#db.run(sql`DELETE FROM ${this.#messages} AS m WHERE ${inSegment(slot, seg)}`)
      await this.#removeSegment(number, seg)
    }
    return dead.length > 0
  }

  /** Before messages go: the ord of the newest is remembered, for none may be used again. */
  async #keepLast(number: number, newest: number): Promise<void> {
    await this.#db.run(sql`UPDATE ${this.#extents} SET last = ${newest} WHERE account_no = ${number} AND last < ${newest}`)
  }

  async #newest(slot: number): Promise<number> {
    const [row] = await this.#db.all<{ newest: number | null }>(
      sql`SELECT MAX(m.place) & ${name(MASK)} AS newest FROM ${this.#messages} m WHERE ${between(slot, 0, ORDS)}`,
    )
    return row?.newest ?? 0
  }

  async #removeSegment(account: number, seg: number): Promise<void> {
    await this.#db.run(sql`DELETE FROM ${this.#segments} WHERE account_no = ${account} AND seg = ${seg}`)
  }
}

const MASK = String(ORDS - 1)

/** The ord in a place. */
const ORD = name(`m.place & ${MASK} AS ord`)

const placeOf = (slot: number, ord: number): bigint => BigInt(slot) * BigInt(ORDS) + BigInt(ord)

/** Ords, inclusive, of one account. */
function between(slot: number, from: number, to: number): Sql {
  return sql`m.place >= ${placeOf(slot, Math.max(from, 0))} AND m.place <= ${placeOf(slot, Math.min(to, ORDS - 1))}`
}

/** The messages of one segment. */
function inSegment(slot: number, seg: number): Sql {
  const [from, to] = seg >= ALONE ? [seg - ALONE, seg - ALONE] : [seg, seg + SEGMENT_LENGTH - 1]
  return sql`${between(slot, from, to)} AND m.seg = ${seg}`
}

const segmentValues = ({ owner, seg, generation, class: cls, period, enc }: SegmentRow & { readonly owner: Owner }): unknown[] => [
  owner.number,
  seg,
  generation,
  cls,
  period,
  enc,
]
