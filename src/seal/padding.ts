import { SealError } from './seal-error.ts'

/** The smallest size of what is sealed. Above it: twice that, again and again, up to `STEP`; then multiples of `STEP`. */
export type PaddingUnit = 128 | 256

const STEP = 4096
const LENGTH_SIZE = 4

function paddedSize(size: number, unit: PaddingUnit): number {
  if (size > STEP) return Math.ceil(size / STEP) * STEP
  let padded: number = unit
  while (padded < size) padded *= 2
  return padded
}

/** `u32(length) ‖ data ‖ 0…`. */
export function pad(data: Buffer, unit: PaddingUnit): Buffer {
  const padded = Buffer.alloc(paddedSize(LENGTH_SIZE + data.length, unit))
  padded.writeUInt32BE(data.length)
  data.copy(padded, LENGTH_SIZE)
  return padded
}

/** A view of the data inside. Throws a SealError if it was not padded as `pad` does. */
export function unpad(padded: Buffer, unit: PaddingUnit): Buffer {
  const size = padded.length < unit ? Number.NaN : LENGTH_SIZE + padded.readUInt32BE()
  if (padded.length !== paddedSize(size, unit) || padded.subarray(size).some(byte => byte !== 0))
    throw new SealError('malformed', 'what was sealed was not padded as it should be')
  return padded.subarray(LENGTH_SIZE, size)
}
