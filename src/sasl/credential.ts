import { pbkdf2 as pbkdf2Callback, randomBytes } from 'node:crypto'
import { promisify } from 'node:util'
import { Secret } from '../lib/secret.ts'
import { DIGESTS, digest, HASH_SIZES, hmac, type ScramHash } from './scram-hash.ts'

const pbkdf2 = promisify(pbkdf2Callback)

/** What is stored of a password (RFC 5802 §3): enough to check a proof, not enough to make one. */
export interface ScramCredential {
  readonly hash: ScramHash
  readonly salt: Buffer
  readonly iterations: number
  readonly storedKey: Buffer
  readonly serverKey: Buffer
  /** What is locked in the ClientKey; handed on with it, and not looked at here. */
  readonly wrap?: Buffer | undefined
}

/** A credential together with the ClientKey, which is never stored. The receiver wipes it. */
export interface FreshCredential {
  readonly credential: ScramCredential
  readonly clientKey: Secret
}

/** Bytes of every salt; a salt of another length would tell a stored one from an invented one. */
export const SALT_SIZE = 16

/** Derives what to store of a password and the ClientKey. `prepare` is OpaqueString (RFC 8265); what it throws is thrown. */
export async function deriveCredential(
  password: string | Buffer,
  hash: ScramHash,
  iterations: number,
  salt: Buffer = randomBytes(SALT_SIZE),
  prepare?: (password: string) => string,
): Promise<FreshCredential> {
  const prepared = preparePassword(password, prepare)
  let saltedPassword: Buffer | undefined
  try {
    saltedPassword = await pbkdf2(prepared, salt, iterations, HASH_SIZES[hash], DIGESTS[hash])
    return credentialFromSaltedPassword(hash, saltedPassword, salt, iterations)
  } finally {
    saltedPassword?.fill(0)
    prepared.fill(0)
  }
}

/** As `deriveCredential`, for those who have no use for the ClientKey. */
export async function makeCredential(...parameters: Parameters<typeof deriveCredential>): Promise<ScramCredential> {
  const { credential, clientKey } = await deriveCredential(...parameters)
  clientKey.wipe()
  return credential
}

/** The keys of RFC 5802 §3. The caller wipes `saltedPassword`. */
export function credentialFromSaltedPassword(hash: ScramHash, saltedPassword: Buffer, salt: Buffer, iterations: number): FreshCredential {
  const clientKey = hmac(hash, saltedPassword, 'Client Key')
  const serverKey = hmac(hash, saltedPassword, 'Server Key')
  return { credential: { hash, salt, iterations, storedKey: digest(hash, clientKey), serverKey }, clientKey: new Secret(clientKey) }
}

/** A copy of the password's bytes. Printable ASCII, which OpaqueString leaves alone, never becomes a string: strings cannot be wiped. */
function preparePassword(password: string | Buffer, prepare: ((password: string) => string) | undefined): Buffer {
  if (typeof password !== 'string' && password.every(byte => byte >= 0x20 && byte < 0x7f)) return Buffer.from(password)
  const text = password.toString()
  return Buffer.from(prepare?.(text) ?? text)
}
