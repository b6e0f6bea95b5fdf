/** One secret of a period, or the secrets of one account, in the image of the store. */

/** Bytes of a slot: `u8 kind ‖ name ‖ secrets`. */
export const SLOT_SIZE = 88

export const FREE = 0
export const PERIOD = 1
export const ACCOUNT = 2

export const ID_SIZE = 16
/** Where the id of an account stands in its slot. */
export const ID_AT = 1
export const SECRET_SIZE = 32

const FIRST = 24
const SECOND = FIRST + SECRET_SIZE

/** A period's secret, or S_acct. */
export function firstSecret(slot: Buffer): Buffer {
  return slot.subarray(FIRST, SECOND)
}

/** B_acct. */
export function secondSecret(slot: Buffer): Buffer {
  return slot.subarray(SECOND, SLOT_SIZE)
}

export interface PeriodSlot {
  readonly class: number
  readonly period: number
  /** When the secret is destroyed, in ms. */
  readonly until: number
}

export function writePeriod(slot: Buffer, { class: cls, period, until }: PeriodSlot): void {
  slot[0] = PERIOD
  slot[1] = cls
  slot.writeUInt32BE(period, 2)
  slot.writeUIntBE(until, 6, 6)
}

export function readPeriod(slot: Buffer): PeriodSlot {
  return { class: slot[1]!, period: slot.readUInt32BE(2), until: slot.readUIntBE(6, 6) }
}

export function writeAccount(slot: Buffer, id: Buffer): void {
  slot[0] = ACCOUNT
  id.copy(slot, ID_AT)
}
