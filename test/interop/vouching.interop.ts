/** What DNS, the web or an address say of a server's certificate, where no authority does (RFC 7673, RFC 7711, RFC 7686). */
import assert from 'node:assert/strict'
import { hash } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:https'
import { after, before, test } from 'node:test'
import { issuedBy, type Made, selfSigned } from '../net/certificates.ts'
import { type SocksProxyServer, startSocksProxy } from '../net/socks-proxy.ts'
import { conditionOf, type Guest } from './network/guest.ts'
import type { Home } from './network/home.ts'
import { enterNetwork } from './network/isolation.ts'
import { keyFor, letIn, messageOf, vouches } from './network/meeting.ts'
import { LOOPBACK, Place, pem, Scene } from './network/scene.ts'
import { type Credentials, OFFERS, Stranger } from './network/stranger.ts'

// For the port of HTTPS.
const impossible = enterNetwork()

const HOME = 'here.example'
const ALSO_HOME = 'also-here.example'
const ONION = `${'a'.repeat(55)}d.onion`
const OTHER_ONION = `${'b'.repeat(55)}d.onion`

let scene: Scene
let proxy: SocksProxyServer
let home: Home
let juliet: Guest

before(async () => {
  scene = await Scene.open()
  proxy = await startSocksProxy()
  home = await scene.home([HOME, ALSO_HOME], [LOOPBACK, 'tor = "onions"', `proxy = "127.0.0.1:${proxy.port}"`])
  juliet = await home.guest('juliet')
})
after(async () => {
  await scene[Symbol.asyncDispose]()
  await proxy.close()
})

const alone = (domain: string): Made =>
  selfSigned({ subject: domain, names: { dns: [domain] }, isAuthority: false, keyUsage: ['digitalSignature'], purposes: ['serverAuth'] })

interface Tlsa {
  readonly usage: number
  readonly selector: number
  readonly matchingType: number
  readonly certificate: Buffer
}

/** RFC 6698 §2.1: SHA-256 of a public key (RFC 7671 §5.1), or of an authority's certificate. */
const endEntity = ({ publicKey }: Made): Tlsa => ({
  usage: 3,
  selector: 1,
  matchingType: 1,
  certificate: hash('sha256', publicKey.export({ type: 'spki', format: 'der' }), 'buffer'),
})
const anchor = ({ cert }: Made): Tlsa => ({ usage: 2, selector: 0, matchingType: 1, certificate: hash('sha256', cert.raw, 'buffer') })

/** A server for a domain; DNSSEC vouches for where it is, and for what is said of its certificate, or does not. */
async function signedPlace(domain: string, tlsa: Tlsa, signed = { place: true, record: true }): Promise<Place> {
  const place = await scene.place(domain, 'tcp', { isAuthentic: signed.place })
  scene.dns.zone[`_${place.port}._tcp.host.${domain}`] = { isAuthentic: signed.record, tlsa: [tlsa] }
  return place
}

/** Juliet's message arrives there; gives why the other side was believed. */
async function reaches(place: Place, domain: string, credentials: Credentials): Promise<string> {
  juliet.say(`romeo@${domain}`, 'hello')
  const called = await place.next()
  const ends = { from: domain, to: HOME }
  assert.ok(await called.welcomes(ends, { credentials }, OFFERS.dialback), 'our server does not believe')
  await letIn(called, ends, 'dialback')
  assert.equal((await called.hears('message')).attrs['to'], `romeo@${domain}`)
  return (await home.known()).get(domain)!.connections[0]!.proof
}

/** Juliet's message comes back; gives the reason that the operator sees. */
async function fails(place: Place, domain: string, credentials: Credentials): Promise<string> {
  juliet.say(`romeo@${domain}`, 'hello', domain)
  const called = await place.next()
  assert.ok(!(await called.welcomes({ from: domain, to: HOME }, { credentials }, OFFERS.dialback)), 'our server believes')
  assert.equal(called.heard, '')
  const returned = await juliet.hears('message', { id: domain, type: 'error' })
  assert.equal(conditionOf(returned), 'remote-server-timeout')
  return (await home.failureOf(domain)).failure
}

test('DANE-EE: a self-signed certificate is believed whose key is in an authentic TLSA record', async () => {
  const domain = 'dane-ee.example'
  const made = alone(domain)
  assert.equal(await reaches(await signedPlace(domain, endEntity(made)), domain, pem(made)), 'dane')
})

test('DANE-TA: a certificate is believed of an authority that an authentic TLSA record names', async () => {
  const domain = 'dane-ta.example'
  const authority = selfSigned({ subject: 'An Authority of Its Own' })
  const made = issuedBy(authority, { names: { dns: [domain] } })
  assert.equal(await reaches(await signedPlace(domain, anchor(authority)), domain, pem(made, authority)), 'dane')
})

test('DANE-TA: the certificate must be for the domain', async () => {
  const domain = 'dane-name.example'
  const authority = selfSigned({ subject: 'An Authority of Its Own' })
  const made = issuedBy(authority, { names: { dns: ['other.example'] } })
  const place = await signedPlace(domain, anchor(authority))
  assert.equal(await fails(place, domain, pem(made, authority)), 'its certificate names another domain')
})

for (const [usage, record] of [
  ['DANE-EE', endEntity],
  ['DANE-TA', anchor],
] as const) {
  test(`${usage}: where the record names another one, a certificate of a trusted authority does not help`, async () => {
    const domain = `${usage.toLowerCase()}-mismatch.example`
    const place = await signedPlace(domain, record(alone('other.example')))
    assert.equal(await fails(place, domain, scene.certify(domain)), 'its certificate is not believed')
  })
}

for (const [what, label, signed] of [
  ['nothing', 'unsigned', { place: false, record: false }],
  ['the place of the server alone', 'unsigned-record', { place: true, record: false }],
  ['the record of the server alone', 'unsigned-place', { place: false, record: true }],
] as const) {
  test(`where DNSSEC vouches for ${what}, a TLSA record makes nobody believed`, async () => {
    const domain = `${label}.example`
    const made = alone(domain)
    assert.equal(await fails(await signedPlace(domain, endEntity(made), signed), domain, pem(made)), 'its certificate is not believed')
  })

  test(`where DNSSEC vouches for ${what}, a TLSA record takes nobody’s belief away`, async () => {
    const domain = `${label}-mismatch.example`
    assert.equal(await reaches(await signedPlace(domain, endEntity(alone(domain)), signed), domain, scene.certify(domain)), 'pkix')
  })
}

test('who has a self-signed certificate and DANE is heard by dialback', async () => {
  const domain = 'dane-in.example'
  const made = alone(domain)
  const place = await signedPlace(domain, endEntity(made))
  await comesBy(domain, pem(made), () => place.next())
})

/** The domain's server connects, proves itself by dialback over what our own connection reaches, and is heard. */
async function comesBy(domain: string, credentials: Credentials, own: () => Promise<Stranger>): Promise<void> {
  const caller = await Stranger.calls(home.ports.tcp)
  const ends = { from: domain, to: HOME }
  assert.ok(!String(await caller.opens(ends, credentials)).includes('EXTERNAL'))
  caller.send(keyFor(ends, 'key'))
  assert.ok(await vouches(await own(), ends, credentials, { id: caller.streamId, key: 'key' }))
  assert.equal((await caller.hears('result')).attrs['type'], 'valid')
  caller.send(messageOf(`romeo@${domain}`, juliet.address))
  await juliet.hears('message', { from: `romeo@${domain}`, body: 'hello' })
}

/** A web site that knows these fingerprints (RFC 7711 §3.1), at the port that HTTPS has. */
async function webSite(domain: string, credentials: Credentials, told: Made): Promise<AsyncDisposable> {
  scene.dns.zone[domain] = { a: ['127.0.0.1'] }
  const fingerprints = [{ 'sha-256': hash('sha256', told.cert.raw, 'base64') }]
  const server = createServer(credentials!, ({ url }, response) => {
    if (url === '/.well-known/posh/xmpp-server.json') response.end(JSON.stringify({ fingerprints, expires: 3600 }))
    else response.writeHead(404).end()
  })
  server.listen(443, '127.0.0.1')
  await once(server, 'listening')
  return {
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

const skip = impossible ?? false

test('POSH: a self-signed certificate is believed that the domain’s web site tells of, in both directions', { skip }, async () => {
  const domain = 'posh.example'
  const made = alone(domain)
  await using _ = await webSite(domain, scene.certify(domain), made)
  const place = await scene.place(domain)
  assert.equal(await reaches(place, domain, pem(made)), 'posh')
  const caller = await Stranger.calls(home.ports.tcp)
  assert.ok(String(await caller.opens({ from: domain, to: HOME }, pem(made))).includes('EXTERNAL'))
})

test('POSH: the certificate of a hosting provider is believed that the domain’s web site tells of', { skip }, async () => {
  const domain = 'hosted.example'
  const made = issuedBy(scene.authority, { names: { dns: ['provider.example'] } })
  await using _ = await webSite(domain, scene.certify(domain), made)
  assert.equal(await reaches(await scene.place(domain), domain, pem(made)), 'posh')
})

test('POSH: a certificate that the web site does not tell of is not believed', { skip }, async () => {
  const domain = 'posh-mismatch.example'
  await using _ = await webSite(domain, scene.certify(domain), alone(domain))
  assert.equal(await fails(await scene.place(domain), domain, pem(alone(domain))), 'its certificate is not believed')
})

test('POSH: a web site that is not believed itself makes nobody believed', { skip }, async () => {
  const domain = 'posh-false.example'
  const made = alone(domain)
  await using _ = await webSite(domain, pem(made), made)
  assert.equal(await fails(await scene.place(domain), domain, pem(made)), 'its certificate is not believed')
})

/** Through the proxy, and nowhere else: DNS hears nothing of it. */
async function onion(name: string): Promise<Place> {
  const place = await Place.open()
  proxy.ways.set(`${name}:5269`, place.port)
  return place
}

/** Any will do: the address is the hash of a key. */
const ANY = pem(alone('anything.example'))

test('a message to an onion service goes through the proxy, by a way of its own for each pair of domains, and DNS is not asked', async () => {
  await using place = await onion(ONION)
  await using other = await onion(OTHER_ONION)
  const asked = scene.dns.questions.length
  assert.equal(await reaches(place, ONION, ANY), 'onion')
  assert.equal(await reaches(other, OTHER_ONION, ANY), 'onion')
  // That both domains of ours are served together is not to be seen there.
  await using romeo = await home.guest('romeo', ALSO_HOME)
  romeo.say(`juliet@${ONION}`, 'hello')
  const called = await place.next()
  const ends = { from: ONION, to: ALSO_HOME }
  assert.ok(await called.welcomes(ends, { credentials: ANY }, OFFERS.dialback))
  await letIn(called, ends, 'dialback')
  await called.hears('message')
  assert.deepEqual(
    proxy.requests.map(({ host, port }) => `${host}:${port}`),
    [ONION, OTHER_ONION, ONION].map(name => `${name}:5269`),
  )
  const isolation = new Set(proxy.requests.map(({ username, password }) => `${username}:${password}`))
  assert.equal(isolation.size, 3)
  assert.ok(!isolation.has('undefined:undefined'))
  assert.deepEqual(scene.dns.questions.slice(asked), [])
})

test('an onion service is heard by dialback over our own connection through the proxy, and DNS is not asked', async () => {
  const name = `${'c'.repeat(55)}d.onion`
  await using place = await onion(name)
  const asked = scene.dns.questions.length
  const requests = proxy.requests.length
  await comesBy(name, ANY, () => place.next())
  assert.equal(proxy.requests.length, requests + 1)
  assert.deepEqual(scene.dns.questions.slice(asked), [])
})

test('where the settings name no proxy, an onion service is not reached, and DNS is not asked', async () => {
  const bare = await scene.home(['bare.example'], [LOOPBACK])
  await using nurse = await bare.guest('nurse')
  const asked = scene.dns.questions.length
  nurse.say(`romeo@${ONION}`, 'hello', 'lost')
  assert.equal(conditionOf(await nurse.hears('message', { id: 'lost', type: 'error' })), 'remote-server-not-found')
  assert.deepEqual(scene.dns.questions.slice(asked), [])
})
