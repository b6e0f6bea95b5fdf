import { SealError } from './seal-error.ts'

/** The smallest size of what is sealed. Above it: twice that, again and again, up to `STEP`; then multiples of `STEP`. */
export type PaddingUnit = 128 | 256

const STEP = 4096
const LENGTH_SIZE = 4
const ZEROS = Buffer.alloc(STEP)

function paddedSize(size: number, unit: PaddingUnit): number {
  if (size > STEP) return Math.ceil(size / STEP) * STEP
  let padded: number = unit
  while (padded < size) padded *= 2
  return padded
}

/** Padded in it is what fits, so that there is less for the garbage collector; all zeros between. */
const scratch = Buffer.alloc(STEP)

/** Lends `work` the data as `u32(length) ‖ data ‖ 0…`, and overwrites it then. */
export function withPadded<T>(data: Buffer, unit: PaddingUnit, work: (padded: Buffer) => T): T {
  const size = paddedSize(LENGTH_SIZE + data.length, unit)
  const padded = size <= STEP ? scratch.subarray(0, size) : Buffer.alloc(size)
  padded.writeUInt32BE(data.length)
  data.copy(padded, LENGTH_SIZE)
  try {
    return work(padded)
  } finally {
    padded.fill(0)
  }
}

/** A view of the data inside. Throws a SealError if it was not padded as `withPadded` does. */
export function unpad(padded: Buffer, unit: PaddingUnit): Buffer {
  const size = padded.length < unit ? Number.NaN : LENGTH_SIZE + padded.readUInt32BE()
  if (padded.length !== paddedSize(size, unit) || !padded.subarray(size).equals(ZEROS.subarray(0, padded.length - size)))
    throw new SealError('malformed', 'what was sealed was not padded as it should be')
  return padded.subarray(LENGTH_SIZE, size)
}
