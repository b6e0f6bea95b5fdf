/** Which signatures and keys of certificates are strong enough. */
import type { KeyObject } from 'node:crypto'
import { DerError, DerReader, OID, readOid, SEQUENCE } from './der.ts'

const RSA_PSS = '1.2.840.113549.1.1.10'
const STRONG_SIGNATURES = new Set([
  '1.2.840.113549.1.1.11', // RSA with SHA-256, -384, -512
  '1.2.840.113549.1.1.12',
  '1.2.840.113549.1.1.13',
  '1.2.840.10045.4.3.2', // ECDSA with SHA-256, -384, -512
  '1.2.840.10045.4.3.3',
  '1.2.840.10045.4.3.4',
  '1.3.101.112', // Ed25519
  '1.3.101.113', // Ed448
])
const STRONG_HASHES = new Set(['2.16.840.1.101.3.4.2.1', '2.16.840.1.101.3.4.2.2', '2.16.840.1.101.3.4.2.3'])
const CURVES = new Set(['prime256v1', 'secp384r1', 'secp521r1'])
const SHORTEST_MODULUS = 2_048
// Nobody has a longer one, or a larger exponent; both would only cost us time (bits; RFC 8017 allows any).
const LONGEST_MODULUS = 8_192
const LARGEST_EXPONENT = 2n ** 32n

/** Whether an AlgorithmIdentifier, in DER, names a signature with SHA-2 or better. Never throws. */
export function isStrongSignature(algorithm: Buffer): boolean {
  try {
    const body = new DerReader(algorithm).enter(SEQUENCE)
    const id = readOid(body.next(OID))
    return id === RSA_PSS ? STRONG_HASHES.has(hashOfPss(body)) : STRONG_SIGNATURES.has(id)
  } catch (error) {
    if (error instanceof DerError) return false
    throw error
  }
}

/**
 * Whether a public key is one of those that public authorities certify: RSA of 2,048 bits and more, the NIST curves, Edwards.
 * `info` is the same key as DER of SubjectPublicKeyInfo. May throw a `DerError`.
 */
export function isStrongKey({ asymmetricKeyType, asymmetricKeyDetails }: KeyObject, info: Buffer): boolean {
  if (asymmetricKeyType === 'ed25519' || asymmetricKeyType === 'ed448') return true
  if (asymmetricKeyType === 'ec') return CURVES.has(asymmetricKeyDetails?.namedCurve ?? '') && namesCurve(info)
  if (asymmetricKeyType !== 'rsa' && asymmetricKeyType !== 'rsa-pss') return false
  const { modulusLength = 0, publicExponent = 0n } = asymmetricKeyDetails ?? {}
  return modulusLength >= SHORTEST_MODULUS && modulusLength <= LONGEST_MODULUS && publicExponent > 2n && publicExponent < LARGEST_EXPONENT
}

// RFC 4055 §3.1: what is left out is SHA-1.
function hashOfPss(body: DerReader): string {
  const hash = body.enter(SEQUENCE).optional(0xa0)
  return hash === undefined ? '' : readOid(new DerReader(hash.body).enter(SEQUENCE).next(OID))
}

// RFC 5480 §2.1.1: a curve written out could be almost the one that it is taken for.
function namesCurve(info: Buffer): boolean {
  const algorithm = new DerReader(info).enter(SEQUENCE).enter(SEQUENCE)
  algorithm.next(OID)
  return algorithm.optional(OID) !== undefined
}
