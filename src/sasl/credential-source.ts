import { SALT_SIZE, type ScramCredential } from './credential.ts'
import { HASH_SIZES, hmac, type ScramHash } from './scram-hash.ts'

/** Where credentials come from. */
export interface CredentialSource {
  /** The credential of that account for that hash, if there is one. */
  find(username: string, hash: ScramHash): Promise<ScramCredential | undefined> | ScramCredential | undefined
  /** A secret of the host, kept for good: invented salts are made of it and must survive a restart. */
  readonly fakeSaltKey: Buffer
  /** What strangers are told; stored credentials ought to have the same number, or they can be told apart. */
  readonly iterations: number
}

/** A credential to check against, and whether it is more than an invention. */
export interface FoundCredential {
  readonly credential: ScramCredential
  readonly isGenuine: boolean
}

/**
 * The salt of a name that has no credential for this hash. It is the same on every attempt and with or without channel
 * binding, and the right one to store when such an account gets a credential: then nobody outside sees that it did.
 */
export function saltFor(source: CredentialSource, username: string, hash: ScramHash): Buffer {
  return hmac('SHA-256', source.fakeSaltKey, `${username}\0SCRAM-${hash}`).subarray(0, SALT_SIZE)
}

/** Finds a credential or invents one, at the same cost. */
export async function findCredential(source: CredentialSource, username: string, hash: ScramHash): Promise<FoundCredential> {
  const found = await source.find(username, hash)
  const invented = inventCredential(source, username, hash)
  return found?.hash === hash ? { credential: found, isGenuine: true } : { credential: invented, isGenuine: false }
}

function inventCredential(source: CredentialSource, username: string, hash: ScramHash): ScramCredential {
  // No key has this hash, as far as anybody knows; `isGenuine` makes sure.
  const noKey = Buffer.alloc(HASH_SIZES[hash])
  return { hash, salt: saltFor(source, username, hash), iterations: source.iterations, storedKey: noKey, serverKey: noKey }
}
