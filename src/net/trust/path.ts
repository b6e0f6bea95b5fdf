/** Certification paths (RFC 5280 §6), built and checked by ourselves. `validatePath` says why. */
import type { KeyObject, X509Certificate } from 'node:crypto'
import { isStrongKey, isStrongSignature } from './algorithms.ts'
import { type CertificateFacts, readCertificate } from './certificate.ts'
import { DerError } from './der.ts'
import { TooManyNames } from './general-names.ts'
import { allows } from './name-constraints.ts'
import type { TrustAnchors } from './trust-anchors.ts'

export { TrustAnchors } from './trust-anchors.ts'

/** Why there is no path that can be trusted: of the one that came nearest. */
export type Distrust =
  | 'untrusted'
  | 'expired'
  | 'not-yet-valid'
  | 'not-an-authority'
  | 'path-too-long'
  | 'name-constraint'
  | 'wrong-purpose'
  | 'bad-signature'
  | 'unknown-critical'
  | 'weak-key'
  | 'too-many'

/** `chain` is the leaf, its issuers, and at last the anchor. */
export type PathVerdict =
  | { readonly isTrusted: true; readonly chain: readonly X509Certificate[] }
  | { readonly isTrusted: false; readonly why: Distrust }

interface Link {
  readonly cert: X509Certificate
  readonly facts: CertificateFacts
}

const MOST_PRESENTED = 16
const LONGEST_PATH = 8
// Signatures that are looked at for one verdict. An honest path needs as many as it is long, and cross-signing doubles that.
const MOST_SIGNATURES = 48

const ANY_PURPOSE = '2.5.29.37.0'
const SERVER_AUTH = '1.3.6.1.5.5.7.3.1'

/**
 * Whether `presented`, the leaf first and the rest in any order, leads to an anchor, as the certificate of a *server*,
 * whichever side of the connection it stood on: since 2026 public authorities give no other (XEP-0178 asks for no more).
 * TLS libraries judge what comes from a connecting peer as a client's certificate; for that they tell the same error
 * (`INVALID_PURPOSE`) for today's usual good certificate and for one that its owner signed. So theirs is never asked.
 * Never throws. `now` in ms.
 */
export function validatePath(
  presented: readonly X509Certificate[],
  anchors: TrustAnchors,
  { now = Date.now() }: { readonly now?: number } = {},
): PathVerdict {
  if (presented.length > MOST_PRESENTED) return { isTrusted: false, why: 'too-many' }
  const [first, ...others] = presented
  const leaf = first && linkOf(first)
  if (leaf === undefined) return { isTrusted: false, why: 'untrusted' }
  if (leaf === 'too-many') return { isTrusted: false, why: leaf }
  return new Search(others.map(linkOf).filter(isLink), anchors, now).from(leaf)
}

/** One search, depth first. It leaves a way when it is wrong, and all when it has cost too much. */
class Search {
  readonly #others: readonly Link[]
  readonly #anchors: TrustAnchors
  readonly #now: number
  #signatures = 0
  #why: Distrust = 'untrusted'

  constructor(others: readonly Link[], anchors: TrustAnchors, now: number) {
    this.#others = others
    this.#anchors = anchors
    this.#now = now
  }

  from(leaf: Link): PathVerdict {
    const chain = this.#extend([leaf])
    return chain === undefined ? { isTrusted: false, why: this.#why } : { isTrusted: true, chain: chain.map(({ cert }) => cert) }
  }

  /** `path` is signed well up to its last certificate, but not yet anchored. */
  #extend(path: readonly Link[]): readonly Link[] | undefined {
    const last = path.at(-1)!
    // Whoever trusts this very certificate has nothing more to ask.
    if (this.#anchors.has(last.cert)) return this.#accept(path)
    for (const issuer of this.#anchors.named(last.facts.issuer).map(linkOf).filter(isLink)) {
      if (!this.#isSigned(last, issuer)) continue
      const accepted = this.#accept([...path, issuer])
      if (accepted !== undefined) return accepted
    }
    for (const issuer of this.#others) {
      if (!issuer.facts.subject.equals(last.facts.issuer) || path.some(({ cert }) => cert.raw.equals(issuer.cert.raw))) continue
      if (path.length + 1 >= LONGEST_PATH) {
        this.#reject('path-too-long')
        return undefined
      }
      const found = this.#isSigned(last, issuer) ? this.#extend([...path, issuer]) : undefined
      if (found !== undefined) return found
    }
    return undefined
  }

  #isSigned(subject: Link, issuer: Link): boolean {
    const { authorityKeyId, signatureAlgorithm } = subject.facts
    const { subjectKeyId } = issuer.facts
    // Another key of the same authority. RFC 5280 §4.2.1.1
    if (authorityKeyId !== undefined && subjectKeyId !== undefined && !authorityKeyId.equals(subjectKeyId)) return false
    if (++this.#signatures > MOST_SIGNATURES) return this.#reject('too-many')
    if (!isStrongSignature(signatureAlgorithm)) return this.#reject('weak-key')
    const key = strongKeyOf(issuer)
    if (key === undefined) return this.#reject('weak-key')
    return verify(subject.cert, key) || this.#reject('bad-signature')
  }

  #accept(path: readonly Link[]): readonly Link[] | undefined {
    const fault = faultOf(path, this.#now)
    if (fault === undefined) return path
    this.#reject(fault)
    return undefined
  }

  // A way that led nowhere tells less than one that was wrong, and the wrong key of a name less than a path to the end.
  // Of several of those the first stands.
  #reject(why: Distrust): false {
    if (this.#why === 'untrusted' || this.#why === 'bad-signature' || why === 'too-many') this.#why = why
    return false
  }
}

// RFC 5280 §6.1.3 to §6.1.5. The anchor, which is last, is held to the same: it says itself what it is good for.
function faultOf(path: readonly Link[], now: number): Distrust | undefined {
  let authorities = 0
  for (const [i, link] of path.entries()) {
    const { facts } = link
    if (facts.hasUnknownCritical) return 'unknown-critical'
    if (now > facts.notAfter) return 'expired'
    if (now < facts.notBefore) return 'not-yet-valid'
    if (i === 0 ? !servesAsServer(link) : !mayServe(facts)) return 'wrong-purpose'
    if (i === 0 && strongKeyOf(link) === undefined) return 'weak-key'
    if (i === 0) continue
    if (!signsCertificates(facts)) return 'not-an-authority'
    if (authorities > (facts.pathLength ?? Number.POSITIVE_INFINITY)) return 'path-too-long'
    if (!constrains(link, path.slice(0, i))) return 'name-constraint'
    if (!isSelfIssued(facts)) authorities++
  }
  return undefined
}

function servesAsServer({ facts }: Link): boolean {
  const { keyUsage } = facts
  const mayShakeHands = keyUsage === undefined || SHAKES_HANDS.some(usage => keyUsage.has(usage))
  return mayShakeHands && mayServe(facts)
}

// RFC 5280 §4.2.1.3: one of these is what TLS uses the key for.
const SHAKES_HANDS = ['digitalSignature', 'keyEncipherment', 'keyAgreement'] as const

function mayServe({ extendedKeyUsage }: CertificateFacts): boolean {
  return extendedKeyUsage === undefined || extendedKeyUsage.includes(SERVER_AUTH) || extendedKeyUsage.includes(ANY_PURPOSE)
}

function signsCertificates({ isAuthority, keyUsage }: CertificateFacts): boolean {
  return isAuthority && (keyUsage === undefined || keyUsage.has('keyCertSign'))
}

// §6.1.3 (b): an authority that renews its own certificate does not fall under its own constraints.
function constrains({ facts: { nameConstraints } }: Link, below: readonly Link[]): boolean {
  if (nameConstraints === undefined) return true
  try {
    return below.every(({ facts }, i) => (i > 0 && isSelfIssued(facts)) || allows(nameConstraints, facts.subject, facts))
  } catch (error) {
    if (error instanceof DerError) return false
    throw error
  }
}

function isSelfIssued({ subject, issuer }: CertificateFacts): boolean {
  return subject.equals(issuer)
}

function strongKeyOf({ cert, facts }: Link): KeyObject | undefined {
  try {
    return isStrongKey(cert.publicKey, facts.publicKey) ? cert.publicKey : undefined
  } catch {
    return undefined // of a kind that OpenSSL does not know
  }
}

function verify(cert: X509Certificate, key: KeyObject): boolean {
  try {
    return cert.verify(key)
  } catch {
    return false // a key of another kind than the signature
  }
}

function linkOf(cert: X509Certificate): Link | 'too-many' | undefined {
  try {
    return { cert, facts: readCertificate(cert) }
  } catch (error) {
    if (error instanceof TooManyNames) return 'too-many'
    if (error instanceof DerError) return undefined
    throw error
  }
}

function isLink(link: Link | 'too-many' | undefined): link is Link {
  return typeof link === 'object'
}
