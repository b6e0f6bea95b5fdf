// CXZ-SEAL-1: what stays until its owner deletes it (class A2), one item at a time

import { accountBinding, type SealedAccount } from './account.ts'
import { join, u8, u64 } from './encoding.ts'
import type { HpkeVector } from './hpke.ts'
import { openTo, sealTo } from './hpke-blob.ts'
import { type PaddingUnit, unpad, withPadded } from './padding.ts'
import type { PrivateKey } from './private-key.ts'

const ITEM: PaddingUnit = 128

/** Seals to the owner of the account; needs nothing secret. `vector` is for test vectors only. */
export function sealItem(account: SealedAccount, store: number, item: number, plain: Buffer, vector?: HpkeVector): Buffer {
  return withPadded(plain, ITEM, padded => sealTo(account.publicKey, info(account, store), u64(item), padded, vector))
}

/** Throws a SealError. */
export function openItem(key: PrivateKey, account: SealedAccount, store: number, item: number, blob: Buffer): Buffer {
  return unpad(openTo(key, info(account, store), u64(item), blob), ITEM)
}

function info(account: SealedAccount, store: number): Buffer {
  return join('CXZ-SEAL-1 item', accountBinding(account), u8(store))
}
