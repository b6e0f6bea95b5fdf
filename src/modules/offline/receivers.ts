import type { Account } from '../../core/account.ts'
import type { Clock } from '../../core/clock.ts'
import { Custody } from '../../core/custody.ts'
import { mostAvailable } from '../../core/delivery.ts'
import type { Log } from '../../core/log.ts'
import type { Position, Session } from '../../core/session.ts'
import type { Element } from '../../xml/element.ts'
import type { Backlog } from './backlog.ts'
import { type Backlogs, hashed, type Keeping, liveStreams } from './backlogs.ts'
import type { Note, Place } from './note.ts'

/** So much is sent at once, then the client must acknowledge it or be given time to read it: its queue is bounded. */
const BATCH = 100
const BATCH_BYTES = 2 ** 20
const PAUSE = 1000

const ONE_BATCH = { count: BATCH, bytes: BATCH_BYTES }

interface ReceiversHost {
  readonly clock: Clock
  readonly log: Log
}

/** How that which waits gets to a session: to one of an account's, in its order, once. Everything in the account's turn. */
export class Receivers {
  readonly #host: ReceiversHost
  readonly #backlogs: Backlogs
  /** The one session that is being sent what waits. What comes for it meanwhile waits too. */
  readonly #receivers = new WeakMap<Account, Session>()
  /** Sessions that have said that they take messages. */
  readonly #present = new WeakSet<Session>()
  /** What of a backlog a session has got out of the archive: no more than there is in the backlog. */
  readonly #shown = new WeakMap<Session, Set<number>>()

  constructor(host: ReceiversHost, backlogs: Backlogs) {
    this.#host = host
    this.#backlogs = backlogs
  }

  /** The session has broadcast presence. One that begins to take messages gets what waits, also where another one had begun to get it. */
  appear(session: Session): void | Promise<void> {
    if (!takesMessages(session)) this.#present.delete(session)
    else if (!this.#present.has(session)) {
      this.#present.add(session)
      this.#receivers.delete(session.account)
      this.#backlogs.of(session.account).reopen()
    }
    return this.deliver(session)
  }

  /** Older messages are still to come to the session. */
  isBehind(session: Session): boolean {
    const { account } = session
    return this.#receivers.get(account) === session && takesMessages(session) && this.#backlogs.isWaiting(account)
  }

  /** Keeps what comes for a session that is behind: while that which waits is being sent, one part of it is on its way and leaves its room. */
  keepBehind(account: Account, stanza: Element, how: Keeping): Promise<'kept' | undefined> {
    return this.#backlogs.keep(account, stanza, how, undefined, ONE_BATCH)
  }

  /** Sends what waits, or the first part of it, if the session is the one to get it and there is something to send. */
  deliver(session: Session): void | Promise<void> {
    const { account } = session
    if (!takesMessages(session) || this.#backlogs.of(account).isEmpty) return
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
    const backlog = await this.#backlogs.whole(account)
    await this.#settleShown(session, backlog)
    if (!this.#backlogs.isWaiting(account)) return
    this.#receivers.set(account, session)
    if (!this.#backlogs.isOpen(account)) {
      // While nobody is connected it waits for the client to come back; a login that opens nothing keeps nothing else waiting.
      if (account.holds > 0) this.#receivers.delete(account)
      return
    }
    // What the client has got already comes first: the rest follows its acknowledgement.
    const own = session.transport.position?.stream
    if (own !== undefined && [...backlog.in(own)].some(({ place }) => !place!.isShown)) return
    // Those that the present key does not open are passed over.
    for (let hasSent = false; !hasSent; ) {
      const batch = fitting(backlog.waiting(liveStreams(account)))
      if (batch.length === 0) return
      hasSent = await this.#sendAll(session, backlog, batch)
    }
  }

  /** The client has got all of the stream up to there. */
  async acknowledge(account: Account, { stream, seq }: Position): Promise<void> {
    if (this.#backlogs.of(account).isEmpty) return
    const backlog = await this.#backlogs.whole(account)
    const there = [...backlog.in(stream)]
    // Positions are modulo 2³², so half of them lie before any other.
    const got = there.filter(({ place }) => (seq - place!.seq + 2 ** 32) % 2 ** 32 < 2 ** 31)
    await this.#backlogs.remove(account, got)
    this.#backlogs.letGo(account)
    if (got.length < there.length) return
    const session = [...account.sessions.values()].find(({ transport }) => transport.position?.stream === stream)
    // What it was sent may have been shown to another one meanwhile: then nothing is there, but the rest is still to come.
    if (session === undefined || (there.length === 0 && !session.hasKept)) return
    session.hasKept = false
    await this.deliver(session)
  }

  /** The session was sent messages out of the archive, with these ids: what waits of them counts as sent to it, if it takes messages. */
  async show(session: Session, ids: readonly string[]): Promise<void> {
    const { account } = session
    if (ids.length === 0 || this.#backlogs.of(account).isEmpty) return
    const backlog = await this.#backlogs.whole(account)
    const archived = new Set(ids.map(hashed))
    const shown = this.#shown.get(session) ?? new Set()
    // Also what stands in the stream of another session, whose client may be away for good, or be this one as it was before.
    const own = session.transport.position?.stream
    for (const { ord, archived: id, place } of backlog.notes)
      if (id !== undefined && archived.has(id) && (own === undefined || place?.stream !== own)) shown.add(ord)
    this.#shown.set(session, shown)
    if (takesMessages(session)) await this.#settleShown(session, backlog)
  }

  /** The session ends: what stands in its stream, and has reached another client, waits for nobody. */
  async take({ account, transport }: Session): Promise<void> {
    const { taken = [] } = transport
    if (taken.length === 0 || this.#backlogs.of(account).isEmpty) return
    const backlog = await this.#backlogs.whole(account)
    const seqs = new Set(taken.map(({ seq }) => seq))
    const got = [...backlog.in(taken[0]!.stream)].filter(({ place }) => !place!.isShown && seqs.has(place!.seq))
    await this.#backlogs.remove(account, got)
  }

  /** The session is over: what it has not acknowledged waits again, for another session if there is one. */
  async hand({ account }: Session): Promise<void> {
    if (account.sessions.size === 0) this.#receivers.delete(account)
    this.#backlogs.letGo(account)
    if (this.#backlogs.of(account).isEmpty) return
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
    const { position } = transport
    const notes = [...backlog.notes].filter(({ ord }) => shown.has(ord))
    if (position === undefined || notes.length === 0) return this.#backlogs.remove(account, notes)
    session.hasKept = true
    const placed = notes.map(note => ({ ...note, place: { ...position, isShown: true } }))
    await this.#backlogs.place(account, placed)
  }

  /** False where the present key opens none of them. */
  async #sendAll(session: Session, backlog: Backlog, batch: readonly Note[]): Promise<boolean> {
    const { account } = session
    const messages = await this.#backlogs.open(account, batch)
    for (const { ord } of batch) if (!messages.has(ord)) backlog.close(ord)
    const opened = batch.filter(({ ord }) => messages.has(ord))
    const isXml = ({ ord }: Note): boolean => messages.get(ord) !== undefined
    const readable = opened.filter(isXml)
    const isPlaced = readable.length > 0 && (await this.#placeNext(session, readable))
    for (const { ord } of readable) send(session, messages.get(ord)!)
    await this.#backlogs.remove(account, isPlaced ? opened.filter(note => !isXml(note)) : opened)
    // A client that does not acknowledge gets the rest after a pause.
    if (!isPlaced && opened.length > 0) this.#host.clock.after(PAUSE, () => this.#goOn(session))
    return opened.length > 0
  }

  /**
   * Writes down where they will stand in the stream, as the next ones, so that they do not come twice should the server be killed
   * once they are on their way. They are to be sent at once, before anything else. False where the client does not acknowledge.
   */
  async #placeNext(session: Session, notes: readonly Note[]): Promise<boolean> {
    const { account } = session
    for (let { position } = session.transport; position !== undefined; ) {
      const { stream, seq } = position
      const placeOf = (i: number): Place => ({ stream, seq: (seq + 1 + i) % 2 ** 32, isShown: false })
      session.hasKept = true
      await this.#backlogs.place(
        account,
        notes.map((note, i) => ({ ...note, place: placeOf(i) })),
      )
      // Something else may have been sent meanwhile; then they stand behind that.
      if (session.transport.position?.seq === seq) return true
      position = session.transport.position
    }
    return false
  }

  #goOn(session: Session): void {
    const failed = (error: unknown): void => this.#host.log.fault('offline.deliver', error)
    Promise.resolve(session.account.turn.take(() => this.deliver(session))).catch(failed)
  }
}

function send(session: Session, message: Element): void {
  const custody = new Custody()
  custody.safe() // it is on disk: if the session ends, it need not be sent another way
  session.sendNow(message, custody) // what a gate holds has no position
}

const takesMessages = (session: Session): boolean => !session.isEnded && session.isAvailable && session.priority >= 0

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
