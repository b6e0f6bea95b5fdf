import { join, u32, u48, u64 } from '../encoding.ts'
import { sha256 } from '../sha256.ts'

/** What the key file says: with which keys the file of slots is encrypted. */
export interface KeyRecord {
  /** Of two that can be read the one with the greater number is right. */
  readonly version: number
  readonly epoch: number
  readonly key: Buffer
  /** Of the epoch before, while not all blocks are encrypted under the new key. */
  readonly former: Buffer | undefined
  readonly blocks: number
  /** The day (UTC, since 1970) on which the key was made. */
  readonly day: number
  /** The latest time that was seen, in ms. */
  readonly clock: number
}

/** Two records, each in a page of its own: a page that is written half destroys no other. */
export const RECORD_SIZE = 4096

const MAGIC = 'CXZ-SHRED-1'
const KEY_SIZE = 32
const NO_KEY = Buffer.alloc(KEY_SIZE)
const SUM_SIZE = 32
const FIELDS = { version: 11, epoch: 19, key: 23, former: 55, blocks: 87, day: 91, clock: 95, sum: 101 } as const

/** Wipe it when it is written. */
export function writeKeyRecord({ version, epoch, key, former, blocks, day, clock }: KeyRecord): Buffer {
  const fields = join(MAGIC, u64(version), u32(epoch), key, former ?? NO_KEY, u32(blocks), u32(day), u48(clock))
  const record = join(fields, sha256(fields), Buffer.alloc(RECORD_SIZE - fields.length - SUM_SIZE))
  fields.fill(0)
  return record
}

/** Undefined if it was not written wholly. */
export function readKeyRecord(bytes: Buffer): KeyRecord | undefined {
  const fields = bytes.subarray(0, FIELDS.sum)
  if (!sha256(fields).equals(bytes.subarray(FIELDS.sum, FIELDS.sum + SUM_SIZE))) return undefined
  if (fields.toString('latin1', 0, MAGIC.length) !== MAGIC) return undefined
  const former = fields.subarray(FIELDS.former, FIELDS.blocks)
  return {
    version: fields.readUInt32BE(FIELDS.version) * 2 ** 32 + fields.readUInt32BE(FIELDS.version + 4),
    epoch: fields.readUInt32BE(FIELDS.epoch),
    key: join(fields.subarray(FIELDS.key, FIELDS.former)),
    former: former.equals(NO_KEY) ? undefined : join(former),
    blocks: fields.readUInt32BE(FIELDS.blocks),
    day: fields.readUInt32BE(FIELDS.day),
    clock: fields.readUIntBE(FIELDS.clock, 6),
  }
}
