import { randomInt } from 'node:crypto'
import { periodOf, type RetentionClass, startOf } from '../seal/retention.ts'
import { type Db, StorageError } from '../storage/db.ts'
import { StanzaError } from '../xmpp/error.ts'
import type { Account } from './account.ts'
import { then } from './host.ts'
import { accountLoaded, accountLocked, accountRemoved, hostClosed } from './points.ts'
import { LiveSegment, LiveSegments } from './sealed-log/live-segments.ts'
import { OpenedSegments } from './sealed-log/opened-segments.ts'
import { bufferOf, type Entry } from './sealed-log/opening.ts'
import type { Kind, LogHost, LogKeys } from './sealed-log/parts.ts'
import { type Dead, inSegments, Search } from './sealed-log/search.ts'
import { LogSecrets } from './sealed-log/secrets.ts'
import { Sweeper } from './sealed-log/sweeper.ts'
import { aloneAt, LogTables, ORDS, type Owner, type Part, type Range, SEGMENT_LENGTH } from './sealed-log/tables.ts'
import { Unfiled } from './sealed-log/unfiled.ts'
import { Writer } from './sealed-log/writer.ts'

export { ArchiveIds } from '../seal/archive-id.ts'
export { endOf, type RetentionClass } from '../seal/retention.ts'
export type { Entry } from './sealed-log/opening.ts'
export type { LogHost } from './sealed-log/parts.ts'
export { logMigrations, unfiledMigration } from './sealed-log/tables.ts'

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

/** An account's first ord lies anywhere between: so it does not tell how many there were. Behind it there is room for four billion. */
const LOWEST = 2 ** 31
const HIGHEST = 2 ** 32

interface State {
  /** Undefined until the first message comes. */
  owner: Owner | undefined
  /** The highest ord that was ever used; 0 if none was. */
  last: number
  until: number
  /** Of what is there, the first ones of which none opens. */
  dead: Dead | undefined
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
  readonly #unfiled: Unfiled
  readonly #writer: Writer
  readonly #secrets: LogSecrets
  readonly #live: LiveSegments
  readonly #opened: OpenedSegments
  readonly #states = new WeakMap<Account, State>()
  readonly #sweeper: Sweeper

  constructor(host: LogHost, options: LogOptions) {
    this.#host = host
    this.#options = options
    this.#tables = new LogTables(host.db, options.prefix)
    this.#sweeper = new Sweeper(this.#tables, host.log)
    const { clock, db, log } = host
    this.#unfiled = new Unfiled(db, options.prefix, this.#tables, clock, error => log.fault('sealed.file', error))
    this.#writer = new Writer(this.#tables, db.writesPages ? this.#unfiled : undefined)
    this.#live = new LiveSegments(host.clock)
    this.#secrets = new LogSecrets(host.keys.shred, options.secret)
    this.#opened = new OpenedSegments(host, options.store, this.#secrets)
    const [live, opened, unfiled, writer] = [this.#live, this.#opened, this.#unfiled, this.#writer]
    const ready = this.#ready.bind(this)
    host.on(accountLoaded, function fileLeftBehind(account) {
      return ready(host.keys.of(account)?.number)
    })
    host.on(accountLocked, function forgetOpened(account) {
      opened.forget(account)
    })
    host.on(hostClosed, async function fileAll() {
      live.closeAll()
      opened.forgetAll()
      await writer.settle()
      await unfiled.close()
    })
    const removeAll = this.#removeAll.bind(this)
    host.on(accountRemoved, function removeMessages({ account, db, afterwards }) {
      return removeAll(host.accounts.of(account), db, afterwards)
    })
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
    return this.#read(account, range, 'whole')
  }

  /** The same without bodies. */
  headers(account: Account, range: Range): Promise<Entry[]> {
    return this.#read(account, range, 'header')
  }

  /** The same without headers. */
  bodies(account: Account, range: Range): Promise<Entry[]> {
    return this.#read(account, range, 'body')
  }

  /** The ords of the first and the last message between two ords, inclusive; undefined where there are none. Needs no key. */
  async ends(account: Account, from = 0, to = ORDS): Promise<{ first: number; last: number } | undefined> {
    const { owner, until } = await this.#settled(account)
    return owner && this.#tables.ends(owner, Math.max(from, until + 1), to)
  }

  /** Of the first messages from an ord on, how large they are on disk. Needs no key. */
  async sizes(account: Account, from: number, limit: number): Promise<{ readonly ord: number; readonly size: number }[]> {
    const { owner, until } = await this.#settled(account)
    return owner === undefined ? [] : this.#tables.sizes(owner, Math.max(from, until + 1), limit)
  }

  /** Of all messages from an ord on, the notes. Needs no key. */
  async notes(account: Account, from: number, limit: number): Promise<Annotated[]> {
    const { owner, until } = await this.#settled(account)
    if (owner === undefined) return []
    const keys = this.#keysOf(account)
    const rows = await this.#tables.notes(owner, Math.max(from, until + 1), limit)
    return rows.map(({ ord, note }) => ({ ord, note: this.#secrets.openNote(keys, this.#options.store, ord, bufferOf(note)) }))
  }

  /** Gives messages other notes. Needs no key. */
  async annotate(account: Account, notes: readonly { readonly ord: number; readonly note: Buffer }[]): Promise<void> {
    const { owner } = await this.#settled(account)
    if (owner === undefined) return
    const keys = this.#keysOf(account)
    const sealed = notes.map(({ ord, note }) => ({ ord, note: this.#secrets.sealNote(keys, this.#options.store, ord, note) }))
    await this.#tables.tx(tables => tables.annotate(owner, sealed))
  }

  async remove(account: Account, ords: readonly number[]): Promise<void> {
    const { owner } = await this.#settled(account)
    if (owner === undefined) return
    const live = this.#live.get(account)?.seg
    for (let from = 0; from < ords.length; from += BATCH)
      await this.#tables.tx(tables => tables.remove(owner, ords.slice(from, from + BATCH), live))
  }

  /** Removes the message of that ord and all before it. They are gone at once, their rows soon. */
  async removeUntil(account: Account, ord: number): Promise<void> {
    const state = await this.#settled(account)
    const { owner } = state
    if (owner === undefined) return
    await this.#tables.tx(tables => tables.removeUntil(owner, ord))
    state.until = Math.max(state.until, ord)
    this.#sweeper.clean(owner.number)
  }

  /** Removes what is of days, or hours, that were over at that moment. */
  async removeOlder(account: Account, at: number): Promise<void> {
    const { owner, last } = await this.#stateOf(account)
    if (owner === undefined) return
    const segments = await this.#tables.segments(owner)
    const isOld = ({ class: cls, period }: Kind): boolean => startOf(cls, period + 1) <= at
    const newest = Math.max(...segments.filter(isOld).map(({ seg }) => seg))
    if (newest === -Infinity) return
    const next = Math.min(...segments.map(({ seg }) => seg).filter(seg => seg > newest))
    await this.removeUntil(account, Math.min(next - 1, last))
  }

  /** Removes all messages. `tx` runs the work in a transaction, and may destroy the account's secret with it. */
  async empty(account: Account, tx: (work: (db: Db) => Promise<void>) => Promise<unknown>): Promise<void> {
    const state = await this.#settled(account)
    const { owner, last } = state
    this.#live.close(account)
    this.#opened.forget(account)
    await tx(async db => {
      if (owner !== undefined) await this.#tables.in(db).removeUntil(owner, last)
    })
    state.until = last
    if (owner !== undefined) this.#sweeper.clean(owner.number)
  }

  /** In a transaction, of whatever else: removes all messages that were added so far. */
  async emptyWith(account: Account, db: Db, afterwards: (work: () => void) => void): Promise<void> {
    const keys = this.#host.keys.of(account)
    if (keys === undefined) return
    const tables = this.#tables.in(db)
    // Nothing that is being written is waited for here: it waits for this transaction.
    const known = this.#states.get(account)
    const owner = known?.owner ?? (await tables.ownerOf(keys.number))
    if (owner === undefined) return
    const last = known?.last ?? (await tables.extent(keys.number))!.last
    this.#live.close(account)
    await tables.removeUntil(owner, last)
    afterwards(() => {
      const state = this.#states.get(account)
      if (state !== undefined) state.until = last
      this.#sweeper.clean(keys.number)
    })
  }

  /** Puts another message in the place of one; it lives as long. False if that one is not there any more. */
  async replace(account: Account, ord: number, header: Buffer, body: Buffer): Promise<boolean> {
    const state = await this.#settled(account)
    const keys = this.#keysOf(account)
    const { owner } = state
    if (owner === undefined || ord <= state.until) return false
    const kind = await this.#tables.kindOf(owner, ord)
    const seg = aloneAt(ord)
    const segment = kind && this.#newSegment(keys, owner, seg, kind, 0)
    if (segment === undefined) return false
    const sealed = segment.seal(ord, header, body)
    segment.wipe()
    await this.#tables.tx(tables => tables.replace(owner, segment, { ord, seg, ...sealed }))
    this.#opened.forgetSegment(account, seg)
    return true
  }

  /** Removes what cannot be opened any more because its time is over, and what a crash has left. */
  async expire(): Promise<void> {
    this.#opened.forgetDead()
    await this.#ready()
    const { shred } = this.#host.keys
    await this.#sweeper.expire(this.#host.clock.now(), kind => shred.period(kind.class, kind.period) !== undefined)
  }

  async #begin(account: Account, keys: LogKeys, kind: Kind, now: number): Promise<LiveSegment> {
    const { shred } = this.#host.keys
    const state = await this.#stateOf(account)
    if (keys.isDoomed === true) await this.#host.keys.shredDoomed?.()
    if (shred.period(kind.class, kind.period) === undefined) await shred.makePeriod(kind.class, kind.period)
    if (shred.account(keys.id) === undefined) await shred.makeAccount(keys.id)
    if (state.owner === undefined) {
      const { slot, last } = await this.#tables.makeExtent(keys.number)
      state.owner = { number: keys.number, slot }
      state.last = last || randomInt(LOWEST, HIGHEST)
    }
    if (state.last + SEGMENT_LENGTH >= ORDS) throw new StorageError('broken', 'the log of an account is used up')
    const live = this.#newSegment(keys, state.owner, state.last + 1, kind, now)
    if (live === undefined) throw new StorageError('broken', 'a secret that was made is not there')
    this.#live.add(account, live)
    return live
  }

  #newSegment(keys: LogKeys, owner: Owner, seg: number, kind: Kind, now: number): LiveSegment | undefined {
    return this.#secrets.lend(keys, kind, secrets => new LiveSegment(keys, owner, this.#options.store, seg, kind, secrets, now))
  }

  #add(account: Account, keys: LogKeys, live: LiveSegment, { header, body, note }: Plain): Appended {
    const state = this.#states.get(account)!
    const ord = state.last + 1
    state.last = ord
    const sealed = live.seal(ord, header, body)
    const row = { owner: live.owner, ord, seg: live.seg, header: sealed.header, body: sealed.body }
    const noted = note === undefined ? row : { ...row, note: this.#secrets.sealNote(keys, this.#options.store, ord, note) }
    const { safe, settled } = this.#writer.add(noted, live)
    state.settled = settled
    return { ord, safe }
  }

  async #read(account: Account, range: Range, part: Part): Promise<Entry[]> {
    const state = await this.#settled(account)
    const keys = this.#keysOf(account)
    const { owner } = state
    if (owner === undefined) return []
    const search = new Search(range, state, generationsOf(keys))
    do {
      const found = await this.#tables.read(owner, { ...search.next(), generations: generationsOf(keys) }, part)
      const rows = range.segments === undefined ? found : inSegments(found, range.segments)
      search.add(rows, await this.#opened.openAll(account, keys, rows, segments => this.#tables.encs(owner, segments)))
    } while (!search.isDone)
    // Where the owner has gone meanwhile, nothing opened.
    if (keys.isOpen) state.dead = search.deadAmong(generationsOf(keys)) ?? state.dead
    return search.entries.slice(0, range.limit)
  }

  /** Reading sees what was added, and shows nothing that is not on disk. */
  async #settled(account: Account): Promise<State> {
    const state = await this.#stateOf(account)
    this.#writer.flush()
    await state.settled
    await this.#unfiled.file(this.#keysOf(account).number)
    return state
  }

  /** Done when what was added so far stands in the tables: that of one account, or all. */
  async #ready(number?: number): Promise<void> {
    await this.#unfiled.recover()
    await this.#writer.settle()
    await this.#unfiled.file(number)
  }

  async #stateOf(account: Account): Promise<State> {
    const known = this.#states.get(account)
    if (known !== undefined) return known
    const { number } = this.#keysOf(account)
    // Of an account that was let go of and is back, some may not stand there yet.
    await this.#ready(number)
    const extent = await this.#tables.extent(number)
    const owner = extent && { number, slot: extent.slot }
    // What has a part of the table and no message may have lost its first ones in a crash.
    const last = extent?.last || (owner === undefined ? 0 : randomInt(LOWEST, HIGHEST))
    const state: State = { owner, last, until: extent?.until ?? 0, dead: undefined, settled: Promise.resolve() }
    this.#states.set(account, state)
    return state
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
    await this.#tables.in(db).removeAccount(keys.number)
    afterwards(() => this.#sweeper.clean(keys.number))
  }
}

/** The generations whose keys are open: one between others may be lost, as after two resets and a recovery. */
function generationsOf(keys: LogKeys): number[] {
  if (!keys.isOpen) throw locked()
  return [...keys.opened().keys()]
}
