import { randomInt } from 'node:crypto'
import { setImmediate } from 'node:timers/promises'
import type { RetentionClass } from '../seal/retention.ts'
import { type Db, StorageError } from '../storage/db.ts'
import type { Clock } from './clock.ts'
import { then } from './host.ts'
import type { Log } from './log.ts'
import type { Entry } from './sealed-log/opening.ts'
import type { Kind, Shred } from './sealed-log/parts.ts'
import { type Dead, Search } from './sealed-log/search.ts'
import { Sweeper } from './sealed-log/sweeper.ts'
import { aloneAt, type Extent, LogTables, ORDS, type Owner, type Part, type Range, SEGMENT_LENGTH } from './sealed-log/tables.ts'
import { LimitedBoxes, type Parts } from './shared-log/boxes.ts'

export type { RetentionClass } from '../seal/retention.ts'
export { logMigrations } from './sealed-log/tables.ts'

/** Whose messages they are. */
export interface SharedOwner {
  /** 48 random bits, by which rows are found. */
  readonly number: number
  /** Of the secrets in the shred store: 16 random bytes that are never used again. */
  readonly id: Buffer
}

export interface SharedLogHost {
  readonly db: Db
  readonly clock: Clock
  readonly log: Log
  readonly keys: { readonly shred: Shred }
}

/** When more than these were opened at a time, others have their turn. */
const MANY = 100

/** The first ord lies anywhere between: so it does not tell how many there were. */
const LOWEST = 2 ** 31
const HIGHEST = 2 ** 32

/** Messages that were sealed in the same way, one after the other. */
interface Live extends Kind {
  readonly seg: number
  /** Its row is on disk; until then each message brings it along. */
  isStored: boolean
}

interface State {
  owner: Owner | undefined
  /** The highest ord that was ever used; 0 if none was. */
  last: number
  until: number
  live: Live | undefined
  /** Of what is there, the first ones of which none opens. */
  dead: Dead | undefined
}

/** There are no keys here, and no generations of them. */
const GENERATION = 0
const NO_ENC = Buffer.alloc(0)

/**
 * Messages that the server reads itself while their time lasts (class B), in their order: those of rooms, which have no login that could
 * open them. All of an owner is done in its turn.
 */
export class SharedLog {
  readonly #host: SharedLogHost
  readonly #tables: LogTables
  readonly #boxes: LimitedBoxes
  readonly #states = new WeakMap<SharedOwner, State>()
  readonly #sweeper: Sweeper

  /** `prefix` is what its tables are called; `store`, of `stores.ts`, binds to it what is sealed. */
  constructor(host: SharedLogHost, prefix: string, store: number) {
    this.#host = host
    this.#tables = new LogTables(host.db, prefix)
    this.#sweeper = new Sweeper(this.#tables, host.log)
    this.#boxes = new LimitedBoxes(host.keys.shred, store)
  }

  /** Gives the ord of the message: greater than all before, never used again. Done when it is on disk. */
  append(owner: SharedOwner, cls: RetentionClass, parts: Parts): Promise<number> {
    const kind = this.#boxes.kindFor(owner.id, cls, this.#host.clock.now())
    return Promise.resolve(
      then(kind, kind => then(this.#states.get(owner) ?? this.#load(owner), state => this.#add(owner, state, kind, parts))),
    )
  }

  /** Those that can be opened, in the order that the range says. */
  async read(owner: SharedOwner, range: Range, part: Part = 'whole'): Promise<Entry[]> {
    const state = this.#states.get(owner) ?? (await this.#load(owner))
    if (state.owner === undefined) return []
    const search = new Search(range, state, [GENERATION])
    do {
      const rows = await this.#tables.read(state.owner, search.next(), part)
      search.add(
        rows,
        rows.flatMap(row => this.#boxes.open(owner.id, row) ?? []),
      )
      if (rows.length > MANY) await setImmediate()
    } while (!search.isDone)
    state.dead = search.deadAmong([GENERATION]) ?? state.dead
    return search.entries.slice(0, range.limit)
  }

  /** The ords of the first and the last message between two ords, inclusive; undefined where there are none. */
  async ends(owner: SharedOwner, from = 0, to = ORDS): Promise<{ first: number; last: number } | undefined> {
    const { owner: place, until } = this.#states.get(owner) ?? (await this.#load(owner))
    return place && this.#tables.ends(place, Math.max(from, until + 1), to)
  }

  /** Of the first messages, how large they are on disk. */
  async sizes(owner: SharedOwner, limit: number): Promise<{ readonly ord: number; readonly size: number }[]> {
    const { owner: place, until } = this.#states.get(owner) ?? (await this.#load(owner))
    return place === undefined ? [] : this.#tables.sizes(place, until + 1, limit)
  }

  /** Puts another message in the place of one; it lives as long. False if that one is not there any more. */
  async replace(owner: SharedOwner, ord: number, parts: Parts): Promise<boolean> {
    const { owner: place, until } = this.#states.get(owner) ?? (await this.#load(owner))
    if (place === undefined || ord <= until) return false
    const kind = await this.#tables.kindOf(place, ord)
    if (kind === undefined || !this.#boxes.isPeriodAlive(kind)) return false
    const seg = aloneAt(ord)
    const sealed = this.#boxes.seal(owner.id, kind, ord, parts)
    await this.#tables.tx(tables => tables.replace(place, { seg, generation: GENERATION, ...kind, enc: NO_ENC }, { ord, seg, ...sealed }))
    return true
  }

  /** Removes the message of that ord and all before it. They are gone at once, their rows soon. */
  async removeUntil(owner: SharedOwner, ord: number): Promise<void> {
    const state = this.#states.get(owner) ?? (await this.#load(owner))
    const { owner: place } = state
    if (place === undefined) return
    await this.#tables.tx(tables => tables.removeUntil(place, ord))
    state.until = Math.max(state.until, ord)
    this.#sweeper.clean(place.number)
  }

  /** The owner is gone, in that transaction. Its secrets are to be destroyed as well. */
  async remove({ number }: SharedOwner, db: Db): Promise<void> {
    await this.#tables.in(db).removeAccount(number)
  }

  /** After that: its rows go. */
  removed({ number }: SharedOwner): void {
    this.#sweeper.clean(number)
  }

  /** Removes what cannot be opened any more because its time is over, and what a crash has left. */
  async expire(): Promise<void> {
    await this.#sweeper.expire(this.#host.clock.now(), kind => this.#boxes.isPeriodAlive(kind))
  }

  async #add(owner: SharedOwner, state: State, kind: Kind, parts: Parts): Promise<number> {
    if (state.owner === undefined) {
      const { slot, last } = await this.#tables.makeExtent(owner.number)
      state.owner ??= { number: owner.number, slot }
      state.last ||= last || randomInt(LOWEST, HIGHEST)
    }
    if (state.last + SEGMENT_LENGTH >= ORDS) throw new StorageError('broken', 'a log is used up')
    const place = state.owner
    const ord = ++state.last
    const live = this.#liveFor(state, kind, ord)
    const sealed = this.#boxes.seal(owner.id, kind, ord, parts)
    const message = { owner: place, ord, seg: live.seg, ...sealed }
    if (live.isStored) await this.#tables.addMessages([message])
    else {
      await this.#tables.tx(async tables => {
        await tables.addSegments([{ ...live, generation: GENERATION, enc: NO_ENC, owner: place }])
        await tables.addMessages([message])
      })
      live.isStored = true
    }
    return ord
  }

  #liveFor(state: State, kind: Kind, ord: number): Live {
    const { live } = state
    if (live !== undefined && live.class === kind.class && live.period === kind.period && ord < live.seg + SEGMENT_LENGTH) return live
    return (state.live = { seg: ord, class: kind.class, period: kind.period, isStored: false })
  }

  async #load(owner: SharedOwner): Promise<State> {
    const extent: Extent | undefined = await this.#tables.extent(owner.number)
    const known = this.#states.get(owner)
    if (known !== undefined) return known
    const place = extent && { number: owner.number, slot: extent.slot }
    const last = extent?.last || (place === undefined ? 0 : randomInt(LOWEST, HIGHEST))
    const state: State = { owner: place, last, until: extent?.until ?? 0, live: undefined, dead: undefined }
    this.#states.set(owner, state)
    return state
  }
}
