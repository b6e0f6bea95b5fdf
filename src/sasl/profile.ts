import { SaslError } from './sasl-error.ts'

/** How the protocol above reads names and passwords. */
export interface Profile {
  /** The account's name as it is stored. Throws for what cannot be a name. */
  prepareUsername(name: string): string
  /** Whether the authorization identity is that account's own. */
  isAuthzid(authzid: string, username: string): boolean
  /** OpaqueString (RFC 8265 §4.2), for PLAIN. Throws for what cannot be a password. */
  preparePassword?(password: string): string
}

/** The account that a client names. Nobody may act for another, whatever the mechanism. */
export function identify(profile: Profile, authcid: string, authzid: string | undefined): string {
  const username = prepared(() => profile.prepareUsername(authcid))
  // Decided before anything is looked up, so the condition says nothing of the account.
  if (authzid !== undefined && !profile.isAuthzid(authzid, username)) throw new SaslError('invalid-authzid')
  return username
}

/** What `prepare` returns; what it refuses is as wrong as a wrong password. */
export function prepared(prepare: () => string): string {
  try {
    return prepare()
  } catch {
    throw new SaslError('not-authorized')
  }
}
