import { randomBytes } from 'node:crypto'
import type { ServerBox, ServerBoxes } from '../../core/server-boxes.ts'
import { type Db, type Migration, sql } from '../../storage/db.ts'
import type { Element } from '../../xml/element.ts'
import { parseElement } from '../../xml/parser.ts'
import { type Affiliated, Affiliations } from './affiliations.ts'
import { isPrivate, type RoomConfig, readConfig, USUAL_PRIVATE, writeConfig } from './config.ts'
import { Hats, type WrittenHats } from './hats.ts'
import type { Affiliation } from './standing.ts'
import { datedByDay } from './subject.ts'

export const migrations: readonly Migration[] = [
  ({ bytes, withoutRowid }) => `CREATE TABLE muc_room (name TEXT NOT NULL PRIMARY KEY, id ${bytes} NOT NULL, creator TEXT NOT NULL,
    face TEXT, box ${bytes} NOT NULL) ${withoutRowid}`,
  ({ withoutRowid }) => `CREATE TABLE muc_affiliation (room TEXT NOT NULL, jid TEXT NOT NULL, affiliation TEXT NOT NULL, nick TEXT,
    PRIMARY KEY (room, jid)) ${withoutRowid}`,
  ({ bytes }) => `CREATE TABLE muc_suspended (number BIGINT NOT NULL PRIMARY KEY, id ${bytes} NOT NULL, box ${bytes} NOT NULL)`,
]

/** Later ones: an index by which of those that can be found a page is read; and who is affiliated, apart from what changes more often. */
export const laterMigrations: readonly Migration[] = [
  () => 'CREATE INDEX muc_room_listed ON muc_room (name) WHERE face IS NOT NULL',
  ({ bytes, withoutRowid }) => `CREATE TABLE muc_people (room ${bytes} NOT NULL PRIMARY KEY, box ${bytes} NOT NULL) ${withoutRowid}`,
]

/** What is kept of a room for good. */
export interface Lasting {
  /** The local part of its address. */
  readonly name: string
  /** Under which its secret is. */
  readonly id: Buffer
  /** The bare address in whose share it counts. */
  creator: string
  readonly box: ServerBox
  config: RoomConfig
  readonly affiliations: Affiliations
  readonly hats: Hats
  /** The message in which it was set, as it is shown to who enters. */
  subject: Element | undefined
  /** Of occupant ids (XEP-0421). */
  readonly occupantSecret: Buffer
}

/** Gives what it was, whatever has changed since. */
export function remembering(state: Lasting): () => Lasting {
  const then = { ...state }
  const [people, version, hats] = [[...state.affiliations.entries()], state.affiliations.versions.latest, state.hats.toJSON()]
  return () => ({ ...then, affiliations: new Affiliations(people, version), hats: new Hats(hats) })
}

/** In the clear, of a room that can be found. */
interface Face extends Partial<Open> {
  readonly config: Partial<RoomConfig>
}
/** In the clear of public rooms, sealed of others. */
interface Open {
  readonly subject?: string
  readonly hats: WrittenHats
}
/** Sealed. */
interface Sealed extends Partial<People> {
  readonly occupantSecret: string
  readonly password?: string
  /** Of private rooms. */
  readonly config?: Partial<RoomConfig>
  readonly open?: Open
}
/** Sealed apart: with thousands of them it is large, and a subject is set more often. Former versions had it among the rest. */
interface People {
  readonly version: string
  /** Whatever of affiliations does not stand in the clear. */
  readonly affiliations: readonly (readonly [jid: string, affiliation: Affiliation, nick: string | null, reason: string | null])[]
}

interface RoomRow {
  id: Uint8Array
  creator: string
  face: string | null
  box: Uint8Array
}
interface AffiliationRow {
  jid: string
  affiliation: Affiliation
  nick: string | null
}

const CONTEXT = 'room'
const PEOPLE = 'people'

/** What else there is on disk of a room goes with it. */
type AlsoRemove = (removed: { readonly state: Lasting; readonly db: Db; afterwards(work: () => void): void }) => unknown

/**
 * Where persistent rooms stand. In the clear (class C): names, owners, and of public rooms how they are and who is affiliated. Sealed under the
 * room's own secret (class B): passwords, reasons, and all that there is of rooms that are members-only or hidden.
 */
export class RoomRows {
  readonly #db: Db
  readonly #boxes: ServerBoxes
  readonly #alsoRemove: AlsoRemove

  constructor(db: Db, boxes: ServerBoxes, alsoRemove: AlsoRemove = () => {}) {
    this.#db = db
    this.#boxes = boxes
    this.#alsoRemove = alsoRemove
  }

  /** A room that is nowhere yet. */
  async create(name: string, creator: string, config: RoomConfig): Promise<Lasting> {
    const id = randomBytes(16)
    const affiliations = new Affiliations([[creator, { affiliation: 'owner' }]])
    const box = await this.#boxes.later(id)
    return { name, id, creator, box, config, affiliations, hats: new Hats(), subject: undefined, occupantSecret: randomBytes(32) }
  }

  async names(): Promise<string[]> {
    const rows = await this.#db.all<{ name: string }>(sql`SELECT name FROM muc_room ORDER BY name`)
    return rows.map(({ name }) => name)
  }

  /** Those that can be found, by name; `from` that one so many, if there are many. */
  async listed(from = 0, most = Number.MAX_SAFE_INTEGER): Promise<{ name: string; config: RoomConfig }[]> {
    const rows = await this.#db.all<{ name: string; face: string }>(
      sql`SELECT name, face FROM muc_room WHERE face IS NOT NULL ORDER BY name LIMIT ${most} OFFSET ${from}`,
    )
    return rows.map(({ name, face }) => ({ name, config: readConfig((JSON.parse(face) as Face).config) }))
  }

  /** How many can be found. */
  async countListed(): Promise<number> {
    const [row] = await this.#db.all<{ n: number }>(sql`SELECT COUNT(*) AS n FROM muc_room WHERE face IS NOT NULL`)
    return Number(row!.n)
  }

  /** Where among those is the one of that name, -1 for nowhere. */
  async placeListed(name: string): Promise<number> {
    const [row] = await this.#db.all<{ n: number }>(sql`SELECT
      (SELECT COUNT(*) FROM muc_room WHERE face IS NOT NULL AND name < ${name}) AS n FROM muc_room WHERE face IS NOT NULL AND name = ${name}`)
    return row === undefined ? -1 : Number(row.n)
  }

  /** How many there are of somebody, and of all. */
  async count(creator: string): Promise<{ ofHis: number; all: number }> {
    const [row] = await this.#db.all<{ of_his: number; all_rooms: number }>(
      sql`SELECT (SELECT COUNT(*) FROM muc_room WHERE creator = ${creator}) AS of_his, (SELECT COUNT(*) FROM muc_room) AS all_rooms`,
    )
    return { ofHis: Number(row!.of_his), all: Number(row!.all_rooms) }
  }

  /** If its secret is lost, it is there with its owners alone, and what stands in the clear. */
  async load(name: string): Promise<Lasting | undefined> {
    const [row] = await this.#db.all<RoomRow>(sql`SELECT id, creator, face, box FROM muc_room WHERE name = ${name}`)
    if (row === undefined) return undefined
    const inClear = await this.#db.all<AffiliationRow>(
      sql`SELECT jid, affiliation, nick FROM muc_affiliation WHERE room = ${name} ORDER BY jid`,
    )
    const id = Buffer.from(row.id)
    const box = await this.#boxes.of(id)
    const sealed = await opened<Sealed>(box, CONTEXT, row)
    const people = sealed && (await opened<People>(box, PEOPLE, await this.#peopleOf(id)))
    const face: Face | undefined = row.face === null ? undefined : JSON.parse(row.face)
    const { subject, hats } = sealed?.open ?? face ?? {}
    const lasting: Lasting = {
      name,
      id,
      creator: row.creator,
      box,
      config: { ...configOf(sealed, face), password: sealed?.password ?? '', isPersistent: true },
      affiliations: affiliationsOf(inClear, people ?? sealed),
      hats: new Hats(hats),
      subject: subject === undefined ? undefined : parseElement(subject),
      occupantSecret: sealed === undefined ? randomBytes(32) : Buffer.from(sealed.occupantSecret, 'base64'),
    }
    if (sealed === undefined) await this.#db.tx(db => this.putAll(lasting, db))
    return lasting
  }

  async #peopleOf(id: Buffer): Promise<{ box: Uint8Array } | undefined> {
    const [row] = await this.#db.all<{ box: Uint8Array }>(sql`SELECT box FROM muc_people WHERE room = ${id}`)
    return row
  }

  /** Within a transaction. All but affiliations: those `putAffiliations` writes. */
  async put(room: Lasting, db: Db): Promise<void> {
    const { name, id, creator, config, box } = room
    await box.prepare()
    const face = config.isPublic ? JSON.stringify(faceOf(room)) : null
    const sealed = box.seal(CONTEXT, Buffer.from(JSON.stringify(sealedOf(room))))
    await db.run(sql`INSERT INTO muc_room (name, id, creator, face, box) VALUES (${name}, ${id}, ${creator}, ${face}, ${sealed})
      ON CONFLICT (name) DO UPDATE SET creator = excluded.creator, face = excluded.face, box = excluded.box`)
  }

  /** The same with all affiliations: of a room that becomes persistent, public or private. */
  async putAll(room: Lasting, db: Db): Promise<void> {
    await this.put(room, db)
    await db.run(sql`DELETE FROM muc_affiliation WHERE room = ${room.name}`)
    await this.putAffiliations(
      room,
      [...room.affiliations.entries()].map(([jid]) => jid),
      db,
    )
  }

  /** Within a transaction, after `put`: what of those stands in the clear, and all that does not. */
  async putAffiliations(room: Lasting, jids: readonly string[], db: Db): Promise<void> {
    if (jids.length === 0) return
    const { name, id, box, config, affiliations } = room
    const people = box.seal(PEOPLE, Buffer.from(JSON.stringify(peopleOf(room))))
    await db.run(sql`INSERT INTO muc_people (room, box) VALUES (${id}, ${people}) ON CONFLICT (room) DO UPDATE SET box = excluded.box`)
    for (const jid of jids) {
      const affiliated = affiliations.get(jid)
      await db.run(sql`DELETE FROM muc_affiliation WHERE room = ${name} AND jid = ${jid}`)
      if (affiliated === undefined || !standsInClear(affiliated, config)) continue
      const nick = isPrivate(config) ? null : (affiliated.nick ?? null)
      await db.run(
        sql`INSERT INTO muc_affiliation (room, jid, affiliation, nick) VALUES (${name}, ${jid}, ${affiliated.affiliation}, ${nick})`,
      )
    }
  }

  /** Within a transaction: from now on it is in memory alone. */
  async forget({ name, id }: Lasting, db: Db): Promise<void> {
    await db.run(sql`DELETE FROM muc_people WHERE room = ${id}`)
    await db.run(sql`DELETE FROM muc_affiliation WHERE room = ${name}`)
    await db.run(sql`DELETE FROM muc_room WHERE name = ${name}`)
  }

  /** It is gone for everybody once this is done; and for who has a copy of the disk with its secret. */
  remove(room: Lasting): Promise<void> {
    return this.#destroy(room, db => this.forget(room, db))
  }

  /** The same of a room that was in memory alone: there may be another one of its name by now. */
  shred(room: Lasting): Promise<void> {
    return this.#destroy(room, async () => {})
  }

  async #destroy(room: Lasting, work: (db: Db) => Promise<void>): Promise<void> {
    const afterwards: (() => void)[] = []
    await this.#db.tx(async db => {
      await work(db)
      await this.#alsoRemove({ state: room, db, afterwards: also => void afterwards.push(also) })
      await this.#boxes.doom(room.id, db)
    })
    await this.#boxes.shred()
    for (const also of afterwards) also()
  }
}

const standsInClear = ({ affiliation }: Affiliated, config: RoomConfig): boolean => affiliation === 'owner' || !isPrivate(config)

const openOf = ({ subject, hats }: Lasting): Open => ({ ...(subject !== undefined && { subject: String(subject) }), hats: hats.toJSON() })

/** In the clear nobody reads when exactly somebody was there: of the time of a subject the day is kept. */
const faceOpenOf = (room: Lasting): Open => openOf({ ...room, subject: room.subject && datedByDay(room.subject) })

const faceOf = (room: Lasting): Face => ({ config: writeConfig(room.config), ...(!isPrivate(room.config) && faceOpenOf(room)) })

function sealedOf(room: Lasting): Sealed {
  const { config, occupantSecret } = room
  return {
    occupantSecret: occupantSecret.toString('base64'),
    ...(config.password !== '' && { password: config.password }),
    ...(isPrivate(config) && { config: writeConfig(config), open: openOf(room) }),
  }
}

function peopleOf({ config, affiliations }: Lasting): People {
  const isSealed = isPrivate(config)
  return {
    version: affiliations.versions.latest,
    affiliations: [...affiliations.entries()]
      .filter(([, { reason }]) => isSealed || reason !== undefined)
      .map(([jid, { affiliation, nick, reason }]) => [jid, affiliation, nick ?? null, reason ?? null]),
  }
}

async function opened<Written>(
  box: ServerBox,
  context: string,
  row: { readonly box: Uint8Array } | undefined,
): Promise<Written | undefined> {
  const plain = row && (await box.open(context, Buffer.from(row.box)))
  const written: Written | undefined = plain && JSON.parse(plain.toString())
  plain?.fill(0)
  return written
}

function configOf(sealed: Sealed | undefined, face: Face | undefined): RoomConfig {
  const written = sealed?.config ?? face?.config
  return written === undefined ? USUAL_PRIVATE : readConfig(written)
}

/** What stands in the clear counts for who owns the room, and of public rooms for all. */
function affiliationsOf(inClear: readonly AffiliationRow[], sealed: Partial<People> | undefined): Affiliations {
  const known = new Map<string, Affiliated>(
    inClear.map(({ jid, affiliation, nick }) => [jid, { affiliation, ...(nick !== null && { nick }) }]),
  )
  for (const [jid, affiliation, nick, reason] of sealed?.affiliations ?? [])
    known.set(jid, { affiliation, ...(nick !== null && { nick }), ...(reason !== null && { reason }), ...known.get(jid) })
  return new Affiliations(known, sealed?.version)
}
