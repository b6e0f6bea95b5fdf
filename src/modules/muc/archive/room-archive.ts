import type { ArchiveIds, Entry } from '../../../core/sealed-log.ts'
import type { SharedLog } from '../../../core/shared-log.ts'
import { Client } from '../../../xmpp/stanza.ts'
import { type Filter, HeaderIndexes, type Indexing, type Paged, type PageRange } from '../../archive/archive.ts'
import { MucUser } from '../namespaces.ts'
import { type Header, readHeader, timeOf } from './header.ts'
import type { RoomLog } from './room-log.ts'

/** The archive of a room as somebody sees it. */
export interface View {
  readonly log: RoomLog
  /** He may see what has at least that ord, and at most this one. */
  readonly from: number
  readonly to: number
  /** Of whom he may know the real address who has written: of all, or of those who did where everybody could know it. */
  readonly sees: 'all' | 'open' | 'none'
}

/** The archives of rooms, for pages (XEP-0313 §3.3.2): of each room one after the other. */
export class RoomArchive implements Paged<View> {
  readonly #log: SharedLog
  readonly #ids: () => ArchiveIds
  readonly #occupants: HeaderIndexes<RoomLog>
  readonly #people: Readonly<Record<'all' | 'open', HeaderIndexes<RoomLog>>>

  constructor(log: SharedLog, ids: () => ArchiveIds) {
    this.#log = log
    this.#ids = ids
    const indexed = {
      ends: (owner: RoomLog, from?: number, to?: number) => log.ends(owner, from, to),
      headers: (owner: RoomLog, range: PageRange) => log.read(owner, range, 'header'),
      isOpen: (log: RoomLog) => !log.isEnded,
    }
    this.#occupants = new HeaderIndexes(indexed, byOccupant)
    this.#people = { all: new HeaderIndexes(indexed, byPerson), open: new HeaderIndexes(indexed, byOpenPerson) }
  }

  has(): boolean {
    return true
  }

  ends(view: View, from = 0, to = view.to): Promise<{ first: number; last: number } | undefined> {
    return this.#log.ends(view.log, Math.max(view.from, from), Math.min(view.to, to))
  }

  headers(view: View, range: PageRange): Promise<Entry[]> {
    return this.#log.read(view.log, within(range, view), 'header')
  }

  bodies(view: View, range: PageRange): Promise<Entry[]> {
    return this.#log.read(view.log, within(range, view))
  }

  /** §4.1.1: by the address of an occupant; by the real one only where he who asks may know it. */
  async find({ log, from, to, sees }: View, filter: Filter): Promise<number[]> {
    const seen = { ...filter, from: Math.max(filter.from, from), to: Math.min(filter.to, to) }
    if (filter.with.bare.equals(log.room)) return this.#occupants.find(log, seen)
    return sees === 'none' ? [] : this.#people[sees].find(log, seen)
  }

  idOf({ log }: View, ord: number): string {
    return this.#ids().encode(log.number, ord)
  }

  ordIn({ log }: View, id: string): number | undefined {
    return this.#ids().decode(log.number, id)
  }

  timeOf(header: Buffer): number {
    return timeOf(header)
  }

  read({ sees }: View, { header: bytes, body }: Entry): { readonly at: number; readonly xml: string } {
    const header = readHeader(bytes)
    const xml = body.toString()
    const isSeen = header.jid !== '' && (sees === 'all' || (sees === 'open' && !header.isVeiled))
    return { at: header.at, xml: isSeen ? withAddress(xml, header) : xml }
  }

  forget(log: RoomLog): void {
    this.#occupants.forget(log)
    this.#people.all.forget(log)
    this.#people.open.forget(log)
  }

  forgetAll(): void {
    this.#occupants.forgetAll()
    this.#people.all.forgetAll()
    this.#people.open.forgetAll()
  }
}

const within = (range: PageRange, { from, to }: View): PageRange => ({
  ...range,
  from: Math.max(range.from ?? 0, from),
  to: Math.min(range.to ?? to, to),
})

function byOccupant(bytes: Buffer, { room }: RoomLog): Indexing {
  const { at, nick } = readHeader(bytes)
  return { at, peer: String(room), resource: nick }
}

const byPerson = (bytes: Buffer): Indexing => byAddress(readHeader(bytes))

/** Nobody's, where moderators alone could know whose it is. */
function byOpenPerson(bytes: Buffer): Indexing {
  const header = readHeader(bytes)
  return byAddress(header.isVeiled ? { ...header, jid: '' } : header)
}

function byAddress({ at, jid }: Header): Indexing {
  const slash = jid.indexOf('/')
  return { at, peer: jid.slice(0, Math.max(0, slash)), resource: jid.slice(slash + 1) }
}

const END = '</message>'

/** §6.1.2: who has written, for those who may know it. */
function withAddress(xml: string, { affiliation, role, jid }: Header): string {
  const x = MucUser('x', {}, MucUser('item', { affiliation, jid, role }))
  return `${xml.slice(0, -END.length)}${x.toString(Client.uri)}${END}`
}
