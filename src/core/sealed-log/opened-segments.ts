import { SealError } from '../../seal/seal-error.ts'
import { SegmentOpener } from '../../seal/segment.ts'
import type { Account } from '../account.ts'
import type { Kind, LogHost, LogKeys } from './parts.ts'
import type { LogSecrets } from './secrets.ts'
import { indexIn, type StoredRow } from './tables.ts'

/** A message as it was before it was sealed. */
export interface Entry {
  readonly ord: number
  readonly header: Buffer
  /** Empty where only headers were asked for. */
  readonly body: Buffer
}

/** So many segments of an account stay open: pages that follow each other find theirs. */
const MOST = 64

interface OpenSegment extends Kind {
  readonly opener: SegmentOpener
}

/** The segments that were opened for owners who are logged in. */
export class OpenedSegments {
  readonly #host: LogHost
  readonly #store: number
  readonly #secrets: LogSecrets
  /** By account, then by number; those used last are at the end. */
  readonly #open = new Map<Account, Map<number, OpenSegment>>()

  constructor(host: LogHost, store: number, secrets: LogSecrets) {
    this.#host = host
    this.#store = store
    this.#secrets = secrets
  }

  /** How many of the rows' segments are not open yet. */
  closedIn(account: Account, rows: readonly StoredRow[]): number {
    const open = this.#open.get(account)
    const closed = new Set<number>()
    for (const { seg } of rows) if (!open?.has(seg)) closed.add(seg)
    return closed.size
  }

  /** Those that open, in the order of the rows. */
  openAll(account: Account, keys: LogKeys, rows: readonly StoredRow[], isWhole: boolean): Entry[] {
    const entries: Entry[] = []
    const dead = new Set<number>()
    let unreadable = 0
    for (const row of rows) {
      if (dead.has(row.seg)) continue
      try {
        const opener = this.#openerOf(account, keys, row)
        if (opener === undefined) dead.add(row.seg)
        else entries.push(openRow(opener, row, isWhole))
      } catch (error) {
        if (!(error instanceof SealError)) throw error
        unreadable++
      }
    }
    if (unreadable > 0) this.#host.log.warn('sealed.unreadable', { messages: unreadable })
    return entries
  }

  /** Nobody may open anything of the account any more. */
  forget(account: Account): void {
    for (const { opener } of this.#open.get(account)?.values() ?? []) opener.wipe()
    this.#open.delete(account)
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

  /** Undefined where a secret or the key is not there. */
  #openerOf(account: Account, keys: LogKeys, row: StoredRow): SegmentOpener | undefined {
    const open = this.#open.get(account) ?? new Map<number, OpenSegment>()
    const known = open.get(row.seg)
    if (known !== undefined) {
      open.delete(row.seg)
      open.set(row.seg, known)
      return known.opener
    }
    const { seg, generation, class: cls, period } = row
    const key = keys.keyOf(generation)
    if (key === undefined) return undefined
    const owner = { id: keys.id, generation, publicKey: key.publicKey }
    const address = { account: owner, store: this.#store, segment: seg, class: cls, period }
    const opener = this.#secrets.lend(keys, row, secrets => {
      return new SegmentOpener(address, bufferOf(row.enc), key, secrets.period, secrets.account)
    })
    if (opener === undefined) return undefined
    open.set(seg, { opener, class: cls, period })
    this.#open.set(account, open)
    if (open.size > MOST) for (const oldest of open.keys().take(1)) this.forgetSegment(account, oldest)
    return opener
  }
}

export function openRow(opener: SegmentOpener, { seg, ord, header, body }: StoredRow, isWhole: boolean): Entry {
  const index = indexIn(seg, ord)
  return {
    ord,
    header: opener.header(index, ord, bufferOf(header)),
    body: isWhole ? opener.body(index, ord, bufferOf(body)) : NOTHING,
  }
}

const NOTHING = Buffer.alloc(0)

/** The same bytes, not a copy. */
export const bufferOf = ({ buffer, byteOffset, byteLength }: Uint8Array): Buffer => Buffer.from(buffer, byteOffset, byteLength)
