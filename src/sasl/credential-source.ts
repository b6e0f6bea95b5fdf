import { SALT_SIZE, type ScramCredential } from './credential.ts'
import { HASH_SIZES, hmac, type ScramHash } from './scram-hash.ts'

/** Where credentials come from. */
export interface CredentialSource {
  /** The credential of that account for that hash; if it has none, any other one of the account. */
  find(username: string, hash: ScramHash): Promise<ScramCredential | undefined> | ScramCredential | undefined
  /** A secret of the host, kept for good: what is invented is made of it and must survive a restart. */
  readonly fakeSaltKey: Buffer
  /** How many accounts have which number of iterations. */
  iterationsInUse(): Promise<ReadonlyMap<number, number>> | ReadonlyMap<number, number>
  /** The number for new passwords. */
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
  const drawn = drawIterations(source, username, await source.iterationsInUse())
  // An account has one number for all its hashes; that of a stranger is drawn, without regard to the hash.
  const invented = inventCredential(source, username, hash, found?.iterations ?? drawn)
  return found?.hash === hash ? { credential: found, isGenuine: true } : { credential: invented, isGenuine: false }
}

function inventCredential(source: CredentialSource, username: string, hash: ScramHash, iterations: number): ScramCredential {
  // No key has this hash, as far as anybody knows; `isGenuine` makes sure.
  const noKey = Buffer.alloc(HASH_SIZES[hash])
  return { hash, salt: saltFor(source, username, hash), iterations, storedKey: noKey, serverKey: noKey }
}

/**
 * The number of iterations that a name without an account is shown: each in use is drawn as often as accounts have it, so that
 * after a change of the setting neither the old number nor the new one tells that there is an account. As accounts go over to
 * a larger number, so do names, one after the other.
 */
function drawIterations({ fakeSaltKey, iterations }: CredentialSource, username: string, inUse: ReadonlyMap<number, number>): number {
  if (inUse.size < 2) return inUse.keys().next().value ?? iterations
  const total = inUse.values().reduce((sum, accounts) => sum + accounts, 0)
  let rank = (hmac('SHA-256', fakeSaltKey, `${username}\0iterations`).readUInt32LE() / 2 ** 32) * total
  const ascending = [...inUse].sort(([one], [other]) => one - other)
  return ascending.find(([, accounts]) => (rank -= accounts) < 0)![0]
}
