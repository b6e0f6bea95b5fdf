import { randomFillSync } from 'node:crypto'
import { Turn } from '../../lib/turn.ts'
import { join, u32, u48 } from '../encoding.ts'
import { endOf, isRetentionClass, periodOf, startOf } from '../retention.ts'
import { SealError } from '../seal-error.ts'
import type { ShredStore } from '../shred-store.ts'
import { ShredDraft } from './draft.ts'
import { accountKey, periodKey, ShredImage } from './image.ts'
import type { ShredLevel } from './level.ts'
import { firstSecret, ID_SIZE, readPeriod, secondSecret, writeAccount, writePeriod } from './slot.ts'

const HOUR = 3_600_000
const DAY = 24 * HOUR

/** How far the clock may be ahead of the latest time that was seen before it is not believed. */
const MOST_AHEAD = 48 * HOUR
/** The latest time is written down no more often. */
const CLOCK_STEP = HOUR

/** What one caller wants: it changes the draft at once, and gives what to return when that has become durable. */
type Edit<T> = (draft: ShredDraft) => () => T

interface Waiting {
  readonly edit: Edit<unknown>
  /** Free slots that it may take. */
  readonly slots: number
  readonly resolve: (value: never) => void
  readonly reject: (error: unknown) => void
}

interface PeriodName {
  readonly class: number
  readonly period: number
}

/** A ShredStore on any level. Changes that come together are made durable together. */
export class LeveledShredStore implements ShredStore {
  readonly #level: ShredLevel
  readonly #image: ShredImage
  readonly #turn = new Turn()
  #waiting: Waiting[] = []
  #clock: number
  /** What was destroyed and not yet reported, because the disk failed afterwards. */
  readonly #destroyed: PeriodName[] = []
  #closing: Promise<void> | undefined

  /** Takes the blocks over. */
  constructor(level: ShredLevel, blocks: readonly Buffer[]) {
    this.#level = level
    this.#image = new ShredImage(blocks)
    this.#clock = level.clock
  }

  get isNew(): boolean {
    return this.#level.isNew
  }

  period(cls: number, period: number): Buffer | undefined {
    const number = this.#image.periods.get(periodKey(cls, period))
    return number === undefined ? undefined : firstSecret(this.#image.slot(number))
  }

  async makePeriod(cls: number, period: number): Promise<Buffer> {
    if (!isRetentionClass(cls)) throw new SealError('malformed', 'there is no such retention class')
    const until = endOf(cls, period)
    // Throw if they do not fit: later would be too late.
    u32(period)
    u48(until)
    const there = this.period(cls, period)
    if (there !== undefined) return there
    return this.#edit(1, draft => {
      if (until <= this.#clock) throw new SealError('malformed', 'the time of this period is over')
      const number = draft.periods.get(periodKey(cls, period)) ?? newPeriod(draft, { class: cls, period, until })
      return () => firstSecret(this.#image.slot(number))
    })
  }

  account(id: Buffer): { readonly archive: Buffer; readonly server: Buffer } | undefined {
    const number = this.#image.accounts.get(accountKey(id))
    if (number === undefined) return undefined
    const slot = this.#image.slot(number)
    return { archive: firstSecret(slot), server: secondSecret(slot) }
  }

  async makeAccount(id: Buffer): Promise<void> {
    if (id.length !== ID_SIZE) throw new SealError('malformed', 'the id of an account has 16 bytes')
    await this.#edit(1, draft => {
      if (draft.accounts.get(accountKey(id)) === undefined) newAccount(draft, id)
      return () => {}
    })
  }

  async replaceAccount(id: Buffer, all = false): Promise<void> {
    await this.#edit(0, draft => {
      const number = draft.accounts.get(accountKey(id))
      if (number === undefined) throw new Error('this account has no secrets')
      const slot = draft.slot(number)
      randomFillSync(firstSecret(slot))
      if (all) randomFillSync(secondSecret(slot))
      draft.isDestroying = true
      return () => {}
    })
  }

  async removeAccount(id: Buffer): Promise<void> {
    await this.#edit(0, draft => {
      const number = draft.accounts.get(accountKey(id))
      if (number !== undefined) draft.free(number)
      draft.accounts.set(accountKey(id), undefined)
      return () => {}
    })
  }

  async expire(now: number): Promise<{ destroyed: readonly PeriodName[]; isHalted: boolean }> {
    u48(now)
    if (this.#clock > 0 && now > this.#clock + MOST_AHEAD) return { destroyed: [], isHalted: true }
    this.#clock = Math.max(this.#clock, now)
    await this.#edit(0, draft => this.#destroyOver(draft, now))
    await this.#take(async () => {
      if (this.#clock >= this.#level.clock + CLOCK_STEP) await this.#level.setClock(this.#clock)
      await this.#level.rekey(this.#image.blocks, Math.floor(now / DAY))
    })
    return { destroyed: this.#destroyed.splice(0), isHalted: false }
  }

  async confirmClock(now: number): Promise<void> {
    u48(now)
    await this.#take(async () => {
      await this.#level.setClock(now)
      this.#clock = now
    })
  }

  close(): Promise<void> {
    return (this.#closing ??= this.#end())
  }

  /** The clock and all that is in the store, for the process that takes it over. It is closed then. */
  release(): Promise<{ clock: number; blocks: Buffer[] }> {
    const released = this.#take(async () => {
      const blocks = this.#image.blocks.map(block => join(block))
      await this.#free()
      return { clock: this.#clock, blocks }
    })
    this.#closing ??= released.then(() => {})
    return released
  }

  async #end(): Promise<void> {
    await this.#turn.take(() => this.#free())
  }

  async #free(): Promise<void> {
    this.#image.wipe()
    await this.#level.close()
  }

  async #take<T>(work: () => Promise<T>): Promise<T> {
    if (this.#closing !== undefined) throw new Error('the store of secrets is closed')
    return this.#turn.take(work)
  }

  /** What is over at `now` is taken out of the draft. */
  #destroyOver(draft: ShredDraft, now: number): () => void {
    const destroyed: PeriodName[] = []
    for (const key of this.#image.periods.keys()) {
      const number = draft.periods.get(key)
      if (number === undefined) continue
      const name = readPeriod(this.#image.slot(number))
      const until = Math.min(name.until, this.#untilAtMost(name))
      if (until <= now) {
        draft.free(number)
        draft.periods.set(key, undefined)
        destroyed.push({ class: name.class, period: name.period })
      } else if (until < name.until) writePeriod(draft.slot(number), { ...name, until })
    }
    return () => void this.#destroyed.push(...destroyed)
  }

  /** A secret that was made while the clock was far ahead would outlive its class: it ends as if it had been made now. */
  #untilAtMost({ class: cls, period }: PeriodName): number {
    if (!isRetentionClass(cls) || startOf(cls, period) <= this.#clock + MOST_AHEAD) return Number.POSITIVE_INFINITY
    return endOf(cls, periodOf(cls, this.#clock))
  }

  #edit<T>(slots: number, edit: Edit<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      if (this.#closing !== undefined) throw new Error('the store of secrets is closed')
      this.#waiting.push({ edit, slots, resolve, reject })
      // Stryker disable next-line ConditionalExpression: with nothing waiting a further flush does nothing.
      if (this.#waiting.length === 1) void this.#turn.take(() => this.#flush())
    })
  }

  /** Makes all that waits durable; rejects what could not be. */
  async #flush(): Promise<void> {
    const waiting = this.#waiting
    this.#waiting = []
    const full = await this.#makeRoom(waiting.reduce((sum, { slots }) => sum + slots, 0))
    const draft = new ShredDraft(this.#image, full)
    const edits: { readonly result: () => unknown; readonly waiting: Waiting }[] = []
    for (const one of waiting) {
      try {
        edits.push({ result: one.edit(draft), waiting: one })
      } catch (error) {
        one.reject(error)
      }
    }
    try {
      if (draft.blocks.size > 0) await this.#level.write(draft.blocks, draft.isDestroying)
      draft.adopt()
      const values = edits.map(({ result }) => result())
      await this.#level.wipe()
      for (const [i, { waiting }] of edits.entries()) waiting.resolve(values[i] as never)
    } catch (error) {
      draft.discard()
      for (const { waiting } of edits) waiting.reject(error)
    }
  }

  /** Why there is not room for all, if so. It matters only to whom there is none left for. */
  async #makeRoom(slots: number): Promise<unknown> {
    if (slots <= this.#image.freeForAll.length) return undefined
    try {
      this.#image.add(await this.#level.grow(this.#image.blocks.length, slots))
      return undefined
    } catch (error) {
      return error
    }
  }
}

function newPeriod(draft: ShredDraft, period: { class: number; period: number; until: number }): number {
  const number = draft.take(true)
  const slot = draft.slot(number)
  writePeriod(slot, period)
  randomFillSync(firstSecret(slot))
  draft.periods.set(periodKey(period.class, period.period), number)
  return number
}

function newAccount(draft: ShredDraft, id: Buffer): void {
  const number = draft.take(false)
  const slot = draft.slot(number)
  writeAccount(slot, id)
  randomFillSync(firstSecret(slot))
  randomFillSync(secondSecret(slot))
  draft.accounts.set(accountKey(id), number)
}
