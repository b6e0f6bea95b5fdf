import { createPrivateKey, X509Certificate } from 'node:crypto'
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { domainToASCII } from 'node:url'
import { type Credentials, makeAuthority, makeLeaf } from './x509.ts'

const DAY = 86_400_000
const AUTHORITY_DAYS = 3_650
const LEAF_DAYS = 365
/** From so many days before it expires on, a certificate of our own is replaced. */
export const RENEWED_DAYS_BEFORE = 30

/** Reads a PEM chain and its key. Throws an `Error` whose message is a sentence for the operator. */
export function readCredentials(certFile: string, keyFile: string): Credentials & { readonly leaf: X509Certificate } {
  const cert = readText(certFile)
  const key = readText(keyFile)
  const leaf = attempt(() => new X509Certificate(cert), `${certFile} is not a certificate in PEM format.`)
  const privateKey = attempt(() => createPrivateKey(key), `${keyFile} is not a private key in PEM format, or it needs a password.`)
  if (!leaf.checkPrivateKey(privateKey)) throw new Error(`The key in ${keyFile} does not belong to the certificate in ${certFile}.`)
  return { cert, key, leaf }
}

/** The certificate of our own authority in `directory` for `domain` (A-labels); makes both when they are missing, and renews in time. */
export function localCredentials(
  directory: string,
  domain: string,
  names: readonly string[],
): Credentials & { readonly leaf: X509Certificate } {
  mkdirSync(join(directory, 'domains'), { recursive: true, mode: 0o700 })
  const authority = keptAuthority(directory)
  const certFile = join(directory, 'domains', `${domain}.crt`)
  const keyFile = join(directory, 'domains', `${domain}.key`)
  const kept = attemptOrUndefined(() => readCredentials(certFile, keyFile))
  const issuer = new X509Certificate(authority.cert)
  const isGood =
    kept !== undefined &&
    daysLeft(kept.leaf) >= RENEWED_DAYS_BEFORE &&
    kept.leaf.verify(issuer.publicKey) &&
    names.every(name => covers(kept.leaf, name))
  if (isGood) return kept
  const made = makeLeaf(authority, names, LEAF_DAYS)
  write(keyFile, made.key)
  write(certFile, made.cert)
  return { ...made, leaf: new X509Certificate(made.cert) }
}

/** Whole days until the certificate expires; negative when it has. */
export function daysLeft(leaf: X509Certificate): number {
  return Math.floor((leaf.validToDate.getTime() - Date.now()) / DAY)
}

/** RFC 6125: whether the certificate may be shown for this name, which may itself be a wildcard. */
export function covers(leaf: X509Certificate, name: string): boolean {
  if (!name.startsWith('*.')) return leaf.checkHost(domainToASCII(name), { subject: 'never' }) !== undefined
  return leaf.subjectAltName?.split(', ').includes(`DNS:${name}`) ?? false
}

function keptAuthority(directory: string): Credentials {
  const certFile = join(directory, 'ca.crt')
  const keyFile = join(directory, 'ca.key')
  const kept = attemptOrUndefined(() => readCredentials(certFile, keyFile))
  if (kept !== undefined && daysLeft(kept.leaf) > LEAF_DAYS) return kept
  const made = makeAuthority('Conexizan local authority', AUTHORITY_DAYS)
  write(keyFile, made.key)
  write(certFile, made.cert)
  return made
}

// Written beside and renamed: a crash leaves the old file or the new one, never half of it.
function write(file: string, text: string): void {
  writeFileSync(`${file}.new`, text, { mode: 0o600 })
  renameSync(`${file}.new`, file)
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT') throw new Error(`${file} does not exist.`)
    if (code === 'EACCES') throw new Error(`${file} may not be read by the user this server runs as.`)
    throw new Error(`${file} cannot be read (${code}).`)
  }
}

function attempt<T>(read: () => T, sentence: string): T {
  try {
    return read()
  } catch {
    throw new Error(sentence)
  }
}

function attemptOrUndefined<T>(read: () => T): T | undefined {
  try {
    return read()
  } catch {
    return undefined
  }
}
