import { then } from '../../core/host.ts'
import type { ServerBoxes } from '../../core/server-boxes.ts'
import type { Island, Rest } from '../../core/service.ts'
import { Turn } from '../../lib/turn.ts'
import type { Db } from '../../storage/db.ts'
import type { Element } from '../../xml/element.ts'
import { Jid } from '../../xmpp/jid.ts'
import { isPrivate, type RoomConfig } from './config.ts'
import type { Context } from './context.ts'
import { roomConfigured, roomEnded, roomLoaded, roomRemoved } from './points.ts'
import { Room } from './room.ts'
import { type Lasting, RoomRows, remembering } from './rows.ts'
import { takeStanza } from './stanzas.ts'
import { type Suspended, Suspension } from './suspension.ts'

/** So many rooms that nobody is in are kept in memory, with what was said there last. */
const MOST_EMPTY = 500

/** Clients of this server that were in a room have so long to come back, after it has started again. */
const RETURN_WITHIN = 5 * 60_000

/** A name at the service: there is a room, or there may be one. An island, with a turn that rooms of this name have one after the other. */
export class Venue implements Island {
  readonly name: string
  readonly jid: Jid
  readonly turn = new Turn()
  readonly #rooms: Rooms
  #room: Room | undefined
  #isLoaded = false

  constructor(name: string, jid: Jid, rooms: Rooms) {
    this.name = name
    this.jid = jid
    this.#rooms = rooms
  }

  /** The room, if there is one. Known in its turn. */
  get room(): Room | undefined {
    return this.#room
  }

  take(stanza: Element, from: Jid, to: Jid): Rest | Promise<Rest> {
    return this.whenLoaded(() => takeStanza(this.#rooms.context, this, stanza, from, to))
  }

  /** With the room, in its turn; nothing where there is none. */
  async within(work: (room: Room) => void | Promise<void>): Promise<void> {
    await this.turn.take(() => this.whenLoaded(() => (this.#room === undefined ? undefined : work(this.#room))))
  }

  /** In its turn, once it is known whether there is a room. */
  whenLoaded<T>(work: () => T | Promise<T>): T | Promise<T> {
    if (!this.#isLoaded) return this.#load().then(() => this.whenLoaded(work))
    let isDone = true
    try {
      const pending = work()
      isDone = !(pending instanceof Promise)
      return pending instanceof Promise ? pending.finally(() => this.#leftBehind()) : pending
    } finally {
      if (isDone) this.#leftBehind()
    }
  }

  async #load(): Promise<void> {
    await this.#rooms.isRead
    const suspended = this.#rooms.suspended.get(this.name)
    const state = suspended?.state ?? (await this.#rooms.rows.load(this.name))
    this.#isLoaded = true
    if (state === undefined) return
    const { clock, failed, hooks } = this.#rooms.context
    const room = this.open(state)
    suspended?.restore(room, clock.now() + RETURN_WITHIN)
    this.#rooms.suspended.delete(this.name)
    await hooks.tell(roomLoaded, room, failed)
  }

  /** Within its turn: from now on there is a room. */
  open(state: Lasting): Room {
    this.#room = new Room(this.jid, this.turn, state, this.#rooms.context)
    return this.#room
  }

  /** Within its turn: the room is no more. Nobody is told. */
  close(): void {
    const room = this.#room
    if (room === undefined) return
    room.isEnded = true
    room.ghosts.stop()
    this.#room = undefined
    const { hooks, failed } = this.#rooms.context
    void hooks.tell(roomEnded, room, failed)
  }

  /** A room that is not to stay ends with the last one who was in it (§7.14); and a name without a room need not be known. */
  #leftBehind(): void {
    const room = this.#room
    if (room !== undefined && room.occupants.clients === 0 && (room.isLocked || !room.config.isPersistent)) this.close()
    this.#rooms.release(this)
  }

  /** Nothing is lost with it but the history of a room in which nobody is. */
  get isEmpty(): boolean {
    return this.#room === undefined || this.#room.occupants.clients === 0
  }
}

/** The rooms in memory: those with somebody in them, and some that were used lately. */
export class Rooms {
  readonly context: Context
  readonly rows: RoomRows
  /** In which rooms are made. */
  readonly making = new Turn()
  readonly #db: Db
  /** Those in which somebody was when the server stopped, until their first turn. */
  readonly suspended = new Map<string, Suspended>()
  /** Done when these are known. */
  isRead: Promise<void> | undefined
  readonly #suspension: Suspension
  readonly #venues = new Map<string, Venue>()
  /** When there are more, some are let go. */
  #enough = MOST_EMPTY

  constructor(context: Context, db: Db, boxes: ServerBoxes) {
    this.context = context
    this.#db = db
    this.rows = new RoomRows(db, boxes, removed => context.hooks.run(roomRemoved, removed))
    this.#suspension = new Suspension(db, boxes)
  }

  /** The address of that (prepared) name, whether there is a room or not. */
  at(name: string): Venue {
    const known = this.#venues.get(name)
    if (known !== undefined) return known
    const venue = new Venue(name, Jid.of(name, this.context.jid.domain), this)
    this.#venues.set(name, venue)
    if (this.#venues.size > this.#enough) this.#evict()
    return venue
  }

  /** Before anything else: who was in a room is in it again. */
  async resume(): Promise<void> {
    this.isRead = this.#readSuspended()
    await this.isRead
    for (const name of this.suspended.keys()) this.context.wake(this.at(name))
  }

  async #readSuspended(): Promise<void> {
    try {
      for (const each of await this.#suspension.read()) this.suspended.set(each.name, each)
    } catch (error) {
      this.context.failed('muc', error)
    }
    this.isRead = undefined
  }

  /** The server stops: who is in a room will be in it again. */
  suspend(): Promise<void> {
    return this.#suspension.write(this.all())
  }

  /** Those in memory. */
  *all(): Iterable<Room> {
    for (const { room } of this.#venues.values()) if (room !== undefined) yield room
  }

  /** How many there are that somebody has made, and how many of all, on disk or in memory alone. */
  async count(creator: string): Promise<{ ofHis: number; all: number }> {
    const kept = await this.rows.count(creator)
    const passing = [...this.all()].filter(({ config, isLocked }) => isLocked || !config.isPersistent)
    return { ofHis: kept.ofHis + passing.filter(({ state }) => state.creator === creator).length, all: kept.all + passing.length }
  }

  /**
   * Within the room's turn: changes what the room is, and gives the addresses whose affiliation was changed. It is in memory at once, and
   * of a room that lasts it is on disk when this is done. If that fails, it is again as it was.
   */
  change(room: Room, work: (state: Lasting) => Iterable<string> | void): void | Promise<void> {
    const { config: before } = room
    const former = remembering(room.state)
    const changed = [...(work(room.state) ?? [])]
    if (room.isLocked) return
    const isKept = before.isPersistent || room.config.isPersistent
    return then(isKept ? this.#write(room, before, changed, former) : undefined, () => {
      if (room.config !== before) return this.context.hooks.tell(roomConfigured, { room, before }, this.context.failed)
    })
  }

  async #write(room: Room, before: RoomConfig, changed: readonly string[], former: () => Lasting): Promise<void> {
    const { state } = room
    const { config } = state
    const isOther = !before.isPersistent || isPrivate(before) !== isPrivate(config)
    try {
      if (!config.isPersistent) await this.#db.tx(db => this.rows.forget(state, db))
      else if (isOther) await this.#db.tx(db => this.rows.putAll(state, db))
      else
        await this.#db.tx(async db => {
          await this.rows.put(state, db)
          await this.rows.putAffiliations(state, changed, db)
        })
    } catch (error) {
      // It may be that it was written all the same.
      room.state = (await this.rows.load(state.name).catch(() => undefined)) ?? former()
      throw error
    }
  }

  get size(): number {
    return this.#venues.size
  }

  /** Lets go of names at which nobody is, the oldest first, until half as many may come again. */
  #evict(): void {
    const unused = [...this.#venues.values()].filter(({ isEmpty, turn }) => isEmpty && turn.isIdle)
    for (const { name } of unused.slice(0, Math.max(0, unused.length - (MOST_EMPTY >> 1)))) this.#venues.delete(name)
    this.#enough = this.#venues.size + (MOST_EMPTY >> 1)
  }

  /** Its turn is about to end: a name without a room need not be known after it. */
  release(venue: Venue): void {
    if (venue.room === undefined) setImmediate(() => this.#forget(venue))
  }

  #forget(venue: Venue): void {
    if (venue.room === undefined && venue.turn.isIdle && this.#venues.get(venue.name) === venue) this.#venues.delete(venue.name)
  }
}
