import { Thread } from '../../lib/thread.ts'
import { SealError } from '../../seal/seal-error.ts'
import { SECRET_SIZE, SegmentOpener } from '../../seal/segment.ts'
import type { Account } from '../account.ts'
import { bufferOf, type Closed, type ClosedSegment, type Entry, type Opening, openMessage, unpack } from './opening.ts'
import type { Kind, LogHost, LogKeys } from './parts.ts'
import type { LogSecrets } from './secrets.ts'
import { indexIn, type StoredRow } from './tables.ts'

/** So many segments of an account stay open: pages that follow each other find theirs. */
const MOST = 64

/** So many at most are opened here; where there are more, it would take so long that others wait. */
const FEW_SEGMENTS = 16
const FEW_ROWS = 300

/** So long the thread that opens them is kept when nobody needs it, in ms. */
const KEPT = 30_000

/** What opens segments, by their numbers. */
type Encs = ReadonlyMap<number, Uint8Array>
type EncsOf = (segments: ReadonlySet<number>) => Promise<Encs>

const NO_ENCS: Encs = new Map()

interface OpenSegment extends Kind {
  readonly opener: SegmentOpener
}

/** The segments that were opened for owners who are logged in. */
export class OpenedSegments {
  readonly #host: LogHost
  readonly #store: number
  readonly #secrets: LogSecrets
  readonly #thread = new Thread<Closed, Opening>(new URL('./opening-worker.ts', import.meta.url), KEPT)
  /** By account, then by number; those used last are at the end. */
  readonly #open = new Map<Account, Map<number, OpenSegment>>()

  constructor(host: LogHost, store: number, secrets: LogSecrets) {
    this.#host = host
    this.#store = store
    this.#secrets = secrets
  }

  /** Those that open, in the order of the rows. `encsOf` gives what opens segments; of one that is gone meanwhile it gives nothing. */
  async openAll(account: Account, keys: LogKeys, rows: readonly StoredRow[], encsOf: EncsOf): Promise<Entry[]> {
    const closed = this.#closedIn(account, rows)
    if (rows.length <= FEW_ROWS && closed.size <= FEW_SEGMENTS)
      return this.#openHere(account, keys, rows, closed.size === 0 ? NO_ENCS : await encsOf(closed))
    return this.#openElsewhere(keys, rows, await encsOf(new Set(rows.map(({ seg }) => seg))))
  }

  #closedIn(account: Account, rows: readonly StoredRow[]): Set<number> {
    const open = this.#open.get(account)
    const closed = new Set<number>()
    for (const { seg } of rows) if (!open?.has(seg)) closed.add(seg)
    return closed
  }

  /** In another thread. Segments do not stay open there. */
  async #openElsewhere(keys: LogKeys, rows: readonly StoredRow[], encs: Encs): Promise<Entry[]> {
    const closed = this.#close(keys, rows, encs)
    if (closed === undefined) return []
    const { packed, unreadable } = await this.#thread.ask(closed, [closed.secrets.buffer as ArrayBuffer])
    this.#tell(unreadable)
    if (keys.isOpen) return unpack(packed)
    // Meanwhile the owner has gone.
    packed.fill(0)
    return []
  }

  /** What the thread needs; undefined where nothing can be opened. */
  #close(keys: LogKeys, rows: readonly StoredRow[], encs: Encs): Closed | undefined {
    const secrets = new SecretsInTransit()
    const segments: ClosedSegment[] = []
    const numbers = new Map<number, number | undefined>()
    const numberOf = (row: StoredRow): number | undefined => {
      if (numbers.has(row.seg)) return numbers.get(row.seg)
      const { seg, generation, class: cls, period } = row
      const key = keys.keyOf(generation)
      const enc = encs.get(seg)
      const number =
        key &&
        enc &&
        this.#secrets.lend(keys, row, lent => {
          secrets.begin(lent.account)
          const places = { key: secrets.add(`key ${generation}`, key.bytes), secret: secrets.add(`${cls} ${period}`, lent.period) }
          return segments.push({ seg, generation, class: cls, period, enc, ...places }) - 1
        })
      numbers.set(row.seg, number)
      return number
    }
    const closed = rows.flatMap(row => {
      const segment = numberOf(row)
      if (segment === undefined) return []
      return { ord: row.ord, index: indexIn(row.seg, row.ord), segment, header: row.header, body: row.body }
    })
    if (closed.length === 0) return undefined
    return { store: this.#store, account: keys.id, secrets: secrets.take(), segments, rows: closed }
  }

  #tell(unreadable: number): void {
    if (unreadable > 0) this.#host.log.warn('sealed.unreadable', { messages: unreadable })
  }

  #openHere(account: Account, keys: LogKeys, rows: readonly StoredRow[], encs: Encs): Entry[] {
    const entries: Entry[] = []
    const dead = new Set<number>()
    let unreadable = 0
    for (const row of rows) {
      if (dead.has(row.seg)) continue
      try {
        const opener = this.#openerOf(account, keys, row, encs)
        if (opener === undefined) dead.add(row.seg)
        else entries.push(openMessage(opener, indexIn(row.seg, row.ord), row))
      } catch (error) {
        if (!(error instanceof SealError)) throw error
        unreadable++
      }
    }
    this.#tell(unreadable)
    return entries
  }

  /** Nobody may open anything of the account any more. */
  forget(account: Account): void {
    for (const { opener } of this.#open.get(account)?.values() ?? []) opener.wipe()
    this.#open.delete(account)
  }

  forgetAll(): void {
    for (const account of [...this.#open.keys()]) this.forget(account)
  }

  /** One of the account's segments is another one now. */
  forgetSegment(account: Account, seg: number): void {
    const open = this.#open.get(account)
    open?.get(seg)?.opener.wipe()
    open?.delete(seg)
  }

  /** Wipes those whose period's secret is destroyed. */
  forgetDead(): void {
    for (const open of this.#open.values()) {
      for (const [seg, { opener, class: cls, period }] of open) {
        if (this.#host.keys.shred.period(cls, period) !== undefined) continue
        opener.wipe()
        open.delete(seg)
      }
    }
  }

  /** Undefined where a secret, the key or the segment is not there. */
  #openerOf(account: Account, keys: LogKeys, row: StoredRow, encs: Encs): SegmentOpener | undefined {
    const open = this.#open.get(account) ?? new Map<number, OpenSegment>()
    const known = open.get(row.seg)
    if (known !== undefined) {
      open.delete(row.seg)
      open.set(row.seg, known)
      return known.opener
    }
    const { seg, generation, class: cls, period } = row
    const key = keys.keyOf(generation)
    const enc = encs.get(seg)
    if (key === undefined || enc === undefined) return undefined
    const owner = { id: keys.id, generation, publicKey: key.publicKey }
    const address = { account: owner, store: this.#store, segment: seg, class: cls, period }
    const opener = this.#secrets.lend(keys, row, secrets => {
      return new SegmentOpener(address, bufferOf(enc), key, secrets.period, secrets.account)
    })
    if (opener === undefined) return undefined
    open.set(seg, { opener, class: cls, period })
    this.#open.set(account, open)
    if (open.size > MOST) for (const oldest of open.keys().take(1)) this.forgetSegment(account, oldest)
    return opener
  }
}

/** Secrets on their way to another thread, in one piece that is handed over. */
class SecretsInTransit {
  #bytes = Buffer.alloc(SECRET_SIZE * 8)
  #length = 0
  readonly #places = new Map<string, number>()

  /** That of the account comes first. */
  begin(account: Buffer): void {
    this.add('account', account)
  }

  /** Gives its place; one that is there already is not added again. */
  add(name: string, secret: Buffer): number {
    const known = this.#places.get(name)
    if (known !== undefined) return known
    if (this.#length * SECRET_SIZE === this.#bytes.length) this.#grow()
    secret.copy(this.#bytes, this.#length * SECRET_SIZE)
    this.#places.set(name, this.#length)
    return this.#length++
  }

  take(): Uint8Array {
    return this.#bytes
  }

  #grow(): void {
    const larger = Buffer.alloc(this.#bytes.length * 2)
    this.#bytes.copy(larger)
    this.#bytes.fill(0)
    this.#bytes = larger
  }
}
