import { constants, type X509Certificate } from 'node:crypto'
import { join } from 'node:path'
import { createSecureContext, getCACertificates, type SecureContext, type SecureContextOptions } from 'node:tls'
import { domainToASCII } from 'node:url'
import { covers, daysLeft, localCredentials, RENEWED_DAYS_BEFORE, readCredentials } from './certificate-files.ts'

/** A domain that is served, and where its certificate comes from: these files, or the server's own authority. */
export interface CertificateSource {
  readonly domain: string
  /** What else is served with it; a certificate of our own carries these names, too. */
  readonly names?: readonly string[]
  readonly files?: { readonly cert: string; readonly key: string }
}

interface Served {
  readonly credentials: { readonly cert: string; readonly key: string }
  readonly leaf: X509Certificate
  readonly context: SecureContext
  /** For connections that we open; made for the first of them, as all authorities are in it. */
  callerContext: SecureContext | undefined
}

const WARNED_DAYS_BEFORE = 20

/** RFC 9325 §4: forward secrecy and authenticated encryption only. TLS 1.2 has no other suites with both. */
export const CIPHERS = [
  'TLS_AES_128_GCM_SHA256', // first: as strong as the keys of the handshake, which SHA-384 would make dearer
  'TLS_AES_256_GCM_SHA384',
  'TLS_CHACHA20_POLY1305_SHA256',
  'ECDHE-ECDSA-AES256-GCM-SHA384',
  'ECDHE-RSA-AES256-GCM-SHA384',
  'ECDHE-ECDSA-CHACHA20-POLY1305',
  'ECDHE-RSA-CHACHA20-POLY1305',
  'ECDHE-ECDSA-AES128-GCM-SHA256',
  'ECDHE-RSA-AES128-GCM-SHA256',
].join(':')

/** The certificates this server shows. The first domain is the default, for clients which name none or an unknown one. */
export class Certificates {
  readonly #sources: readonly CertificateSource[]
  readonly #authority: string
  readonly #policy: SecureContextOptions
  readonly #served = new Map<string, Served>()
  readonly #changed = new Set<() => void>()
  readonly #authorities: readonly string[]
  /** By domain. */
  readonly #errors = new Map<string, string>()
  /** For `tls`; `undefined` when all domains have one certificate, because asking costs time in every handshake. */
  readonly sniCallback: ((serverName: string, done: (error: null, context: SecureContext | undefined) => void) => void) | undefined

  /** Reads or makes everything at once; look at `errors` before you serve. Our own authority lives in `<data>/ca/`. */
  constructor(sources: readonly CertificateSource[], data: string, oldest: '1.2' | '1.3' = '1.2', authorities: readonly string[] = []) {
    this.#authorities = authorities
    this.#policy = { ...POLICY, minVersion: `TLSv${oldest}` }
    this.#sources = sources
    this.#authority = join(data, 'ca')
    this.reload()
    const different = new Set(sources.map(({ domain, files }) => (files === undefined ? domain : `${files.cert}\0${files.key}`)))
    if (different.size > 1) this.sniCallback = (serverName, done) => done(null, this.contextFor(serverName))
  }

  /** What went wrong in the last load, as sentences; the domains concerned keep what they had. */
  get errors(): readonly string[] {
    return [...this.#errors.values()]
  }

  /** Takes up new files without touching sessions. What cannot be used is left, and told by a sentence. */
  reload(): readonly string[] {
    for (const source of this.#sources) this.#take(source)
    for (const tell of this.#changed) tell()
    return this.errors
  }

  /** Replaces those of our own that expire soon, without touching sessions. What fails is told by a sentence, the first time. */
  renew(): readonly string[] {
    const due = this.#sources.filter(({ domain, files }) => files === undefined && (this.daysLeft(domain) ?? 0) < RENEWED_DAYS_BEFORE)
    if (due.length === 0) return []
    const known = this.errors
    for (const source of due) this.#take(source)
    for (const tell of this.#changed) tell()
    return this.errors.filter(sentence => !known.includes(sentence))
  }

  /** Those names of services that the certificates they are served with do not carry. */
  gaps(): string[] {
    return this.#sources.flatMap(({ domain, names = [] }) => {
      const leaf = this.leafOf(domain)
      return leaf === undefined ? [] : names.filter(name => !covers(leaf, name))
    })
  }

  /** For SNI. `undefined` only when there is no usable certificate at all. */
  contextFor(serverName: string | undefined): SecureContext | undefined {
    return this.#servedFor(serverName)?.context
  }

  /**
   * For a connection that we open in the name of a domain: shows its certificate, and knows the authorities of Node, of the
   * machine, and those that the settings add.
   */
  callerContextFor(domain: string): SecureContext {
    const served = this.#servedFor(domain)
    const ca = [...getCACertificates('default'), ...getCACertificates('system'), ...this.#authorities]
    if (served === undefined) return createSecureContext({ ...this.#policy, ca })
    served.callerContext ??= createSecureContext({ ...this.#policy, ...served.credentials, ca })
    return served.callerContext
  }

  /** The certificate shown for a domain now. What an established connection used, its `tls.endPoint()` knows. */
  leafOf(domain: string): X509Certificate | undefined {
    return this.#served.get(domainToASCII(domain))?.leaf
  }

  /** For servers of Node which make their own contexts; changes are told to `onChanged`. */
  serverOptions(): SecureContextOptions {
    const { cert, key } = this.#servedFor(undefined)?.credentials ?? {}
    return { ...this.#policy, ...(cert !== undefined && key !== undefined ? { cert, key } : {}) }
  }

  /** `tell` is called whenever contexts were replaced, until the function that is returned is called. */
  onChanged(tell: () => void): () => void {
    this.#changed.add(tell)
    return () => this.#changed.delete(tell)
  }

  /** Whole days until the domain's certificate expires. */
  daysLeft(domain: string): number | undefined {
    const leaf = this.leafOf(domain)
    return leaf && daysLeft(leaf)
  }

  /** Everything the operator should mend, as sentences. */
  problems(): string[] {
    const problems = [...this.errors]
    for (const { domain } of this.#sources) {
      const leaf = this.leafOf(domain)
      if (leaf === undefined) continue
      if (!covers(leaf, domain)) problems.push(`The certificate for ${domain} does not carry that name, so clients will refuse it.`)
      const days = daysLeft(leaf)
      if (days < 0) problems.push(`The certificate for ${domain} has expired.`)
      else if (days < WARNED_DAYS_BEFORE) problems.push(`The certificate for ${domain} expires in ${days} ${days === 1 ? 'day' : 'days'}.`)
    }
    return problems
  }

  #take(source: CertificateSource): void {
    try {
      const { leaf, ...credentials } = this.#load(source)
      const served = { credentials, leaf, context: this.#contextOf(credentials), callerContext: undefined }
      for (const name of [source.domain, ...(source.names ?? [])]) this.#served.set(domainToASCII(name), served)
      this.#errors.delete(source.domain)
    } catch (error) {
      this.#errors.set(source.domain, (error as Error).message)
    }
  }

  #load({ domain, names = [], files }: CertificateSource): Served['credentials'] & { readonly leaf: X509Certificate } {
    if (files !== undefined) return readCredentials(files.cert, files.key)
    return localCredentials(this.#authority, domainToASCII(domain), [domain, ...names])
  }

  #contextOf(credentials: Served['credentials']): SecureContext {
    return createSecureContext({ ...this.#policy, ...credentials })
  }

  #servedFor(serverName: string | undefined): Served | undefined {
    const known = serverName === undefined ? undefined : this.#served.get(domainToASCII(serverName))
    if (known !== undefined) return known
    const all = [...this.#served.values()]
    // A client may ask for the host an SRV record led it to.
    return (serverName !== undefined && all.find(({ leaf }) => covers(leaf, serverName))) || all[0]
  }
}

const { SSL_OP_CIPHER_SERVER_PREFERENCE, SSL_OP_NO_TICKET, SSL_OP_NO_COMPRESSION, SSL_OP_NO_RENEGOTIATION, SSL_OP_PRIORITIZE_CHACHA } =
  constants

const POLICY: SecureContextOptions = {
  maxVersion: 'TLSv1.3',
  ciphers: CIPHERS,
  honorCipherOrder: true,
  // The server's order, but ChaCha20 for a client that puts it first because it has no AES instructions.
  // No session is resumed: there is no ticket key that could be stolen, and making tickets cost more than they saved.
  secureOptions:
    SSL_OP_NO_TICKET | SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION | SSL_OP_PRIORITIZE_CHACHA,
  sessionIdContext: 'conexizan',
}
