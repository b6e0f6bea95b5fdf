/** What somebody who wants to be another domain can try over real sockets, and what becomes of it. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import { after, before, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { DialbackKeys } from '../../src/stream/s2s/dialback-key.ts'
import type { ZoneEntry } from '../net/dns-server.ts'
import { conditionOf, type Guest } from './network/guest.ts'
import { keyFor, letIn } from './network/meeting.ts'
import { LOOPBACK, Place } from './network/scene.ts'
import { EVIL, FORGED, HERE, Siege, toHere } from './network/siege.ts'
import { OFFERS, Stranger } from './network/stranger.ts'
import { within } from './server.ts'

const VICTIM = 'victim.example'

let siege: Siege
/** Of our software, too. */
let romeo: Guest

before(async () => {
  siege = await Siege.begin()
  const victim = await siege.scene.home([VICTIM], [LOOPBACK, 'mechanisms = ["dialback"]'])
  romeo = await victim.guest('romeo')
})
after(() => siege[Symbol.asyncDispose]())

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
    await siege.hasFailed()
  })
}

attack('dialback key of another stream, or for another pair of domains: our server vouches for neither', async () => {
  const domain = 'curious.example'
  const place = await siege.scene.place(domain)
  siege.juliet.say(`a@${domain}`, 'hello')
  const called = await place.next()
  await called.welcomes({ from: domain, to: HERE }, { credentials: siege.scene.certify(domain) }, OFFERS.dialback, 'stream-1')
  const key = (await called.hears('result')).text
  const asks = await Stranger.calls(siege.here.ports.tcp)
  await asks.opens(toHere(domain), siege.scene.certify(domain))
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
  const place = await siege.scene.place(EVIL)
  const mallory = await siege.comesAs(VICTIM)
  // The victim calls, and its key is for the identifier that it is told.
  romeo.say(`a@${EVIL}`, 'hello')
  const called = await place.next()
  await called.welcomes({ from: EVIL, to: VICTIM }, { credentials: siege.credentials }, OFFERS.dialback, mallory.streamId)
  const key = (await called.hears('result')).text
  mallory.send(keyFor(toHere(VICTIM), key))
  assert.equal((await mallory.hears('result')).attrs['type'], 'invalid')
  assert.equal(await mallory.hearsNoMore(), '')
  called.end()
})

attack('replay: all that a server has said, said again by another one, proves nothing', async () => {
  const domain = 'recorded.example'
  const credentials = siege.scene.certify(domain)
  const place = await siege.scene.place(domain)
  const keys = new DialbackKeys()
  const caller = await Stranger.calls(siege.here.ports.tcp)
  await caller.opens(toHere(domain), credentials)
  const said = [keyFor(toHere(domain), keys.make({ target: HERE, sender: domain, streamId: caller.streamId })), siege.forged(`a@${domain}`)]
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
  await siege.juliet.hears('message', { from: `a@${domain}`, body: FORGED })
  const hasty = await siege.comesAs(domain)
  hasty.send(...said)
  await answers()
  // The stanza has come before the verdict.
  assert.equal(await hasty.hearsStreamError(), 'not-authorized')
  const patient = await siege.comesAs(domain)
  patient.send(said[0]!)
  await answers()
  assert.equal((await patient.hears('result')).attrs['type'], 'invalid')
  assert.equal(await patient.hearsNoMore(), '')
})

attack('replay: a whole connection of a server, recorded on the wire and sent again, says nothing', async () => {
  await using wire = await Wire.to(siege.here.ports.tcp)
  const away = await siege.scene.home(['away.example'], [LOOPBACK, `servers = { "${HERE}" = "127.0.0.1:${wire.port}" }`])
  await using nurse = await away.guest('nurse')
  nurse.say(siege.juliet.address, FORGED)
  await siege.juliet.hears('message', { from: nurse.address, body: FORGED })
  assert.ok(wire.recorded.length > 3)
  const mallory = connect(siege.here.ports.tcp, '127.0.0.1').on('error', () => {})
  const closed = new Promise(resolve => mallory.once('close', resolve))
  for (const bytes of wire.recorded) {
    const answered = new Promise(resolve => mallory.once('data', resolve))
    mallory.write(bytes)
    await Promise.race([answered, closed, pause(200)])
  }
  mallory.end()
  await within(20_000, closed, 'the end')
})

attack('domain switch after authentication', async () => {
  const mallory = await siege.comesAsHimself()
  const answer = await mallory.begins(toHere(VICTIM))
  assert.equal(answer.first()!.name, 'invalid-from')
  assert.equal(await mallory.hearsNoMore(), '')
})

attack('piggybacked domain: without a key, and with one that its own server does not vouch for', async () => {
  const mallory = await siege.comesAsHimself()
  await mallory.begins(toHere(EVIL))
  mallory.send(keyFor(toHere(VICTIM), 'abc'))
  const refused = await mallory.hears('result')
  assert.deepEqual([refused.attrs['type'], conditionOf(refused)], ['error', 'forbidden'])
  mallory.send(siege.forged(`romeo@${VICTIM}`))
  assert.equal(await mallory.hearsStreamError(), 'invalid-from')
  const bold = await siege.comesAsHimself()
  await bold.begins(toHere(EVIL))
  bold.send(siege.forged(`romeo@${VICTIM}`))
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
      `<message from='${from}' to='${siege.juliet.address}'><body>${FORGED}</body></message>`,
      `<presence from='${from}' to='${siege.juliet.address}' type='subscribe'/>`,
      `<iq from='${from}' to='${siege.juliet.address}' type='get' id='1'><ping xmlns='urn:xmpp:ping'/></iq>`,
    ]) {
      const mallory = await siege.comesAsHimself()
      await mallory.begins(toHere(EVIL))
      mallory.send(stanza)
      assert.equal(await mallory.hearsStreamError(), error, stanza)
    }
  }
})

attack('open relay: what is for another domain is not passed on', async () => {
  const third = await siege.scene.place('third.example')
  const mallory = await siege.comesAsHimself()
  await mallory.begins(toHere(EVIL))
  mallory.send(siege.forged(`a@${EVIL}`, 'b@third.example'))
  assert.equal(await mallory.hearsStreamError(), 'host-unknown')
  assert.equal(third.visits, 0)
})

test('a DNS answer that points to 127.0.0.1: nobody is connected to, whoever asks for it', async () => {
  const careful = await siege.scene.home(['careful.example'], [])
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
    siege.scene.dns.zone[`_xmpp-server._tcp.${domain}`] = { srv: [{ priority: 1, weight: 1, port: place.port, target: `host.${domain}` }] }
    siege.scene.dns.zone[`host.${domain}`] = entry
    nurse.say(`a@${domain}`, FORGED, domain)
    assert.equal(conditionOf(await nurse.hears('message', { id: domain, type: 'error' })), 'remote-server-timeout', domain)
    // A stranger would have us ask there about a key.
    const mallory = await Stranger.calls(careful.ports.tcp)
    const ends = { from: domain, to: careful.domain }
    await mallory.opens(ends, siege.credentials)
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
