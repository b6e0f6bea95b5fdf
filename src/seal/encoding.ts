import { SealError } from './seal-error.ts'

/**
 * Numbers are big-endian, as everywhere in CXZ-SEAL-1. One that does not fit is a SealError: it may come from a database.
 *
 * Buffers that may hold secrets come from `Buffer.alloc`: `Buffer.from`, `Buffer.concat` and `Buffer.allocUnsafe` cut theirs out of
 * a pool that all of the program shares, where what is not overwritten stays, beside the bytes of others.
 */
const LARGEST = [0, 0xff, 0xffff, 0, 0xffff_ffff, 0, 0xffff_ffff_ffff] as const

/** Throws a SealError if the number has more bytes, a sign or a fraction. */
export function requireUnsigned(value: number, size: 1 | 2 | 4 | 6): void {
  if (!Number.isInteger(value) || value < 0 || value > LARGEST[size])
    throw new SealError('malformed', `a number does not fit into ${size} bytes`)
}

function integer(value: number, size: 1 | 2 | 4 | 6): Buffer {
  requireUnsigned(value, size)
  const bytes = Buffer.alloc(size)
  bytes.writeUIntBE(value, 0, size)
  return bytes
}

export const u8 = (value: number): Buffer => integer(value, 1)
export const u16 = (value: number): Buffer => integer(value, 2)
export const u32 = (value: number): Buffer => integer(value, 4)
export const u48 = (value: number): Buffer => integer(value, 6)

/** Of what fits into 64 bits only the safe integers. */
export function u64(value: number): Buffer {
  if (!Number.isSafeInteger(value) || value < 0) throw new SealError('malformed', 'a number is not a whole and safe one')
  const bytes = Buffer.alloc(8)
  bytes.writeUInt32BE(Math.floor(value / 2 ** 32), 0)
  bytes.writeUInt32BE(value % 2 ** 32, 4)
  return bytes
}

/** One after the other, strings in ASCII. */
export function join(...parts: readonly (string | Buffer)[]): Buffer {
  let size = 0
  for (const part of parts) size += part.length
  const bytes = Buffer.alloc(size)
  let at = 0
  for (const part of parts) at += typeof part === 'string' ? bytes.write(part, at, 'latin1') : part.copy(bytes, at)
  return bytes
}
