import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { Device, PASSWORD } from './device.ts'
import { unlessInstalled } from './installed.ts'
import { startProfanity } from './profanity.ts'
import { type Server, startServer } from './server.ts'

let server: Server
let names = 0
before(async () => {
  server = await startServer('[auth]\niterations = 4096\n')
})
after(() => server[Symbol.asyncDispose]())

async function newAccount(): Promise<string> {
  const name = `user${names++}`
  await server.addUser(name, PASSWORD)
  return name
}

test('profanity logs in by STARTTLS', unlessInstalled('profanity'), async () => {
  await using _ = await startProfanity({ server, name: await newAccount() })
})

test('profanity logs in by direct TLS', unlessInstalled('profanity'), async () => {
  await using _ = await startProfanity({ server, name: await newAccount(), tls: 'legacy' })
})

test('profanity and stanza become contacts and chat', unlessInstalled('profanity', 'stanza'), async () => {
  const name = await newAccount()
  const alice = `${name}@localhost`
  await using profanity = await startProfanity({ server, name })
  await using bob = await Device.online('stanza', { server, name: await newAccount() })

  await profanity.type(`/sub request ${bob.address}`)
  await bob.hears('presence', { type: 'subscribe', from: alice })
  bob.do('presence', { to: alice, type: 'subscribed' })
  bob.do('presence', { to: alice, type: 'subscribe' })
  await profanity.type(`/sub allow ${bob.address}`)
  await bob.hears('presence', { type: 'subscribed', from: alice })
  await bob.hears('presence', { type: 'available', from: alice })

  await profanity.type(`/msg ${bob.address} Good morrow, Bob`)
  await bob.hears('message', { from: alice, body: 'Good morrow, Bob' })
  bob.send(alice, 'And to you')
  await profanity.shows('And to you')
})

test('profanity gets carbons of what another device sends', unlessInstalled('profanity', 'stanza'), async () => {
  const name = await newAccount()
  await using profanity = await startProfanity({ server, name })
  await using phone = await Device.online('stanza', { server, name })
  await using bob = await Device.online('stanza', { server, name: await newAccount() })
  phone.send(bob.address, 'sent by the phone')
  await bob.hears('message', { body: 'sent by the phone' })
  await profanity.type(`/msg ${bob.address}`)
  await profanity.shows('sent by the phone')
})

test('profanity gets what came while it was away', unlessInstalled('profanity', 'stanza'), async () => {
  const name = await newAccount()
  await using bob = await Device.online('stanza', { server, name: await newAccount() })
  bob.send(`${name}@localhost`, 'the first', 'the second')
  await bob.settled()
  await using profanity = await startProfanity({ server, name })
  await profanity.type(`/msg ${bob.address}`)
  const screen = await profanity.shows('the second')
  assert.ok(screen.indexOf('the first') < screen.indexOf('the second'))
})
