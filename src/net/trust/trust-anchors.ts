import { X509Certificate } from 'node:crypto'
import { getCACertificates } from 'node:tls'
import { readSubject } from './certificate.ts'
import { DerError } from './der.ts'

const PEM = /-----BEGIN CERTIFICATE-----([A-Za-z0-9+/=\s]+)-----END CERTIFICATE-----/g

/** The certificates that are believed for themselves. Any may be one: an authority, one below it, or that of a single server. */
export class TrustAnchors {
  #given: (() => Iterable<Buffer>) | undefined
  // There are hundreds, and few are ever needed: until then, DER is a tenth of what OpenSSL makes of it.
  readonly #named = new Map<string, Map<string, Buffer | X509Certificate>>()

  /**
   * Certificates, or PEM texts of any number of them. Without, those of Node and of the machine, read at the first question,
   * and `more` besides. Throws when one that is given is none at all; one that is not in strict DER is left out.
   */
  constructor(certificates?: readonly (X509Certificate | string)[], more: readonly string[] = []) {
    const given = (certificates ?? more).flatMap(derOf)
    this.#given = certificates === undefined ? () => [...machineAnchors(), ...given] : () => given
    if (certificates !== undefined) this.#read()
  }

  /** Those with this subject, which is the DER of a Name. */
  named(subject: Buffer): readonly X509Certificate[] {
    this.#read()
    const anchors = this.#named.get(subject.toString('latin1'))
    if (anchors === undefined) return []
    return [...anchors].map(([key, anchor]) => {
      const cert = anchor instanceof X509Certificate ? anchor : new X509Certificate(anchor)
      anchors.set(key, cert)
      return cert
    })
  }

  /** Whether this very certificate is one. */
  has(cert: X509Certificate): boolean {
    return this.named(readSubject(cert.raw)).some(anchor => anchor.raw.equals(cert.raw))
  }

  /** How many there are. */
  get size(): number {
    this.#read()
    return this.#named.values().reduce((sum, { size }) => sum + size, 0)
  }

  #read(): void {
    const given = this.#given
    this.#given = undefined
    for (const raw of given?.() ?? []) {
      const subject = subjectOf(raw)?.toString('latin1')
      if (subject === undefined) continue
      const anchors = this.#named.get(subject) ?? new Map<string, Buffer>()
      this.#named.set(subject, anchors.set(raw.toString('latin1'), raw))
    }
  }
}

function* machineAnchors(): Iterable<Buffer> {
  for (const kind of ['default', 'system'] as const) for (const pem of getCACertificates(kind)) yield* decoded(pem)
}

function derOf(given: X509Certificate | string): Buffer[] {
  if (given instanceof X509Certificate) return [given.raw]
  const found = decoded(given)
  if (found.length === 0) throw new Error('There is no certificate in PEM format.')
  for (const der of found) new X509Certificate(der)
  return found
}

function subjectOf(raw: Buffer): Buffer | undefined {
  try {
    return readSubject(raw)
  } catch (error) {
    if (error instanceof DerError) return undefined
    throw error
  }
}

function decoded(pem: string): Buffer[] {
  return [...pem.matchAll(PEM)].map(([, base64 = '']) => Buffer.from(base64, 'base64'))
}
