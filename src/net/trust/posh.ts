/** RFC 7711: a domain tells by HTTPS which certificates its XMPP server has. */
import { hash, X509Certificate } from 'node:crypto'
import { get as httpsGet } from 'node:https'
import { isIP, type LookupFunction } from 'node:net'
import { createSecureContext, getCACertificates, type SecureContext } from 'node:tls'
import { covers } from '../certificate-files.ts'
import { asciiDomain } from '../domain-name.ts'

/** Fetches an `https` URL from a server with a good certificate. Rejects for whatever else but a body with status 200. */
export type Getter = (url: string) => Promise<Buffer>

interface Kept {
  /** ms */
  until: number
  fingerprints: Promise<readonly Buffer[]>
}

interface Document {
  readonly fingerprints: readonly Buffer[] | undefined
  readonly url: string | undefined
  /** ms */
  readonly lifetime: number
}

const LONGEST_DOCUMENT = 65_536
const LONGEST_WAIT = 5_000
const LONGEST_KEPT = 86_400_000
const FAILURE_KEPT = 300_000
const MOST_KEPT = 1_000
const BUSY = 20
const MOST_FINGERPRINTS = 100
const DIGESTS = [
  ['sha-256', 32],
  ['sha-512', 64],
] as const

/** Asks domains for their fingerprints, and remembers the answers for as long as they say, a day at most. */
export class Posh {
  readonly #get: Getter
  readonly #now: () => number
  readonly #kept = new Map<string, Kept>()
  #asking = 0

  /** `now` gives ms and never goes back. */
  constructor({ get, now = () => performance.now() }: { readonly get: Getter; readonly now?: () => number }) {
    this.#get = get
    this.#now = now
  }

  /** SHA-256 and SHA-512 hashes of certificates. None when the domain tells none, or cannot be asked; never rejects. */
  fingerprints(domain: string): Promise<readonly Buffer[]> {
    const name = asciiDomain(domain)
    if (name === undefined) return Promise.resolve([])
    const kept = this.#kept.get(name)
    if (kept !== undefined && kept.until > this.#now()) return kept.fingerprints
    const asked: Kept = { until: Number.POSITIVE_INFINITY, fingerprints: Promise.resolve([]) }
    this.#asking++
    const answer = this.#ask(name).finally(() => this.#asking--)
    asked.fingerprints = answer.then(
      ({ fingerprints, lifetime }) => {
        asked.until = this.#now() + lifetime
        return fingerprints
      },
      () => {
        asked.until = this.#now() + FAILURE_KEPT
        return []
      },
    )
    this.#kept.delete(name)
    this.#kept.set(name, asked)
    if (this.#kept.size > MOST_KEPT) this.#kept.delete(this.#kept.keys().next().value!)
    return asked.fingerprints
  }

  /** So many are being asked that strangers should not make it ask more: they can say any domain. */
  get isBusy(): boolean {
    return this.#asking >= BUSY
  }

  async #ask(name: string): Promise<{ readonly fingerprints: readonly Buffer[]; readonly lifetime: number }> {
    const { fingerprints, url, lifetime } = readDocument(await this.#get(`https://${name}/.well-known/posh/xmpp-server.json`))
    if (fingerprints !== undefined) return { fingerprints, lifetime }
    const referred = readDocument(await this.#get(goodReference(url)))
    // §3.2: a reference does not lead to another one.
    if (referred.fingerprints === undefined) throw new Error('A reference leads to no fingerprints.')
    return { fingerprints: referred.fingerprints, lifetime: Math.min(lifetime, referred.lifetime) }
  }
}

/** Whether the certificate is one of those whose fingerprints these are. */
export function matchesPosh(leaf: X509Certificate, fingerprints: readonly Buffer[]): boolean {
  const own = [hash('sha256', leaf.raw, 'buffer'), hash('sha512', leaf.raw, 'buffer')]
  return fingerprints.some(fingerprint => own.some(digest => digest.equals(fingerprint)))
}

export interface HttpsGetterOptions {
  readonly lookup: LookupFunction
  readonly authorities?: readonly string[]
}

/**
 * Fetches with Node, and connects only where `lookup` says; so that decides which addresses may be reached. An address in
 * the URL, for which it would not be asked, is refused. Redirects are not followed. `authorities` (PEM) are believed besides
 * those of Node and of the machine.
 */
export function httpsGetter({ lookup, authorities = [] }: HttpsGetterOptions): Getter {
  // Made for the first question, as all authorities are in it.
  let secureContext: SecureContext | undefined
  return async url => {
    const { hostname } = new URL(url)
    if (isIP(hostname.replace(/^\[|\]$/g, '')) !== 0) throw new Error('Addresses are not asked.')
    const signal = AbortSignal.timeout(LONGEST_WAIT)
    secureContext ??= createSecureContext({ ca: [...getCACertificates('default'), ...getCACertificates('system'), ...authorities] })
    return new Promise((resolve, reject) => {
      const options = {
        secureContext,
        lookup,
        signal,
        agent: false,
        // The environment must not turn this off.
        rejectUnauthorized: true,
        // Node would fall back on the common name.
        checkServerIdentity: (host: string, { raw }: { raw: Buffer }) =>
          covers(new X509Certificate(raw), host) ? undefined : new Error('The certificate is for other names.'),
        headers: { Accept: 'application/json', 'Accept-Encoding': 'identity' },
      }
      const request = httpsGet(url, options, response => {
        const chunks: Buffer[] = []
        let length = 0
        const fail = (): void => {
          request.destroy()
          reject(new Error('There is no document, or it is too large.'))
        }
        if (response.statusCode !== 200) return fail()
        response.on('data', (chunk: Buffer) => {
          chunks.push(chunk)
          if ((length += chunk.length) > LONGEST_DOCUMENT) fail()
        })
        response.on('error', reject).on('end', () => resolve(Buffer.concat(chunks)))
      })
      request.on('error', reject)
    })
  }
}

// §3.2. Where a stranger may send us is as narrow as it can be: a name, and the port that HTTPS has.
function goodReference(reference: string | undefined): string {
  const url = new URL(reference ?? '')
  const isGood = url.protocol === 'https:' && url.port === '' && url.username === '' && url.password === ''
  if (!isGood || asciiDomain(url.hostname) === undefined) throw new Error('A reference is not usable.')
  return url.href
}

// §3.1 and §3.2. What a domain says itself goes before where it refers to.
function readDocument(body: Buffer): Document {
  if (body.length > LONGEST_DOCUMENT) throw new Error('A document is too large.')
  const json: unknown = JSON.parse(body.toString())
  const { fingerprints, url, expires } = Object(json) as Record<string, unknown>
  return {
    fingerprints: Array.isArray(fingerprints) ? fingerprints.slice(0, MOST_FINGERPRINTS).flatMap(readFingerprint) : undefined,
    url: typeof url === 'string' ? url : undefined,
    lifetime: typeof expires === 'number' && expires > 0 ? Math.min(expires * 1000, LONGEST_KEPT) : 0,
  }
}

// Hashes that are not long enough say nothing, and neither do weaker ones.
function readFingerprint(entry: unknown): Buffer[] {
  const byName = Object(entry) as Record<string, unknown>
  return DIGESTS.flatMap(([name, length]) => {
    const base64 = Object.hasOwn(byName, name) ? byName[name] : undefined
    const digest = Buffer.from(typeof base64 === 'string' ? base64 : '', 'base64')
    return digest.length === length ? [digest] : []
  })
}
