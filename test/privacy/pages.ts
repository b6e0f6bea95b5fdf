/** SQLite's files, page by page, as one reads them who has nothing else (https://www.sqlite.org/fileformat2.html). */

/** A row, by the two numbers that its key is, and where it lies. */
export interface Place {
  readonly account: number
  readonly ord: number
  readonly page: number
  /** Between leaves a row stands in a page that points to them. */
  readonly isLeaf: boolean
}

const INDEX_LEAF = 10
const INDEX_INNER = 2

export const pageSizeOf = (file: Buffer): number => (file.readUInt16BE(16) === 1 ? 65_536 : file.readUInt16BE(16))

/** The rows of a table WITHOUT ROWID whose key begins with two numbers, in the order of their keys. */
export function* rowsIn(file: Buffer, root: number): Iterable<Place> {
  const size = pageSizeOf(file)
  const page = file.subarray((root - 1) * size, root * size)
  if (page[0] === INDEX_LEAF) yield* rowsOf(page, root)
  else if (page[0] === INDEX_INNER) {
    const count = page.readUInt16BE(3)
    for (let i = 0; i < count; i++) {
      const cell = page.readUInt16BE(12 + 2 * i)
      yield* rowsIn(file, page.readUInt32BE(cell))
      yield rowAt(page, cell + 4, root)
    }
    yield* rowsIn(file, page.readUInt32BE(8))
  }
}

/** Those of one page, which is a leaf. */
export function rowsOf(page: Buffer, number: number): Place[] {
  if (page[0] !== INDEX_LEAF) return []
  return Array.from({ length: page.readUInt16BE(3) }, (_, i) => rowAt(page, page.readUInt16BE(8 + 2 * i), number))
}

function rowAt(page: Buffer, cell: number, number: number): Place {
  const [, payload] = varint(page, cell)
  const [headerSize, first] = varint(page, payload)
  const [accountType, second] = varint(page, first)
  const [ordType] = varint(page, second)
  const at = payload + headerSize
  return {
    account: integer(page, at, accountType),
    ord: integer(page, at + sizeOf(accountType), ordType),
    page: number,
    isLeaf: page[0] === INDEX_LEAF,
  }
}

/** The number, and what comes after it. */
function varint(bytes: Buffer, from: number): [number, number] {
  let value = 0
  for (let i = 0; i < 8; i++) {
    const byte = bytes[from + i]!
    value = value * 128 + (byte & 127)
    if (byte < 128) return [value, from + i + 1]
  }
  return [value * 256 + bytes[from + 8]!, from + 9]
}

const SIZES = [0, 1, 2, 3, 4, 6, 8, 8, 0, 0]
const sizeOf = (type: number): number => SIZES[type] ?? 0

function integer(bytes: Buffer, at: number, type: number): number {
  if (type === 8 || type === 9) return type - 8
  if (type === 6) return Number(bytes.readBigInt64BE(at))
  return type >= 1 && type <= 5 ? bytes.readIntBE(at, sizeOf(type)) : Number.NaN
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
