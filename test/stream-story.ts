/** Stories of streams: what clients send and receive, to the byte, over sockets that exist in memory only. */
import assert from 'node:assert/strict'
import { pbkdf2 } from 'node:crypto'
import { test } from 'node:test'
import { type Log, silentLog } from '../src/core/log.ts'
import { type PeerKey, Peers } from '../src/net/peer-key.ts'
import type { Socket, TlsFacts } from '../src/net/socket.ts'
import { TestClient, type TestClientOptions } from '../src/sasl/test-client.ts'
import { ITERATIONS, newPencils } from '../src/sasl/test-fixture.ts'
import { ClientStreams } from '../src/stream/c2s/client-streams.ts'
import { ResumableStreams } from '../src/stream/c2s/resumable-streams.ts'
import type { ServedHost, StreamSettings } from '../src/stream/c2s/settings.ts'
import type { Element } from '../src/xml/element.ts'
import { parseElement, StreamParser } from '../src/xml/parser.ts'
import { Ear } from './ear.ts'
import { selfSigned } from './net/certificates.ts'
import { type StoryOptions, World } from './story.ts'

export const HEADER = `<?xml version='1.0'?><stream:stream to='here.example' version='1.0' xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>`
export const OPEN = `<open xmlns='urn:ietf:params:xml:ns:xmpp-framing' to='here.example' version='1.0'/>`
/** What the server shows, unless told otherwise. */
export const CERTIFICATE = selfSigned({ names: { dns: ['here.example'] } }).cert
export const EXPORTER = Buffer.alloc(32, 7)

const LIMITS = { bytes: 2 ** 18, elements: 1000, depth: 32, attributes: 64 }
export const SETTINGS: StreamSettings = {
  xmlBefore: { bytes: 10_000, elements: 50, depth: 8, attributes: 32 },
  xmlAfter: LIMITS,
  timeToBind: 30_000,
  idleAfter: 300_000,
  answerWithin: 60_000,
  outputBuffer: 2 ** 20,
  bytesPerSecond: 0,
  burst: 0,
  management: { resumeFor: 600_000, queue: 100, queueBytes: 100_000 },
  mechanisms: { sha1: false, plain: false },
}

/** Tells a story; at its end no device may have received more than was told, and no fault may have been logged. */
export function streamStory(
  title: string,
  tell: (scene: Scene) => Promise<void>,
  settings: Partial<StreamSettings> = {},
  options: StoryOptions = {},
): void {
  test(title, async () => {
    const scene = await Scene.open({ ...SETTINGS, ...settings }, options)
    try {
      await tell(scene)
      await scene.settled()
      assert.deepEqual(scene.faults, [])
      scene.nobodyReceivedMore()
    } finally {
      scene.streams.close()
      await scene.settled()
      await scene.world.store.close()
    }
  })
}

/** Longer than the server takes for the password of PLAIN, which it derives outside of the event loop. */
const passwordDerived = (): Promise<void> =>
  new Promise((resolve, reject) => pbkdf2('', '', 8 * ITERATIONS, 64, 'sha512', error => (error ? reject(error) : resolve())))

export class Scene {
  readonly world: World
  readonly peers = new Peers()
  readonly faults: unknown[] = []
  readonly #log: Log = { ...silentLog, fault: (_event: string, error: unknown) => void this.faults.push(error) }
  readonly #settings: StreamSettings
  readonly #devices: Device[] = []
  #queries = 0
  streams: ClientStreams
  served!: ServedHost

  private constructor(world: World, settings: StreamSettings) {
    this.world = world
    this.#settings = settings
    this.#countQueries()
    this.streams = this.#serve()
  }

  static async open(settings: StreamSettings, options: StoryOptions): Promise<Scene> {
    const scene = new Scene(await World.open(options), settings)
    for (const name of ['romeo', 'juliet', 'tybalt']) await scene.world.host.life.create(name, newPencils())
    return scene
  }

  /** As after a crash: only what is on disk is there. */
  restarts(): void {
    this.streams.close()
    this.#devices.length = 0
    this.world.restarts()
    this.streams = this.#serve()
  }

  #serve(): ClientStreams {
    const { host } = this.world
    const find = (name: string, hash: string) => host.store.anyCredential(name, hash) as never
    const iterationsInUse = () => host.store.iterationsInUse()
    const credentials = { find, fakeSaltKey: Buffer.alloc(32, 1), iterationsInUse, iterations: ITERATIONS }
    this.served = { host, credentials, streams: new ResumableStreams() }
    const streams = new ClientStreams(this.#settings, this.peers, this.#log)
    streams.serve(this.served)
    return streams
  }

  /** A device has connected, by direct TLS unless told otherwise. */
  device(kind: Socket['kind'] = 'tls', address: string | undefined = undefined): Device {
    const device = new Device(this, new FakeSocket(kind, this.peers.keyOf(address)))
    this.#devices.push(device)
    this.streams.accept(device.socket)
    return device
  }

  /** Keeps nothing of a device whose part in the story is over. */
  forget(device: Device): void {
    this.#devices.splice(this.#devices.indexOf(device), 1)
  }

  /** One that has logged in and bound its resource; with `enable`, its stream is managed. */
  async online(name: string, resource = 'phone', enable = ''): Promise<Device> {
    const device = this.device()
    await device.logsIn(name, resource)
    if (enable !== '') await device.sends(enable)
    return device
  }

  /** Done when all that was sent is dealt with, and nothing waits for the store. */
  async settled(): Promise<void> {
    await this.#quiet()
    await passwordDerived()
    await this.#quiet()
  }

  async #quiet(): Promise<void> {
    for (let turns = 0; turns < 8; turns++) {
      await this.world.settled()
      await new Promise<void>(resolve => setImmediate(resolve))
      if (this.#queries > 0) turns = 0
    }
  }

  /** Knows from now on how many queries are under way: those of PostgreSQL take longer than a turn of the event loop. */
  #countQueries(): void {
    const { store } = this.world
    for (const name of ['all', 'run', 'tx'] as const) {
      const ask = store[name].bind(store) as (query: never) => Promise<never>
      store[name] = (query: never) => {
        this.#queries++
        return ask(query).finally(() => void this.#queries--)
      }
    }
  }

  async later(ms: number): Promise<void> {
    this.world.clock.pass(ms)
    await this.settled()
  }

  /** Seconds, for what is watched once a second. */
  async ticks(count: number): Promise<void> {
    for (let i = 0; i < count; i++) this.streams.onTick()
    await this.settled()
  }

  nobodyReceivedMore(): void {
    for (const device of this.#devices) assert.deepEqual(device.unread.map(String), [], 'a device received more than the story tells')
  }
}

/** A client's end of a stream. */
export class Device extends Ear {
  readonly socket: FakeSocket
  readonly #scene: Scene
  readonly #parser: StreamParser
  /** What the server wrote, byte for byte. */
  raw = ''

  constructor(scene: Scene, socket: FakeSocket) {
    super()
    this.#scene = scene
    this.socket = socket
    this.#parser = new StreamParser(this.handler, LIMITS)
    socket.onSent = xml => {
      this.raw += xml
      if (socket.kind === 'websocket') return void this.unread.push(parseElement(xml))
      if (xml.startsWith('<?xml')) this.#parser.restart()
      this.#parser.write(Buffer.from(xml))
    }
  }

  /** Sends, and does not wait until it is dealt with. */
  writes(xml: string): void {
    this.socket.onData(Buffer.from(xml))
  }

  async sends(...chunks: string[]): Promise<void> {
    for (const chunk of chunks) this.socket.onData(Buffer.from(chunk))
    await this.#scene.settled()
  }

  receivesHeader(): Element {
    return this.receives(`<stream xmlns="http://etherx.jabber.org/streams" from="here.example" id="*" version="1.0"/>`)
  }

  receivesFeatures(inside = ''): Element {
    return this.receives(`<features xmlns="http://etherx.jabber.org/streams">${inside}</features>`)
  }

  /** The error, the end of the stream, and the end of the connection. */
  receivesStreamError(condition: string, more = ''): void {
    this.receives(
      `<error xmlns="http://etherx.jabber.org/streams"><${condition} xmlns="urn:ietf:params:xml:ns:xmpp-streams"/>${more}</error>`,
    )
    this.receivesEnd()
  }

  receivesEnd(): void {
    if (this.socket.kind === 'websocket') this.receives('<close xmlns="urn:ietf:params:xml:ns:xmpp-framing"/>')
    else assert.equal(this.unread.shift(), 'end of stream')
    assert.equal(this.socket.state, 'closed')
  }

  /** The bodies of the messages that came; all else is left out of the story. */
  bodies(): string[] {
    return this.unread.splice(0).flatMap(element =>
      element === 'end of stream'
        ? []
        : element
            .elements()
            .filter(({ name }) => name === 'body')
            .map(({ text }) => text),
    )
  }

  /** The connection breaks. */
  async breaks(): Promise<void> {
    this.socket.destroy()
    await this.#scene.settled()
  }

  /** Opens the stream, and leaves header and features out of the story. */
  async opens(): Promise<void> {
    await this.sends(this.socket.kind === 'websocket' ? OPEN : HEADER)
    this.forget()
  }

  /** The client's side of a mechanism, over SASL (RFC 6120 §6), with something behind its last message; how it ends is left for the story. */
  async authenticates(name: string, options: Partial<TestClientOptions> = {}, behind = ''): Promise<TestClient> {
    const mechanism = options.mechanism ?? 'SCRAM-SHA-256'
    const binding = mechanism.endsWith('-PLUS') ? { binding: { type: 'tls-exporter', data: EXPORTER } } : {}
    const client = new TestClient({ username: name, password: 'pencil', mechanism, ...binding, ...options })
    await this.sends(`<auth xmlns="urn:ietf:params:xml:ns:xmpp-sasl" mechanism="${mechanism}">${client.first().toString('base64')}</auth>`)
    const challenge = this.receives('<challenge xmlns="urn:ietf:params:xml:ns:xmpp-sasl"/>').text
    const final = client.final(Buffer.from(challenge, 'base64')).toString('base64')
    await this.sends(`<response xmlns="urn:ietf:params:xml:ns:xmpp-sasl">${final}</response>${behind}`)
    return client
  }

  /** The same over SASL2, with what shall be done inline. */
  async authenticates2(name: string, inline = '', options: Partial<TestClientOptions> = {}): Promise<TestClient> {
    const mechanism = options.mechanism ?? 'SCRAM-SHA-256'
    const binding = mechanism.endsWith('-PLUS') ? { binding: { type: 'tls-exporter', data: EXPORTER } } : {}
    const client = new TestClient({ username: name, password: 'pencil', mechanism, ...binding, ...options })
    const first = client.first().toString('base64')
    await this.sends(
      `<authenticate xmlns="urn:xmpp:sasl:2" mechanism="${mechanism}"><initial-response>${first}</initial-response>${inline}</authenticate>`,
    )
    const challenge = this.receives('<challenge xmlns="urn:xmpp:sasl:2"/>').text
    const final = client.final(Buffer.from(challenge, 'base64')).toString('base64')
    await this.sends(`<response xmlns="urn:xmpp:sasl:2">${final}</response>`)
    return client
  }

  /** Authenticates and opens the stream anew; what came is left out of the story. */
  async proves(name: string): Promise<void> {
    await this.opens()
    await this.authenticates(name)
    this.receives('<success xmlns="urn:ietf:params:xml:ns:xmpp-sasl"/>')
    await this.opens()
  }

  async logsIn(name: string, resource = 'phone'): Promise<void> {
    await this.proves(name)
    await this.sends(`<iq type="set" id="b"><bind xmlns="urn:ietf:params:xml:ns:xmpp-bind"><resource>${resource}</resource></bind></iq>`)
    this.receives('<iq type="result" id="b"/>')
  }
}

const nothing = (): void => {}

/** A connection in memory. */
export class FakeSocket implements Socket {
  readonly kind: Socket['kind']
  readonly peer: PeerKey
  isSecure: boolean
  state: 'open' | 'closed' | 'destroyed' = 'open'
  isPaused = false
  certificate = CERTIFICATE
  /** False: the client reads nothing, so that what is sent piles up. */
  isTaken = true
  queued = 0
  onSent: (xml: string) => void = nothing
  onData: (bytes: Buffer) => void = nothing
  onClose: () => void = nothing
  onDrained: () => void = nothing

  constructor(kind: Socket['kind'], peer: PeerKey) {
    this.kind = kind
    this.peer = peer
    this.isSecure = kind !== 'tcp'
  }

  get tls(): TlsFacts | undefined {
    if (!this.isSecure) return undefined
    return {
      version: '1.3',
      exporter: () => EXPORTER,
      endPoint: () => this.certificate,
      serverName: undefined,
      shown: () => [],
      isVerified: false,
    }
  }

  send(xml: string): void {
    if (this.state !== 'open') return
    if (this.isTaken) this.onSent(xml)
    else this.queued += xml.length
  }

  close(): void {
    if (this.state === 'open') this.state = 'closed'
  }

  destroy(): void {
    if (this.state === 'destroyed') return
    this.state = 'destroyed'
    this.onClose()
  }

  pause(): void {
    this.isPaused = true
  }

  resume(): void {
    this.isPaused = false
  }

  startTls(): void {
    this.isSecure = true
  }
}
