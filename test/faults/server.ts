/** A server in a process of its own, on a data folder that outlives it; to be killed, starved and looked into. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { loadConfig } from '../../src/admin/config.ts'
import { program } from '../../src/main.ts'
import type { Login, Place } from './client.ts'
import { within } from './within.ts'

/** `FAULTS_PROGRAM` names one that is installed elsewhere. */
const PROGRAM = process.env['FAULTS_PROGRAM'] ?? join(import.meta.dirname, '../../bin/conexizan')
/** The program itself takes no options for Node: what they could load would see all. */
const [ENTRY, SKEW] = ['../../bin/entry.js', 'skew.ts'].map(name => join(import.meta.dirname, name)) as [string, string]
export const PASSWORD = 'correct horse battery'

export interface ServerOptions {
  /** `localhost` if not said. */
  readonly domain?: string
  /** PEM file with the authority that clients trust; the server's own if not said. */
  readonly ca?: string
  /** TOML, after the `[listen]` table and a cheap `[auth]`. */
  readonly settings?: string
  /** Where it listens; 127.0.0.1 if not said. */
  readonly addresses?: readonly string[]
  /** A command that runs the server, such as `['prlimit', '--fsize=…']`. */
  readonly around?: readonly string[]
  readonly folder?: string
}

export class Server implements Place, AsyncDisposable {
  readonly domain: string
  readonly folder: string
  readonly port: number
  readonly starttls: number
  readonly https: number
  /** For a reverse proxy. */
  readonly http: number
  readonly component: number
  /** Where other servers come, with STARTTLS and with TLS from the first byte. */
  readonly s2s: number
  readonly s2sTls: number
  /** How far ahead its clock is from the next start on, in ms. */
  skew = 0
  /** All it has written to standard output and error, over all its starts. */
  output = ''
  readonly #around: readonly string[]
  readonly #ca: string | undefined
  #process: ChildProcess | undefined

  private constructor(folder: string, ports: readonly number[], options: ServerOptions) {
    const { domain = 'localhost', settings = '', addresses = ['127.0.0.1'], around = [], ca } = options
    const [starttls, port, https, s2s, s2sTls, http, component] = ports
    this.folder = folder
    this.domain = domain
    this.#ca = ca
    this.starttls = starttls!
    this.port = port!
    this.https = https!
    this.s2s = s2s!
    this.s2sTls = s2sTls!
    this.http = http!
    this.component = component!
    this.#around = around
    const listeners = { c2s: starttls, c2sTls: port, https, s2s, s2sTls, http, component }
    const listen = `[listen]\naddresses = ${JSON.stringify(addresses)}\n${Object.entries(listeners)
      .map(([name, port]) => `${name} = ${port}\n`)
      .join('')}`
    writeFileSync(this.config, `hosts = ["${domain}"]\n${listen}[auth]\niterations = 4096\n${settings}`)
  }

  /** Settings are written, nothing runs yet. */
  static async make(options: ServerOptions = {}): Promise<Server> {
    const folder = options.folder ?? mkdtempSync(join(tmpdir(), 'conexizan-faults-'))
    return new Server(folder, await freePorts(7), options)
  }

  get config(): string {
    return join(this.folder, 'conexizan.toml')
  }

  get data(): string {
    return join(this.folder, 'data')
  }

  get ca(): string {
    return this.#ca ?? join(this.data, 'ca/ca.crt')
  }

  /** Where the secrets are that messages die with. */
  get secrets(): string {
    return `${this.data}-secrets`
  }

  get pid(): number {
    return this.#process!.pid!
  }

  login(name: string): Login {
    return { domain: this.domain, port: this.port, ca: this.ca, name, password: PASSWORD }
  }

  /** Makes accounts while the server does not run. */
  async addAccounts(names: readonly string[]): Promise<void> {
    await using context = await program.openStore(await loadConfig(this.config, program.modules))
    const accounts = context.accounts(this.domain)
    await Promise.all(names.map(name => accounts.create(name, PASSWORD)))
  }

  /** Done when it says that it serves. */
  async start(): Promise<void> {
    const program = this.skew === 0 ? [PROGRAM] : [process.execPath, '--import', SKEW, ENTRY]
    const [command, ...args] = [...this.#around, ...program, 'serve', '--config', this.config]
    const env = { ...process.env, FAULTS_SKEW: String(this.skew) }
    const child = spawn(command!, args, { cwd: this.folder, stdio: ['ignore', 'pipe', 'pipe'], env })
    this.#process = child
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    let said = ''
    const hear = (text: string): void => {
      this.output += text
      said += text
      if (said.includes('Make an account:')) resolve()
    }
    child.stdout!.setEncoding('utf8').on('data', hear)
    child.stderr!.setEncoding('utf8').on('data', hear)
    child.once('exit', code => reject(new Error(`the server ended with ${code}: ${said}`)))
    await within(30_000, promise, 'the server to serve')
  }

  /** Gives the exit code, and how long it took in ms. */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<{ code: number | null; ms: number }> {
    const child = this.#process!
    if (child.exitCode !== null || child.signalCode !== null) return { code: child.exitCode, ms: 0 }
    const startedAt = performance.now()
    const ended = once(child, 'exit')
    child.kill(signal)
    const [code] = await within(15_000, ended, 'the server to end')
    return { code, ms: performance.now() - startedAt }
  }

  signal(signal: NodeJS.Signals): void {
    this.#process!.kill(signal)
  }

  /** What SQLite says of a copy of its store, as it was left: `ok`, or what is wrong. */
  integrity(): string {
    return this.rows<{ integrity_check: string }>('PRAGMA integrity_check')[0]!.integrity_check
  }

  /** What a copy of its store answers. */
  rows<Row>(query: string): Row[] {
    const copy = mkdtempSync(join(tmpdir(), 'conexizan-store-'))
    try {
      cpSync(this.data, copy, { recursive: true, filter: file => !file.endsWith('.sock') })
      const db = new DatabaseSync(join(copy, `${this.domain}.sqlite`))
      const rows = db.prepare(query).all() as Row[]
      db.close()
      return rows
    } finally {
      rmSync(copy, { recursive: true, force: true })
    }
  }

  get isRunning(): boolean {
    return this.#process !== undefined && this.#process.exitCode === null && this.#process.signalCode === null
  }

  /** Resident memory in MiB. */
  get memory(): number {
    const [, kib] = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${this.pid}/status`, 'utf8'))!
    return Math.round(Number(kib) / 1024)
  }

  get descriptors(): number {
    return readdirSync(`/proc/${this.pid}/fd`).length
  }

  /** Runs a command of the operator; gives what it wrote to standard output. */
  command(args: readonly string[], input = ''): string {
    const { status, stdout, stderr } = spawnSync(PROGRAM, [...args, '--config', this.config], { input, encoding: 'utf8', timeout: 30_000 })
    if (status !== 0) throw new Error(`${args.join(' ')} ended with ${status}: ${stderr}`)
    return stdout
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#process !== undefined) await this.stop('SIGKILL')
    rmSync(this.folder, { recursive: true, force: true })
  }
}

export async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, '127.0.0.1'))
  await Promise.all(servers.map(server => once(server, 'listening')))
  const ports = servers.map(server => (server.address() as AddressInfo).port)
  await Promise.all(servers.map(server => once(server.close(), 'close')))
  return ports
}
