import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startProsody } from './prosody.ts'

/** What clients must know of a server. */
export interface Reachable {
  readonly domain: string
  readonly address: string
  readonly ports: { readonly starttls?: number; readonly tls: number; readonly https: number }
  /** The PEM file that clients shall trust. */
  readonly ca: string
}

/** What the tests want of a server. */
export interface Server extends Reachable, AsyncDisposable {
  readonly ports: Ports
  addUser(name: string, password: string): Promise<void>
  /** The token of a new invitation (XEP-0445). */
  invite(): Promise<string>
  /** As in a crash. */
  kill(): Promise<void>
  start(): Promise<void>
}

export interface Ports {
  readonly starttls: number
  readonly tls: number
  readonly https: number
  /** For components, where the settings have some; Prosody has none here. */
  readonly component: number
}

const DOMAIN = 'localhost'
/** `INTEROP_PROGRAM` names one that is installed elsewhere. */
export const PROGRAM = process.env['INTEROP_PROGRAM'] ?? join(import.meta.dirname, '../../bin/conexizan')

/** Starts a server of its own with further settings (TOML). `INTEROP_SERVER=prosody` starts Prosody, to see whether a fault is the client's. */
export async function startServer(settings = ''): Promise<Server> {
  const folder = await mkdtemp(join(tmpdir(), 'conexizan-interop-'))
  const [starttls, tls, https, component] = await freePorts(4)
  const ports = { starttls: starttls!, tls: tls!, https: https!, component: component! }
  const server = process.env['INTEROP_SERVER'] === 'prosody' ? await startProsody(folder, ports) : new Conexizan(folder, ports, settings)
  await server.start()
  return server
}

const running = new Set<ChildProcess>()

/** Whoever interrupts the tests ends this program too. */
export function endWithTests(child: ChildProcess): void {
  running.add(child)
  child.on('exit', () => running.delete(child))
}

process.on('exit', () => running.forEach(child => void child.kill('SIGKILL')))
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1))

class Conexizan implements Server {
  readonly domain = DOMAIN
  readonly address = '127.0.0.1'
  readonly ports: Ports
  readonly ca: string
  readonly #folder: string
  readonly #settings: string
  #process: ChildProcess | undefined

  constructor(folder: string, ports: Ports, settings: string) {
    this.#folder = folder
    this.ports = ports
    this.ca = join(folder, 'data/ca/ca.crt')
    this.#settings = settings
  }

  async start(): Promise<void> {
    const { starttls, tls, https, component } = this.ports
    const listen = `[listen]\naddresses = ["127.0.0.1"]\nc2s = ${starttls}\nc2sTls = ${tls}\ns2s = false\ns2sTls = false\nhttps = ${https}\ncomponent = ${component}\n`
    await writeFile(this.#config, `hosts = ["${DOMAIN}"]\n${listen}${this.#settings}`)
    const child = spawn(PROGRAM, ['serve', '--config', this.#config], { stdio: ['ignore', 'pipe', 'pipe'] })
    this.#process = child
    endWithTests(child)
    let said = ''
    const ready = new Promise<void>((resolve, reject) => {
      const hear = (text: string): void => {
        said += text
        if (process.env['INTEROP_WIRE']) process.stderr.write(text)
        if (said.includes('Make an account:')) resolve()
      }
      child.stdout.setEncoding('utf8').on('data', hear)
      child.stderr.setEncoding('utf8').on('data', hear)
      child.on('exit', code => reject(new Error(`the server ended with ${code}: ${said}`)))
    })
    await within(30_000, ready, 'the server to be ready')
  }

  async addUser(name: string, password: string): Promise<void> {
    await this.#command(['user', 'add', `${name}@${DOMAIN}`], `${password}\n`)
  }

  async invite(): Promise<string> {
    const { uri } = JSON.parse(await this.#command(['invite', 'create', '--json'], ''))
    return /[;?]preauth=([^;]+)/.exec(uri)![1]!
  }

  kill(): Promise<void> {
    return this.#end('SIGKILL')
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#end('SIGTERM')
    await rm(this.#folder, { recursive: true })
  }

  get #config(): string {
    return join(this.#folder, 'conexizan.toml')
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#process
    this.#process = undefined
    if (child === undefined || child.exitCode !== null) return
    const ended = once(child, 'exit')
    child.kill(signal)
    await within(10_000, ended, 'the server to end')
  }

  async #command(args: string[], input: string): Promise<string> {
    return run(PROGRAM, [...args, '--config', this.#config], input)
  }
}

/** Runs a program to its end and gives what it wrote. Throws when it fails or takes over 30 s. */
export async function run(program: string, args: string[], input = '', env: NodeJS.ProcessEnv = process.env): Promise<string> {
  const child = spawn(program, args, { env, timeout: 30_000 })
  const [output, complaint] = [child.stdout, child.stderr].map(stream => stream.setEncoding('utf8').toArray())
  // A program may end without reading what it is given.
  child.stdin.on('error', () => {})
  child.stdin.end(input)
  const [code] = await once(child, 'close')
  if (code !== 0) throw new Error(`${program} ${args.join(' ')} ended with ${code}: ${(await complaint)!.join('')}`)
  return (await output)!.join('')
}

/** Gives what is promised, or throws when that takes longer than `ms`. */
export async function within<T>(ms: number, promised: Promise<T>, what: string): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>()
  const timer = setTimeout(() => reject(new Error(`waited ${ms} ms in vain for ${what}`)), ms)
  return Promise.race([promised, promise]).finally(() => clearTimeout(timer))
}

/** Ports of 127.0.0.1 that nobody has just now. */
export async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, '127.0.0.1'))
  await Promise.all(servers.map(server => once(server, 'listening')))
  const ports = servers.map(server => (server.address() as AddressInfo).port)
  await Promise.all(servers.map(server => once(server.close(), 'close')))
  return ports
}
