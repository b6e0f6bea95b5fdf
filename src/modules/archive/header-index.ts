import { createHmac, randomBytes } from 'node:crypto'
import type { Account } from '../../core/account.ts'
import type { SealedLog } from '../../core/sealed-log.ts'
import type { Jid } from '../../xmpp/jid.ts'
import { readHeader } from './kept-message.ts'

/** Headers that are kept for all accounts together; but those of one account always, which are as many as an archive may have. */
const MOST_IN_ALL = 500_000

/** Opened at a time. */
const CHUNK = 500

/** `u48 ord ‖ u48 time ‖ 8 bytes of the bare address ‖ 8 bytes of the full one`. */
const RECORD = 28
const BARE = 12
const FULL = 20
const TAG_SIZE = 8

/** Whose messages, and from when. */
export interface Filter {
  readonly with: Jid
  /** Ords, inclusive. */
  readonly from: number
  readonly to: number
  /** ms, inclusive. */
  readonly start: number | undefined
  readonly end: number | undefined
}

/** With whom an account has written, of each message in its archive: made when it is first asked for, in bytes that can be overwritten. */
class HeaderIndex {
  #records = Buffer.alloc(RECORD * 1024)
  length = 0
  /** Up to which ord it goes. */
  last = 0

  add(ord: number, at: number, bare: Buffer, full: Buffer): void {
    const from = this.length * RECORD
    if (from === this.#records.length) this.#grow()
    this.#records.writeUIntBE(ord, from, 6)
    this.#records.writeUIntBE(at, from + 6, 6)
    bare.copy(this.#records, from + BARE)
    full.copy(this.#records, from + FULL)
    this.length++
    this.last = ord
  }

  find(tag: Buffer, isFull: boolean, { from, to, start = 0, end = Number.MAX_SAFE_INTEGER }: Filter): number[] {
    const found: number[] = []
    const [high, low] = [tag.readUInt32BE(0), tag.readUInt32BE(4)]
    for (let at = isFull ? FULL : BARE, i = 0; i < this.length; at += RECORD, i++) {
      if (this.#records.readUInt32BE(at) !== high || this.#records.readUInt32BE(at + 4) !== low) continue
      const ord = this.#records.readUIntBE(i * RECORD, 6)
      const time = this.#records.readUIntBE(i * RECORD + 6, 6)
      if (ord >= from && ord <= to && time >= start && time <= end) found.push(ord)
    }
    return found
  }

  wipe(): void {
    this.#records.fill(0)
    this.length = 0
    this.last = 0
  }

  #grow(): void {
    const larger = Buffer.alloc(this.#records.length * 2)
    this.#records.copy(larger)
    this.#records.fill(0)
    this.#records = larger
  }
}

/** The indexes of those who are logged in and have asked for one; they are gone when the account is locked. */
export class HeaderIndexes {
  readonly #log: SealedLog
  /** Those used last are at the end. */
  readonly #indexes = new Map<Account, HeaderIndex>()
  /** Addresses stand in the indexes only as what this makes of them. */
  readonly #key = randomBytes(32)

  constructor(log: SealedLog) {
    this.#log = log
  }

  /** The ords of the messages that match, in their order. In the account's turn. */
  async find(account: Account, filter: Filter): Promise<number[]> {
    const index = this.#indexes.get(account) ?? new HeaderIndex()
    this.#indexes.delete(account)
    try {
      const first = await this.#update(account, index)
      const isFull = filter.with.resource !== ''
      return index.find(this.#tag(String(filter.with)), isFull, { ...filter, from: Math.max(filter.from, first) })
    } finally {
      // It may have been locked meanwhile.
      if (this.#log.isOpen(account)) this.#indexes.set(account, index)
      else index.wipe()
      this.#makeRoom()
    }
  }

  forget(account: Account): void {
    this.#indexes.get(account)?.wipe()
    this.#indexes.delete(account)
  }

  forgetAll(): void {
    for (const account of [...this.#indexes.keys()]) this.forget(account)
  }

  /** Takes in what is new. Gives the ord of the first message that is there. */
  async #update(account: Account, index: HeaderIndex): Promise<number> {
    const ends = await this.#log.ends(account)
    if (ends === undefined) return 0
    // Where most of it is of messages that are removed, it is made anew.
    if (index.length > 2 * Math.max(ends.last - ends.first, CHUNK)) index.wipe()
    const tags = new Map<string, Buffer>()
    const tagOf = (text: string): Buffer => {
      const tag = tags.get(text) ?? this.#tag(text)
      tags.set(text, tag)
      return tag
    }
    while (index.last < ends.last) {
      const entries = await this.#log.headers(account, { from: index.last + 1, to: ends.last, limit: CHUNK })
      for (const { ord, header } of entries) {
        const { at, peer, resource } = readHeader(header)
        header.fill(0)
        index.add(ord, at, tagOf(peer), tagOf(resource === '' ? peer : `${peer}/${resource}`))
      }
      if (entries.length < CHUNK) index.last = ends.last
    }
    return ends.first
  }

  #tag(text: string): Buffer {
    return createHmac('sha256', this.#key).update(text).digest().subarray(0, TAG_SIZE)
  }

  #makeRoom(): void {
    let sum = 0
    for (const { length } of this.#indexes.values()) sum += length
    for (const [account, { length }] of this.#indexes) {
      if (sum <= MOST_IN_ALL || length === sum) break
      sum -= length
      this.forget(account)
    }
  }
}
