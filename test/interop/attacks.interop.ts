/** What somebody who wants to be another domain, or wants others not to talk, can try over real sockets, and what becomes of it. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import { after, before, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { DialbackKeys } from '../../src/stream/s2s/dialback-key.ts'
import type { ZoneEntry } from '../net/dns-server.ts'
import { conditionOf, type Guest } from './network/guest.ts'
import type { Home } from './network/home.ts'
import { enterNetwork } from './network/isolation.ts'
import { keyFor, letIn, messageOf } from './network/meeting.ts'
import { LOOPBACK, Place, Scene } from './network/scene.ts'
import { EXTERNAL, OFFERS, PROCEED, STARTTLS, Stranger } from './network/stranger.ts'
import { within } from './server.ts'

// For addresses that are not of the loopback interface.
const impossible = enterNetwork()

const HERE = 'here.example'
const VICTIM = 'victim.example'
const EVIL = 'evil.example'
const FORGED = 'forged'

let scene: Scene
let here: Home
/** Of our software, too. */
let victim: Home
let juliet: Guest
let romeo: Guest

before(async () => {
  scene = await Scene.open()
  here = await scene.home([HERE], [LOOPBACK])
  victim = await scene.home([VICTIM], [LOOPBACK, 'mechanisms = ["dialback"]'])
  juliet = await here.guest('juliet')
  romeo = await victim.guest('romeo')
})
after(() => scene[Symbol.asyncDispose]())

/** The attacker has a domain and a good certificate for it, but for no other one. */
const mallorys = () => scene.certify(EVIL)
const toHere = (from: string) => ({ from, to: HERE })

/** Connects as somebody, and comes as far as the features behind TLS. */
async function comesAs(from: string): Promise<Stranger> {
  const mallory = await Stranger.calls(here.ports.tcp)
  await mallory.opens(toHere(from), mallorys())
  return mallory
}

/** Connects, and proves the attacker's own domain. */
async function comesAsHimself(): Promise<Stranger> {
  const mallory = await comesAs(EVIL)
  mallory.send(EXTERNAL)
  await mallory.hears('success')
  return mallory
}

const forged = (from = `romeo@${VICTIM}`, to = juliet.address): string => messageOf(from, to, FORGED)

/** Whatever was forged would have come before this. */
async function heardNothing(): Promise<void> {
  const friend = await comesAsHimself()
  await friend.begins(toHere(EVIL))
  friend.send(messageOf(`a@${EVIL}`, juliet.address, 'the truth'))
  const heard = await juliet.hears('message', {})
  assert.equal(heard.attrs['from'], `a@${EVIL}`, `Juliet got ${heard}`)
  friend.end()
}

const closeOf = (socket: Socket): Promise<void> => new Promise(resolve => void socket.once('close', () => resolve()))

/** A way to a port of this machine that keeps what goes there. */
class Wire implements AsyncDisposable {
  readonly recorded: Buffer[] = []
  readonly #ends: Socket[] = []
  readonly #server: Server

  private constructor(target: number) {
    this.#server = createServer(near => {
      const far = connect(target, '127.0.0.1')
      this.#ends.push(near, far)
      near.on('data', (bytes: Buffer) => this.recorded.push(bytes)).on('error', () => far.destroy())
      far.on('error', () => near.destroy())
      near.pipe(far).pipe(near)
    })
  }

  static async to(target: number): Promise<Wire> {
    const wire = new Wire(target)
    await once(wire.#server.listen(0, '127.0.0.1'), 'listening')
    return wire
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const end of this.#ends) end.destroy()
    this.#server.close()
  }
}

function attack(title: string, tell: () => Promise<void>): void {
  test(title, async () => {
    await tell()
    await heardNothing()
  })
}

attack('dialback key of another stream, or for another pair of domains: our server vouches for neither', async () => {
  const domain = 'curious.example'
  const place = await scene.place(domain)
  juliet.say(`a@${domain}`, 'hello')
  const called = await place.next()
  await called.welcomes({ from: domain, to: HERE }, { credentials: scene.certify(domain) }, OFFERS.dialback, 'stream-1')
  const key = (await called.hears('result')).text
  const asks = await Stranger.calls(here.ports.tcp)
  await asks.opens(toHere(domain), scene.certify(domain))
  for (const [from, to, id, type] of [
    [domain, HERE, 'stream-1', 'valid'],
    [domain, HERE, 'stream-2', 'invalid'],
    [EVIL, HERE, 'stream-1', 'invalid'],
    [domain, VICTIM, 'stream-1', 'error'],
  ] as const) {
    asks.send(`<db:verify from='${from}' to='${to}' id='${id}'>${key}</db:verify>`)
    const answer = await asks.hears('verify')
    assert.deepEqual([answer.attrs['id'], answer.attrs['type']], [id, type], `${from} ${to} ${id}`)
  }
})

attack('wrong domain pair: a key that the victim itself has made, for the attacker and this very stream, is invalid', async () => {
  const place = await scene.place(EVIL)
  const mallory = await comesAs(VICTIM)
  // The victim calls, and its key is for the identifier that it is told.
  romeo.say(`a@${EVIL}`, 'hello')
  const called = await place.next()
  await called.welcomes({ from: EVIL, to: VICTIM }, { credentials: mallorys() }, OFFERS.dialback, mallory.streamId)
  const key = (await called.hears('result')).text
  mallory.send(keyFor(toHere(VICTIM), key))
  assert.equal((await mallory.hears('result')).attrs['type'], 'invalid')
  assert.equal(await mallory.hearsNoMore(), '')
  called.end()
})

attack('replay: all that a server has said, said again by another one, proves nothing', async () => {
  const domain = 'recorded.example'
  const credentials = scene.certify(domain)
  const place = await scene.place(domain)
  const keys = new DialbackKeys()
  const caller = await Stranger.calls(here.ports.tcp)
  await caller.opens(toHere(domain), credentials)
  const said = [keyFor(toHere(domain), keys.make({ target: HERE, sender: domain, streamId: caller.streamId })), forged(`a@${domain}`)]
  caller.send(said[0]!)
  const asked = await place.next()
  await asked.welcomes({ from: domain, to: HERE }, { credentials }, OFFERS.dialback)
  const answers = async (): Promise<void> => {
    const { attrs, text } = await asked.hears('verify')
    const isRight = keys.isRight(text, { target: HERE, sender: domain, streamId: attrs['id']! })
    asked.send(`<db:verify from='${domain}' to='${HERE}' id='${attrs['id']}' type='${isRight ? 'valid' : 'invalid'}'/>`)
  }
  await answers()
  await letIn(asked, { from: domain, to: HERE }, 'dialback')
  assert.equal((await caller.hears('result')).attrs['type'], 'valid')
  caller.send(said[1]!)
  await juliet.hears('message', { from: `a@${domain}`, body: FORGED })
  const hasty = await comesAs(domain)
  hasty.send(...said)
  await answers()
  // The stanza has come before the verdict.
  assert.equal(await hasty.hearsStreamError(), 'not-authorized')
  const patient = await comesAs(domain)
  patient.send(said[0]!)
  await answers()
  assert.equal((await patient.hears('result')).attrs['type'], 'invalid')
  assert.equal(await patient.hearsNoMore(), '')
})

attack('replay: a whole connection of a server, recorded on the wire and sent again, says nothing', async () => {
  await using wire = await Wire.to(here.ports.tcp)
  const away = await scene.home(['away.example'], [LOOPBACK, `servers = { "${HERE}" = "127.0.0.1:${wire.port}" }`])
  await using nurse = await away.guest('nurse')
  nurse.say(juliet.address, FORGED)
  await juliet.hears('message', { from: nurse.address, body: FORGED })
  assert.ok(wire.recorded.length > 3)
  const mallory = connect(here.ports.tcp, '127.0.0.1').on('error', () => {})
  const closed = closeOf(mallory)
  for (const bytes of wire.recorded) {
    const answered = new Promise(resolve => mallory.once('data', resolve))
    mallory.write(bytes)
    await Promise.race([answered, closed, pause(200)])
  }
  mallory.end()
  await within(20_000, closed, 'the end')
})

attack('domain switch after authentication', async () => {
  const mallory = await comesAsHimself()
  const answer = await mallory.begins(toHere(VICTIM))
  assert.equal(answer.first()!.name, 'invalid-from')
  assert.equal(await mallory.hearsNoMore(), '')
})

attack('piggybacked domain: without a key, and with one that its own server does not vouch for', async () => {
  const mallory = await comesAsHimself()
  await mallory.begins(toHere(EVIL))
  mallory.send(keyFor(toHere(VICTIM), 'abc'))
  const refused = await mallory.hears('result')
  assert.deepEqual([refused.attrs['type'], conditionOf(refused)], ['error', 'forbidden'])
  mallory.send(forged())
  assert.equal(await mallory.hearsStreamError(), 'invalid-from')
  const bold = await comesAsHimself()
  await bold.begins(toHere(EVIL))
  bold.send(forged())
  assert.equal(await bold.hearsStreamError(), 'invalid-from')
})

attack('from spoofing: stanzas of every kind in the name of others end the stream', async () => {
  for (const [from, error] of [
    [`romeo@${VICTIM}`, 'invalid-from'],
    [`nurse@${HERE}`, 'invalid-from'],
    [HERE, 'invalid-from'],
    [`a@sub.${EVIL}`, 'invalid-from'],
    [`a@${EVIL}.${VICTIM}`, 'invalid-from'],
    ['', 'improper-addressing'],
  ] as const) {
    for (const stanza of [
      `<message from='${from}' to='${juliet.address}'><body>${FORGED}</body></message>`,
      `<presence from='${from}' to='${juliet.address}' type='subscribe'/>`,
      `<iq from='${from}' to='${juliet.address}' type='get' id='1'><ping xmlns='urn:xmpp:ping'/></iq>`,
    ]) {
      const mallory = await comesAsHimself()
      await mallory.begins(toHere(EVIL))
      mallory.send(stanza)
      assert.equal(await mallory.hearsStreamError(), error, stanza)
    }
  }
})

attack('stanza before authentication, behind TLS and before it', async () => {
  const mallory = await comesAs(EVIL)
  mallory.send(forged(`a@${EVIL}`))
  assert.equal(await mallory.hearsStreamError(), 'not-authorized')
  const plain = await Stranger.calls(here.ports.tcp)
  plain.send(plain.open(toHere(EVIL)), forged(`a@${EVIL}`))
  await plain.hears('stream')
  await plain.hears('features')
  assert.equal(await plain.hearsStreamError(), 'not-authorized')
})

attack('STARTTLS injection: what comes behind <starttls/> in the same segment is not there behind TLS', async () => {
  const mallory = await Stranger.calls(here.ports.tcp)
  mallory.send(mallory.open(toHere(EVIL)))
  await mallory.hears('stream')
  await mallory.hears('features')
  mallory.send(STARTTLS, mallory.open(toHere(EVIL)), EXTERNAL, mallory.open(toHere(EVIL)), forged(`a@${EVIL}`))
  await mallory.hears('proceed')
  assert.ok(await mallory.secures('client', { credentials: mallorys(), servername: HERE }))
  assert.equal((await mallory.begins(toHere(EVIL))).name, 'features')
  mallory.send(forged(`a@${EVIL}`))
  assert.equal(await mallory.hearsStreamError(), 'not-authorized')
})

attack('STARTTLS injection: what comes behind <proceed/> in the same segment is not there behind TLS', async () => {
  const domain = 'injected.example'
  const place = await scene.place(domain)
  juliet.say(`a@${domain}`, 'hello')
  const called = await place.next()
  const ends = { from: domain, to: HERE }
  await called.hears('stream')
  called.send(called.open(ends, 'plain'), `<stream:features>${OFFERS.tls}</stream:features>`)
  await called.hears('starttls')
  const injected = `${called.open(ends, 'injected')}<stream:features>${OFFERS.external}</stream:features>`
  called.send(PROCEED, injected, `<db:result from='${domain}' to='${HERE}' type='valid'/>`, forged(`a@${domain}`))
  assert.ok(await called.secures('server', { credentials: scene.certify(domain) }))
  await called.hears('stream')
  called.send(called.open(ends, 'true'), `<stream:features>${OFFERS.dialback}</stream:features>`)
  await letIn(called, ends, 'dialback')
  await called.hears('message')
})

attack('TLS downgrade: TLS 1.1 is spoken with nobody', async () => {
  const domain = 'old.example'
  const place = await scene.place(domain)
  const old = { credentials: scene.certify(domain), version: 'TLSv1.1' } as const
  const mallory = await Stranger.calls(here.ports.tcp)
  mallory.send(mallory.open(toHere(domain)))
  await mallory.hears('stream')
  await mallory.hears('features')
  mallory.send(STARTTLS)
  await mallory.hears('proceed')
  assert.equal(await mallory.secures('client', old), false)

  juliet.say(`a@${domain}`, FORGED)
  const called = await place.next()
  assert.equal(await called.welcomes({ from: domain, to: HERE }, old, OFFERS.dialback), false)
  assert.deepEqual(await here.failureOf(domain), { failure: 'the TLS handshake failed', waiting: 1 })

  // The test can speak it.
  const [one, other] = await Promise.all([Stranger.calls(place.port), place.next()])
  assert.deepEqual(await Promise.all([one.secures('client', old), other.secures('server', old)]), [true, true])
})

attack('TLS downgrade: where STARTTLS is stripped from the features, or refused, nothing is said in the clear', async () => {
  for (const [domain, offered, failure, waiting] of [
    ['stripped.example', '', 'it offers no TLS', 0],
    ['stripped-to-dialback.example', OFFERS.dialback + OFFERS.external, 'it offers no TLS', 0],
    ['refusing.example', OFFERS.tls, 'the TLS handshake failed', 1],
  ] as const) {
    const place = await scene.place(domain)
    juliet.say(`a@${domain}`, FORGED, domain)
    const called = await place.next()
    await called.hears('stream')
    called.send(called.open({ from: domain, to: HERE }, 'x'), `<stream:features>${offered}</stream:features>`)
    if (waiting > 0) {
      await called.hears('starttls')
      called.send("<failure xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>")
    }
    assert.equal(await called.hearsNoMore(), '')
    assert.deepEqual(await here.failureOf(domain), { failure, waiting })
    if (waiting > 0) continue
    assert.equal(conditionOf(await juliet.hears('message', { id: domain, type: 'error' })), 'remote-server-timeout')
  }
})

attack('TLS downgrade: without TLS nobody proves anything', async () => {
  for (const proof of [keyFor(toHere(EVIL), 'abc'), EXTERNAL]) {
    const mallory = await Stranger.calls(here.ports.tcp)
    mallory.send(mallory.open(toHere(EVIL)))
    await mallory.hears('stream')
    const features = await mallory.hears('features')
    assert.ok(!/EXTERNAL|features:dialback/.test(String(features)))
    mallory.send(proof)
    assert.equal(await mallory.hearsStreamError(), 'policy-violation')
  }
})

attack('open relay: what is for another domain is not passed on', async () => {
  const third = await scene.place('third.example')
  const mallory = await comesAsHimself()
  await mallory.begins(toHere(EVIL))
  mallory.send(forged(`a@${EVIL}`, 'b@third.example'))
  assert.equal(await mallory.hearsStreamError(), 'host-unknown')
  assert.equal(third.visits, 0)
})

test('a DNS answer that points to 127.0.0.1: nobody is connected to, whoever asks for it', async () => {
  const careful = await scene.home(['careful.example'], [])
  await using nurse = await careful.guest('nurse')
  const ways = {
    'a.example': { a: ['127.0.0.1'] },
    'other.example': { a: ['127.0.0.2'] },
    'zero.example': { a: ['0.0.0.0'] },
    'six.example': { aaaa: ['::1'] },
    'mapped.example': { aaaa: ['::ffff:127.0.0.1'] },
    'translated.example': { aaaa: ['64:ff9b::7f00:1'] },
    'alias.example': { cname: 'host.a.example' },
  }
  const lead = async (domain: string, entry: ZoneEntry): Promise<void> => {
    await using place = await Place.open()
    scene.dns.zone[`_xmpp-server._tcp.${domain}`] = { srv: [{ priority: 1, weight: 1, port: place.port, target: `host.${domain}` }] }
    scene.dns.zone[`host.${domain}`] = entry
    nurse.say(`a@${domain}`, FORGED, domain)
    assert.equal(conditionOf(await nurse.hears('message', { id: domain, type: 'error' })), 'remote-server-timeout', domain)
    // A stranger would have us ask there about a key.
    const mallory = await Stranger.calls(careful.ports.tcp)
    const ends = { from: domain, to: careful.domain }
    await mallory.opens(ends, mallorys())
    mallory.send(keyFor(ends, 'abc'))
    assert.equal(conditionOf(await mallory.hears('result')), 'remote-server-timeout')
    mallory.end()
    assert.equal(place.visits, 0, domain)
  }
  await Promise.all(Object.entries(ways).map(([domain, entry]) => lead(domain, entry)))
  const known = await careful.known()
  for (const domain of Object.keys(ways))
    assert.equal(known.get(domain)?.failure, 'its address is in a network that must not be connected to', domain)
})

const BOMBS = 2_000
/** What a server may keep of them, in MiB. */
const GROWTH = 100
const PER_NETWORK = 100
const NETWORKS = ['192.0.2.1', '198.51.100.1', '203.0.113.1', '198.18.0.1']

/** Many connections, each of which does one of the things that prove nothing. */
class Bomb {
  readonly #sockets: Socket[] = []
  readonly #closed: Promise<unknown>[] = []
  open = 0

  async drop(count: number, addresses: readonly (string | undefined)[]): Promise<void> {
    const ways = [
      '',
      Stranger.prototype.open(toHere(EVIL)),
      `${Stranger.prototype.open(toHere(EVIL))}${STARTTLS}`,
      `<?xml version='1.0'?>${' '.repeat(100)}`,
      '<stream:stream xmlns:stream="http://etherx.jabber.org/streams"',
    ]
    for (let at = 0; at < count; at++) {
      const localAddress = addresses[at % addresses.length]
      const direct = at % 10 === 9
      const socket = connect({
        host: '127.0.0.1',
        port: direct ? here.ports.tls : here.ports.tcp,
        ...(localAddress !== undefined && { localAddress }),
      })
      this.#sockets.push(socket.on('error', () => {}).resume())
      this.open++
      this.#closed.push(closeOf(socket).then(() => this.open--))
      socket.on('end', () => socket.destroy())
      if (!direct) socket.write(ways[at % ways.length]!)
      if (at % 100 === 99) await Promise.race([new Promise(resolve => socket.once('connect', resolve)), closeOf(socket)])
    }
  }

  /** As if they were alive. */
  tick(): void {
    for (const socket of this.#sockets) if (socket.writable) socket.write(' ')
  }

  get over(): Promise<unknown> {
    return Promise.all(this.#closed)
  }
}

test('connection bombs: those who never authenticate are bounded and go in time, and a server that does comes in meanwhile', async t => {
  const before = await here.memory()
  const domain = 'honest.example'
  const comesIn = async (): Promise<void> => {
    const honest = await Stranger.calls(here.ports.tcp)
    await honest.opens(toHere(domain), scene.certify(domain))
    honest.send(EXTERNAL)
    await honest.hears('success')
    await honest.begins(toHere(domain))
    honest.send(messageOf(`a@${domain}`, juliet.address, 'hello'))
    await juliet.hears('message', { from: `a@${domain}`, body: 'hello' })
  }
  // From the loopback interface, behind which there may be a proxy for many.
  const near = new Bomb()
  await near.drop(BOMBS, [undefined])
  await comesIn()
  const ticking = setInterval(() => near.tick(), 1000)
  if (impossible === undefined) {
    for (const address of NETWORKS) spawnSync('ip', ['address', 'add', `${address}/32`, 'dev', 'lo'])
    const far = new Bomb()
    await far.drop(BOMBS, NETWORKS)
    await comesIn()
    while (far.open > PER_NETWORK * NETWORKS.length) await pause(20)
    assert.ok(far.open > 0)
    await comesIn()
    await within(40_000, far.over, 'the end of all from few networks')
  }
  await within(40_000, near.over, 'the end of all')
  clearInterval(ticking)
  await comesIn()
  const memory = await here.memory()
  t.diagnostic(`${before} MiB before, ${memory} MiB after`)
  assert.ok(memory - before < GROWTH, `it has grown from ${before} MiB to ${memory} MiB`)
  assert.doesNotMatch(here.output, / fault /)
})
