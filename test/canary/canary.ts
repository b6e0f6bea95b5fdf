/**
 * A day in the life of a server, in which every datum is a canary: a text that occurs nowhere else. Afterwards all that is
 * on the disk, in the log and in the process table is searched. What is found must stand in inventory.json, with a reason;
 * and all that stands there must be found, so that the list stays true.
 */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { WebSocket } from 'ws'
import { TestClient } from '../../src/sasl/test-client.ts'
import { Client, type Login } from '../faults/client.ts'
import { Region } from '../faults/region.ts'
import { within } from '../faults/within.ts'
import { Abroad } from './abroad.ts'
import { encodingsOf } from './encodings.ts'
import { columnsWithTimes, placesOf } from './places.ts'

interface Known {
  readonly datum: string
  /** `store` for the files of the data folder, `log`, `process`, or `table.column` for times. */
  readonly place: string
  readonly reason: string
}

const inventory: readonly Known[] = JSON.parse(readFileSync(join(import.meta.dirname, 'inventory.json'), 'utf8'))

/** Every canary by the name of its datum. */
const canaries = new Map<string, string>()

function canary(datum: string): string {
  const text = `zq${randomBytes(8)
    .toString('hex')
    .replace(/[0-9]/g, digit => 'ghijklmnop'[Number(digit)]!)}`
  canaries.set(datum, text)
  return text
}

/** An address of this machine that nobody else uses. */
function address(datum: string): string {
  const [a, b] = randomBytes(2)
  const text = `127.66.${100 + (a! % 150)}.${100 + (b! % 150)}`
  canaries.set(datum, text)
  return text
}

await using region = await Region.open()
await using server = await region.server('localhost', 'sha1 = true\nplain = true\n')
const names = {
  alice: canary('name of an account'),
  bob: canary('name of a contact'),
  hermit: canary('name of a removed account'),
  guest: canary('name of an invited account'),
}
const passwords = {
  alice: canary('password'),
  bob: canary('password of a contact'),
  hermit: canary('password of a removed account'),
  guest: canary('password of an invited account'),
}
const jid = (who: keyof typeof names): string => `${names[who]}@${server.domain}`
const loginOf = (who: keyof typeof names, more: Partial<Login> = {}): Login => ({
  ...server.login(names[who]),
  password: passwords[who],
  ...more,
})

for (const who of ['alice', 'bob', 'hermit'] as const) server.command(['user', 'add', jid(who)], `${passwords[who]}\n`)
await using abroad = await Abroad.open(region, { canary, address })
await server.start()
const from = Date.now()

await register()
await logIn()
await fail()
await talk()
await abroad.talk(loginOf('alice'), loginOf('bob'), server)
await server.stop('SIGKILL')
await server.start()
await talkAgain()
await browse()
await wait(500)
const until = Date.now()

const running = search()
server.command(['user', 'remove', '--yes', jid('hermit')])
await server.stop()
const atRest = search()
// Deleted rows stay in the write-ahead log until it is emptied, which the server does every five minutes and when it stops.
const found = new Map([...running].map(([hit, how]) => [atRest.has(hit) ? hit : `${hit} until tidied`, how]))
for (const [hit, how] of atRest) found.set(hit, how)
for (const column of columnsWithTimes(join(server.data, 'localhost.sqlite'), from, until))
  found.set(`time in ${column}`, 'a moment of this day')

report(
  found,
  [...atRest].filter(([hit]) => hit.includes('a removed account')).map(([hit, how]) => `${hit} (${how})`),
)

/** An account by invitation (XEP-0401, XEP-0445, XEP-0077). */
async function register(): Promise<void> {
  const { uri } = JSON.parse(server.command(['invite', 'create', '--json']))
  const token = /preauth=([^;]+)/.exec(uri)![1]!
  canaries.set('token of a used invitation', token)
  const client = await Client.connect(loginOf('guest', { localAddress: address('address at registration') }))
  await client.asksBeforeLogin('set', `<preauth xmlns="urn:xmpp:pars:0" token="${token}"/>`)
  await client.asksBeforeLogin(
    'set',
    `<query xmlns="jabber:iq:register"><username>${names.guest}</username><password>${passwords.guest}</password></query>`,
  )
  client.break()
  const unused = JSON.parse(server.command(['invite', 'create', '--json']))
  canaries.set('token of an unused invitation', /preauth=([^;]+)/.exec(unused.uri)![1]!)
}

/** With every mechanism. */
async function logIn(): Promise<void> {
  for (const mechanism of ['SCRAM-SHA-512', 'SCRAM-SHA-256', 'SCRAM-SHA-1', 'PLAIN']) {
    const client = await Client.online(
      loginOf('alice', { mechanism, localAddress: address(`address of a login with ${mechanism}`) }),
      canary(`resource of a login with ${mechanism}`),
      true,
    )
    await client.asks('get', '<query xmlns="jabber:iq:roster"/>')
    await client.leave()
  }
  const guest = await Client.online(
    loginOf('guest', { localAddress: address('address of an invited account') }),
    canary('resource of an invited account'),
    false,
  )
  await guest.leave()
}

async function fail(): Promise<void> {
  const wrong = { ...loginOf('alice'), password: canary('wrong password'), localAddress: address('address of a wrong password') }
  for (const mechanism of ['SCRAM-SHA-256', 'PLAIN', 'SCRAM-SHA-512'])
    await assert.rejects(Client.login({ ...wrong, mechanism }), /not-authorized/)
  await assert.rejects(Client.login({ ...wrong, name: canary('name that does not exist') }), /not-authorized/)
  const broken = await Client.connect({ ...wrong, localAddress: address('address of broken XML') })
  broken.send(`<auth mechanism="${canary('broken XML')}"><<`)
  await broken.closed
}

async function talk(): Promise<void> {
  const alice = await Client.online(loginOf('alice', { localAddress: address('address of a talk') }), canary('resource of a talk'), true)
  const asked = Promise.withResolvers<void>()
  const bob = await Client.online(
    loginOf('bob', { localAddress: address('address of a contact') }),
    canary('resource of a contact'),
    true,
    ({ attrs }) => void (attrs['type'] === 'subscribe' && asked.resolve()),
  )
  await alice.asks(
    'set',
    `<query xmlns="jabber:iq:roster"><item jid="${jid('bob')}" name="${canary('name in the roster')}"><group>${canary('group in the roster')}</group></item></query>`,
  )
  alice.send(`<presence type="subscribe" to="${jid('bob')}"><status>${canary('reason of a subscription')}</status></presence>`)
  await within(5_000, asked.promise, 'the subscription request')
  bob.send(`<presence type="subscribed" to="${jid('alice')}"/><presence type="subscribe" to="${jid('alice')}"/>`)
  await alice.asks('get', '<ping xmlns="urn:xmpp:ping"/>')
  alice.send(`<presence type="subscribed" to="${jid('bob')}"/>`)
  alice.send(
    `<presence><show>away</show><status>${canary('status text')}</status><c xmlns="http://jabber.org/protocol/caps" hash="sha-1" node="https://${canary('name of a client')}.example" ver="AAAA"/></presence>`,
  )
  alice.send(
    `<message type="chat" id="${canary('id of a message')}" to="${jid('bob')}"><subject>${canary('subject')}</subject><body>${canary('body of a message to one who is online')}</body></message>`,
  )
  await alice.asks('set', `<vCard xmlns="vcard-temp"><FN>${canary('vCard')}</FN></vCard>`)
  await alice.asks('set', `<query xmlns="jabber:iq:private"><notes xmlns="urn:x-test">${canary('private data')}</notes></query>`)
  await alice.asks('set', `<block xmlns="urn:xmpp:blocking"><item jid="${canary('blocked address')}@spam.example"/></block>`)
  await alice.asks('get', `<query xmlns="http://jabber.org/protocol/disco#info" node="${canary('node of a request')}"/>`, server.domain)
  alice.send(`<message type="chat" id="x" to="${canary('address on another server')}@elsewhere.example"><body>hi</body></message>`)
  await alice.asks('get', '<ping xmlns="urn:xmpp:ping"/>')
  await bob.leave()
  alice.send(`<message type="chat" id="o" to="${jid('bob')}"><body>${canary('body of a message that was fetched')}</body></message>`)
  const hermit = await Client.online(loginOf('hermit'), canary('resource of a removed account'), true)
  await hermit.asks('set', `<vCard xmlns="vcard-temp"><FN>${canary('vCard of a removed account')}</FN></vCard>`)
  await hermit.asks(
    'set',
    `<query xmlns="jabber:iq:private"><notes xmlns="urn:x-test">${canary('private data of a removed account')}</notes></query>`,
  )
  await hermit.asks('set', `<query xmlns="jabber:iq:roster"><item jid="${canary('contact of a removed account')}@far.example"/></query>`)
  await hermit.asks('set', `<block xmlns="urn:xmpp:blocking"><item jid="${canary('blocked by a removed account')}@far.example"/></block>`)
  await hermit.leave()
  alice.send(`<message type="chat" id="h" to="${jid('hermit')}"><body>${canary('body of a message to a removed account')}</body></message>`)
  await alice.asks('get', '<ping xmlns="urn:xmpp:ping"/>')
}

async function talkAgain(): Promise<void> {
  let heard = 0
  const bob = await Client.online(
    loginOf('bob'),
    canary('resource after a crash'),
    true,
    ({ name }) => void (name === 'message' && heard++),
  )
  for (let i = 0; i < 50 && heard === 0; i++) await wait(50)
  assert.ok(heard > 0, 'what was sent before the crash')
  await bob.leave()
  const alice = await Client.online(loginOf('alice'), canary('resource of the evening'), true)
  alice.send(`<message type="chat" id="o2" to="${jid('bob')}"><body>${canary('body of a message that waits')}</body></message>`)
  await alice.asks('get', '<ping xmlns="urn:xmpp:ping"/>')
  await alice.leave()
}

/** WebSocket, with all that a browser and XEP-0388 tell about the device. */
async function browse(): Promise<void> {
  const webSocket = new WebSocket(`wss://127.0.0.1:${server.https}/xmpp-websocket`, 'xmpp', {
    rejectUnauthorized: false,
    localAddress: address('address of a browser'),
    origin: `https://${canary('origin of a page')}.example`,
    headers: {
      'user-agent': canary('User-Agent'),
      'x-forwarded-for': address('address in X-Forwarded-For'),
      cookie: `a=${canary('cookie')}`,
    },
  })
  await once(webSocket, 'open')
  let said = ''
  webSocket.on('message', data => (said += data))
  webSocket.send(`<open xmlns="urn:ietf:params:xml:ns:xmpp-framing" to="localhost" version="1.0"/>`)
  const scram = new TestClient({ mechanism: 'SCRAM-SHA-256', username: names.alice, password: passwords.alice })
  const hears = async (pattern: RegExp): Promise<string> => {
    for (let i = 0; i < 100 && !pattern.test(said); i++) await wait(20)
    assert.match(said, pattern)
    return pattern.exec(said)![1]!
  }
  const agent = `<user-agent id="${canary('id of a device')}"><software>${canary('software of a device')}</software><device>${canary('name of a device')}</device></user-agent>`
  webSocket.send(
    `<authenticate xmlns="urn:xmpp:sasl:2" mechanism="SCRAM-SHA-256"><initial-response>${scram.first().toString('base64')}</initial-response>${agent}<bind xmlns="urn:xmpp:bind:0"><tag>${canary('tag of a client')}</tag></bind></authenticate>`,
  )
  const challenge = Buffer.from(await hears(/<challenge[^>]*>([^<]+)/), 'base64')
  webSocket.send(`<response xmlns="urn:xmpp:sasl:2">${scram.final(challenge).toString('base64')}</response>`)
  await hears(/<success.*?<bound(.)/)
  webSocket.send('<presence xmlns="jabber:client"/>')
  webSocket.send('<close xmlns="urn:ietf:params:xml:ns:xmpp-framing"/>')
  await once(webSocket, 'close')
}

/** What is found, as `datum in place`, and how it is encoded there. */
function search(): Map<string, string> {
  const hits = new Map<string, string>()
  const places = placesOf(server)
  for (const [datum, text] of canaries) {
    for (const [encoding, bytes] of encodingsOf(text)) {
      for (const [place, content] of places) {
        if (content.includes(bytes)) hits.set(`${datum} in ${place.startsWith('data/') ? 'store' : place}`, `${place}, ${encoding}`)
      }
    }
  }
  return hits
}

function report(found: ReadonlyMap<string, string>, left: readonly string[]): void {
  const known = new Map(inventory.map(({ datum, place, reason }) => [`${datum} in ${place}`, reason]))
  const strange = [...found].filter(([hit]) => !known.has(hit)).map(([hit, how]) => `${hit} (${how})`)
  const stale = [...known.keys()].filter(hit => !found.has(hit))
  const log = server.output
    .split('\n')
    .filter(line => /^\d{4}-/.test(line) && !/ info (?:server\.started|server\.stopped|settings\.read)/.test(line))
  console.log(
    `${canaries.size} canaries, each in about 20 encodings; found as the inventory says: ${found.size - strange.length} of ${known.size}`,
  )
  for (const [hit, how] of found) console.log(`  ${known.has(hit) ? ' ' : '!'} ${hit} (${how})`)
  assert.deepEqual(strange, [], 'found, and not in the inventory')
  assert.deepEqual(stale, [], 'in the inventory, and not found')
  assert.deepEqual(left, [], 'left of a removed account')
  assert.deepEqual(log, [], 'lines in the log that tell of what users do')
  console.log('The log says nothing about anyone; of the removed account nothing is left.')
}
