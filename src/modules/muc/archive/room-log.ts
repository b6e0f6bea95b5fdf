import type { RetentionClass, SharedLog, SharedOwner } from '../../../core/shared-log.ts'
import { Turn } from '../../../lib/turn.ts'
import type { Element } from '../../../xml/element.ts'
import type { Jid } from '../../../xmpp/jid.ts'
import { correctedId, tagOfId, timeAfter } from '../../archive/archive.ts'
import type { Affiliation, Role } from '../standing.ts'
import type { Closure } from './closures.ts'
import { type Header, isClosedBy, readHeader, writeHeader } from './header.ts'

export interface LogLimits {
  /** Messages of a room. */
  readonly messages: number
  /** Bytes of a room, as they are on disk. */
  readonly bytes: number
}

/** Whose log it is. */
export interface LoggedRoom {
  readonly jid: Jid
  readonly id: Buffer
  /** Behind which is said what is said now. */
  readonly closures: () => readonly Closure[]
  /** Who says it is known to moderators alone. */
  readonly isVeiled: () => boolean
}

/** Who has said something. */
export interface Author {
  readonly nick: string
  /** Of his client. */
  readonly jid: Jid
  readonly affiliation: Affiliation
  readonly role: Role | 'none'
}

/** A message in the log. */
export interface Logged {
  readonly ord: number
  readonly header: Header
  /** As XML. */
  readonly message: string
}

/** Where there was too much, so much of the limit is free after it. */
const FREED = 1 / 16

/** Opened at a time. */
const CHUNK = 500

const ROOM_ITSELF = { nick: '', jid: '', affiliation: 'none', role: 'none' } as const

/** The same whoever asks: a room has one log. */
export const ownerOf = ({ id }: { readonly id: Buffer }): SharedOwner => ({ id, number: id.readUIntBE(0, 6) })

/** What was said in one room, for a while. Added to in the room's turn. */
export class RoomLog implements SharedOwner {
  readonly number: number
  readonly id: Buffer
  readonly room: Jid
  /** In which it is read while the room goes on. */
  readonly reading = new Turn()
  /** Nobody reads it any more. */
  isEnded = false
  readonly #closures: () => readonly Closure[]
  readonly #isVeiled: () => boolean
  readonly #log: SharedLog
  readonly #class: RetentionClass
  readonly #limits: LogLimits
  #lastAt = 0
  /** Up to those ords there is something that was for members alone, or under a password; unknown until somebody asks. */
  readonly #closedUntil = new Map<Closure, number>()
  /** What there is; unknown until something is added. */
  #there: { messages: number; bytes: number } | undefined

  constructor({ jid, id, closures, isVeiled }: LoggedRoom, log: SharedLog, cls: RetentionClass, limits: LogLimits) {
    this.room = jid
    this.id = id
    this.#closures = closures
    this.#isVeiled = isVeiled
    this.number = ownerOf(this).number
    this.#log = log
    this.#class = cls
    this.#limits = limits
  }

  /** Gives the ord of the message once it is on disk. Without an author it is of the room itself. */
  async add(message: Element, author: Author | undefined, now: number): Promise<number> {
    const corrected = correctedId(message)
    this.#lastAt = timeAfter(this.#lastAt, now)
    const closures = this.#closures()
    const header = writeHeader({
      ...(author === undefined ? ROOM_ITSELF : { ...author, jid: String(author.jid) }),
      at: this.#lastAt,
      closures,
      isVeiled: this.#isVeiled(),
      id: message.attrs['id'] ?? '',
      corrects: corrected === undefined ? undefined : tagOfId(corrected),
    })
    const body = Buffer.from(String(message))
    const there = (this.#there ??= await this.#measure())
    const ord = await this.#log.append(this, this.#class, { header, body })
    for (const closure of closures) this.#closedUntil.set(closure, ord)
    there.messages++
    there.bytes += header.length + body.length
    if (there.messages > this.#limits.messages || there.bytes > this.#limits.bytes) await this.#makeRoom()
    return ord
  }

  /** Others may read what comes after that ord (XEP-0313 §6.1.2). */
  async closedUntil(closure: Closure): Promise<number> {
    const known = this.#closedUntil.get(closure)
    if (known !== undefined) return known
    const found = await this.#findClosed(closure)
    // Meanwhile there may be something new.
    const until = Math.max(this.#closedUntil.get(closure) ?? 0, found)
    this.#closedUntil.set(closure, until)
    return until
  }

  /** The ord of the last message; undefined where there is none. */
  async last(): Promise<number | undefined> {
    return (await this.#log.ends(this))?.last
  }

  async find(ord: number): Promise<Logged | undefined> {
    const [found] = await this.#log.read(this, { ords: [ord], limit: 1 })
    return found && { ord, header: readHeader(found.header), message: found.body.toString() }
  }

  /** The last ones, in their order. */
  async latest(limit: number): Promise<Logged[]> {
    const found = await this.#log.read(this, { limit, isDescending: true })
    return found.toReversed().map(({ ord, header, body }) => ({ ord, header: readHeader(header), message: body.toString() }))
  }

  /** The last message of that person to which he gave that id himself; it is looked for among so many of the last ones. */
  async own(id: string, author: Jid, among: number): Promise<Logged | undefined> {
    if (id === '') return undefined
    const bare = String(author)
    const entries = await this.#log.read(this, { limit: among, isDescending: true }, 'header')
    const isMeant = (header: Header): boolean => header.id === id && bareOf(header.jid) === bare
    const found = entries.find(({ header }) => isMeant(readHeader(header)))
    return found && this.find(found.ord)
  }

  /** The ords of messages behind that one by which the same person corrects it; it is looked for among so many. */
  async corrections({ ord, header: { id, jid } }: Logged, among: number, most: number): Promise<number[]> {
    if (id === '') return []
    const [tag, bare] = [tagOfId(id), bareOf(jid)]
    const found: number[] = []
    for (const { ord: other, header } of await this.#log.read(this, { from: ord + 1, limit: among }, 'header')) {
      const { corrects, jid: author } = readHeader(header)
      if (corrects?.equals(tag) === true && bareOf(author) === bare) found.push(other)
    }
    return found.slice(-most)
  }

  /** Another message stands in the place of that one. False if it is not there any more. */
  replace({ ord, header }: Logged, message: Element): Promise<boolean> {
    return this.#log.replace(this, ord, { header: writeHeader(header), body: Buffer.from(String(message)) })
  }

  async #findClosed(closure: Closure): Promise<number> {
    for (let to = Number.MAX_SAFE_INTEGER; ; ) {
      const entries = await this.#log.read(this, { to, limit: CHUNK, isDescending: true }, 'header')
      const last = entries.find(({ header }) => isClosedBy(closure, header))
      if (last !== undefined || entries.length < CHUNK) return last?.ord ?? 0
      to = entries.at(-1)!.ord - 1
    }
  }

  async #measure(): Promise<{ messages: number; bytes: number }> {
    const sizes = await this.#log.sizes(this, 2 * this.#limits.messages)
    return { messages: sizes.length, bytes: sizes.reduce((sum, { size }) => sum + size, 0) }
  }

  /** The oldest make room (XEP-0313 §3.2). */
  async #makeRoom(): Promise<void> {
    const sizes = await this.#log.sizes(this, 2 * this.#limits.messages)
    const [messages, bytes] = [this.#limits.messages * (1 - FREED), this.#limits.bytes * (1 - FREED)]
    const there = { messages: sizes.length, bytes: sizes.reduce((sum, { size }) => sum + size, 0) }
    this.#there = there
    let last: number | undefined
    for (const { ord, size } of sizes) {
      if (there.messages <= messages && there.bytes <= bytes) break
      there.messages--
      there.bytes -= size
      last = ord
    }
    if (last !== undefined) await this.#log.removeUntil(this, last)
  }
}

const bareOf = (jid: string): string => jid.slice(0, Math.max(0, jid.indexOf('/')))
