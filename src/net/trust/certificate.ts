/** What an X.509 certificate says (RFC 5280 §4), as far as believing a server needs it. */
import type { X509Certificate } from 'node:crypto'
import {
  BIT_STRING,
  BOOLEAN,
  type Der,
  DerError,
  DerReader,
  INTEGER,
  OCTET_STRING,
  OID,
  readBoolean,
  readFlags,
  readOid,
  readSmallInteger,
  readTime,
  SEQUENCE,
} from './der.ts'
import { type GeneralNames, NO_NAMES, readGeneralNames } from './general-names.ts'
import { type NameConstraints, readNameConstraints } from './name-constraints.ts'

/** The facts of one certificate. Names are as they stand there, compared with nothing yet. */
export interface CertificateFacts extends GeneralNames {
  /** DER of the name, for chaining. */
  readonly subject: Buffer
  readonly issuer: Buffer
  /** The first and the last ms of its time, since the epoch. */
  readonly notBefore: number
  readonly notAfter: number
  /** DER of SubjectPublicKeyInfo, as it stands there. */
  readonly publicKey: Buffer
  /** The algorithm it is signed with: DER of AlgorithmIdentifier. */
  readonly signatureAlgorithm: Buffer
  readonly isAuthority: boolean
  /** How many authorities may follow before the leaf. */
  readonly pathLength: number | undefined
  /** `undefined` without the extension, which is: any use. */
  readonly keyUsage: ReadonlySet<KeyUsage> | undefined
  /** Object identifiers. `undefined` without the extension, which is: any purpose. */
  readonly extendedKeyUsage: readonly string[] | undefined
  readonly nameConstraints: NameConstraints | undefined
  /** There is a critical extension that we do not process (RFC 5280 §4.2): the certificate must be refused. */
  readonly hasUnknownCritical: boolean
  readonly subjectKeyId: Buffer | undefined
  readonly authorityKeyId: Buffer | undefined
}

/** RFC 5280 §4.2.1.3: the bits that matter to us. */
export type KeyUsage = 'digitalSignature' | 'keyEncipherment' | 'keyAgreement' | 'keyCertSign'

type Extensions = ReadonlyMap<string, { readonly isCritical: boolean; readonly value: Buffer }>

const USAGE_BITS: readonly [KeyUsage, number][] = [
  ['digitalSignature', 0x8000],
  ['keyEncipherment', 0x2000],
  ['keyAgreement', 0x0800],
  ['keyCertSign', 0x0400],
]
const BASIC_CONSTRAINTS = '2.5.29.19'
const KEY_USAGE = '2.5.29.15'
const EXTENDED_KEY_USAGE = '2.5.29.37'
const SUBJECT_ALT_NAME = '2.5.29.17'
const NAME_CONSTRAINTS = '2.5.29.30'
const SUBJECT_KEY_ID = '2.5.29.14'
const AUTHORITY_KEY_ID = '2.5.29.35'
// Any policy will do for us, so that there is nothing to check: RFC 5280 §6.1.1 (c), *any-policy*. What would demand or
// map policies stays unknown.
const POLICIES = '2.5.29.32'
const KNOWN = new Set([BASIC_CONSTRAINTS, KEY_USAGE, EXTENDED_KEY_USAGE, SUBJECT_ALT_NAME, NAME_CONSTRAINTS, POLICIES])

const MOST_EXTENSIONS = 64
const MOST_PURPOSES = 64

const read = new WeakMap<X509Certificate, CertificateFacts>()

/** Throws a `DerError` when the certificate is malformed, and `TooManyNames` when it has more names than we look at. */
export function readCertificate(cert: X509Certificate): CertificateFacts {
  const before = read.get(cert)
  if (before !== undefined) return before
  const facts = readFacts(cert.raw)
  read.set(cert, facts)
  return facts
}

/** The DER of the subject alone, which is much cheaper. Throws a `DerError`. */
export function readSubject(raw: Buffer): Buffer {
  const body = new DerReader(raw).enter(SEQUENCE).enter(SEQUENCE)
  body.optional(0xa0)
  body.next(INTEGER)
  for (let skipped = 0; skipped < 3; skipped++) body.next(SEQUENCE)
  return body.next(SEQUENCE).raw
}

// RFC 5280 §4.1
function readFacts(raw: Buffer): CertificateFacts {
  const whole = new DerReader(raw)
  const certificate = whole.enter(SEQUENCE)
  whole.end()
  const body = certificate.enter(SEQUENCE)
  certificate.next(SEQUENCE)
  certificate.next(BIT_STRING)
  certificate.end()
  const version = readVersion(body)
  body.next(INTEGER)
  const signatureAlgorithm = body.next(SEQUENCE).raw
  const issuer = body.next(SEQUENCE).raw
  const validity = body.enter(SEQUENCE)
  const notBefore = readTime(validity.next())
  // RFC 5280 §4.1.2.5: to the end of that second.
  const notAfter = readTime(validity.next()) + 999
  validity.end()
  const subject = body.next(SEQUENCE).raw
  const publicKey = body.next(SEQUENCE).raw
  body.optional(0x81)
  body.optional(0x82)
  const extensions = readExtensions(body)
  body.end()
  // RFC 5280 §4.1.2.1: extensions are of version 3, which is written as 2.
  if (extensions.size > 0 && version !== 2) throw new DerError('extensions in an old version')
  return { subject, issuer, notBefore, notAfter, publicKey, signatureAlgorithm, ...readExtended(extensions) }
}

function readVersion(body: DerReader): number {
  const tagged = body.optional(0xa0)
  return tagged === undefined ? 0 : readSmallInteger(only(tagged.body, INTEGER))
}

function readExtensions(body: DerReader): Extensions {
  const found = new Map<string, { isCritical: boolean; value: Buffer }>()
  const tagged = body.optional(0xa3)
  if (tagged === undefined) return found
  const list = new DerReader(only(tagged.body, SEQUENCE).body)
  while (!list.isDone) {
    const extension = list.enter(SEQUENCE)
    const id = readOid(extension.next(OID))
    const critical = extension.optional(BOOLEAN)
    const value = extension.next(OCTET_STRING).body
    extension.end()
    // RFC 5280 §4.2: not more than one of a kind.
    if (found.has(id) || found.size === MOST_EXTENSIONS) throw new DerError('an extension twice, or too many')
    found.set(id, { isCritical: critical !== undefined && readBoolean(critical), value })
  }
  return found
}

function readExtended(extensions: Extensions) {
  const value = <T>(id: string, reader: (value: Buffer) => T): T | undefined => {
    const extension = extensions.get(id)
    return extension && reader(extension.value)
  }
  const { isAuthority, pathLength } = value(BASIC_CONSTRAINTS, readBasicConstraints) ?? { isAuthority: false, pathLength: undefined }
  return {
    ...(value(SUBJECT_ALT_NAME, readGeneralNames) ?? NO_NAMES),
    isAuthority,
    pathLength,
    keyUsage: value(KEY_USAGE, readKeyUsage),
    extendedKeyUsage: value(EXTENDED_KEY_USAGE, readPurposes),
    nameConstraints: value(NAME_CONSTRAINTS, readNameConstraints),
    hasUnknownCritical: [...extensions].some(([id, { isCritical }]) => isCritical && !KNOWN.has(id)),
    subjectKeyId: value(SUBJECT_KEY_ID, value => only(value, OCTET_STRING).body),
    authorityKeyId: value(AUTHORITY_KEY_ID, value => new DerReader(only(value, SEQUENCE).body).optional(0x80)?.body),
  }
}

// RFC 5280 §4.2.1.9
function readBasicConstraints(value: Buffer): { isAuthority: boolean; pathLength: number | undefined } {
  const body = new DerReader(only(value, SEQUENCE).body)
  const authority = body.optional(BOOLEAN)
  const length = body.optional(INTEGER)
  body.end()
  return { isAuthority: authority !== undefined && readBoolean(authority), pathLength: length && readSmallInteger(length) }
}

function readKeyUsage(value: Buffer): ReadonlySet<KeyUsage> {
  const flags = readFlags(only(value, BIT_STRING))
  return new Set(USAGE_BITS.filter(([, bit]) => (flags & bit) !== 0).map(([usage]) => usage))
}

function readPurposes(value: Buffer): string[] {
  const list = new DerReader(only(value, SEQUENCE).body)
  const purposes: string[] = []
  while (!list.isDone) {
    if (purposes.push(readOid(list.next(OID))) > MOST_PURPOSES) throw new DerError('too many purposes')
  }
  return purposes
}

function only(bytes: Buffer, tag: number): Der {
  const reader = new DerReader(bytes)
  const found = reader.next(tag)
  reader.end()
  return found
}
