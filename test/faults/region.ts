import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { domainToASCII } from 'node:url'
import { issuedBy, type Made, selfSigned } from '../net/certificates.ts'
import { type DnsServer, startDnsServer } from '../net/dns-server.ts'
import { Server, type ServerOptions } from './server.ts'

/** PEM. */
export interface Credentials {
  readonly cert: string
  readonly key: string
}

/** Domains on this machine that find each other and can believe each other: with DNS and an authority of the test's own. */
export class Region implements AsyncDisposable {
  readonly dns: DnsServer
  /** All that is made here goes with it. */
  readonly folder = mkdtempSync(join(tmpdir(), 'conexizan-region-'))
  readonly #authority: Made = selfSigned()
  readonly #servers: Server[] = []
  readonly #certified = new Map<string, Credentials>()

  private constructor(dns: DnsServer) {
    this.dns = dns
    writeFileSync(this.ca, this.#authority.cert.toString())
  }

  static async open(): Promise<Region> {
    return new Region(await startDnsServer())
  }

  /** PEM file with the authority. */
  get ca(): string {
    return join(this.folder, 'authority.crt')
  }

  /** A certificate as public authorities give them, always the same for a domain; `others` are further names in it. */
  certify(domain: string, others: readonly string[] = []): Credentials {
    const known = this.#certified.get(domain)
    if (known !== undefined) return known
    const { cert, key } = issuedBy(this.#authority, { names: { dns: [domain, ...others].map(domainToASCII) } })
    const credentials = { cert: cert.toString(), key: key.export({ type: 'pkcs8', format: 'pem' }).toString() }
    this.#certified.set(domain, credentials)
    return credentials
  }

  /** From now on the domain's server is there: with STARTTLS, or with TLS from the first byte. */
  publish(domain: string, kind: 'tcp' | 'tls', port: number, host = `host.${domain}`, address = '127.0.0.1'): void {
    this.dns.zone[`_xmpp${kind === 'tls' ? 's' : ''}-server._tcp.${domainToASCII(domain)}`] = {
      srv: [{ priority: 1, weight: 1, port, target: domainToASCII(host) }],
    }
    this.dns.zone[domainToASCII(host)] = { a: [address] }
  }

  /** A server of ours, which does not run yet. `settings` is TOML, `federation` what stands in its `[s2s]`. */
  async server(domain: string, settings = '', federation = '', more: Pick<ServerOptions, 'addresses' | 'around'> = {}): Promise<Server> {
    const folder = join(this.folder, domain)
    const [cert, key] = [join(folder, 'cert.pem'), join(folder, 'key.pem')]
    mkdirSync(folder)
    const credentials = this.certify(domain)
    writeFileSync(cert, credentials.cert)
    writeFileSync(key, credentials.key)
    const s2s = `[s2s]\nnetworks = ["127.0.0.0/8"]\ndns = ["${this.dns.address}"]\nauthorities = "${this.ca}"\n${federation}`
    const host = `[host."${domain}"]\ncertificate = { cert = "${cert}", key = "${key}" }\n`
    const server = await Server.make({ domain, folder, ca: this.ca, settings: `${settings}${s2s}${host}`, ...more })
    this.publish(domain, 'tcp', server.s2s)
    this.#servers.push(server)
    return server
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const server of this.#servers) await server[Symbol.asyncDispose]()
    await this.dns.close()
    rmSync(this.folder, { recursive: true, force: true })
  }
}
