import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { type Reachable, within } from './server.ts'

type Happening =
  | ('online' | 'resumed' | 'lost' | 'closed' | 'failed')
  | ('registered' | 'carbons' | 'sent' | 'message' | 'presence' | 'items' | 'clients' | 'revoked')
  | ('published' | 'retracted')
  | ('entered' | 'occupant' | 'present' | 'subject' | 'invited' | 'retraction' | 'configured' | 'answered' | 'refused' | 'found' | 'did')
  | ('voice' | 'reconfigured' | 'card' | 'form')
  | ('page' | 'history' | 'metadata' | 'preferences' | 'password' | 'ran' | 'trimmed')

/** What a client told: what happened, and facts about it. */
export interface Told {
  readonly event: Happening
  readonly [fact: string]: unknown
}

export interface DeviceOptions {
  readonly server: Reachable
  readonly name: string
  readonly password?: string
  /** Instead of the server's own, as of a Cable. */
  readonly port?: number
  /** How slixmpp and @xmpp/client connect; stanza has WebSocket only. */
  readonly tls?: 'starttls' | 'direct' | 'websocket'
  readonly mechanism?: string
  /** Registers with this token first. */
  readonly token?: string
  /** Further options of one driver. */
  readonly more?: Readonly<Record<string, unknown>>
}

export const PASSWORD = 'a long password'
const PATIENCE = 20_000
const drivers = join(import.meta.dirname, 'clients')
const commands = {
  slixmpp: ['/usr/bin/python3', join(drivers, 'drive-slixmpp.py')],
  'xmpp-js': [process.execPath, join(drivers, 'drive-xmpp-js.js')],
  stanza: [process.execPath, join(drivers, 'drive-stanza.js')],
} as const

/** Clients that are programmed, and can therefore do what a scenario asks. */
export type Kind = keyof typeof commands

/** A client of others in a process of its own. It is told what to do, and tells what it saw; both are kept in order. */
export class Device implements AsyncDisposable {
  readonly kind: Kind
  readonly address: string
  readonly #process: ChildProcessWithoutNullStreams
  readonly #told: Told[] = []
  #changed = Promise.withResolvers<void>()
  #isOver = false

  constructor(kind: Kind, { server, name, password = PASSWORD, port, tls = 'starttls', mechanism, token, more }: DeviceOptions) {
    this.kind = kind
    this.address = `${name}@${server.domain}`
    const [program, script] = commands[kind]
    const way = kind === 'stanza' ? 'websocket' : tls
    const options = { jid: this.address, password, ca: server.ca, mechanism, token, ...wayTo(server, way, port), ...more }
    const env = { ...process.env, NODE_EXTRA_CA_CERTS: server.ca, PYTHONDONTWRITEBYTECODE: '1' }
    this.#process = spawn(program, [script, JSON.stringify(options)], { env })
    createInterface({ input: this.#process.stdout }).on('line', line => this.#hear(JSON.parse(line)))
    let complaints = ''
    this.#process.stderr.setEncoding('utf8').on('data', text => {
      complaints = `${complaints}${text}`.slice(-2000)
      if (process.env['INTEROP_WIRE']) process.stderr.write(`[${name} ${kind}] ${text}`)
    })
    this.#process.on('close', code => {
      this.#isOver = true
      this.#hear({ event: 'closed', code, complaints })
    })
  }

  /** Logs in and shows itself available; gives what was told about the login. */
  static async online(kind: Kind, options: DeviceOptions): Promise<Device> {
    const device = new Device(kind, options)
    try {
      await device.login()
    } catch (error) {
      await device[Symbol.asyncDispose]()
      throw error
    }
    return device
  }

  async login(): Promise<Told> {
    this.do('connect')
    const online = await this.hears('online')
    this.do('presence')
    return online
  }

  do(command: string, args: Record<string, unknown> = {}): void {
    this.#process.stdin.write(`${JSON.stringify({ do: command, ...args })}\n`)
  }

  /** Tells it to do this, and gives what it tells of that. */
  async asks(command: string, event: Happening, args: Record<string, unknown> = {}): Promise<Told> {
    this.do(command, args)
    return this.hears(event)
  }

  send(to: string, ...bodies: string[]): void {
    this.do('send', { to, bodies })
  }

  /** All that it sent is with the server: a message to itself has gone the same way, and come back. */
  async settled(): Promise<void> {
    const body = `echo ${randomUUID()}`
    this.send(this.address, body)
    await this.hears('message', { body })
  }

  /** Waits until the client has told this, and takes it and nothing else out of what it told. */
  async hears(event: Happening, facts: Record<string, unknown> = {}): Promise<Told> {
    const look = async (): Promise<Told> => {
      for (;;) {
        const at = this.#told.findIndex(told => isTold(told, event, facts))
        if (at >= 0) return this.#told.splice(at, 1)[0]!
        const failure = this.#told.find(told => told.event === 'failed')
        if (failure !== undefined || this.#isOver) throw new Error(`${this.#name} did not tell ${event}: ${JSON.stringify(this.#told)}`)
        await this.#changed.promise
      }
    }
    return within(PATIENCE, look(), `${event} ${JSON.stringify(facts)}`).catch(error => {
      throw new Error(`${this.#name}: ${error.message}; it told ${JSON.stringify(this.#told)}`)
    })
  }

  /** What it has told that was not taken yet, in order. */
  told(event: Happening, facts: Record<string, unknown> = {}): readonly Told[] {
    return this.#told.filter(told => isTold(told, event, facts))
  }

  /** The bodies of messages until one with this body. That is sent last, and nothing overtakes it: there were no more. */
  async bodiesUntil(last: string): Promise<string[]> {
    const bodies: string[] = []
    for (;;) {
      const { body } = await this.hears('message')
      if (body === last) return bodies
      bodies.push(body as string)
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#isOver) return
    const over = once(this.#process, 'close')
    this.#process.kill('SIGKILL')
    await over
  }

  get #name(): string {
    return `${this.address} (${this.kind})`
  }

  #hear(told: Told): void {
    this.#told.push(told)
    this.#changed.resolve()
    this.#changed = Promise.withResolvers()
  }
}

function wayTo({ ports, domain, address }: Reachable, tls: 'starttls' | 'direct' | 'websocket', port: number | undefined) {
  if (tls === 'websocket') return { tls, service: `wss://${domain}:${port ?? ports.https}/xmpp-websocket` }
  const at = port ?? (tls === 'direct' ? ports.tls : ports.starttls)
  return { tls, host: address, port: at, service: `${tls === 'direct' ? 'xmpps' : 'xmpp'}://${domain}:${at}` }
}

function isTold(told: Told, event: Happening, facts: Record<string, unknown>): boolean {
  return told.event === event && Object.entries(facts).every(([fact, value]) => isSame(told[fact], value))
}

/** Lists are the same when what is in them is; addresses when one is the bare form of the other that was asked for. */
function isSame(told: unknown, wanted: unknown): boolean {
  return (
    told === wanted ||
    (Array.isArray(wanted) && JSON.stringify(told) === JSON.stringify(wanted)) ||
    (typeof told === 'string' && typeof wanted === 'string' && !wanted.includes('/') && told.startsWith(`${wanted}/`))
  )
}
