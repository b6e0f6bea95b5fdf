import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Login } from '../../faults/client.ts'
import { freePorts, PROGRAM, run } from '../server.ts'
import { Guest } from './guest.ts'
import { Program } from './program.ts'
import type { Credentials } from './stranger.ts'

export interface Dwelling {
  /** An empty folder. */
  readonly folder: string
  readonly domains: readonly string[]
  /** For all the domains. */
  readonly credentials: NonNullable<Credentials>
  /** PEM file that its clients shall trust. */
  readonly ca: string
  /** Lines of the table `[s2s]`. */
  readonly s2s: readonly string[]
  readonly env?: NodeJS.ProcessEnv | undefined
}

/** What `s2s list` says of a domain. */
export interface Known {
  readonly domain: string
  readonly connections: readonly { readonly direction: string; readonly proof: string }[]
  readonly waiting: number
  readonly failure?: string
}

/** Our own server, started, on ports of this machine that nobody knows but the test. */
export class Home implements AsyncDisposable {
  readonly domain: string
  /** For other servers, with STARTTLS and with TLS from the first byte. */
  readonly ports: { readonly tcp: number; readonly tls: number }
  readonly #clients: number
  readonly #program: Program
  readonly #config: string
  readonly #ca: string

  private constructor({ folder, domains, credentials, ca, s2s, env }: Dwelling, [tcp, tls, clients]: readonly number[]) {
    this.domain = domains[0]!
    this.ports = { tcp: tcp!, tls: tls! }
    this.#clients = clients!
    this.#ca = ca
    this.#config = join(folder, 'conexizan.toml')
    const [cert, key] = [join(folder, 'home.crt'), join(folder, 'home.key')]
    writeFileSync(cert, credentials.cert)
    writeFileSync(key, credentials.key)
    const lines = [
      `hosts = ${JSON.stringify(domains)}`,
      '[listen]',
      'addresses = ["127.0.0.1"]',
      `c2s = false\nc2sTls = ${clients}\nhttps = false\ns2s = ${tcp}\ns2sTls = ${tls}`,
      '[auth]\niterations = 4096',
      `[tls]\ncertificate = { cert = "${cert}", key = "${key}" }`,
      '[s2s]',
      ...s2s,
    ]
    writeFileSync(this.#config, `${lines.join('\n')}\n`)
    this.#program = new Program([PROGRAM, 'serve', '--config', this.#config], folder, env)
  }

  static async open(dwelling: Dwelling): Promise<Home> {
    const home = new Home(dwelling, await freePorts(3))
    try {
      await home.#program.start('127.0.0.1', [home.#clients, ...Object.values(home.ports)])
      return home
    } catch (error) {
      await home[Symbol.asyncDispose]()
      throw error
    }
  }

  /** A new account, which is online. */
  async guest(name: string, domain = this.domain): Promise<Guest> {
    const login = this.login(name, domain)
    await this.command(['user', 'add', `${name}@${domain}`], `${login.password}\n`)
    return Guest.online(login)
  }

  login(name: string, domain = this.domain): Login {
    return { name, password: `the password of ${name}`, domain, port: this.#clients, ca: this.#ca }
  }

  /** What it knows of other domains, by domain. */
  async known(): Promise<ReadonlyMap<string, Known>> {
    const all: readonly Known[] = JSON.parse(await this.command(['s2s', 'list', '--json']))
    return new Map(all.map(known => [known.domain, known]))
  }

  /** Why a domain cannot be reached, once that has been tried, and how much waits for it nevertheless. */
  async failureOf(domain: string): Promise<{ failure: string; waiting: number }> {
    for (;;) {
      const known = (await this.known()).get(domain)
      if (known?.failure !== undefined) return { failure: known.failure, waiting: known.waiting }
    }
  }

  command(words: readonly string[], input = ''): Promise<string> {
    return run(PROGRAM, [...words, '--config', this.#config], input)
  }

  /** What it has said on its terminal. */
  get output(): string {
    return this.#program.output
  }

  /** What its process has in memory, in MiB. */
  async memory(): Promise<number> {
    return JSON.parse(await this.command(['status', '--json'])).memory_mib
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#program.end('SIGKILL')
  }
}
