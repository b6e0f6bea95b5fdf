/** Stories: scripted dialogues between named clients and a whole server, in one process and without waiting. */
import assert from 'node:assert/strict'
import { hash } from 'node:crypto'
import { test } from 'node:test'
import { migrations as coreMigrations } from '../src/core/account-store.ts'
import type { Clock } from '../src/core/clock.ts'
import { type HostOptions, LocalHost } from '../src/core/host.ts'
import { payloadOf } from '../src/core/iq-answers.ts'
import type { KeyHold, NewCredential } from '../src/core/keys.ts'
import type { Log } from '../src/core/log.ts'
import type { Arrangements, Module } from '../src/core/module.ts'
import { Router } from '../src/core/router.ts'
import type { Position, Session, Transport } from '../src/core/session.ts'
import type { UnboundStream } from '../src/core/stream-registry.ts'
import type { TokenSettings } from '../src/core/tokens.ts'
import { Secret } from '../src/lib/secret.ts'
import { readSetting, table } from '../src/lib/settings.ts'
import { modules } from '../src/modules/index.ts'
import { openShredMemory } from '../src/seal/shred-store.ts'
import { type Store, sql } from '../src/storage/db.ts'
import { openTestStore } from '../src/storage/test-store.ts'
import type { Element } from '../src/xml/element.ts'
import { parseElement } from '../src/xml/parser.ts'
import type { StreamError } from '../src/xmpp/error.ts'

export interface StoryOptions {
  /** Settings per module name. */
  readonly settings?: Readonly<Record<string, unknown>>
  /** The domain of the host; `here.example` if none is given. */
  readonly domain?: string
  /** Modules that come before all others. */
  readonly extra?: readonly Module[]
  readonly log?: Log
  readonly tokens?: TokenSettings
  readonly arrangements?: Arrangements
}

/** Tells a story. At its end nobody may have heard more than was told. */
export function story(title: string, tell: (world: World) => Promise<void>, options: StoryOptions = {}): void {
  test(title, async () => {
    const world = await World.open(options)
    try {
      await tell(world)
      await world.settled()
      world.nobodyHeardMore()
    } finally {
      await world.store.close()
    }
  })
}

export class World {
  host!: LocalHost
  readonly store: Store
  readonly clock = new StoryClock()
  shred = openShredMemory()
  readonly #domain: string
  readonly #modules: readonly Module[]
  readonly #options: HostOptions
  router = new Router()
  readonly clients: Client[] = []

  private constructor(store: Store, domain: string, modules: readonly Module[], options: HostOptions) {
    this.store = store
    this.#domain = domain
    this.#modules = modules
    this.#options = options
    this.restarts()
  }

  static async open({ settings = {}, extra = [], domain = 'here.example', ...more }: StoryOptions): Promise<World> {
    const all = [...extra, ...modules]
    const migrations = [
      { owner: 'core', steps: coreMigrations },
      ...all.map(module => ({ owner: module.name, steps: module.migrations ?? [] })),
    ]
    const read = Object.fromEntries(
      all.map(module => [module.name, readSetting(table(module.settings ?? {}), settings[module.name], [module.name])]),
    )
    return new World(await openTestStore(migrations), domain, all, { settings: read, ...more })
  }

  /** As after a crash: all that was in memory is gone, sessions too, and what is on disk is there. */
  restarts(): void {
    this.router = new Router()
    this.clients.length = 0
    this.host = new LocalHost(this.#domain, this.#modules, this.store, this.router, {
      clock: this.clock,
      credentialsOf: fakeCredentials,
      shred: this.shred,
      ...this.#options,
    })
  }

  /** As when the file with them is gone: they are new after a restart. */
  losesSecrets(): void {
    this.shred = openShredMemory()
    this.restarts()
  }

  /** A client with a session that has sent no presence. The account is made if there is none. */
  async connect(account: string, resource = 'phone', password = PASSWORD): Promise<Client> {
    await this.host.life.create(account, await fakeCredentials(account, password))
    const client = new Client(this)
    client.keys = await this.#logsIn(account, password)
    client.session = await this.host.bind(account, resource, client)
    this.clients.push(client)
    return client
  }

  async #logsIn(account: string, password: string): Promise<KeyHold> {
    const wrap = (await this.host.store.credential(account, 'SHA-256'))?.wrap
    return this.host.authenticated(account, { kind: 'password', hash: 'SHA-256', clientKey: fakeClientKey(account, password), wrap })
  }

  /** The same, and it has sent initial presence; what it heard in answer is left out of the story. */
  async online(account: string, resource = 'phone', presence = '<presence/>', password = PASSWORD): Promise<Client> {
    const client = await this.connect(account, resource, password)
    await client.sends(presence)
    for (const other of this.clients) other.forget()
    return client
  }

  /** Both know each other's presence (subscription `both`); what was said for it is left out of the story. */
  async befriend(a: Client, b: Client): Promise<void> {
    for (const [one, other] of [
      [a, b],
      [b, a],
    ] as const) {
      await one.sends(`<presence type="subscribe" to="${other.session.account.jid}"/>`)
      await other.sends(`<presence type="subscribed" to="${one.session.account.jid}"/>`)
    }
    for (const client of this.clients) client.forget()
  }

  /** Something arrives from another domain. */
  async arrives(xml: string): Promise<void> {
    this.host.send(parseElement(xml, undefined, 'jabber:client'))
    await this.settled()
  }

  /** Done when the server has dealt with everything. */
  settled(): Promise<void> {
    return this.router.idle()
  }

  /** Lets time pass: timers that are due go off. */
  async later(ms: number): Promise<void> {
    this.clock.pass(ms)
    await this.settled()
  }

  /** Waits until what was kept stands in its tables, where it comes with the next seconds. */
  async filed(): Promise<void> {
    for (let i = 0; ; i++) {
      const [left] = await this.store.all<{ n: number }>(
        sql`SELECT (SELECT COUNT(*) FROM archive_unfiled) + (SELECT COUNT(*) FROM spool_unfiled) AS n`,
      )
      if (Number(left!.n) === 0) return
      assert.ok(i < 100, `${left!.n} batches are not filed`)
      await this.later(1000)
      await new Promise(resolve => setTimeout(resolve, 5))
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.store.close()
  }

  /** Every stanza that arrived must have been expected. */
  nobodyHeardMore(): void {
    for (const client of this.clients) {
      assert.deepEqual(client.unread.map(String), [], `${client.session.jid} heard more than the story tells`)
    }
  }
}

export class Client implements Transport {
  session!: Session
  /** Open while it is connected. */
  keys: KeyHold | undefined
  readonly unread: Element[] = []
  /** Why the stream ended, once it has. */
  ended: StreamError | true | undefined
  /** Given, its client acknowledges (XEP-0198); the story says what and when. */
  position: Position | undefined
  readonly world: World

  constructor(world: World) {
    this.world = world
  }

  send(stanza: Element): void {
    this.unread.push(stanza)
    if (this.position !== undefined) this.position = { ...this.position, seq: (this.position.seq + 1) % 2 ** 32 }
  }

  close(error: StreamError | undefined): void {
    this.ended = error ?? true
    this.keys?.release()
  }

  /** Sends, and is done when the server would take the next stanza. */
  async gives(xml: string): Promise<void> {
    await this.world.host.receive(this.session, parseElement(xml, undefined, 'jabber:client'))
  }

  /** Sends, and is done when the server is done with it: so "receives nothing" needs no waiting. */
  async sends(xml: string): Promise<void> {
    await this.gives(xml)
    await this.world.settled()
  }

  /** Its connection ends without a word. */
  async leaves(): Promise<void> {
    this.world.host.end(this.session)
    await this.world.settled()
  }

  /** The next stanza. What the expected element says must hold; what it does not mention may be anything; `*` is any value. */
  receives(xml: string): Element {
    const expected = parseElement(xml, undefined, 'jabber:client')
    const actual = this.unread.shift()
    assert.ok(actual, `${this.session.jid} heard nothing, but should have heard\n  ${expected}`)
    const difference = differs(expected, actual, '')
    if (difference !== undefined) assert.fail(`${this.session.jid}: ${difference}\n  expected ${expected}\n  received ${actual}`)
    return actual
  }

  receivesError(id: string, condition: string): void {
    this.receives(
      `<${this.unread[0]?.name ?? 'iq'} type="error" id="${id}"><error><${condition} xmlns="urn:ietf:params:xml:ns:xmpp-stanzas"/></error></${this.unread[0]?.name ?? 'iq'}>`,
    )
  }

  /** These stanzas, in any order. */
  receivesAll(...xmls: string[]): void {
    for (const xml of xmls) {
      const expected = parseElement(xml, undefined, 'jabber:client')
      const i = this.unread.findIndex(actual => differs(expected, actual, '') === undefined)
      assert.ok(i >= 0, `${this.session.jid} should have heard\n  ${expected}\nbut heard\n  ${this.unread.join('\n  ')}`)
      this.unread.splice(i, 1)
    }
  }

  receivesNothing(): void {
    assert.deepEqual(this.unread.map(String), [])
  }

  /** Leaves out of the story what was heard so far. */
  forget(): void {
    this.unread.length = 0
  }
}

/** Verifiers that cost nothing: a story looks whether they are those of the password. */
export async function fakeCredentials(name: string, password: string): Promise<NewCredential[]> {
  const key = Buffer.from(`${name}:${password}`)
  const credential = { hash: 'SHA-256', salt: Buffer.from('salt'), iterations: 4096, storedKey: key, serverKey: key }
  return [{ credential, clientKey: fakeClientKey(name, password) }]
}

/** As PBKDF2 would give it, at no cost. */
export const fakeClientKey = (name: string, password: string): Secret => new Secret(hash('sha256', `${name}:${password}`, 'buffer'))

/** Of all accounts, unless the story says another one. */
export const PASSWORD = 'pencil'

/** A client's stream before login. */
export class StoryStream implements UnboundStream {
  readonly isSecure = true
  readonly account: string | undefined
  readonly #host: LocalHost
  #tries: number

  constructor(host: LocalHost, tries = 5) {
    this.#host = host
    this.#tries = tries
  }

  attempt(): boolean {
    return --this.#tries >= 0
  }

  /** The names and namespaces of the features that modules offer. */
  features(): string[] {
    return this.#host.stream.unauthenticated.flatMap(offer => offer(this) ?? []).map(({ name, ns }) => `${name} ${ns}`)
  }

  /** Sends a request; gives the payload of its result, undefined for none, or throws the StanzaError. */
  async asks(xml: string): Promise<Element | undefined> {
    const iq = parseElement(xml, undefined, 'jabber:client')
    return (await this.#host.answers.answer('stream', { stream: this, payload: payloadOf(iq), iq })) ?? undefined
  }
}

/** A clock that stands still until the story moves it. */
export class StoryClock implements Clock {
  #now = Date.UTC(2026, 0, 1)
  readonly #timers = new Set<{ at: number; work: () => void }>()

  now(): number {
    return this.#now
  }

  after(ms: number, work: () => void): () => void {
    const timer = { at: this.#now + ms, work }
    this.#timers.add(timer)
    return () => this.#timers.delete(timer)
  }

  /** Someone puts the clock. */
  set(now: number): void {
    this.#now = now
  }

  pass(ms: number): void {
    const end = this.#now + ms
    for (;;) {
      const due = [...this.#timers].filter(timer => timer.at <= end).sort((a, b) => a.at - b.at)[0]
      if (due === undefined) break
      this.#now = Math.max(this.#now, due.at)
      this.#timers.delete(due)
      due.work()
    }
    this.#now = end
  }
}

/** Where the actual element breaks what the expected one says; undefined where it does not. */
export function differs(expected: Element, actual: Element, path: string): string | undefined {
  const here = `${path}/${expected.name}`
  if (expected.name !== actual.name || expected.ns !== actual.ns) return `${here}: found <${actual.name} xmlns="${actual.ns}">`
  for (const [key, value] of Object.entries(expected.attrs)) {
    if (value === '*' ? actual.attrs[key] === undefined : actual.attrs[key] !== value) {
      return `${here}@${key}: expected ${value}, found ${actual.attrs[key]}`
    }
  }
  const text = expected.text.trim()
  if (text !== '' && text !== actual.text) return `${here}: expected “${text}”, found “${actual.text}”`
  for (const child of expected.elements()) {
    const candidates = actual.elements().filter(other => other.name === child.name && other.ns === child.ns)
    if (candidates.length === 0) return `${here}: there is no <${child.name}>`
    const reasons = candidates.map(candidate => differs(child, candidate, here))
    if (!reasons.includes(undefined)) return reasons[0]
  }
  return undefined
}
