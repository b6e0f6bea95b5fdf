import { PrivateKey } from '../../seal/private-key.ts'
import type { RetentionClass } from '../../seal/retention.ts'
import { SealError } from '../../seal/seal-error.ts'
import { SECRET_SIZE, SegmentOpener } from '../../seal/segment.ts'

/** A message as it was before it was sealed. */
export interface Entry {
  readonly ord: number
  /** Empty where only bodies were asked for. */
  readonly header: Buffer
  /** Empty where only headers were asked for. */
  readonly body: Buffer
}

/** A segment that is to be opened, and where its secrets stand among those that go with it. */
export interface ClosedSegment {
  readonly seg: number
  readonly generation: number
  readonly class: RetentionClass
  readonly period: number
  readonly enc: Uint8Array
  readonly key: number
  readonly secret: number
}

export interface ClosedRow {
  readonly ord: number
  readonly index: number
  /** Which of the segments it is in. */
  readonly segment: number
  /** Null where only bodies are asked for. */
  readonly header: Uint8Array | null
  /** Null where only headers are asked for. */
  readonly body: Uint8Array | null
}

/** What a thread needs to open messages of one account. */
export interface Closed {
  readonly store: number
  readonly account: Uint8Array
  /** The account's secret, then private keys and secrets of periods. It is overwritten by who opens. */
  readonly secrets: Uint8Array
  readonly segments: readonly ClosedSegment[]
  readonly rows: readonly ClosedRow[]
}

/** What came of it: messages one after the other in one piece, which can be handed over and overwritten; and how many did not open. */
export interface Opening {
  readonly packed: Uint8Array
  readonly unreadable: number
}

const NOTHING = Buffer.alloc(0)
/** `u48 ord ‖ u32 length of the header ‖ u32 length of the body`. */
const HEAD = 14

/** Overwrites the secrets. */
export function openClosed({ store, account, secrets, segments, rows }: Closed): Opening {
  const all = bufferOf(secrets)
  const secretAt = (number: number): Buffer => all.subarray(number * SECRET_SIZE, (number + 1) * SECRET_SIZE)
  const openers = segments.map(({ seg, generation, class: cls, period, enc, key, secret }) => {
    const owner = { id: bufferOf(account), generation, publicKey: NOTHING }
    const address = { account: owner, store, segment: seg, class: cls, period }
    const own = Buffer.alloc(SECRET_SIZE)
    secretAt(key).copy(own)
    const privateKey = PrivateKey.of(own)
    try {
      return new SegmentOpener(address, bufferOf(enc), privateKey, secretAt(secret), secretAt(0))
    } catch (error) {
      if (error instanceof SealError) return undefined
      throw error
    } finally {
      privateKey.wipe()
    }
  })
  all.fill(0)
  const opened: Entry[] = []
  let unreadable = 0
  for (const { ord, index, segment, header, body } of rows) {
    try {
      const opener = openers[segment]
      if (opener === undefined) unreadable++
      else opened.push(openMessage(opener, index, { ord, header, body }))
    } catch (error) {
      if (!(error instanceof SealError)) throw error
      unreadable++
    }
  }
  for (const opener of openers) opener?.wipe()
  return { packed: pack(opened), unreadable }
}

/** What is there of one message. Throws a SealError. */
export function openMessage(
  opener: SegmentOpener,
  index: number,
  { ord, header, body }: Pick<ClosedRow, 'ord' | 'header' | 'body'>,
): Entry {
  return {
    ord,
    header: header === null ? NOTHING : opener.header(index, ord, bufferOf(header)),
    body: body === null ? NOTHING : opener.body(index, ord, bufferOf(body)),
  }
}

/** Overwrites the messages. */
function pack(entries: readonly Entry[]): Uint8Array {
  const packed = Buffer.alloc(entries.reduce((sum, { header, body }) => sum + HEAD + header.length + body.length, 0))
  let at = 0
  for (const { ord, header, body } of entries) {
    at = packed.writeUIntBE(ord, at, 6)
    at = packed.writeUInt32BE(header.length, at)
    at = packed.writeUInt32BE(body.length, at)
    for (const part of [header, body]) {
      at += part.copy(packed, at)
      part.fill(0)
    }
  }
  return packed
}

/** Views of the piece. */
export function unpack(packed: Uint8Array): Entry[] {
  const bytes = bufferOf(packed)
  const entries: Entry[] = []
  for (let at = 0; at < bytes.length; ) {
    const from = at + HEAD
    const middle = from + bytes.readUInt32BE(at + 6)
    const end = middle + bytes.readUInt32BE(at + 10)
    entries.push({ ord: bytes.readUIntBE(at, 6), header: bytes.subarray(from, middle), body: bytes.subarray(middle, end) })
    at = end
  }
  return entries
}

/** The same bytes, not a copy. */
export const bufferOf = ({ buffer, byteOffset, byteLength }: Uint8Array): Buffer => Buffer.from(buffer, byteOffset, byteLength)
