import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { Device, PASSWORD } from './device.ts'
import { unlessInstalled } from './installed.ts'
import { type Server, startServer } from './server.ts'

let usual: Server
let lenient: Server
before(async () => {
  usual = await startServer()
  lenient = await startServer('[auth]\nsha1 = true\nplain = true\niterations = 4096\n')
  for (const server of [usual, lenient]) await server.addUser('alice', PASSWORD)
})
after(async () => {
  await usual[Symbol.asyncDispose]()
  await lenient[Symbol.asyncDispose]()
})

for (const mechanism of ['SCRAM-SHA-512', 'SCRAM-SHA-256']) {
  test(`slixmpp logs in with ${mechanism}`, unlessInstalled('slixmpp'), async () => {
    await using alice = new Device('slixmpp', { server: usual, name: 'alice', mechanism })
    assert.equal((await alice.login())['mechanism'], mechanism)
  })
}

for (const mechanism of ['SCRAM-SHA-1', 'PLAIN']) {
  test(`slixmpp logs in with ${mechanism} where it is switched on, and only there`, unlessInstalled('slixmpp'), async () => {
    await using alice = new Device('slixmpp', { server: lenient, name: 'alice', mechanism })
    assert.equal((await alice.login())['mechanism'], mechanism)
    await using refused = new Device('slixmpp', { server: usual, name: 'alice', mechanism })
    refused.do('connect')
    assert.equal((await refused.hears('failed'))['reason'], 'not-authorized')
  })

  test(`@xmpp/client logs in with ${mechanism} by either profile of SASL`, unlessInstalled('xmpp-js'), async () => {
    for (const isOldProfile of [true, false]) {
      await using alice = new Device('xmpp-js', { server: lenient, name: 'alice', mechanism, more: { isOldProfile } })
      const { mechanism: used, profile } = await alice.login()
      assert.deepEqual([used, profile], [mechanism, isOldProfile ? 'SASL' : 'SASL2'])
    }
  })
}

// It tries tls-unique, which TLS 1.3 does not have (RFC 9266 §1), and then says that the server cannot bind (RFC 5802 §6: "y").
test('slixmpp 1.8, when it is not told otherwise, is refused as a downgrade would be', unlessInstalled('slixmpp'), async () => {
  await using alice = new Device('slixmpp', { server: usual, name: 'alice', more: { isAsShipped: true } })
  alice.do('connect')
  assert.equal((await alice.hears('failed'))['reason'], 'not-authorized')
})

test('stanza logs in as it comes', unlessInstalled('stanza'), async () => {
  await using alice = new Device('stanza', { server: usual, name: 'alice' })
  assert.equal((await alice.login())['mechanism'], 'SCRAM-SHA-256')
})

for (const kind of ['slixmpp', 'xmpp-js', 'stanza'] as const) {
  test(`${kind} is told when the password is wrong`, unlessInstalled(kind), async () => {
    await using alice = new Device(kind, { server: lenient, name: 'alice', password: 'another', mechanism: 'SCRAM-SHA-1' })
    alice.do('connect')
    assert.match(String((await alice.hears('failed'))['reason']), /not-authorized/)
  })
}

test('slixmpp connects by STARTTLS and by direct TLS, and agrees on the protocol', unlessInstalled('slixmpp'), async () => {
  await using alice = new Device('slixmpp', { server: usual, name: 'alice', mechanism: 'SCRAM-SHA-256' })
  assert.equal((await alice.login())['tls'], 'TLSv1.3')
  await using direct = new Device('slixmpp', {
    server: usual,
    name: 'alice',
    mechanism: 'SCRAM-SHA-256',
    tls: 'direct',
    more: { alpn: 'xmpp-client' },
  })
  const { tls, alpn } = await direct.login()
  assert.deepEqual([tls, alpn], ['TLSv1.3', 'xmpp-client'])
})

for (const tls of ['starttls', 'direct', 'websocket'] as const) {
  test(`@xmpp/client connects by ${tls}`, unlessInstalled('xmpp-js'), async () => {
    await using alice = new Device('xmpp-js', { server: lenient, name: 'alice', tls })
    await alice.login()
  })
}

test('stanza finds the WebSocket through host-meta', unlessInstalled('stanza'), async () => {
  const hostMeta = `${usual.domain}:${usual.ports.https}`
  await using alice = new Device('stanza', { server: usual, name: 'alice', more: { service: undefined, hostMeta } })
  await alice.login()
})
