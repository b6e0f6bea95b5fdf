import type { X509Certificate } from 'node:crypto'
import { asciiDomain } from '../domain-name.ts'
import { readCertificate } from './certificate.ts'
import { matchesAnchor, matchesEndEntity, type Tlsa, usableTlsa } from './dane.ts'
import { type Distrust, type TrustAnchors, validatePath } from './path.ts'
import { matchesPosh } from './posh.ts'
import { namesDomain } from './server-identity.ts'

/** What may make us believe. */
export interface Grounds {
  readonly anchors: TrustAnchors
  /** TLSA records of the server, if they came authentic, and only then: they decide alone. */
  readonly tlsa?: readonly Tlsa[]
  /** The host that an authentic SRV record names: with DANE the certificate may be for it as well (RFC 7673 §4). */
  readonly target?: string | undefined
  /** What the domain told by POSH. */
  readonly posh?: readonly Buffer[]
  /** The operator's own word: by domain (A-labels), SHA-256 or SHA-512 of certificates that are believed, whatever they say. */
  readonly exceptions?: ReadonlyMap<string, readonly Buffer[]>
  /** ms */
  readonly now?: number
}

/** Whether a server may speak for a domain, and why. */
export type Verdict =
  | { readonly isBelieved: true; readonly by: 'pkix' | 'dane' | 'posh' | 'exception' }
  | { readonly isBelieved: false; readonly why: Distrust | 'wrong-name' | 'dane-mismatch' | 'no-certificate' }

/** Judges what the other side of a connection has presented, whichever side opened it: the leaf first. Never throws. */
export function judge(presented: readonly X509Certificate[], domain: string, grounds: Grounds): Verdict {
  const [leaf] = presented
  if (leaf === undefined) return { isBelieved: false, why: 'no-certificate' }
  const tlsa = usableTlsa(grounds.tlsa ?? [])
  // RFC 7673 §4.2: where records are and none of them matches, no authority can help.
  const verdict = tlsa.length > 0 ? byDane(tlsa, presented, domain, grounds) : byPath(presented, domain, grounds)
  if (verdict.isBelieved) return verdict
  const pinned = grounds.exceptions?.get(asciiDomain(domain) ?? domain) ?? []
  return matchesPosh(leaf, pinned) ? { isBelieved: true, by: 'exception' } : verdict
}

function byDane(tlsa: readonly Tlsa[], presented: readonly X509Certificate[], domain: string, grounds: Grounds): Verdict {
  const leaf = presented[0]!
  if (matchesEndEntity(tlsa, leaf)) return { isBelieved: true, by: 'dane' }
  if (!matchesAnchor(tlsa, presented, grounds)) return { isBelieved: false, why: 'dane-mismatch' }
  const { target } = grounds
  const isNamed = namesDomain(leaf, domain) || (target !== undefined && namesDomain(leaf, target))
  return isNamed ? { isBelieved: true, by: 'dane' } : { isBelieved: false, why: 'wrong-name' }
}

function byPath(presented: readonly X509Certificate[], domain: string, grounds: Grounds): Verdict {
  const leaf = presented[0]!
  const path = validatePath(presented, grounds.anchors, grounds)
  const isNamed = path.isTrusted && namesDomain(leaf, domain)
  if (isNamed) return { isBelieved: true, by: 'pkix' }
  const why = path.isTrusted ? 'wrong-name' : path.why
  if (!matchesPosh(leaf, grounds.posh ?? [])) return { isBelieved: false, why }
  // RFC 7711 takes the place of the name and of the authority, not of the dates.
  const late = lateness(leaf, grounds.now ?? Date.now())
  return late === undefined ? { isBelieved: true, by: 'posh' } : { isBelieved: false, why: late }
}

function lateness(leaf: X509Certificate, now: number): Distrust | undefined {
  try {
    const { notBefore, notAfter } = readCertificate(leaf)
    return now > notAfter ? 'expired' : now < notBefore ? 'not-yet-valid' : undefined
  } catch {
    return 'untrusted' // unreadable
  }
}
