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

for (const [kind, friend] of [
  ['slixmpp', 'xmpp-js'],
  ['xmpp-js', 'stanza'],
  ['stanza', 'slixmpp'],
] as const) {
  test(`${kind} resumes after its connection broke, and gets 100 messages in order, once`, unlessInstalled(kind, friend), async () => {
    await using cable = await Cable.to(kind === 'stanza' ? server.ports.https : server.ports.starttls)
    await using alice = await newDevice(kind, { port: cable.port })
    await using bob = await newDevice(friend)

    bob.send(alice.address, ...bodies(0, 30))
    for (const body of bodies(0, 30)) await alice.hears('message', { body })
    // What is sent now is lost on the way, while the server takes the connection for sound.
    cable.deafen()
    bob.send(alice.address, ...bodies(30, 60))
    await bob.settled()
    cable.cut()
    await alice.hears('lost')
    bob.send(alice.address, ...bodies(60, 100))
    await bob.settled()

    alice.do('reconnect')
    await alice.hears('resumed')
    bob.send(alice.address, 'the end')
    assert.deepEqual(await alice.bodiesUntil('the end'), bodies(30, 100))
  })
}

// slixmpp 1.8 forgets what is not acknowledged as soon as it asks to resume.
for (const [kind, friend] of [
  ['xmpp-js', 'slixmpp'],
  ['stanza', 'xmpp-js'],
] as const) {
  test(
    `${kind} resumes after its connection broke, and loses none of the 100 messages that it sends`,
    unlessInstalled(kind, friend),
    async () => {
      await using cable = await Cable.to(kind === 'stanza' ? server.ports.https : server.ports.starttls)
      await using alice = await newDevice(kind, { port: cable.port })
      await using bob = await newDevice(friend)

      alice.send(bob.address, ...bodies(0, 30))
      await alice.hears('sent')
      for (const body of bodies(0, 30)) await bob.hears('message', { body })
      cable.deafen()
      alice.send(bob.address, ...bodies(30, 60))
      await alice.hears('sent')
      cable.cut()
      await alice.hears('lost')

      alice.do('reconnect')
      await alice.hears('resumed')
      alice.send(bob.address, ...bodies(60, 100), 'the end')
      assert.deepEqual(await bob.bodiesUntil('the end'), bodies(30, 100))
    },
  )
}
