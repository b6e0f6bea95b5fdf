import { hash } from 'node:crypto'
import type { Account } from '../../core/account.ts'
import { Custody } from '../../core/custody.ts'
import { mostAvailable } from '../../core/delivery.ts'
import type { Host } from '../../core/module.ts'
import type { RetentionClass } from '../../core/sealed-log.ts'
import type { Position, Session } from '../../core/session.ts'
import type { Element } from '../../xml/element.ts'
import { parseElement } from '../../xml/parser.ts'
import { Delay, delayElement } from '../../xmpp/delay.ts'
import { stanzaIdOf } from '../stanza-id.ts'
import { Backlog, type Sum } from './backlog.ts'
import type { Note } from './note.ts'
import type { Spool, Waiting } from './spool.ts'

export interface BacklogLimits {
  readonly messages: number
  readonly bytes: number
}

/** How a message is kept. */
export interface Keeping {
  readonly class: RetentionClass
  readonly isFromStranger: boolean
}

/** The part of the room that strangers can fill: the rest is for contacts, whatever strangers send. */
const STRANGERS_PART = 1 / 4

/** So much is sent at once, then the client must acknowledge it or be given time to read it: its queue is bounded. */
const BATCH = 100
const BATCH_BYTES = 2 ** 20
const PAUSE = 1000

/** What is removed because its time is over takes room in memory for so long at most, ms. */
const READ_AGAIN = 60 * 60_000

/**
 * What waits for each account, and how it gets to a session. Everything here happens in the account's turn; how much
 * waits is known in memory, so that accounts without a backlog never ask the disk.
 */
export class Backlogs {
  readonly #host: Host<BacklogLimits>
  readonly #spool: Spool
  readonly #backlogs = new WeakMap<Account, Backlog>()
  /** The one session that is being sent what waits. What comes for it meanwhile waits too. */
  readonly #receivers = new WeakMap<Account, Session>()
  /** Sessions that have said that they take messages. */
  readonly #present = new WeakSet<Session>()
  /** What of a backlog a session has got out of the archive: no more than there is in the backlog. */
  readonly #shown = new WeakMap<Session, Set<number>>()

  constructor(host: Host<BacklogLimits>, spool: Spool) {
    this.#host = host
    this.#spool = spool
  }

  async load(account: Account): Promise<void> {
    await this.#read(account)
    this.#letGo(account)
  }

  /** Nothing waits any more. */
  forget(account: Account): void {
    this.#receivers.delete(account)
    this.#backlogs.set(account, new Backlog([], this.#host.clock.now()))
  }

  /** `'kept'` once it is safe on disk; nothing where there is no room for it. */
  keep(account: Account, stanza: Element, how: Keeping, position: Position | undefined): Promise<'kept' | undefined> {
    return this.#keep(account, stanza, how, position, NO_MORE)
  }

  /** The same for what comes while that which waits is being sent: of this, one part is on its way and leaves its room. */
  keepBehind(account: Account, stanza: Element, how: Keeping): Promise<'kept' | undefined> {
    return this.#keep(account, stanza, how, undefined, ONE_BATCH)
  }

  async #keep(
    account: Account,
    stanza: Element,
    { class: cls, isFromStranger }: Keeping,
    position: Position | undefined,
    more: Sum,
  ): Promise<'kept' | undefined> {
    if (!this.#spool.canKeep(account)) return undefined
    if (position !== undefined && (await this.#whole(account)).has(position)) return 'kept'
    const { clock, domain } = this.#host
    // A delay in our name that we did not write would hide ours.
    const xml = String(stanza.without(child => child.is(Delay, 'delay') && child.attrs['from'] === domain))
    const size = Buffer.byteLength(xml)
    if (!(await this.#hasRoom(account, size, isFromStranger, more))) return undefined
    const id = stanzaIdOf(stanza, account)
    const place = position && { ...position, isShown: false }
    const note = { size, isFromStranger, archived: id === undefined ? undefined : hashed(id), place }
    this.#of(account).add(await this.#spool.add(account, cls, { at: clock.now(), xml }, note))
    return 'kept'
  }

  async #hasRoom(account: Account, size: number, isFromStranger: boolean, more: Sum): Promise<boolean> {
    const { clock, settings } = this.#host
    const fits = ({ all, ofStrangers }: Backlog): boolean =>
      hasRoom(all, size, settings, 1, more) && (!isFromStranger || hasRoom(ofStrangers, size, settings, STRANGERS_PART, more))
    const backlog = this.#of(account)
    if (fits(backlog)) return true
    return clock.now() - backlog.readAt >= READ_AGAIN && fits(await this.#read(account))
  }

  /** The session has broadcast presence. One that begins to take messages gets what waits, also where another one had begun to get it. */
  appear(session: Session): void | Promise<void> {
    if (!takesMessages(session)) this.#present.delete(session)
    else if (!this.#present.has(session)) {
      this.#present.add(session)
      this.#receivers.delete(session.account)
      this.#of(session.account).reopen()
    }
    return this.deliver(session)
  }

  /** Older messages are still to come to the session. */
  isBehind(session: Session): boolean {
    const { account } = session
    return this.#receivers.get(account) === session && takesMessages(session) && this.#isWaiting(account)
  }

  /** Sends what waits, or the first part of it, if the session is the one to get it and there is something to send. */
  deliver(session: Session): void | Promise<void> {
    const { account } = session
    if (!takesMessages(session) || this.#of(account).isEmpty) return
    const receiver = this.#receivers.get(account)
    if (receiver !== undefined && receiver !== session && takesMessages(receiver)) return
    return this.#deliver(session).catch(error => {
      // Nothing must wait behind what does not come.
      this.#receivers.delete(account)
      throw error
    })
  }

  async #deliver(session: Session): Promise<void> {
    const { account } = session
    const backlog = await this.#whole(account)
    if (!this.#isWaiting(account)) return
    this.#receivers.set(account, session)
    if (this.#host.keys.of(account)?.isOpen !== true) {
      // While nobody is connected it waits for the client to come back; a login that opens nothing keeps nothing else waiting.
      if (account.holds > 0) this.#receivers.delete(account)
      return
    }
    await this.#settleShown(session, backlog)
    // What the client has got already comes first: the rest follows its acknowledgement.
    const own = session.transport.position?.stream
    if (own !== undefined && [...backlog.in(own)].some(({ place }) => !place!.isShown)) return
    while (await this.#sendsNothing(session, backlog, fitting(backlog.waiting(liveStreams(account))))) {}
  }

  /** The client has got all of the stream up to there. */
  async acknowledge(account: Account, { stream, seq }: Position): Promise<void> {
    if (this.#of(account).isEmpty) return
    const backlog = await this.#whole(account)
    const there = [...backlog.in(stream)]
    if (there.length === 0) return
    // Positions are modulo 2³², so half of them lie before any other.
    const got = there.filter(({ place }) => (seq - place!.seq + 2 ** 32) % 2 ** 32 < 2 ** 31)
    await this.#remove(account, got)
    this.#letGo(account)
    if (got.length < there.length) return
    const session = [...account.sessions.values()].find(({ transport }) => transport.position?.stream === stream)
    if (session === undefined) return
    session.hasKept = false
    await this.deliver(session)
  }

  /** The session was sent messages out of the archive, with these ids: what waits of them counts as sent to it, if it takes messages. */
  async show(session: Session, ids: readonly string[]): Promise<void> {
    const { account } = session
    if (ids.length === 0 || this.#of(account).isEmpty) return
    const backlog = await this.#whole(account)
    const archived = new Set(ids.map(hashed))
    const shown = this.#shown.get(session) ?? new Set()
    for (const note of backlog.waiting(liveStreams(account)))
      if (note.archived !== undefined && archived.has(note.archived)) shown.add(note.ord)
    this.#shown.set(session, shown)
    if (takesMessages(session)) await this.#settleShown(session, backlog)
  }

  /** The session is over: what it has not acknowledged waits again, for another session if there is one. */
  async hand(session: Session): Promise<void> {
    const { account } = session
    this.#letGo(account)
    if (this.#of(account).isEmpty) return
    const receiver = this.#receivers.get(account)
    const heir = receiver !== undefined && takesMessages(receiver) ? receiver : mostAvailable(account)[0]
    if (heir !== undefined) await this.deliver(heir)
  }

  /** It has got those out of the archive, where it has yet to acknowledge them as anything else. */
  async #settleShown(session: Session, backlog: Backlog): Promise<void> {
    const shown = this.#shown.get(session)
    if (shown === undefined) return
    this.#shown.delete(session)
    const { account, transport } = session
    const notes = [...backlog.waiting(liveStreams(account))].filter(({ ord }) => shown.has(ord))
    const { position } = transport
    if (position === undefined) await this.#remove(account, notes)
    else
      await this.#place(
        session,
        notes.map(note => ({ ...note, place: { ...position, isShown: true } })),
      )
  }

  /** True where the present key opens none of them: others may go instead. */
  async #sendsNothing(session: Session, backlog: Backlog, batch: readonly Note[]): Promise<boolean> {
    if (batch.length === 0) return false
    const { account, transport } = session
    const messages = new Map(
      (
        await this.#spool.read(
          account,
          batch.map(({ ord }) => ord),
        )
      ).map(waiting => [waiting.ord, waiting]),
    )
    // Before anything is sent: the acknowledgement may come while the positions are being written.
    if (transport.position !== undefined) session.hasKept = true
    const placed: Note[] = []
    const done: Note[] = []
    for (const note of batch) {
      const waiting = messages.get(note.ord)
      if (waiting === undefined) {
        backlog.close(note.ord)
        continue
      }
      const message = this.#parse(waiting)
      const position = message && this.#send(session, message)
      if (position === undefined) done.push(note)
      else placed.push({ ...note, place: { ...position, isShown: false } })
    }
    await this.#place(session, placed)
    await this.#remove(account, done)
    // A client that does not acknowledge gets the rest after a pause.
    if (done.length > 0 && placed.length === 0) this.#host.clock.after(PAUSE, () => this.#goOn(session))
    return placed.length === 0 && done.length === 0
  }

  /** Sends a message; gives its position where the client acknowledges. */
  #send(session: Session, message: Element): Position | undefined {
    const custody = new Custody()
    custody.safe() // it is on disk: if the session ends, it need not be sent another way
    session.sendNow(message, custody) // what a gate holds has no position
    return session.transport.position
  }

  /** Nothing of one that cannot be read, as after a change of limits: those behind it must not wait for it. */
  #parse({ at, xml }: Waiting): Element | undefined {
    try {
      return parseElement(xml).add(delayElement(at, this.#host.jid))
    } catch (error) {
      this.#host.log.fault('offline.unreadable', error)
    }
  }

  #goOn(session: Session): void {
    const failed = (error: unknown): void => this.#host.log.fault('offline.deliver', error)
    Promise.resolve(session.account.turn.take(() => this.deliver(session))).catch(failed)
  }

  async #place({ account }: Session, notes: readonly Note[]): Promise<void> {
    if (notes.length === 0) return
    await this.#spool.annotate(account, notes)
    for (const note of notes) this.#of(account).place(note)
  }

  async #remove(account: Account, notes: readonly Note[]): Promise<void> {
    if (notes.length === 0) return
    const ords = notes.map(({ ord }) => ord)
    await this.#spool.remove(account, ords)
    for (const note of notes) this.#of(account).remove(note)
  }

  /** Whether some wait that no stream has carried. */
  #isWaiting(account: Account): boolean {
    const backlog = this.#of(account)
    if (backlog.isEmpty) return false
    if (!backlog.isWhole) return true
    for (const _ of backlog.waiting(liveStreams(account))) return true
    return false
  }

  /** With its notes. */
  async #whole(account: Account): Promise<Backlog> {
    const backlog = this.#of(account)
    return backlog.isWhole ? backlog : this.#read(account)
  }

  async #read(account: Account): Promise<Backlog> {
    const backlog = new Backlog(await this.#spool.notes(account), this.#host.clock.now())
    this.#backlogs.set(account, backlog)
    return backlog
  }

  /** Of an account without sessions no more is kept in memory than how much waits. */
  #letGo(account: Account): void {
    if (account.sessions.size > 0) return
    this.#receivers.delete(account)
    this.#of(account).letGo()
  }

  #of(account: Account): Backlog {
    const known = this.#backlogs.get(account)
    if (known !== undefined) return known
    // Of accounts that do not exist.
    const none = new Backlog([], 0)
    none.letGo()
    return none
  }
}

const NO_MORE: Sum = { count: 0, bytes: 0 }
const ONE_BATCH: Sum = { count: BATCH, bytes: BATCH_BYTES }

/** Whether a part of what may be kept, and something more, has room for a message of that size. */
function hasRoom(sum: Sum, size: number, { messages, bytes }: BacklogLimits, part: number, more: Sum): boolean {
  return sum.count < Math.ceil(messages * part) + more.count && sum.bytes + size <= bytes * part + more.bytes
}

const takesMessages = (session: Session): boolean => !session.isEnded && session.isAvailable && session.priority >= 0

/** The streams of the account's sessions, also of those whose client is away for a moment. */
function liveStreams(account: Account): ReadonlySet<string> {
  const streams = new Set<string>()
  for (const { transport } of account.sessions.values()) if (transport.position !== undefined) streams.add(transport.position.stream)
  return streams
}

/** As many of the first ones as go together; one at least. */
function fitting(notes: Iterable<Note>): readonly Note[] {
  const batch: Note[] = []
  let bytes = 0
  for (const note of notes) {
    bytes += note.size
    if (batch.length === BATCH || (bytes > BATCH_BYTES && batch.length > 0)) break
    batch.push(note)
  }
  return batch
}

/** Short enough for a note, whatever the id looks like. */
const hashed = (id: string): string => hash('sha256', id, 'base64url').slice(0, 22)
