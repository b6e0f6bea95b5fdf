/** Stories of components: programs that stand for a domain of their own, beside clients of a whole host, without sockets. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Log, silentLog } from '../src/core/log.ts'
import { Peers } from '../src/net/peer-key.ts'
import { ComponentStreams } from '../src/stream/component/component-streams.ts'
import { handshakeFor } from '../src/stream/component/handshake.ts'
import type { ComponentSettings } from '../src/stream/component/settings.ts'
import { renamingOf } from '../src/stream/content-namespace.ts'
import { StreamParser } from '../src/xml/parser.ts'
import { Ear } from './ear.ts'
import { type StoryOptions, World } from './story.ts'
import { FakeSocket } from './stream-story.ts'

export const SECRET = 'the secret of the theatre'
export const OTHER_SECRET = 'the secret of the chapel'

const LIMITS = { bytes: 2 ** 19, elements: 1000, depth: 32, attributes: 64 }
const SETTINGS: ComponentSettings = {
  xmlBefore: { bytes: 2000, elements: 16, depth: 4, attributes: 16 },
  xmlAfter: LIMITS,
  timeToShake: 30_000,
  idleAfter: 300_000,
  aliveFor: 60_000,
  outputBuffer: 10_000,
  stuckFor: 60_000,
}

export const headerTo = (to: string | undefined, namespace = 'jabber:component:accept'): string =>
  `<stream:stream xmlns='${namespace}' xmlns:stream='http://etherx.jabber.org/streams'${to === undefined ? '' : ` to='${to}'`}>`

/** Tells a story with the components plays.example and chapel.here.example; at its end nobody may have received more than was told. */
export function componentStory(title: string, tell: (scene: ComponentScene) => Promise<void>, options: StoryOptions = {}): void {
  test(title, async () => {
    const scene = new ComponentScene(await World.open(options))
    try {
      await tell(scene)
      await scene.world.settled()
      assert.deepEqual(scene.faults, [])
      scene.world.nobodyHeardMore()
      scene.nobodyReceivedMore()
    } finally {
      scene.streams.close()
      await scene.world.store.close()
    }
  })
}

export class ComponentScene {
  readonly world: World
  readonly peers = new Peers()
  readonly faults: unknown[] = []
  readonly logged: string[] = []
  readonly streams: ComponentStreams
  readonly #programs: ComponentProgram[] = []

  constructor(world: World) {
    this.world = world
    const log: Log = {
      ...silentLog,
      warn: (event: string, facts) => void this.logged.push(`${event} ${JSON.stringify(facts)}`),
      fault: (_event: string, error: unknown) => void this.faults.push(error),
    }
    this.streams = new ComponentStreams(SETTINGS, world.router, this.peers, log)
    this.streams.serve('plays.example', SECRET)
    this.streams.serve('chapel.here.example', OTHER_SECRET)
  }

  /** A program has connected, from this machine unless told otherwise. */
  program(address?: string): ComponentProgram {
    const program = new ComponentProgram(this, new FakeSocket('tcp', this.peers.keyOf(address)))
    this.#programs.push(program)
    this.streams.accept(program.socket)
    return program
  }

  /** One that has shaken hands. */
  async connected(domain = 'plays.example', secret = SECRET): Promise<ComponentProgram> {
    const program = this.program()
    await program.shakesHands(domain, secret)
    program.receives('<handshake/>')
    return program
  }

  async ticks(count: number): Promise<void> {
    for (let i = 0; i < count; i++) this.streams.onTick()
    await this.world.settled()
  }

  nobodyReceivedMore(): void {
    for (const { unread } of this.#programs) assert.deepEqual(unread.map(String), [], 'a component received more than the story tells')
  }
}

/** A component's end of a stream. */
export class ComponentProgram extends Ear {
  readonly socket: FakeSocket
  readonly #scene: ComponentScene
  /** What the server wrote, byte for byte. */
  raw = ''

  constructor(scene: ComponentScene, socket: FakeSocket) {
    super()
    this.#scene = scene
    this.socket = socket
    const parser = new StreamParser(this.handler, LIMITS, 1, '', renamingOf('jabber:component:accept'))
    socket.onSent = xml => {
      this.raw += xml
      parser.write(Buffer.from(xml))
    }
  }

  async sends(...chunks: string[]): Promise<void> {
    for (const chunk of chunks) this.socket.onData(Buffer.from(chunk))
    await this.#scene.world.settled()
  }

  /** Opens the stream; gives its id. */
  async opens(domain: string): Promise<string> {
    await this.sends(headerTo(domain))
    return this.receives(`<stream xmlns="http://etherx.jabber.org/streams" from="${domain}" id="*"/>`).attrs['id']!
  }

  async shakesHands(domain: string, secret: string): Promise<void> {
    const id = await this.opens(domain)
    await this.sends(`<handshake>${handshakeFor(id, secret)}</handshake>`)
  }

  receivesStanzaError(name: string, id: string, condition: string): void {
    this.receives(`<${name} type="error" id="${id}"><error><${condition} xmlns="urn:ietf:params:xml:ns:xmpp-stanzas"/></error></${name}>`)
  }

  /** The error, the end of the stream, and the end of the connection. */
  receivesStreamError(condition: string): void {
    this.receives(`<error xmlns="http://etherx.jabber.org/streams"><${condition} xmlns="urn:ietf:params:xml:ns:xmpp-streams"/></error>`)
    this.receivesEnd()
  }

  receivesEnd(): void {
    assert.equal(this.unread.shift(), 'end of stream')
    assert.equal(this.socket.state, 'closed')
  }
}
