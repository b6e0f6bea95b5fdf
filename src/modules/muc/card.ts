// XEP-0486: MUC Avatars

import type { Host } from '../../core/module.ts'
import { hostClosed } from '../../core/points.ts'
import { randomId } from '../../lib/random.ts'
import { type Db, type Migration, sql } from '../../storage/db.ts'
import { type Element, namespace } from '../../xml/element.ts'
import { parseElement } from '../../xml/parser.ts'
import { StanzaError } from '../../xmpp/error.ts'
import type { Jid } from '../../xmpp/jid.ts'
import { Client } from '../../xmpp/stanza.ts'
import { readPhoto } from '../avatar/avatar.ts'
import { must } from './access.ts'
import type { Context } from './context.ts'
import { MucUser } from './namespaces.ts'
import { roomConfigured, roomEnded, roomLoaded, roomRemoved } from './points.ts'
import type { Room } from './room.ts'
import type { Lasting } from './rows.ts'
import type { MucSettings } from './settings.ts'

/** vcard-temp (XEP-0054), as far as it is about rooms. */
const Card = namespace<'vCard' | 'PHOTO'>('vcard-temp')

export const cardMigrations: readonly Migration[] = [
  ({ bytes, withoutRowid }) => `CREATE TABLE muc_card (room ${bytes} NOT NULL PRIMARY KEY, box ${bytes} NOT NULL) ${withoutRowid}`,
]

/** Of a room in memory. */
interface Known {
  /** Of the photos in it, all of which are to be the same image (§5.1). */
  readonly hashes: readonly string[]
  /** Of a room that does not last: it stands nowhere else. */
  readonly card: Element | undefined
}

/** So much is in memory of rooms that do not last, in bytes. */
const MOST_HELD = 8 * 1024 * 1024
const CONTEXT = 'card'

/** The cards of rooms, with their avatars. All of a room is done in its turn. */
export class Cards {
  readonly #db: Db
  readonly #known = new WeakMap<Room, Known>()
  #held = 0

  constructor(db: Db) {
    this.#db = db
  }

  hashesOf(room: Room): readonly string[] {
    return this.#known.get(room)?.hashes ?? []
  }

  async of(room: Room): Promise<Element | undefined> {
    const known = this.#known.get(room)
    return known?.card ?? (known && (await this.#read(room.state)))
  }

  /** Undefined takes the former one away. */
  async set(room: Room, card: Element | undefined): Promise<void> {
    const { isPersistent } = room.config
    if (!isPersistent || room.isLocked) {
      if (card !== undefined && this.#held - this.#heldBy(room) + sizeOf(card) > MOST_HELD)
        throw new StanzaError('resource-constraint', 'there is no room for more')
      this.#know(room, card && { hashes: hashesIn(card), card })
      return
    }
    await this.#write(room.state, card)
    this.#know(room, card && { hashes: hashesIn(card), card: undefined })
  }

  async load(room: Room): Promise<void> {
    const card = await this.#read(room.state)
    const isHeld = !room.config.isPersistent || room.isLocked
    this.#know(room, card && { hashes: hashesIn(card), card: isHeld ? card : undefined })
    if (isHeld && card !== undefined) await this.#write(room.state, undefined)
  }

  /** The server stops: what stands in memory alone will be there again with the room. */
  async suspend(room: Room): Promise<void> {
    const card = this.#known.get(room)?.card
    if (card !== undefined && room.occupants.clients > 0) await this.#write(room.state, card)
  }

  /** The room lasts from now on, or does not any more. */
  async move(room: Room): Promise<void> {
    const card = await this.of(room)
    if (!room.config.isPersistent) await this.#write(room.state, undefined)
    if (card !== undefined) await this.set(room, card)
  }

  forget(room: Room): void {
    this.#know(room, undefined)
  }

  async remove({ id }: Lasting, db: Db): Promise<void> {
    await db.run(sql`DELETE FROM muc_card WHERE room = ${id}`)
  }

  #know(room: Room, known: Known | undefined): void {
    this.#held -= this.#heldBy(room)
    if (known === undefined) this.#known.delete(room)
    else this.#known.set(room, known)
    this.#held += this.#heldBy(room)
  }

  #heldBy(room: Room): number {
    const card = this.#known.get(room)?.card
    return card === undefined ? 0 : sizeOf(card)
  }

  async #read({ id, box }: Lasting): Promise<Element | undefined> {
    const [row] = await this.#db.all<{ box: Uint8Array }>(sql`SELECT box FROM muc_card WHERE room = ${id}`)
    const plain = row && (await box.open(CONTEXT, Buffer.from(row.box)))
    return plain && parseElement(plain.toString())
  }

  async #write({ id, box }: Lasting, card: Element | undefined): Promise<void> {
    if (card === undefined) {
      await this.#db.run(sql`DELETE FROM muc_card WHERE room = ${id}`)
      return
    }
    await box.prepare()
    await this.#db.run(sql`INSERT INTO muc_card (room, box) VALUES (${id}, ${box.seal(CONTEXT, Buffer.from(String(card)))})
      ON CONFLICT (room) DO UPDATE SET box = excluded.box`)
  }
}

/** Owners give rooms a card; whoever may know of the room reads it. */
export function showCards(context: Context, { db, on, settings }: Host<MucSettings>): void {
  const { described, iq } = context
  const cards = new Cards(db)
  iq.get(Card, 'vCard', async ({ room }) => {
    const card = await cards.of(room)
    if (card === undefined) throw new StanzaError('item-not-found')
    return card
  })
  iq.set(Card, 'vCard', async ({ room, from, payload }) => {
    must('changeAvatar', room.standingOf(from), room.config)
    context.limits.change(String(from.bare))
    if (sizeOf(payload) > settings.card) throw new StanzaError('policy-violation', 'this card is too large')
    // §3.2: an empty one takes it away.
    await cards.set(room, payload.elements().length === 0 ? undefined : payload)
    await room.giveAll(changed(room.jid), room.jid)
  })
  described.features.push(Card.uri)
  described.roomFeatures.push(() => [Card.uri])
  // §3.3
  described.fields.push(room => {
    const values = cards.hashesOf(room)
    return values.length === 0 ? [] : [{ var: 'muc#roominfo_avatarhash', type: 'text-multi', label: 'Avatar hash', values }]
  })

  on(roomLoaded, function readCard(room) {
    return cards.load(room)
  })
  on(roomConfigured, async function moveCard({ room, before }) {
    if (room.config.isPersistent !== before.isPersistent) await cards.move(room)
  })
  on(hostClosed, async function keepCards() {
    for (const room of context.rooms.all()) await cards.suspend(room)
  })
  on(roomRemoved, function removeCard({ state, db }) {
    return cards.remove(state, db)
  })
  on(roomEnded, function forgetCard(room) {
    cards.forget(room)
  })
}

/** §3.2: the configuration is another one (XEP-0045 §10.2.1). */
const changed = (room: Jid): Element =>
  Client('message', { type: 'groupchat', from: String(room), id: randomId(12) }, MucUser('x', {}, MucUser('status', { code: '104' })))

const sizeOf = (card: Element): number => Buffer.byteLength(String(card))

const hashesIn = (card: Element): string[] => card.all(Card, 'PHOTO').flatMap(photo => readPhoto(photo)?.id ?? [])
