/** DANE (RFC 6698, RFC 7671) for servers that are found by SRV records (RFC 7673). */
import { hash, X509Certificate } from 'node:crypto'
import { readCertificate } from './certificate.ts'
import { validatePath } from './path.ts'
import { TrustAnchors } from './trust-anchors.ts'

/** RFC 6698 §2.1: what a TLSA record says. Only one that came authentic (DNSSEC) may be given to anything here. */
export interface Tlsa {
  readonly usage: number
  readonly selector: number
  readonly matchingType: number
  readonly certificate: Buffer
}

const ANCHOR = 2
const END_ENTITY = 3
const WHOLE = 0
const PUBLIC_KEY = 1
const EXACT = 0
const DIGESTS: Readonly<Record<number, readonly [algorithm: 'sha256' | 'sha512', length: number]>> = {
  1: ['sha256', 32],
  2: ['sha512', 64],
}
// A domain that rolls its key over under two authorities has eight.
const MOST_RECORDS = 32
// As many as `validatePath` looks at.
const MOST_CERTIFICATES = 16

/**
 * The records that say something to us: of usage 3 (DANE-EE) or 2 (DANE-TA). The usages that only narrow public trust are
 * for protocols without SRV, RFC 7671 §4 leaves them unused here. If none is left, it is as if there were no records.
 */
export function usableTlsa(records: readonly Tlsa[]): readonly Tlsa[] {
  return records.filter(isUsable).slice(0, MOST_RECORDS)
}

/** DANE-EE: the leaf is the one. Its names and dates do not matter (RFC 7671 §5.1). */
export function matchesEndEntity(records: readonly Tlsa[], leaf: X509Certificate | undefined): boolean {
  return leaf !== undefined && usableTlsa(records).some(record => record.usage === END_ENTITY && fits(record, leaf))
}

/**
 * DANE-TA: a path leads to an authority that was presented too, or that stands whole in the record (RFC 7671 §5.2). The leaf must
 * also carry the name, which is the caller's to see.
 */
export function matchesAnchor(
  records: readonly Tlsa[],
  presented: readonly X509Certificate[],
  options: { readonly now?: number } = {},
): boolean {
  const asked = usableTlsa(records).filter(({ usage }) => usage === ANCHOR)
  if (asked.length === 0) return false
  const above = presented.slice(1, MOST_CERTIFICATES).filter(cert => asked.some(record => fits(record, cert)))
  const anchors = [...above, ...asked.flatMap(wholeOf)]
  return anchors.length > 0 && validatePath(presented, new TrustAnchors(anchors), options).isTrusted
}

function isUsable({ usage, selector, matchingType, certificate }: Tlsa): boolean {
  if (usage !== ANCHOR && usage !== END_ENTITY) return false
  if (selector !== WHOLE && selector !== PUBLIC_KEY) return false
  return matchingType === EXACT ? certificate.length > 0 : certificate.length === DIGESTS[matchingType]?.[1]
}

function fits({ selector, matchingType, certificate }: Tlsa, cert: X509Certificate): boolean {
  const selected = selector === WHOLE ? cert.raw : publicKeyOf(cert)
  if (selected === undefined) return false
  const digest = DIGESTS[matchingType]
  return certificate.equals(digest === undefined ? selected : hash(digest[0], selected, 'buffer'))
}

function publicKeyOf(cert: X509Certificate): Buffer | undefined {
  try {
    return readCertificate(cert).publicKey
  } catch {
    return undefined // unreadable, or with too many names
  }
}

function wholeOf({ selector, matchingType, certificate }: Tlsa): X509Certificate[] {
  if (selector !== WHOLE || matchingType !== EXACT) return []
  try {
    return [new X509Certificate(certificate)]
  } catch {
    return []
  }
}
