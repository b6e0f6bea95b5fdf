import { hash } from 'node:crypto'
import type { Account } from '../../core/account.ts'
import type { Host } from '../../core/module.ts'
import type { RetentionClass } from '../../core/sealed-log.ts'
import type { Position } from '../../core/session.ts'
import { Recent } from '../../lib/recent.ts'
import type { Element } from '../../xml/element.ts'
import { parseElement } from '../../xml/parser.ts'
import { Delay, delayElement } from '../../xmpp/delay.ts'
import { stanzaIdOf } from '../stanza-id.ts'
import { Backlog, type Sum, type Sums } from './backlog.ts'
import type { Note } from './note.ts'
import type { Spool, Waiting } from './spool.ts'

export interface BacklogLimits {
  readonly messages: number
  readonly bytes: number
}

/** How a message is kept. */
export interface Keeping {
  readonly class: RetentionClass
  /** When it came, in ms. */
  readonly at: number
  readonly isFromStranger: boolean
}

/** The part of the room that strangers can fill: the rest is for contacts, whatever strangers send. */
const STRANGERS_PART = 1 / 4

/** What is removed because its time is over takes room in memory for so long at most, ms. */
const READ_AGAIN = 60 * 60_000

/** Of so many accounts it is known how much waits, a few hundred bytes each. */
const MOST_SUMS = 20_000

/**
 * What waits for each account. Everything here happens in the account's turn; how much waits is known in memory, so that
 * accounts without a backlog never ask the disk.
 */
export class Backlogs {
  readonly #host: Host<BacklogLimits>
  readonly #spool: Spool
  readonly #backlogs = new WeakMap<Account, Backlog>()
  /** By the accounts' numbers, also of accounts that are not in memory any more: to open all notes takes a while. */
  readonly #sums = new Recent<number, Sums>(MOST_SUMS)

  constructor(host: Host<BacklogLimits>, spool: Spool) {
    this.#host = host
    this.#spool = spool
  }

  async load(account: Account): Promise<void> {
    const { clock, keys } = this.#host
    const known = this.#sums.get(keys.of(account)?.number ?? 0)
    if (known !== undefined && clock.now() - known.readAt < READ_AGAIN) this.#backlogs.set(account, new Backlog(known))
    else await this.#read(account)
    this.letGo(account)
  }

  /** Nothing waits any more. */
  forget(account: Account): void {
    this.#know(account, [])
  }

  /** Of an account without sessions no more is kept in memory than how much waits. */
  letGo(account: Account): void {
    if (account.sessions.size === 0) this.of(account).letGo()
  }

  /** As far as it is in memory. */
  of(account: Account): Backlog {
    const known = this.#backlogs.get(account)
    if (known !== undefined) return known
    // Of accounts that do not exist.
    return Backlog.of([], 0)
  }

  /** With its notes. */
  async whole(account: Account): Promise<Backlog> {
    const backlog = this.of(account)
    return backlog.isWhole ? backlog : this.#read(account)
  }

  /** Whether some wait that no stream has carried. */
  isWaiting(account: Account): boolean {
    const backlog = this.of(account)
    if (backlog.isEmpty) return false
    if (!backlog.isWhole) return true
    for (const _ of backlog.waiting(liveStreams(account))) return true
    return false
  }

  /** Whether somebody is there who can open what waits. */
  isOpen(account: Account): boolean {
    return this.#host.keys.of(account)?.isOpen === true
  }

  /** `'kept'` once it is safe on disk; nothing where there is no room for it, nor for so much more, which is about to leave its room. */
  async keep(
    account: Account,
    stanza: Element,
    { class: cls, at, isFromStranger }: Keeping,
    position: Position | undefined,
    more: Sum = NO_MORE,
  ): Promise<'kept' | undefined> {
    if (!this.#spool.canKeep(account)) return undefined
    if (position !== undefined && (await this.whole(account)).has(position)) return 'kept'
    const { domain } = this.#host
    // A delay in our name that we did not write would hide ours.
    const xml = String(stanza.without(child => child.is(Delay, 'delay') && child.attrs['from'] === domain))
    const size = Buffer.byteLength(xml)
    if (!(await this.#hasRoom(account, size, isFromStranger, more))) return undefined
    const id = stanzaIdOf(stanza, account)
    const place = position && { ...position, isShown: false }
    const note = { size, isFromStranger, archived: id === undefined ? undefined : hashed(id), place }
    this.of(account).add(await this.#spool.add(account, cls, { at, xml }, note))
    return 'kept'
  }

  async #hasRoom(account: Account, size: number, isFromStranger: boolean, more: Sum): Promise<boolean> {
    const { clock, settings } = this.#host
    const fits = ({ sums: { all, ofStrangers } }: Backlog): boolean =>
      hasRoom(all, size, settings, 1, more) && (!isFromStranger || hasRoom(ofStrangers, size, settings, STRANGERS_PART, more))
    const backlog = this.of(account)
    if (fits(backlog)) return true
    return clock.now() - backlog.sums.readAt >= READ_AGAIN && fits(await this.#read(account))
  }

  /** As they are to be sent, by ord; nothing of one that is no XML. Those that the present key does not open are not among them. */
  async open(account: Account, notes: readonly Note[]): Promise<Map<number, Element | undefined>> {
    const opened = await this.#spool.read(
      account,
      notes.map(({ ord }) => ord),
    )
    return new Map(opened.map(waiting => [waiting.ord, this.#parse(waiting)]))
  }

  /** Nothing of one that cannot be read, as after a change of limits: those behind it must not wait for it. */
  #parse({ at, xml }: Waiting): Element | undefined {
    try {
      return parseElement(xml).add(delayElement(at, this.#host.jid))
    } catch (error) {
      this.#host.log.fault('offline.unreadable', error)
    }
  }

  /** They have been sent, or shown, and stand where the notes say. */
  async place(account: Account, notes: readonly Note[]): Promise<void> {
    if (notes.length === 0) return
    await this.#spool.annotate(account, notes)
    for (const note of notes) this.of(account).place(note)
  }

  async remove(account: Account, notes: readonly Note[]): Promise<void> {
    if (notes.length === 0) return
    await this.#spool.remove(
      account,
      notes.map(({ ord }) => ord),
    )
    for (const note of notes) this.of(account).remove(note)
  }

  /** Removes what no stream carries; gives what of it can be opened. */
  async giveUp(account: Account): Promise<Element[]> {
    if (this.of(account).isEmpty) return []
    const backlog = await this.whole(account)
    const streams = liveStreams(account)
    const notes = [...backlog.notes].filter(({ place }) => place === undefined || !streams.has(place.stream))
    const opened = this.isOpen(account) ? await this.open(account, notes) : new Map<number, Element>()
    await this.remove(account, notes)
    this.letGo(account)
    return [...opened.values()].filter(message => message !== undefined)
  }

  /** Removes what is of days, or hours, that were over at that moment. */
  async removeOlder(account: Account, at: number): Promise<void> {
    if (this.of(account).isEmpty) return
    await this.#spool.removeOlder(account, at)
    await this.#read(account)
    this.letGo(account)
  }

  async #read(account: Account): Promise<Backlog> {
    return this.#know(account, await this.#spool.notes(account))
  }

  #know(account: Account, notes: readonly Note[]): Backlog {
    const { clock, keys } = this.#host
    const backlog = Backlog.of(notes, clock.now())
    this.#backlogs.set(account, backlog)
    const number = keys.of(account)?.number
    if (number !== undefined) this.#sums.set(number, backlog.sums)
    return backlog
  }
}

const NO_MORE: Sum = { count: 0, bytes: 0 }

/** Whether a part of what may be kept, and something more, has room for a message of that size. */
function hasRoom(sum: Sum, size: number, { messages, bytes }: BacklogLimits, part: number, more: Sum): boolean {
  return sum.count < Math.ceil(messages * part) + more.count && sum.bytes + size <= bytes * part + more.bytes
}

/** The streams of the account's sessions, also of those whose client is away for a moment. */
export function liveStreams(account: Account): ReadonlySet<string> {
  const streams = new Set<string>()
  for (const { transport } of account.sessions.values()) if (transport.position !== undefined) streams.add(transport.position.stream)
  return streams
}

/** Short enough for a note, whatever the id looks like. */
export const hashed = (id: string): string => hash('sha256', id, 'base64url').slice(0, 22)
