import type { Account } from '../../core/account.ts'
import { Custody } from '../../core/custody.ts'
import { mostAvailable } from '../../core/delivery.ts'
import type { Host } from '../../core/module.ts'
import type { Position, Session } from '../../core/session.ts'
import type { Element } from '../../xml/element.ts'
import { parseElement } from '../../xml/parser.ts'
import { Delay, delayElement } from '../../xmpp/delay.ts'
import type { OfflineStore, Tally, Waiting } from './store.ts'

export interface BacklogLimits {
  readonly messages: number
  readonly bytes: number
  readonly keepFor: number
}

/** The part of the room that strangers can fill: the rest is for contacts, whatever strangers send. */
const STRANGERS_PART = 1 / 4

/** So much is sent at once, then the client must acknowledge it or be given time to read it: its queue is bounded. */
const BATCH = 100
const BATCH_BYTES = 2 ** 20
const PAUSE = 1000

/**
 * What waits for each account, and how it gets to a session. Everything here happens in the account's turn; how much
 * waits is known in memory, so that accounts without a backlog never ask the disk.
 */
export class Backlogs {
  readonly #host: Host<BacklogLimits>
  readonly #store: OfflineStore
  readonly #tallies = new WeakMap<Account, Tally>()
  /** The one session that is being sent what waits. What comes for it meanwhile waits too. */
  readonly #receivers = new WeakMap<Account, Session>()
  /** Sessions that have said that they take messages. */
  readonly #present = new WeakSet<Session>()

  constructor(host: Host<BacklogLimits>, store: OfflineStore) {
    this.#host = host
    this.#store = store
  }

  async load(account: Account): Promise<void> {
    this.#tallies.set(account, await this.#store.tally(account.name))
  }

  /** `'kept'` once it is safe on disk; nothing where there is no room for it. */
  keep(account: Account, stanza: Element, isFromStranger: boolean, position: Position | undefined): Promise<'kept' | undefined> {
    return this.#keep(account, stanza, isFromStranger, position, NO_MORE)
  }

  /** The same for what comes while that which waits is being sent: of this, one part is on its way and leaves its room. */
  keepBehind(account: Account, stanza: Element, isFromStranger: boolean): Promise<'kept' | undefined> {
    return this.#keep(account, stanza, isFromStranger, undefined, ONE_BATCH)
  }

  async #keep(
    account: Account,
    stanza: Element,
    isFromStranger: boolean,
    position: Position | undefined,
    more: Amount,
  ): Promise<'kept' | undefined> {
    const { clock, domain, settings } = this.#host
    // A delay in our name that we did not write would hide ours.
    const own = stanza.without(child => child.is(Delay, 'delay') && child.attrs['from'] === domain)
    const xml = String(own)
    const size = Buffer.byteLength(xml)
    const tally = this.#tallyOf(account)
    const { ofStrangers } = tally
    if (!hasRoom(tally, size, settings, 1, more)) return undefined
    if (isFromStranger && !hasRoom(ofStrangers, size, settings, STRANGERS_PART, more)) return undefined
    if (await this.#store.add(account.name, { at: clock.now(), size, stanza: xml, isFromStranger }, position)) {
      for (const sum of isFromStranger ? [tally, ofStrangers] : [tally]) {
        sum.count++
        sum.bytes += size
      }
      if (position !== undefined) tally.byStream.set(position.stream, (tally.byStream.get(position.stream) ?? 0) + 1)
    }
    return 'kept'
  }

  /** The session has broadcast presence. One that begins to take messages gets what waits, also where another one had begun to get it. */
  appear(session: Session): void | Promise<void> {
    if (!takesMessages(session)) this.#present.delete(session)
    else if (!this.#present.has(session)) {
      this.#present.add(session)
      this.#receivers.delete(session.account)
    }
    return this.deliver(session)
  }

  /** Older messages are still to come to the session. */
  isBehind(session: Session): boolean {
    const { account } = session
    return this.#receivers.get(account) === session && takesMessages(session) && this.#remaining(account) > 0
  }

  /** Sends what waits, or the first part of it, if the session is the one to get it and there is something to send. */
  deliver(session: Session): void | Promise<void> {
    const { account } = session
    if (!takesMessages(session) || this.#remaining(account) === 0) return
    const receiver = this.#receivers.get(account)
    if (receiver !== undefined && receiver !== session && takesMessages(receiver)) return
    this.#receivers.set(account, session)
    const own = session.transport.position?.stream
    // What the client has got already comes first: the rest follows its acknowledgement.
    if (own !== undefined && this.#tallyOf(account).byStream.has(own)) return
    return this.#deliverBatch(session).catch(error => {
      // Nothing must wait behind what does not come.
      this.#receivers.delete(account)
      throw error
    })
  }

  /** The client has got all of the stream up to there. */
  async acknowledge(account: Account, position: Position): Promise<void> {
    if (!this.#tallyOf(account).byStream.has(position.stream)) return
    await this.#store.acknowledge(account.name, position)
    await this.load(account)
    if (this.#tallyOf(account).byStream.has(position.stream)) return
    const session = [...account.sessions.values()].find(({ transport }) => transport.position?.stream === position.stream)
    if (session === undefined) return
    session.hasKept = false
    await this.deliver(session)
  }

  /** The session is over: what it has not acknowledged waits again, for another session if there is one. */
  async hand(session: Session): Promise<void> {
    const { account } = session
    const tally = this.#tallyOf(account)
    if (tally.count === 0) return
    const stream = session.transport.position?.stream
    if (stream !== undefined && tally.byStream.has(stream)) {
      await this.#store.release(account.name, stream)
      await this.load(account)
    }
    const receiver = this.#receivers.get(account)
    const heir = receiver !== undefined && takesMessages(receiver) ? receiver : mostAvailable(account)[0]
    if (heir !== undefined) await this.deliver(heir)
  }

  /** Removes what has waited too long. */
  async expire(account: Account): Promise<void> {
    await this.#store.removeOlder(account.name, this.#host.clock.now() - this.#host.settings.keepFor)
    await this.load(account)
  }

  async #deliverBatch(session: Session): Promise<void> {
    const { account } = session
    await this.expire(account)
    const batch = fitting(await this.#store.oldest(account.name, [...liveStreams(account)], BATCH))
    if (batch.length === 0) return
    // Before anything is sent: the acknowledgement may come while the positions are being written.
    if (session.transport.position !== undefined) session.hasKept = true
    const placed: (Position & { id: number })[] = []
    const done: number[] = []
    for (const waiting of batch) {
      const message = this.#read(waiting)
      const position = message && this.#send(session, message)
      if (position === undefined) done.push(waiting.id)
      else placed.push({ id: waiting.id, ...position })
    }
    if (placed.length > 0) await this.#store.place(placed)
    if (done.length > 0) await this.#store.remove(done)
    await this.load(account)
    // A client that does not acknowledge gets the rest after a pause.
    if (placed.length === 0) this.#host.clock.after(PAUSE, () => this.#goOn(session))
  }

  /** Sends a message; gives its position where the client acknowledges. */
  #send(session: Session, message: Element): Position | undefined {
    const custody = new Custody()
    custody.safe() // it is on disk: if the session ends, it need not be sent another way
    session.sendNow(message, custody) // what a gate holds has no position
    return session.transport.position
  }

  /** Nothing of one that cannot be read, as after a change of limits: those behind it must not wait for it. */
  #read({ at, stanza }: Waiting): Element | undefined {
    try {
      return parseElement(stanza).add(delayElement(at, this.#host.jid))
    } catch (error) {
      this.#host.log.fault('offline.unreadable', error)
    }
  }

  #goOn(session: Session): void {
    const failed = (error: unknown): void => this.#host.log.fault('offline.deliver', error)
    Promise.resolve(session.account.turn.take(() => this.deliver(session))).catch(failed)
  }

  /** How many wait that no stream has carried. */
  #remaining(account: Account): number {
    const { byStream, count } = this.#tallyOf(account)
    if (count === 0) return 0
    let taken = 0
    for (const stream of liveStreams(account)) taken += byStream.get(stream) ?? 0
    return count - taken
  }

  #tallyOf(account: Account): Tally {
    return this.#tallies.get(account) ?? NOTHING
  }
}

/** Of accounts that do not exist. */
const NOTHING: Tally = { count: 0, bytes: 0, ofStrangers: { count: 0, bytes: 0 }, byStream: new Map() }

interface Amount {
  readonly count: number
  readonly bytes: number
}

const NO_MORE: Amount = { count: 0, bytes: 0 }
const ONE_BATCH: Amount = { count: BATCH, bytes: BATCH_BYTES }

/** Whether a part of what may be kept, and something more, has room for a message of that size. */
function hasRoom(sum: Amount, size: number, { messages, bytes }: BacklogLimits, part: number, more: Amount): boolean {
  return sum.count < Math.ceil(messages * part) + more.count && sum.bytes + size <= bytes * part + more.bytes
}

const takesMessages = (session: Session): boolean => !session.isEnded && session.isAvailable && session.priority >= 0

/** The streams of the account's sessions, also of those whose client is away for a moment. */
function* liveStreams(account: Account): Iterable<string> {
  for (const { transport } of account.sessions.values()) if (transport.position !== undefined) yield transport.position.stream
}

/** As many of the first ones as go together; one at least. */
function fitting(messages: readonly Waiting[]): readonly Waiting[] {
  let bytes = 0
  const end = messages.findIndex(({ size }, i) => (bytes += size) > BATCH_BYTES && i > 0)
  return end === -1 ? messages : messages.slice(0, end)
}
