import { credentialFromSaltedPassword, type FreshCredential } from './credential.ts'
import { type CredentialSource, findCredential } from './credential-source.ts'
import { SaslError } from './sasl-error.ts'
import { HASH_SIZES, type ScramHash } from './scram-hash.ts'

const UPGRADES: ReadonlyMap<string, ScramHash> = new Map([
  ['UPGR-SCRAM-SHA-512', 'SHA-512'],
  ['UPGR-SCRAM-SHA-256', 'SHA-256'],
])

/** The upgrade tasks (XEP-0480) to announce, to everyone alike: what an account lacks is nobody's business. */
export const UPGRADE_TASKS: readonly string[] = [...UPGRADES.keys()]

/** An upgrade task under way: the client is told salt and iterations and answers with its SaltedPassword. */
export interface Upgrade {
  readonly salt: Buffer
  readonly iterations: number
  /** Takes the SaltedPassword and wipes it; throws `malformed-request` if it has the wrong length. */
  finish(saltedPassword: Buffer): FreshCredential
}

/**
 * Begins an upgrade for an account that has just authenticated; throws `malformed-request` for an unknown task. The salt is
 * the one that strangers were already shown for this account and hash, so the upgrade cannot be seen from outside.
 */
export async function startUpgrade(task: string, username: string, source: CredentialSource): Promise<Upgrade> {
  const hash = UPGRADES.get(task)
  if (hash === undefined) throw new SaslError('malformed-request')
  const { salt, iterations } = (await findCredential(source, username, hash)).credential
  return { salt, iterations, finish: saltedPassword => finish(hash, saltedPassword, salt, iterations) }
}

function finish(hash: ScramHash, saltedPassword: Buffer, salt: Buffer, iterations: number): FreshCredential {
  try {
    if (saltedPassword.length !== HASH_SIZES[hash]) throw new SaslError('malformed-request')
    return credentialFromSaltedPassword(hash, saltedPassword, salt, iterations)
  } finally {
    saltedPassword.fill(0)
  }
}
