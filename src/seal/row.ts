// CXZ-SEAL-1: what stays until its owner deletes it (class A2), and is much: a row each, under a secret that is itself an item

import { accountBinding, type SealedAccount } from './account.ts'
import { openBox, sealBox } from './box.ts'
import { join, u8, u48 } from './encoding.ts'
import { type PaddingUnit, unpad, withPadded } from './padding.ts'

const ROW: PaddingUnit = 128

/** Where a row stands: it opens nowhere else. */
export interface RowPlace {
  readonly store: number
  /** Rows of one part are read together. */
  readonly part: number
  readonly number: number
}

/** `secret` has 32 random bytes, of that account and generation. */
export function sealRow(secret: Buffer, account: SealedAccount, place: RowPlace, plain: Buffer): Buffer {
  return withPadded(plain, ROW, padded => sealBox(secret, info(account, place), padded))
}

/** Throws a SealError. */
export function openRow(secret: Buffer, account: SealedAccount, place: RowPlace, box: Buffer): Buffer {
  return unpad(openBox(secret, info(account, place), box), ROW)
}

function info(account: SealedAccount, { store, part, number }: RowPlace): Buffer {
  return join('CXZ-SEAL-1 row', accountBinding(account), u8(store), u48(part), u48(number))
}
