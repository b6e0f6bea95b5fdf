import type { RetentionClass } from '../../seal/retention.ts'
import { SegmentSealer } from '../../seal/segment.ts'
import type { Account } from '../account.ts'
import type { Clock } from '../clock.ts'
import type { Kind, LogKeys } from './parts.ts'
import type { Secrets } from './secrets.ts'
import { indexIn, type Owner, SEGMENT_LENGTH, type SegmentRow } from './tables.ts'

/** A segment is written for so long, in ms: who takes the server's memory gets the keys of what was written since. */
const LONGEST = 30 * 60_000

/** So many are written at a time; the oldest makes room. */
const MOST = 10_000

/** A segment that is being written. Nothing on disk opens it again for writing: with its sealer it ends. */
export class LiveSegment implements SegmentRow {
  readonly seg: number
  readonly class: RetentionClass
  readonly period: number
  readonly generation: number
  readonly owner: Owner
  readonly openedAt: number
  /** A copy of the account's secret: when that is another one, what is added would be dead with what is there. */
  readonly #root: Buffer
  /** Its row is on disk; until then each message brings it along. */
  isStored = false
  readonly #sealer: SegmentSealer
  #isFull = false

  constructor(keys: LogKeys, owner: Owner, store: number, seg: number, kind: Kind, secrets: Secrets, now: number) {
    this.seg = seg
    this.class = kind.class
    this.period = kind.period
    this.generation = keys.generation
    this.owner = owner
    this.openedAt = now
    this.#root = Buffer.alloc(secrets.root.length)
    secrets.root.copy(this.#root)
    this.#sealer = new SegmentSealer({ account: keys, store, segment: seg, ...kind }, secrets.period, secrets.account)
  }

  get enc(): Buffer {
    return this.#sealer.enc
  }

  /** `root` is the account's secret as it is now. */
  isFit(keys: LogKeys, kind: Kind, now: number, root: Buffer | undefined): boolean {
    const isYoung = now >= this.openedAt && now - this.openedAt < LONGEST
    if (root === undefined || !this.#root.equals(root)) return false
    return !this.#isFull && isYoung && this.generation === keys.generation && this.class === kind.class && this.period === kind.period
  }

  seal(ord: number, header: Buffer, body: Buffer): { header: Buffer; body: Buffer } {
    const index = indexIn(this.seg, ord)
    if (index === SEGMENT_LENGTH - 1) this.#isFull = true
    return this.#sealer.seal(index, ord, header, body)
  }

  wipe(): void {
    this.#sealer.wipe()
    this.#root.fill(0)
  }
}

/** The segments that are being written: one of each account at most. */
export class LiveSegments {
  readonly #clock: Clock
  /** The oldest first. */
  readonly #live = new Map<Account, LiveSegment>()
  #isWatched = false

  constructor(clock: Clock) {
    this.#clock = clock
  }

  get(account: Account): LiveSegment | undefined {
    return this.#live.get(account)
  }

  add(account: Account, live: LiveSegment): void {
    this.close(account)
    this.#live.set(account, live)
    if (this.#live.size > MOST) for (const oldest of this.#live.keys().take(1)) this.close(oldest)
    this.#watch()
  }

  close(account: Account): void {
    this.#live.get(account)?.wipe()
    this.#live.delete(account)
  }

  closeAll(): void {
    for (const account of [...this.#live.keys()]) this.close(account)
  }

  #watch(): void {
    const [oldest] = this.#live.values()
    if (this.#isWatched || oldest === undefined) return
    this.#isWatched = true
    this.#clock.after(Math.max(1000, oldest.openedAt + LONGEST - this.#clock.now()), () => {
      this.#isWatched = false
      const now = this.#clock.now()
      for (const [account, live] of this.#live) if (Math.abs(now - live.openedAt) >= LONGEST) this.close(account)
      this.#watch()
    })
  }
}
