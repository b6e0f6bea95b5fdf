/** SQLite's files, page by page, as one reads them who has nothing else (https://www.sqlite.org/fileformat2.html). */

/** A row, by the number that is its key, and where it lies. */
export interface Place {
  readonly key: bigint
  readonly page: number
}

const LEAF = 13
const INNER = 5

export const pageSizeOf = (file: Buffer): number => (file.readUInt16BE(16) === 1 ? 65_536 : file.readUInt16BE(16))

/** The rows of a table whose key is a number, in the order of their keys. */
export function* rowsIn(file: Buffer, root: number): Iterable<Place> {
  const size = pageSizeOf(file)
  const page = file.subarray((root - 1) * size, root * size)
  if (page[0] !== INNER) yield* rowsOf(page, root)
  else {
    const count = page.readUInt16BE(3)
    for (let i = 0; i < count; i++) yield* rowsIn(file, page.readUInt32BE(page.readUInt16BE(12 + 2 * i)))
    yield* rowsIn(file, page.readUInt32BE(8))
  }
}

/** Those of one page, if it is a leaf. */
export function rowsOf(page: Buffer, number: number): Place[] {
  if (page[0] !== LEAF) return []
  return Array.from({ length: page.readUInt16BE(3) }, (_, i) => {
    const [, after] = varint(page, page.readUInt16BE(8 + 2 * i))
    return { key: varint(page, after)[0], page: number }
  })
}

/** The number, and what comes after it. */
function varint(bytes: Buffer, from: number): [bigint, number] {
  let value = 0n
  for (let i = 0; i < 8; i++) {
    const byte = bytes[from + i]!
    value = (value << 7n) | BigInt(byte & 127)
    if (byte < 128) return [value, from + i + 1]
  }
  return [BigInt.asIntN(64, (value << 8n) | BigInt(bytes[from + 8]!)), from + 9]
}

/** A page as it was written into the write-ahead log, and the transaction that wrote it. */
export interface Frame {
  readonly transaction: number
  readonly number: number
  readonly page: Buffer
}

/** The frames that are in force; those of a log before stay behind them until they are written over. */
export function* framesOf(wal: Buffer): Iterable<Frame> {
  if (wal.length < 32) return
  const size = wal.readUInt32BE(8)
  const salt = wal.subarray(16, 24)
  let transaction = 0
  for (let at = 32; at + 24 + size <= wal.length; at += 24 + size) {
    if (!wal.subarray(at + 8, at + 16).equals(salt)) return
    yield { transaction, number: wal.readUInt32BE(at), page: wal.subarray(at + 24, at + 24 + size) }
    if (wal.readUInt32BE(at + 4) !== 0) transaction++
  }
}
