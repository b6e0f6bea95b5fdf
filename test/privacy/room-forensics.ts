/** What can be read of rooms by one who has a data folder, with or without the secrets beside it: with this project's own code. */
import { DatabaseSync } from 'node:sqlite'
import { ORDS } from '../../src/core/sealed-log/tables.ts'
import { ROOM_LOG } from '../../src/core/stores.ts'
import { openLimited } from '../../src/seal/limited-box.ts'
import type { RetentionClass } from '../../src/seal/retention.ts'
import { openForServer } from '../../src/seal/server-box.ts'
import type { ShredStore } from '../../src/seal/shred-store.ts'

/** Something of a room that was sealed. */
export interface OpenedOfRoom {
  /** `table.column`. */
  readonly place: string
  readonly room: string
  readonly plain: Buffer
}

type Row = Record<string, string | bigint | Uint8Array | null>

/** All that opens. */
export function openRooms(database: string, shred: ShredStore): OpenedOfRoom[] {
  using db = new DatabaseSync(database, { readOnly: true })
  const all = (text: string, ...values: (string | bigint | Uint8Array)[]): Row[] => {
    const statement = db.prepare(text)
    statement.setReadBigInts(true)
    return statement.all(...values) as Row[]
  }
  const suspended = all('SELECT id, box FROM muc_suspended').flatMap(({ id, box }) => {
    const secret = shred.account(Buffer.from(id as Uint8Array))?.server
    if (secret === undefined) return []
    return attempt(() => ({
      place: 'muc_suspended.box',
      room: '',
      plain: openForServer(secret, 'occupants', Buffer.from(box as Uint8Array)),
    }))
  })
  const lasting = all('SELECT name, id, box FROM muc_room').flatMap(({ name, id, box }) => {
    const room = name as string
    const owner = Buffer.from(id as Uint8Array)
    const secrets = shred.account(owner)
    if (secrets === undefined) return []
    const cards = all('SELECT box FROM muc_card WHERE room = ?', owner).map(({ box }) => ['muc_card.box', 'card', box] as const)
    const people = all('SELECT box FROM muc_people WHERE room = ?', owner).map(({ box }) => ['muc_people.box', 'people', box] as const)
    const boxes = [['muc_room.box', 'room', box] as const, ...people, ...cards].flatMap(([place, context, box]) =>
      attempt(() => ({ place, room, plain: openForServer(secrets.server, context, Buffer.from(box as Uint8Array)) })),
    )
    const messages = all(
      `SELECT m.place % ${ORDS} AS ord, m.header, m.body, s.class, s.period FROM muc_extent e
        JOIN muc_message m ON m.place / ${ORDS} = e.slot JOIN muc_segment s ON s.account_no = e.account_no AND s.seg = m.seg
        WHERE e.account_no = ?`,
      BigInt(owner.readUIntBE(0, 6)),
    ).flatMap(row => {
      const [ord, cls, number] = [Number(row['ord']), Number(row['class']), Number(row['period'])]
      const period = shred.period(cls as RetentionClass, number)
      if (period === undefined) return []
      const address = { owner, store: ROOM_LOG, class: cls, period: number, ord }
      return (['header', 'body'] as const).flatMap(part =>
        attempt(() => {
          const plain = openLimited({ ...address, part }, { period, owner: secrets.archive }, Buffer.from(row[part] as Uint8Array))
          return { place: `muc_message.${part}`, room, plain }
        }),
      )
    })
    return [...boxes, ...messages]
  })
  return [...suspended, ...lasting]
}

/** What does not open gives nothing. */
function attempt<T>(work: () => T): T[] {
  try {
    return [work()]
  } catch {
    return []
  }
}
