import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { Cable } from './cable.ts'
import { Device, type DeviceOptions, type Kind, PASSWORD } from './device.ts'
import { unlessInstalled } from './installed.ts'
import { type Server, startServer } from './server.ts'

const bodies = (from: number, to: number): string[] => Array.from({ length: to - from }, (_, at) => `message ${from + at}`)

let server: Server
let names = 0
before(async () => {
  server = await startServer('[auth]\nsha1 = true\niterations = 4096\n')
})
after(() => server[Symbol.asyncDispose]())

async function newDevice(kind: Kind, more: Partial<DeviceOptions> = {}): Promise<Device> {
  const name = `user${names++}`
  await server.addUser(name, PASSWORD)
  return Device.online(kind, { server, name, ...more })
}

// What has to be sent again fits into one TLS record: @xmpp/client 0.14 mixes up what it reads while it takes up a stream again.
for (const [kind, friend] of [
  ['slixmpp', 'stanza'],
  ['xmpp-js', 'slixmpp'],
  ['stanza', 'slixmpp'],
] as const) {
  test(`${kind} resumes after its connection broke, and gets 100 messages in order, once`, unlessInstalled(kind, friend), async () => {
    await using cable = await Cable.to(kind === 'stanza' ? server.ports.https : server.ports.starttls)
    await using alice = await newDevice(kind, { port: cable.port })
    await using bob = await newDevice(friend)

    bob.send(alice.address, ...bodies(0, 50))
    for (const body of bodies(0, 50)) await alice.hears('message', { body })
    // What is sent now is lost on the way, while the server takes the connection for sound.
    cable.deafen()
    bob.send(alice.address, ...bodies(50, 75))
    await bob.settled()
    cable.cut()
    await alice.hears('lost')
    bob.send(alice.address, ...bodies(75, 100))
    await bob.settled()

    alice.do('reconnect')
    await alice.hears('resumed')
    bob.send(alice.address, 'the end')
    assert.deepEqual(await alice.bodiesUntil('the end'), bodies(50, 100))
  })
}

// slixmpp 1.8 forgets what is not acknowledged as soon as it asks to resume.
for (const [kind, friend] of [
  ['xmpp-js', 'slixmpp'],
  ['stanza', 'slixmpp'],
] as const) {
  test(
    `${kind} resumes after its connection broke, and loses none of the 100 messages that it sends`,
    unlessInstalled(kind, friend),
    async () => {
      await using cable = await Cable.to(kind === 'stanza' ? server.ports.https : server.ports.starttls)
      await using alice = await newDevice(kind, { port: cable.port })
      await using bob = await newDevice(friend)

      alice.send(bob.address, ...bodies(0, 50))
      await alice.hears('sent')
      for (const body of bodies(0, 50)) await bob.hears('message', { body })
      cable.deafen()
      alice.send(bob.address, ...bodies(50, 75))
      await alice.hears('sent')
      cable.cut()
      await alice.hears('lost')

      alice.do('reconnect')
      await alice.hears('resumed')
      alice.send(bob.address, ...bodies(75, 100), 'the end')
      assert.deepEqual(await bob.bodiesUntil('the end'), bodies(50, 100))
    },
  )
}
