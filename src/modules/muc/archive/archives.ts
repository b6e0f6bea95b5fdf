import type { Host } from '../../../core/module.ts'
import { ArchiveIds, type RetentionClass } from '../../../core/sealed-log.ts'
import { logMigrations, SharedLog } from '../../../core/shared-log.ts'
import { ROOM_LOG } from '../../../core/stores.ts'
import { limited } from '../../../lib/limited.ts'
import type { Db } from '../../../storage/db.ts'
import type { Element } from '../../../xml/element.ts'
import { parseElement } from '../../../xml/parser.ts'
import type { Jid } from '../../../xmpp/jid.ts'
import { isLogged } from '../config.ts'
import type { Room } from '../room.ts'
import type { Lasting } from '../rows.ts'
import type { MucSettings } from '../settings.ts'
import { closedIn, closuresOf } from './closures.ts'
import { RoomArchive } from './room-archive.ts'
import { type Author, type Logged, ownerOf, RoomLog } from './room-log.ts'

export const archiveMigrations = logMigrations('muc')

const CLASSES: Readonly<Record<MucSettings['keep'], RetentionClass>> = { '7d': 7, '1d': 1, '30d': 30 }

/** What was said, as it is known again. */
export interface Remembered {
  readonly from: Jid
  readonly id: string
  readonly at: number
  readonly stanza: Element
}

/** The logs of rooms. All of a room is done in its turn. */
export class Archives {
  readonly paged: RoomArchive
  readonly #host: Host<MucSettings>
  readonly #shared: SharedLog
  readonly #logs = new WeakMap<Room, RoomLog>()
  /** A full disk fails each message. */
  readonly #isTold: () => boolean
  #ids: ArchiveIds | undefined

  constructor(host: Host<MucSettings>) {
    this.#host = host
    this.#shared = new SharedLog(host, 'muc', ROOM_LOG)
    this.paged = new RoomArchive(this.#shared, () => this.#ids!)
    this.#isTold = limited(10, 60_000, () => host.clock.now())
  }

  /** To be waited for before ids are asked for. */
  async ready(): Promise<void> {
    this.#ids ??= new ArchiveIds(await this.#host.store.hostSecret('room-archive-ids'))
  }

  /** The log of a room that keeps what is said in it; undefined of others. */
  of(room: Room): RoomLog | undefined {
    if (!isLogged(room.config) || room.isLocked) return undefined
    const known = this.#logs.get(room)
    if (known !== undefined) return known
    const { archiveBytes: bytes, archived: messages, keep } = this.#host.settings
    const logged = {
      jid: room.jid,
      id: room.state.id,
      closures: () => closuresOf(room.config),
      isVeiled: () => room.config.whois !== 'anyone',
    }
    const log = new RoomLog(logged, this.#shared, CLASSES[keep], { messages, bytes })
    this.#logs.set(room, log)
    return log
  }

  /** Gives the id of the message once it is on disk; undefined where it cannot be kept: the conversation goes on without. */
  async keep(log: RoomLog, stanza: Element, author: Author | undefined, at: number): Promise<string | undefined> {
    try {
      await this.ready()
      return this.#idOf(log, await log.add(stanza, author, at))
    } catch (error) {
      if (!this.#isTold()) this.#host.log.fault('muc.archive', error)
      return undefined
    }
  }

  async find(log: RoomLog, id: string): Promise<Logged | undefined> {
    await this.ready()
    const ord = this.#ids!.decode(log.number, id)
    return ord === undefined ? undefined : log.find(ord)
  }

  /** What was said last, the oldest first, as far as everybody may hear it who may enter now. */
  async latest(room: Room, log: RoomLog, most: number): Promise<Remembered[]> {
    await this.ready()
    const latest = await log.latest(most)
    const closed = closedIn(room.config)
    const open = latest.slice(latest.findLastIndex(({ header }) => header.closures.some(closure => closed.includes(closure))) + 1)
    return open.map(({ ord, header: { at, nick }, message }) => ({
      from: nick === '' ? log.room : log.room.withResource(nick),
      id: this.#idOf(log, ord),
      at,
      stanza: parseElement(message),
    }))
  }

  /** The room keeps nothing any more: what it has kept opens for nobody. */
  async empty(room: Room): Promise<void> {
    this.end(room)
    const { state } = room
    const { shred } = this.#host.keys
    if (shred.account(state.id) !== undefined) await shred.replaceAccount(state.id)
    const owner = ownerOf(state)
    const ends = await this.#shared.ends(owner)
    if (ends !== undefined) await this.#shared.removeUntil(owner, ends.last)
  }

  /** In the transaction that removes the room, and its secret with it. */
  async remove(state: Lasting, db: Db): Promise<void> {
    await this.#shared.remove(ownerOf(state), db)
  }

  /** After that. */
  removed(state: Lasting): void {
    this.#shared.removed(ownerOf(state))
  }

  /** Of its log nothing need be known any more. */
  end(room: Room): void {
    const log = this.#logs.get(room)
    if (log === undefined) return
    log.isEnded = true
    this.paged.forget(log)
    this.#logs.delete(room)
  }

  /** Removes what is over. */
  async sweep(): Promise<void> {
    this.paged.forgetAll()
    await this.#shared.expire()
  }

  #idOf(log: RoomLog, ord: number): string {
    return this.#ids!.encode(log.number, ord)
  }
}
