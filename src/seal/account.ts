import { join, u32 } from './encoding.ts'
import { SealError } from './seal-error.ts'

/** One generation of keys of one account. Nothing in it is secret. */
export interface SealedAccount {
  /** `acct`: 16 random bytes that are never used again, whatever becomes of the name. */
  readonly id: Buffer
  /** From 1; the next one begins with a new password. */
  readonly generation: number
  readonly publicKey: Buffer
}

const ID_SIZE = 16

export function accountId(account: SealedAccount): Buffer {
  if (account.id.length !== ID_SIZE) throw new SealError('malformed', 'the id of an account has 16 bytes')
  return account.id
}

/** `acct ‖ u32(gen)`: binds what is sealed to the account and the generation of its keys. */
export function accountBinding(account: SealedAccount): Buffer {
  return join(accountId(account), u32(account.generation))
}
