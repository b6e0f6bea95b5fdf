import type { MessageRow, OwnedRow } from './tables.ts'

/** What can be told of a message before it is read: where it stands in its batch. */
export interface BatchPlace {
  readonly at: number
  readonly number: number
  readonly ord: number
}

const LENGTH_SIZE = 4
const NUMBER_SIZE = 6
const HEAD_SIZE = 3 * NUMBER_SIZE + 3 * LENGTH_SIZE
const NOTHING = Buffer.alloc(0)

/**
 * Values have few sizes, so that one is soon written over another of its size: SQLite then changes its pages in place. With these a value
 * fills pages of 16 KiB whole, but for what stands beside the row's key.
 */
const PAGE = 16_384 - 4
const BESIDE = 2000

/**
 * Messages as one value for the database: how long it is in 32 bits, then of each `u48 account ‖ u48 ord ‖ u48 seg`, the lengths of header,
 * body and note in 32 bits, and these; then zeros. No note is empty: where there is none its length is 0. `memory` gives what it is written
 * to, whatever that holds.
 */
export function packBatch(rows: readonly OwnedRow[], memory: (size: number) => Buffer = Buffer.allocUnsafeSlow): Buffer {
  let size = LENGTH_SIZE
  for (const { header, body, note = NOTHING } of rows) size += HEAD_SIZE + header.length + body.length + note.length
  const bytes = memory(sizeFor(size))
  let at = bytes.writeUInt32BE(size)
  for (const { owner, ord, seg, header, body, note = NOTHING } of rows) {
    at = bytes.writeUIntBE(owner.number, at, NUMBER_SIZE)
    at = bytes.writeUIntBE(ord, at, NUMBER_SIZE)
    at = bytes.writeUIntBE(seg, at, NUMBER_SIZE)
    at = bytes.writeUInt32BE(header.length, at)
    at = bytes.writeUInt32BE(body.length, at)
    at = bytes.writeUInt32BE(note.length, at)
    for (const part of [header, body, note]) {
      bytes.set(part, at)
      at += part.length
    }
  }
  return bytes.fill(0, at)
}

function sizeFor(size: number): number {
  const pages = Math.ceil((size - BESIDE) / PAGE)
  return BESIDE + PAGE * (pages <= 2 ? Math.max(pages, 1) : Math.ceil(pages / 4) * 4)
}

/** Where the messages are that a batch holds. */
export function placesIn(batch: Buffer): BatchPlace[] {
  const places: BatchPlace[] = []
  const end = batch.readUInt32BE()
  for (let at = LENGTH_SIZE; at < end; at = endOf(batch, at))
    places.push({ at, number: batch.readUIntBE(at, NUMBER_SIZE), ord: batch.readUIntBE(at + NUMBER_SIZE, NUMBER_SIZE) })
  return places
}

/** The message there; views of the batch. */
export function messageAt(batch: Buffer, at: number): MessageRow {
  const [header, body, note] = lengthsAt(batch, at)
  const start = at + HEAD_SIZE
  const row = {
    ord: batch.readUIntBE(at + NUMBER_SIZE, NUMBER_SIZE),
    seg: batch.readUIntBE(at + 2 * NUMBER_SIZE, NUMBER_SIZE),
    header: batch.subarray(start, start + header),
    body: batch.subarray(start + header, start + header + body),
  }
  return note === 0 ? row : { ...row, note: batch.subarray(start + header + body, start + header + body + note) }
}

function lengthsAt(batch: Buffer, at: number): [header: number, body: number, note: number] {
  const from = at + 3 * NUMBER_SIZE
  return [batch.readUInt32BE(from), batch.readUInt32BE(from + LENGTH_SIZE), batch.readUInt32BE(from + 2 * LENGTH_SIZE)]
}

function endOf(batch: Buffer, at: number): number {
  return lengthsAt(batch, at).reduce((sum, length) => sum + length, at + HEAD_SIZE)
}
