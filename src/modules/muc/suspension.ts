/** Who is in which room, kept while the server does not run, so that nobody has to leave for that. */
import { randomBytes } from 'node:crypto'
import type { ServerBoxes } from '../../core/server-boxes.ts'
import { type Db, sql } from '../../storage/db.ts'
import { parseElement } from '../../xml/parser.ts'
import { Jid } from '../../xmpp/jid.ts'
import { Client } from '../../xmpp/stanza.ts'
import { may } from './access.ts'
import type { Occupant } from './occupant.ts'
import type { Room } from './room.ts'
import type { Lasting } from './rows.ts'
import type { Role } from './standing.ts'
import { readRoom, type WrittenRoom, writeRoom } from './written-room.ts'

interface WrittenOccupant {
  readonly nick: string
  readonly role: Role
  /** XEP-0421. */
  readonly id?: string
  /** Full addresses, and what each client has said of its presence. */
  readonly visits: readonly (readonly [jid: string, presence: string])[]
}

interface Written {
  readonly name: string
  readonly isLocked: boolean
  readonly occupants: readonly WrittenOccupant[]
  /** That were given to somebody who may have left. */
  readonly roles?: readonly (readonly [bare: string, role: Role])[]
  /** Of a room that stands nowhere else. */
  readonly room: WrittenRoom | null
}

/** A room in which somebody was when the server stopped. */
export class Suspended {
  readonly name: string
  /** What it was, if it stands nowhere else. */
  readonly state: Lasting | undefined
  readonly #written: Written

  constructor(written: Written, state: Lasting | undefined) {
    this.name = written.name
    this.state = state
    this.#written = written
  }

  /** In the room's turn, before anything else: they are in it again who may be. Those of whom nothing is heard until `goesAt` leave. */
  restore(room: Room, goesAt: number): void {
    room.isLocked = this.#written.isLocked
    for (const [bare, role] of this.#written.roles ?? []) room.rememberRole(bare, role)
    for (const { nick, role, id, visits } of this.#written.occupants) {
      for (const [jid, presence] of visits) {
        const said = parseElement(presence, undefined, 'jabber:client').children
        const client = Jid.parse(jid)
        // Who is a member may have been lost with the secret of the room.
        if (!may('enter', room.standingOf(client), room.config)) continue
        room.readmit(client, room.jid.withResource(nick), role, said, goesAt, id)
      }
    }
  }
}

const CONTEXT = 'occupants'

/** Where they are kept meanwhile: sealed, with a secret of their own that is destroyed when they have been read. */
export class Suspension {
  readonly #db: Db
  readonly #boxes: ServerBoxes

  constructor(db: Db, boxes: ServerBoxes) {
    this.#db = db
    this.#boxes = boxes
  }

  /** In the place of what could not be read when the server started. */
  async write(rooms: Iterable<Room>): Promise<void> {
    const stale = await this.#db.all<{ id: Uint8Array }>(sql`SELECT id FROM muc_suspended`)
    if (stale.length > 0) await this.#remove(stale)
    const all = [...rooms].filter(({ occupants }) => occupants.clients > 0)
    if (all.length === 0) return
    const id = randomBytes(16)
    const box = await this.#boxes.of(id)
    const rows = all.map((room, number) => [number, id, box.seal(CONTEXT, Buffer.from(JSON.stringify(writtenOf(room))))])
    await this.#db.insert(sql`INSERT INTO muc_suspended (number, id, box)`, rows)
  }

  /** They are nowhere on disk any more when this is done. What cannot be opened is lost. */
  async read(): Promise<Suspended[]> {
    const rows = await this.#db.all<{ id: Uint8Array; box: Uint8Array }>(sql`SELECT id, box FROM muc_suspended`)
    const all: Suspended[] = []
    for (const row of rows) {
      const box = await this.#boxes.of(Buffer.from(row.id))
      const plain = await box.open(CONTEXT, Buffer.from(row.box))
      if (plain === undefined) continue
      const written: Written = JSON.parse(plain.toString())
      plain.fill(0)
      all.push(new Suspended(written, await this.#stateOf(written)))
    }
    if (rows.length > 0) await this.#remove(rows)
    return all
  }

  async #stateOf({ name, room }: Written): Promise<Lasting | undefined> {
    return room === null ? undefined : readRoom(name, room, await this.#boxes.later(Buffer.from(room.id, 'base64')))
  }

  async #remove(rows: readonly { readonly id: Uint8Array }[]): Promise<void> {
    const ids = new Set(rows.map(({ id }) => Buffer.from(id).toString('hex')))
    await this.#db.tx(async db => {
      await db.run(sql`DELETE FROM muc_suspended`)
      for (const id of ids) await this.#boxes.doom(Buffer.from(id, 'hex'), db)
    })
    await this.#boxes.shred()
  }
}

const writtenOf = (room: Room): Written => ({
  name: room.state.name,
  isLocked: room.isLocked,
  occupants: Array.from(room.occupants.all(), writtenOccupant),
  roles: [...room.roles()],
  room: room.config.isPersistent && !room.isLocked ? null : writeRoom(room.state),
})

const writtenOccupant = ({ nick, role, id, visits }: Occupant): WrittenOccupant => ({
  nick,
  role,
  id: id.attrs['id']!,
  visits: Array.from(visits.values(), ({ to, presence }) => [to, String(Client('presence', {}, ...presence))]),
})
