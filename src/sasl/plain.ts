import { isUtf8 } from 'node:buffer'
import { timingSafeEqual } from 'node:crypto'
import { deriveCredential } from './credential.ts'
import { type CredentialSource, type FoundCredential, findCredential } from './credential-source.ts'
import type { Conversation } from './exchange.ts'
import { identify, type Profile, prepared } from './profile.ts'
import { SaslError } from './sasl-error.ts'
import type { ScramHash } from './scram-hash.ts'

/** The hash that most accounts have comes first: strangers are checked as if they had it. */
const SEARCHED: readonly ScramHash[] = ['SHA-256', 'SHA-512', 'SHA-1']

/** PLAIN (RFC 4616) against the credentials of SCRAM. Costs one PBKDF2, whoever asks. */
export async function* plain(source: CredentialSource, profile: Profile, input: Buffer): Conversation {
  const { authzid, authcid, password } = readMessage(input)
  const username = identify(profile, authcid, authzid)
  const { credential, isGenuine } = await findAnyCredential(source, username)
  const { hash, iterations, salt, storedKey } = credential
  const prepare = (text: string): string => prepared(() => profile.preparePassword?.(text) ?? text)
  const derived = await deriveCredential(password, hash, iterations, salt, prepare)
  if (timingSafeEqual(derived.credential.storedKey, storedKey) && isGenuine) {
    return { kind: 'success', username, data: undefined, clientKey: derived.clientKey, credential }
  }
  derived.clientKey.wipe()
  throw new SaslError('not-authorized')
}

async function findAnyCredential(source: CredentialSource, username: string): Promise<FoundCredential> {
  const found = await Promise.all(SEARCHED.map(hash => findCredential(source, username, hash)))
  return found.find(({ isGenuine }) => isGenuine) ?? found[0]!
}

/** `[authzid] NUL authcid NUL passwd`. The password stays in the bytes that came. */
function readMessage(input: Buffer): { authzid: string | undefined; authcid: string; password: Buffer } {
  const authcidAt = input.indexOf(0) + 1
  const passwordAt = input.indexOf(0, authcidAt) + 1
  const authcid = input.toString('utf8', authcidAt, passwordAt - 1)
  const password = input.subarray(passwordAt)
  const isWellFormed = authcidAt > 0 && passwordAt > 0 && authcid !== '' && password.length > 0 && !password.includes(0) && isUtf8(input)
  if (!isWellFormed) throw new SaslError('malformed-request')
  return { authzid: input.toString('utf8', 0, authcidAt - 1) || undefined, authcid, password }
}
