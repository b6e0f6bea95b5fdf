import { blindTag } from '../seal/server-box.ts'
import type { Account } from './account.ts'
import type { Keys } from './keys.ts'

/**
 * 16 bytes by which an address of a list is known again while the list itself is sealed and its owner away (class B). `context` says of
 * which list. Undefined while the account has no secret.
 */
export function tagOf(keys: Keys, account: Account, context: string, address: string): Buffer | undefined {
  const own = keys.of(account)
  const secrets = own && keys.shred.account(own.id)
  return secrets && blindTag(secrets.server, context, address)
}
