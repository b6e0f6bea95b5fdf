/** Stories of servers: what they say to each other, over cables that exist in memory only. */
import assert from 'node:assert/strict'
import type { X509Certificate } from 'node:crypto'
import { test } from 'node:test'
import { silentLog } from '../src/core/log.ts'
import { type PeerKey, Peers } from '../src/net/peer-key.ts'
import type { Socket, TlsFacts } from '../src/net/socket.ts'
import type { Judgement } from '../src/stream/s2s/belief.ts'
import { Federation } from '../src/stream/s2s/federation.ts'
import { failure, type Why } from '../src/stream/s2s/parcel.ts'
import type { ServerStreamSettings } from '../src/stream/s2s/settings.ts'
import { StreamParser } from '../src/xml/parser.ts'
import { Ear } from './ear.ts'
import { World } from './story.ts'

const LIMITS = { bytes: 2 ** 18, elements: 1000, depth: 32, attributes: 64 }
const SETTINGS: ServerStreamSettings = {
  xmlBefore: { bytes: 10_000, elements: 50, depth: 8, attributes: 32 },
  xmlAfter: LIMITS,
  timeToAuthenticate: 30_000,
  idleAfter: 600_000,
  silentAfter: 300_000,
  answerWithin: 60_000,
  outputBuffer: 2 ** 20,
  bytesPerSecond: 0,
  burst: 0,
  queue: { stanzas: 5, bytes: 10_000, age: 60_000 },
  window: { stanzas: 1000, bytes: 100_000 },
  mechanisms: { external: true, dialback: true },
  isAllowed: () => true,
  isException: () => false,
  isApart: () => false,
}

/** How a server is found, and what it shows. */
interface Place {
  readonly kind: 'tcp' | 'tls'
  /** The names in its certificate. */
  readonly shows: readonly string[]
  accept(end: CableEnd): void
}

/** Tells a story; at its end no fault may have been logged, and no client may have heard more than was told. */
export function serverStory(title: string, tell: (network: Network) => Promise<void>): void {
  test(title, async () => {
    const network = new Network()
    try {
      await tell(network)
      await network.settled()
      assert.deepEqual(network.faults, [])
      network.nobodyHeardMore()
    } finally {
      await network.close()
    }
  })
}

/** Everything that there is in a story: servers of ours, strangers, and DNS. */
export class Network {
  readonly places = new Map<string, Place | Why>()
  readonly faults: unknown[] = []
  readonly towns: Town[] = []
  readonly peers = new Peers()
  /** How many connections were made. */
  dialled = 0

  /** A server of ours. */
  async town(
    domain: string,
    settings: Partial<ServerStreamSettings> = {},
    kind: 'tcp' | 'tls' = 'tcp',
    isOpen = (): boolean => true,
  ): Promise<Town> {
    const town = new Town(this, await World.open({ domain }), domain, { ...SETTINGS, ...settings }, isOpen)
    this.towns.push(town)
    this.places.set(domain, { kind, shows: [domain], accept: end => town.federation.accept(end) })
    return town
  }

  /** A server whose every word the story says; `shows` are the names in its certificate. */
  stranger(domain: string, shows: readonly string[] = [domain]): Stranger {
    const stranger = new Stranger(this, shows)
    this.places.set(domain, { kind: 'tcp', shows, accept: end => stranger.take(end) })
    return stranger
  }

  dial(remote: string, shows: readonly string[]): Promise<Socket> {
    this.dialled++
    const place = this.places.get(remote) ?? 'it does not exist'
    if (typeof place === 'string') return Promise.reject(failure(place))
    const [ours, theirs] = cable(this, place.kind, shows, place.shows)
    place.accept(theirs)
    return Promise.resolve(ours)
  }

  /** Done when all that was sent is dealt with. */
  async settled(): Promise<void> {
    for (let i = 0; i < 40; i++) {
      await new Promise<void>(resolve => setImmediate(resolve))
      if (i % 4 === 0) for (const { world } of this.towns) await world.settled()
    }
  }

  /** Lets time pass, for all. */
  async later(ms: number): Promise<void> {
    for (const { world } of this.towns) world.clock.pass(ms)
    await this.ticks(Math.min(Math.ceil(ms / 1000), 1000))
  }

  async ticks(count: number): Promise<void> {
    for (let i = 1; i <= count; i++) {
      for (const { federation } of this.towns) federation.onTick()
      if (i % 10 === 0) await this.settled()
    }
    await this.settled()
  }

  nobodyHeardMore(): void {
    for (const { world } of this.towns) world.nobodyHeardMore()
  }

  async close(): Promise<void> {
    for (const { federation } of this.towns) federation.close()
    await this.settled()
    for (const { world } of this.towns) await world.store.close()
  }
}

/** A server of ours with its accounts. */
export class Town {
  readonly world: World
  readonly federation: Federation

  constructor(network: Network, world: World, domain: string, settings: ServerStreamSettings, isOpen: () => boolean) {
    this.world = world
    this.federation = new Federation({
      router: world.router,
      clock: world.clock,
      log: { ...silentLog, fault: (_event: string, error: unknown) => void network.faults.push(error) },
      settings,
      isOpen,
      dial: (_local, remote) => network.dial(remote, [domain]),
      judge: async (socket, remote) => judge(socket as CableEnd, remote, settings),
    })
  }

  /** Of all connections: those that are there. */
  get links(): number {
    return this.federation.counts.links
  }
}

function judge({ other }: CableEnd, domain: string, settings: ServerStreamSettings): Judgement {
  if (other.shows.includes(domain)) return { isBelieved: true, by: 'pkix' }
  return settings.isException(domain)
    ? { isBelieved: true, by: 'exception' }
    : { isBelieved: false, why: 'its certificate names another domain' }
}

function cable(network: Network, kind: 'tcp' | 'tls', shows: readonly string[], otherShows: readonly string[]): [CableEnd, CableEnd] {
  const one = new CableEnd(network, kind, shows)
  const other = new CableEnd(network, kind, otherShows)
  one.other = other
  other.other = one
  // TLS from the first byte: the handshakes are done a moment after both ends are in use.
  if (kind === 'tls') setImmediate(() => one.shakeHands())
  return [one, other]
}

/** One end of a connection in memory. What is sent arrives a moment later. */
export class CableEnd implements Socket {
  readonly kind: 'tcp' | 'tls'
  readonly peer: PeerKey
  readonly shows: readonly string[]
  other!: CableEnd
  isSecure = false
  isUpgrading = false
  isOpen = true
  queued = 0
  /** False: what comes is not read. */
  isReading = true
  readonly #unread: string[] = []
  onData: (bytes: Buffer) => void = () => {}
  onClose: () => void = () => {}
  onDrained: () => void = () => {}
  onSecured: () => void = () => {}

  constructor(network: Network, kind: 'tcp' | 'tls', shows: readonly string[]) {
    this.peer = network.peers.keyOf(undefined)
    this.kind = kind
    this.shows = shows
  }

  get tls(): TlsFacts | undefined {
    if (!this.isSecure) return undefined
    const none = undefined as unknown as X509Certificate
    return {
      version: '1.3',
      exporter: () => Buffer.alloc(32),
      endPoint: () => none,
      serverName: undefined,
      shown: () => [],
      isVerified: true,
    }
  }

  send(xml: string): void {
    if (this.isOpen) setImmediate(() => this.other.#arrive(xml))
  }

  #arrive(xml: string): void {
    if (!this.isOpen) return
    if (this.isReading) this.onData(Buffer.from(xml))
    else {
      this.#unread.push(xml)
      this.other.queued += xml.length
    }
  }

  close(): void {
    setImmediate(() => this.destroy())
  }

  destroy(): void {
    if (!this.isOpen) return
    this.isOpen = false
    this.onClose()
    setImmediate(() => this.other.destroy())
  }

  pause(): void {
    this.isReading = false
  }

  resume(): void {
    this.isReading = true
    this.other.queued = 0
    for (const xml of this.#unread.splice(0)) if (this.isReading) this.#arrive(xml)
  }

  startTls(): void {
    this.isUpgrading = true
    if (this.other.isUpgrading) setImmediate(() => this.shakeHands())
  }

  shakeHands(): void {
    for (const end of [this.other, this]) {
      end.isSecure = true
      end.onSecured()
    }
  }
}

/** The other end of a connection, in the hands of the story. */
export class Stranger extends Ear {
  readonly #network: Network
  readonly #shows: readonly string[]
  #end!: CableEnd
  /** How often somebody has connected. */
  visits = 0

  constructor(network: Network, shows: readonly string[]) {
    super()
    this.#network = network
    this.#shows = shows
  }

  /** Connects to a server of ours. */
  async calls(domain: string): Promise<void> {
    this.#hold((await this.#network.dial(domain, this.#shows)) as CableEnd)
  }

  /** Somebody has connected. */
  take(end: CableEnd): void {
    this.visits++
    this.#hold(end)
  }

  #hold(end: CableEnd): void {
    this.#end = end
    const parser = new StreamParser(this.handler, LIMITS, 1, '', { from: 'jabber:server', to: 'jabber:client' })
    end.onData = bytes => {
      if (bytes.toString().startsWith('<?xml')) parser.restart()
      parser.write(bytes)
    }
  }

  get isConnected(): boolean {
    return this.#end.isOpen
  }

  async sends(...chunks: string[]): Promise<void> {
    for (const chunk of chunks) this.#end.send(chunk)
    await this.#network.settled()
  }

  /** What need not be text. */
  async sendsBytes(bytes: Buffer): Promise<void> {
    this.#end.other.onData(bytes)
    await this.#network.settled()
  }

  /** Its side of TLS begins. */
  async startsTls(): Promise<void> {
    this.#end.startTls()
    await this.#network.settled()
  }

  /** What comes from now on stays where it is. */
  stopsReading(): void {
    this.#end.pause()
  }

  async breaks(): Promise<void> {
    this.#end.destroy()
    await this.#network.settled()
  }

  receivesStreamError(condition: string): void {
    this.receives(`<error xmlns="http://etherx.jabber.org/streams"><${condition} xmlns="urn:ietf:params:xml:ns:xmpp-streams"/></error>`)
    assert.equal(this.unread.shift(), 'end of stream')
    assert.ok(!this.isConnected)
  }

  header(from: string, to: string, id = ''): string {
    return `<?xml version='1.0'?><stream:stream xmlns='jabber:server' xmlns:stream='http://etherx.jabber.org/streams' xmlns:db='jabber:server:dialback' version='1.0' from='${from}' to='${to}'${id && ` id='${id}'`}>`
  }

  /** Calls, and comes as far as the features behind TLS; gives the identifier of the stream. */
  async opens(from: string, to: string): Promise<string> {
    await this.calls(to)
    await this.sends(this.header(from, to))
    this.forget()
    await this.sends("<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>")
    this.receives("<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>")
    await this.startsTls()
    await this.sends(this.header(from, to))
    return this.receives('<stream xmlns="http://etherx.jabber.org/streams" id="*"/>').attrs['id']!
  }

  /** Has been called, and answers as far as the features behind TLS, which are these. */
  async welcomes(as: string, caller: string, features: string, id = 'stream-1'): Promise<void> {
    this.receives(`<stream xmlns="http://etherx.jabber.org/streams" from="${caller}" to="${as}"/>`)
    await this.sends(
      `${this.header(as, caller, 'plain')}<stream:features><starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'><required/></starttls></stream:features>`,
    )
    this.receives("<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>")
    this.#end.startTls()
    await this.sends("<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>")
    this.receives(`<stream xmlns="http://etherx.jabber.org/streams" from="${caller}" to="${as}"/>`)
    await this.sends(`${this.header(as, caller, id)}<stream:features>${features}</stream:features>`)
  }
}
