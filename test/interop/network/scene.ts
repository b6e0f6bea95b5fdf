import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { issuedBy, type Made, selfSigned, type Wish } from '../../net/certificates.ts'
import { type DnsServer, startDnsServer, type ZoneEntry } from '../../net/dns-server.ts'
import { within } from '../server.ts'
import { Home } from './home.ts'
import { type Credentials, type Kind, Stranger } from './stranger.ts'

/** That of the loopback interface, which no stranger's DNS may name elsewhere. */
export const LOOPBACK = 'networks = ["127.0.0.0/8"]'

/** PEM of a certificate, with those above it that are shown as well. */
export const pem = ({ cert, key }: Made, ...above: readonly Made[]): NonNullable<Credentials> => ({
  cert: [cert, ...above.map(made => made.cert)].join(''),
  key: key.export({ type: 'pkcs8', format: 'pem' }).toString(),
})

/** Names and an authority that only the test knows, our own server among them, and servers that say what the test wants. */
export class Scene implements AsyncDisposable {
  readonly authority = selfSigned({ subject: 'The Authority of This Test' })
  readonly dns: DnsServer
  readonly #folder = mkdtempSync(join(tmpdir(), 'conexizan-scene-'))
  readonly #stack = new AsyncDisposableStack()

  private constructor(dns: DnsServer) {
    this.dns = dns
    this.#stack.defer(() => rmSync(this.#folder, { recursive: true, force: true }))
    this.#stack.defer(() => dns.close())
    writeFileSync(this.authorityFile, this.authority.cert.toString())
  }

  static async open(): Promise<Scene> {
    return new Scene(await startDnsServer())
  }

  get authorityFile(): string {
    return join(this.#folder, 'authority.crt')
  }

  /** A good certificate, or what is wished. */
  certify(domain: string, wish: Wish = {}): NonNullable<Credentials> {
    return pem(issuedBy(this.authority, { names: { dns: [domain] }, ...wish }))
  }

  /** Our own server; `s2s` are lines of its settings besides those that name the DNS server and the authority. */
  async home(domains: readonly string[], s2s: readonly string[], env?: NodeJS.ProcessEnv): Promise<Home> {
    const home = await Home.open({
      folder: mkdtempSync(join(this.#folder, 'home-')),
      domains,
      credentials: this.certify(domains[0]!, { names: { dns: domains } }),
      ca: this.authorityFile,
      s2s: [`dns = ["${this.dns.address}"]`, `authorities = "${this.authorityFile}"`, ...s2s],
      env,
    })
    this.#publish(domains, home.ports.tcp, 'tcp', {})
    return this.#stack.use(home)
  }

  /** A server of the test for a domain, which DNS knows of. */
  async place(domain: string, kind: Kind = 'tcp', entry: Pick<ZoneEntry, 'isAuthentic'> = {}): Promise<Place> {
    const place = this.#stack.use(await Place.open(kind))
    this.#publish([domain], place.port, kind, entry)
    return place
  }

  #publish(domains: readonly string[], port: number, kind: Kind, entry: Pick<ZoneEntry, 'isAuthentic'>): void {
    for (const domain of domains) {
      const target = `host.${domain}`
      const srv = [{ priority: 1, weight: 1, port, target }]
      this.dns.zone[`${kind === 'tcp' ? '_xmpp-server' : '_xmpps-server'}._tcp.${domain}`] = { ...entry, srv }
      this.dns.zone[target] = { ...entry, a: ['127.0.0.1'] }
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#stack.disposeAsync()
  }
}

/** A port of this machine where the test waits for our server. */
export class Place implements AsyncDisposable {
  /** How often somebody has connected. */
  visits = 0
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  readonly #arrived: Stranger[] = []
  #changed = Promise.withResolvers<void>()

  private constructor(kind: Kind) {
    this.#server = createServer(socket => {
      this.visits++
      this.#sockets.add(socket.once('close', () => this.#sockets.delete(socket)))
      this.#arrived.push(new Stranger(socket, kind))
      this.#changed.resolve()
      this.#changed = Promise.withResolvers()
    })
  }

  static async open(kind: Kind = 'tcp', host = '127.0.0.1'): Promise<Place> {
    const place = new Place(kind)
    place.#server.listen(0, host)
    await once(place.#server, 'listening')
    return place
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  /** Whoever connects next, or has connected and was not asked for. */
  next(): Promise<Stranger> {
    const arrive = async (): Promise<Stranger> => {
      while (this.#arrived.length === 0) await this.#changed.promise
      return this.#arrived.shift()!
    }
    return within(20_000, arrive(), 'our server to connect')
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    this.#server.close()
  }
}
