import type { SealedAccount } from './account.ts'
import { u32 } from './encoding.ts'
import { openTo, sealTo } from './hpke-blob.ts'
import type { PrivateKey } from './private-key.ts'
import { credentialInfo, readKey } from './wrap.ts'

/** The key of a former generation, sealed to that of the new one: what was sealed before a new password stays readable after it. */
export function sealFormerKey(account: SealedAccount, former: PrivateKey, formerGeneration: number): Buffer {
  return sealTo(account.publicKey, credentialInfo('former', account), u32(formerGeneration), former.bytes)
}

/** Throws a SealError. `key` is of the generation that the account has here. */
export function openFormerKey(key: PrivateKey, account: SealedAccount, formerGeneration: number, blob: Buffer): PrivateKey {
  return readKey(openTo(key, credentialInfo('former', account), u32(formerGeneration), blob))
}
