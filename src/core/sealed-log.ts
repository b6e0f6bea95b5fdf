import { randomInt } from 'node:crypto'
import { setImmediate } from 'node:timers/promises'
import { endOf, periodOf, type RetentionClass, startOf } from '../seal/retention.ts'
import { type Db, StorageError } from '../storage/db.ts'
import { StanzaError } from '../xmpp/error.ts'
import type { Account } from './account.ts'
import { then } from './host.ts'
import { accountLocked, accountRemoved } from './points.ts'
import { LiveSegment, LiveSegments } from './sealed-log/live-segments.ts'
import { bufferOf, type Entry, OpenedSegments } from './sealed-log/opened-segments.ts'
import type { Kind, LogHost, LogKeys } from './sealed-log/parts.ts'
import { LogSecrets } from './sealed-log/secrets.ts'
import { aloneAt, LogTables, type Range } from './sealed-log/tables.ts'
import { Writer } from './sealed-log/writer.ts'

export { ArchiveIds } from '../seal/archive-id.ts'
export type { RetentionClass } from '../seal/retention.ts'
export type { Entry } from './sealed-log/opened-segments.ts'
export type { LogHost } from './sealed-log/parts.ts'
export { logMigrations } from './sealed-log/tables.ts'

/** A message that was added. */
export interface Appended {
  /** Its place in the account's log: greater than all before, never used again. */
  readonly ord: number
  /** Done when it is on disk; rejects with a StorageError if it is not. */
  readonly safe: Promise<void>
}

export interface LogOptions {
  /** What its tables are called. */
  readonly prefix: string
  /** Binds what is sealed to this log: 1 is the archive, 2 what waits for delivery. */
  readonly store: number
  /** Which secret of the account dies with it. That of the archive is replaced when the owner empties the archive. */
  readonly secret: 'archive' | 'server'
}

/** What the server may read of a message while its owner is away; undefined where the secret for it is lost, and the message with it. */
export interface Annotated {
  readonly ord: number
  readonly note: Buffer | undefined
}

interface Plain {
  readonly header: Buffer
  readonly body: Buffer
  readonly note: Buffer | undefined
}

/** Removed at a time, that nobody waits long. */
const BATCH = 128

/** Segments of a period removed at a time. */
const SEGMENTS = 4

/** So many are read at a time where few are asked for, as some may not open. */
const FEWEST = 10

/** An account's first ord lies anywhere from here to twice the other: so it does not tell how many there were. */
const LOWEST = 2 ** 32
const HIGHEST = 2 ** 46

interface State {
  last: number | undefined
  until: number
  /** What was added last is on disk, or has failed. */
  settled: Promise<void>
}

const locked = (): StanzaError => new StanzaError('forbidden', 'what is kept for you is locked: log in with your password to open it')

/**
 * The messages of each account, in their order, sealed to their owner with secrets that are destroyed in time (CXZ-SEAL-1, class A1).
 * To add needs no key; to read needs the owner to be logged in. All but `expire` is done in the account's turn.
 */
export class SealedLog {
  readonly #host: LogHost
  readonly #options: LogOptions
  readonly #tables: LogTables
  readonly #writer: Writer
  readonly #secrets: LogSecrets
  readonly #live: LiveSegments
  readonly #opened: OpenedSegments
  readonly #states = new WeakMap<Account, State>()
  readonly #cleaning = new Set<number>()

  constructor(host: LogHost, options: LogOptions) {
    this.#host = host
    this.#options = options
    this.#tables = new LogTables(host.db, options.prefix)
    this.#writer = new Writer(this.#tables)
    this.#live = new LiveSegments(host.clock)
    this.#secrets = new LogSecrets(host.keys.shred, options.secret)
    this.#opened = new OpenedSegments(host, options.store, this.#secrets)
    host.on(accountLocked, account => this.#opened.forget(account))
    host.on(accountRemoved, ({ account: name, db, afterwards }) => this.#removeAll(host.accounts.of(name), db, afterwards))
  }

  /** Whether there is a key to which to seal. */
  has(account: Account): boolean {
    return this.#host.keys.of(account) !== undefined
  }

  /** Whether what is there can be read now. */
  isOpen(account: Account): boolean {
    return this.#host.keys.of(account)?.isOpen === true
  }

  /** At once, but for the first message of a segment. The account must have keys. A log whose tables have notes wants one for each message. */
  append(account: Account, cls: RetentionClass, header: Buffer, body: Buffer, note?: Buffer): Appended | Promise<Appended> {
    const keys = this.#keysOf(account)
    const now = this.#host.clock.now()
    const kind = { class: cls, period: periodOf(cls, now) }
    const live = this.#live.get(account)
    const isFit = live?.isFit(keys, kind, now, this.#secrets.rootOf(keys)) === true
    return then(isFit ? live : this.#begin(account, keys, kind, now), live => this.#add(account, keys, live, { header, body, note }))
  }

  /** Those that can be opened, in the order that the range says. Throws a StanzaError while the account is locked. */
  read(account: Account, range: Range): Promise<Entry[]> {
    return this.#read(account, range, true)
  }

  /** The same without bodies. */
  headers(account: Account, range: Range): Promise<Entry[]> {
    return this.#read(account, range, false)
  }

  /** The ords of the first and the last message between two ords, inclusive; undefined where there are none. Needs no key. */
  async ends(account: Account, from = 0, to = HIGHEST * 2): Promise<{ first: number; last: number } | undefined> {
    const state = await this.#settled(account)
    return this.#tables.ends(this.#keysOf(account).number, Math.max(from, state.until + 1), to)
  }

  /** Of the first messages from an ord on, how large they are on disk. Needs no key. */
  async sizes(account: Account, from: number, limit: number): Promise<{ readonly ord: number; readonly size: number }[]> {
    const state = await this.#settled(account)
    return this.#tables.sizes(this.#keysOf(account).number, Math.max(from, state.until + 1), limit)
  }

  /** Of all messages from an ord on, the notes. Needs no key. */
  async notes(account: Account, from: number, limit: number): Promise<Annotated[]> {
    const state = await this.#settled(account)
    const keys = this.#keysOf(account)
    const rows = await this.#tables.notes(keys.number, Math.max(from, state.until + 1), limit)
    return rows.map(({ ord, note }) => ({ ord, note: this.#secrets.openNote(keys, this.#options.store, ord, bufferOf(note)) }))
  }

  /** Gives messages other notes. Needs no key. */
  async annotate(account: Account, notes: readonly { readonly ord: number; readonly note: Buffer }[]): Promise<void> {
    await this.#settled(account)
    const keys = this.#keysOf(account)
    const sealed = notes.map(({ ord, note }) => ({ ord, note: this.#secrets.sealNote(keys, this.#options.store, ord, note) }))
    await this.#tables.tx(tables => tables.annotate(keys.number, sealed))
  }

  async remove(account: Account, ords: readonly number[]): Promise<void> {
    await this.#settled(account)
    const { number } = this.#keysOf(account)
    const live = this.#live.get(account)?.seg
    for (let from = 0; from < ords.length; from += BATCH)
      await this.#tables.tx(tables => tables.remove(number, ords.slice(from, from + BATCH), live))
  }

  /** Removes the message of that ord and all before it. They are gone at once, their rows soon. */
  async removeUntil(account: Account, ord: number): Promise<void> {
    const state = await this.#settled(account)
    const { number } = this.#keysOf(account)
    await this.#tables.tx(tables => tables.removeUntil(number, ord))
    state.until = Math.max(state.until, ord)
    this.#clean(number)
  }

  /** Removes what is of days, or hours, that were over at that moment. */
  async removeOlder(account: Account, at: number): Promise<void> {
    const { last } = await this.#stateOf(account)
    const segments = await this.#tables.segments(this.#keysOf(account).number)
    const isOld = ({ class: cls, period }: Kind): boolean => startOf(cls, period + 1) <= at
    const newest = Math.max(...segments.filter(isOld).map(({ seg }) => seg))
    if (newest === -Infinity || last === undefined) return
    const next = Math.min(...segments.map(({ seg }) => seg).filter(seg => seg > newest))
    await this.removeUntil(account, Math.min(next - 1, last))
  }

  /** Removes all messages. `tx` runs the work in a transaction, and may destroy the account's secret with it. */
  async empty(account: Account, tx: (work: (db: Db) => Promise<void>) => Promise<unknown>): Promise<void> {
    const state = await this.#settled(account)
    const { number } = this.#keysOf(account)
    this.#live.close(account)
    this.#opened.forget(account)
    const { last } = state
    await tx(async db => {
      if (last !== undefined) await this.#tables.in(db).removeUntil(number, last)
    })
    state.until = last ?? 0
    this.#clean(number)
  }

  /** In a transaction, of whatever else: removes all messages that were added so far. */
  async emptyWith(account: Account, db: Db, afterwards: (work: () => void) => void): Promise<void> {
    const keys = this.#host.keys.of(account)
    if (keys === undefined) return
    const tables = this.#tables.in(db)
    // Nothing that is being written is waited for here: it waits for this transaction.
    const last = this.#states.get(account)?.last ?? (await tables.extent(keys.number)).last
    if (last === undefined) return
    this.#live.close(account)
    await tables.removeUntil(keys.number, last)
    afterwards(() => {
      const state = this.#states.get(account)
      if (state !== undefined) state.until = last
      this.#clean(keys.number)
    })
  }

  /** Puts another message in the place of one; it lives as long. False if that one is not there any more. */
  async replace(account: Account, ord: number, header: Buffer, body: Buffer): Promise<boolean> {
    const state = await this.#settled(account)
    const keys = this.#keysOf(account)
    const kind = ord <= state.until ? undefined : await this.#tables.kindOf(keys.number, ord)
    const seg = aloneAt(ord)
    const segment = kind && this.#newSegment(keys, seg, kind, 0)
    if (segment === undefined) return false
    const sealed = segment.seal(ord, header, body)
    segment.wipe()
    await this.#tables.tx(tables => tables.replace(keys.number, segment, { ord, seg, ...sealed }))
    this.#opened.forgetSegment(account, seg)
    return true
  }

  /** Removes what cannot be opened any more because its time is over, and what a crash has left. */
  async expire(): Promise<void> {
    this.#opened.forgetDead()
    const now = this.#host.clock.now()
    let at: Kind | undefined = { class: 0 as RetentionClass, period: 0 }
    while ((at = await this.#tables.nextPeriod(at)) !== undefined) {
      // A secret that is missing before its time may come back, as with a file that was restored.
      if (endOf(at.class, at.period) > now || this.#host.keys.shred.period(at.class, at.period) !== undefined) continue
      const { class: cls, period } = at
      while (await this.#tables.tx(tables => tables.removePeriod(cls, period, SEGMENTS))) await setImmediate()
    }
    for (const number of await this.#tables.unclean()) this.#clean(number)
  }

  /** Wipes the keys of all segments that are being written. */
  close(): void {
    this.#live.closeAll()
  }

  async #begin(account: Account, keys: LogKeys, kind: Kind, now: number): Promise<LiveSegment> {
    const { shred } = this.#host.keys
    const state = await this.#stateOf(account)
    if (shred.period(kind.class, kind.period) === undefined) await shred.makePeriod(kind.class, kind.period)
    if (shred.account(keys.id) === undefined) await shred.makeAccount(keys.id)
    const seg = (state.last ?? randomInt(LOWEST, HIGHEST)) + 1
    const live = this.#newSegment(keys, seg, kind, now)
    if (live === undefined) throw new StorageError('broken', 'a secret that was made is not there')
    this.#live.add(account, live)
    state.last = seg - 1
    return live
  }

  #newSegment(keys: LogKeys, seg: number, kind: Kind, now: number): LiveSegment | undefined {
    return this.#secrets.lend(keys, kind, secrets => new LiveSegment(keys, this.#options.store, seg, kind, secrets, now))
  }

  #add(account: Account, keys: LogKeys, live: LiveSegment, { header, body, note }: Plain): Appended {
    const state = this.#states.get(account)!
    const ord = state.last! + 1
    state.last = ord
    const noted = note && { note: this.#secrets.sealNote(keys, this.#options.store, ord, note) }
    const safe = this.#writer.add({ ord, seg: live.seg, ...live.seal(ord, header, body), ...noted }, live)
    const before = state.settled
    state.settled = safe.then(
      () => before,
      () => before,
    )
    return { ord, safe }
  }

  async #read(account: Account, range: Range, isWhole: boolean): Promise<Entry[]> {
    const state = await this.#settled(account)
    const keys = this.#keysOf(account)
    let { from = 0, to } = range
    from = Math.max(from, state.until + 1)
    const entries: Entry[] = []
    for (;;) {
      const limit = entries.length === 0 ? range.limit : Math.max(range.limit - entries.length, FEWEST)
      const rows = await this.#tables.read(keys.number, { ...range, from, to, limit, generation: oldestOpen(keys) }, isWhole)
      entries.push(...this.#opened.openAll(account, keys, rows, isWhole))
      if (rows.length < limit || entries.length >= range.limit) return entries.slice(0, range.limit)
      // Some do not open: as many others come in their place.
      if (range.isDescending === true) to = rows.at(-1)!.ord - 1
      else from = rows.at(-1)!.ord + 1
    }
  }

  /** Reading sees what was added, and shows nothing that is not on disk. */
  async #settled(account: Account): Promise<State> {
    const state = await this.#stateOf(account)
    this.#writer.flush()
    await state.settled
    return state
  }

  async #stateOf(account: Account): Promise<State> {
    const known = this.#states.get(account)
    if (known !== undefined) return known
    // Of an account that was let go of and is back, some may not have been handed over yet.
    this.#writer.flush()
    const state = { ...(await this.#tables.extent(this.#keysOf(account).number)), settled: Promise.resolve() }
    this.#states.set(account, state)
    return state
  }

  #clean(number: number): void {
    if (this.#cleaning.has(number)) return
    this.#cleaning.add(number)
    const clean = async (): Promise<void> => {
      while (await this.#tables.tx(tables => tables.clean(number, BATCH))) await setImmediate()
    }
    clean()
      .catch(error => this.#host.log.fault('sealed.clean', error))
      .finally(() => this.#cleaning.delete(number))
  }

  #keysOf(account: Account): LogKeys {
    const keys = this.#host.keys.of(account)
    if (keys === undefined) throw new Error('the account has no keys')
    return keys
  }

  async #removeAll(account: Account, db: Db, afterwards: (work: () => void) => void): Promise<void> {
    const keys = this.#host.keys.of(account)
    this.#live.close(account)
    this.#opened.forget(account)
    if (keys === undefined) return
    this.#writer.flush()
    await this.#tables.in(db).removeAccount(keys.number)
    afterwards(() => this.#clean(keys.number))
  }
}

/** The oldest generation of which, and of all after it, the key is open. */
function oldestOpen(keys: LogKeys): number {
  let { generation } = keys
  if (keys.keyOf(generation) === undefined) throw locked()
  while (keys.keyOf(generation - 1) !== undefined) generation--
  return generation
}
