import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { Device, PASSWORD } from './device.ts'
import { unlessInstalled } from './installed.ts'
import { type Server, startServer } from './server.ts'

let server: Server
before(async () => {
  server = await startServer('[auth]\nsha1 = true\niterations = 4096\n')
})
after(() => server[Symbol.asyncDispose]())

interface Listed {
  readonly id: string
  readonly type: string
  readonly connected: string
}

async function clientsSeenBy(device: Device): Promise<Listed[]> {
  device.do('clients')
  return (await device.hears('clients'))['clients'] as Listed[]
}

for (const tls of ['starttls', 'websocket'] as const) {
  test(`@xmpp/client gets a token, and logs in with it when it comes back by ${tls}`, unlessInstalled('xmpp-js'), async () => {
    const name = `fast-${tls}`
    await server.addUser(name, PASSWORD)
    await using alice = new Device('xmpp-js', { server, name, tls })
    assert.equal((await alice.login())['mechanism'], 'SCRAM-SHA-1')
    for (let i = 0; i < 3; i++) {
      alice.do('close')
      await alice.hears('closed')
      alice.do('connect')
      const { mechanism, profile } = await alice.hears('online')
      assert.deepEqual([mechanism, profile], ['HT-SHA-256-NONE', 'SASL2'])
    }
    await server.kill()
    await alice.hears('lost')
    await server.start()
    alice.do('reconnect')
    assert.equal((await alice.hears('online'))['mechanism'], 'HT-SHA-256-NONE')
  })
}

test('@xmpp/client falls back on the password when its token was revoked', unlessInstalled('xmpp-js'), async () => {
  await server.addUser('revoker', PASSWORD)
  await using phone = new Device('xmpp-js', { server, name: 'revoker' })
  await phone.login()
  await using laptop = new Device('xmpp-js', { server, name: 'revoker' })
  await laptop.login()
  const clients = await clientsSeenBy(laptop)
  assert.deepEqual(
    clients.map(({ type, connected }) => `${type} ${connected}`),
    ['session true', 'session true', 'access false'],
  )
  phone.do('close')
  await phone.hears('closed')
  const gone = (await clientsSeenBy(laptop)).find(({ type, connected }) => type === 'session' && connected === 'false')
  laptop.do('revoke', { id: gone!.id })
  assert.deepEqual((await laptop.hears('revoked'))['conditions'], ['service-unavailable', 'text', 'password-reset-required'])
  assert.equal((await clientsSeenBy(laptop)).length, 2)
  phone.do('connect')
  assert.equal((await phone.hears('online'))['mechanism'], 'SCRAM-SHA-1')
})
