import { createHmac, randomBytes } from 'node:crypto'
import type { Jid } from '../../xmpp/jid.ts'
import type { Paged } from './pages.ts'

/** Headers that are kept for all archives together; but those of one always, which are as many as it may have. */
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

/** Whose message each in an archive is: made when it is first asked for, in bytes that can be overwritten. */
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

export interface Indexed<Owner> extends Pick<Paged<Owner>, 'ends' | 'headers'> {
  /** Whether it can be read now. */
  isOpen(owner: Owner): boolean
}

/** Whose message it is, and when it came. */
export interface Indexing {
  readonly at: number
  /** The bare address, and its resource; '' for a message of nobody. */
  readonly peer: string
  readonly resource: string
}

/** The indexes of archives of which somebody has asked for one; those of an account are gone when it is locked. */
export class HeaderIndexes<Owner extends object> {
  readonly #log: Indexed<Owner>
  readonly #read: (header: Buffer, owner: Owner) => Indexing
  /** Those used last are at the end. */
  readonly #indexes = new Map<Owner, HeaderIndex>()
  /** Addresses stand in the indexes only as what this makes of them. */
  readonly #key = randomBytes(32)

  constructor(log: Indexed<Owner>, read: (header: Buffer, owner: Owner) => Indexing) {
    this.#log = log
    this.#read = read
  }

  /** The ords of the messages that match, in their order. In the owner's turn. */
  async find(owner: Owner, filter: Filter): Promise<number[]> {
    const index = this.#indexes.get(owner) ?? new HeaderIndex()
    this.#indexes.delete(owner)
    try {
      const first = await this.#update(owner, index)
      const isFull = filter.with.resource !== ''
      return index.find(this.#tag(String(filter.with)), isFull, { ...filter, from: Math.max(filter.from, first) })
    } finally {
      // It may have been locked meanwhile.
      if (this.#log.isOpen(owner)) this.#indexes.set(owner, index)
      else index.wipe()
      this.#makeRoom()
    }
  }

  forget(owner: Owner): void {
    this.#indexes.get(owner)?.wipe()
    this.#indexes.delete(owner)
  }

  forgetAll(): void {
    for (const owner of [...this.#indexes.keys()]) this.forget(owner)
  }

  /** Takes in what is new. Gives the ord of the first message that is there. */
  async #update(owner: Owner, index: HeaderIndex): Promise<number> {
    const ends = await this.#log.ends(owner)
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
      const entries = await this.#log.headers(owner, { from: index.last + 1, to: ends.last, limit: CHUNK })
      for (const { ord, header } of entries) {
        const { at, peer, resource } = this.#read(header, owner)
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
    for (const [owner, { length }] of this.#indexes) {
      if (sum <= MOST_IN_ALL || length === sum) break
      sum -= length
      this.forget(owner)
    }
  }
}
