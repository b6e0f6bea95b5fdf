import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { Device, type Kind, PASSWORD } from './device.ts'
import { unlessInstalled } from './installed.ts'
import { type Server, startServer } from './server.ts'

const KINDS = ['slixmpp', 'xmpp-js', 'stanza'] as const
const PAIRS = [
  ['slixmpp', 'xmpp-js'],
  ['xmpp-js', 'stanza'],
  ['stanza', 'slixmpp'],
] as const satisfies [Kind, Kind][]

let server: Server
let names = 0
before(async () => {
  server = await startServer('[auth]\nsha1 = true\niterations = 4096\n')
})
after(() => server[Symbol.asyncDispose]())

async function newAccount(): Promise<{ server: Server; name: string }> {
  const name = `user${names++}`
  await server.addUser(name, PASSWORD)
  return { server, name }
}

for (const [one, other] of PAIRS) {
  test(`${one} and ${other} become contacts, see each other come and go, and chat`, unlessInstalled(one, other), async () => {
    await using alice = await Device.online(one, await newAccount())
    await using bob = await Device.online(other, await newAccount())
    for (const [asking, asked] of [
      [alice, bob],
      [bob, alice],
    ] as const) {
      asking.do('presence', { to: asked.address, type: 'subscribe' })
      await asked.hears('presence', { type: 'subscribe', from: asking.address })
      asked.do('presence', { to: asking.address, type: 'subscribed' })
      await asking.hears('presence', { type: 'subscribed', from: asked.address })
      await asking.hears('presence', { type: 'available', from: asked.address })
    }

    alice.send(bob.address, 'Good morrow, “Bob” <&> 🌍')
    bob.send(alice.address, 'And to you')
    await bob.hears('message', { from: alice.address, body: 'Good morrow, “Bob” <&> 🌍' })
    await alice.hears('message', { from: bob.address, body: 'And to you' })

    bob.do('close')
    await alice.hears('presence', { type: 'unavailable', from: bob.address })
  })
}

for (const kind of KINDS) {
  const friend = kind === 'slixmpp' ? 'xmpp-js' : 'slixmpp'

  test(`a second device with ${kind} gets carbons of what the first sends and gets`, unlessInstalled(kind, friend), async () => {
    const account = await newAccount()
    await using phone = await Device.online(friend, account)
    await using desk = await Device.online(kind, account)
    await using bob = await Device.online(friend, await newAccount())
    desk.do('carbons')
    await desk.hears('carbons')

    phone.send(bob.address, 'from the phone')
    const { from } = await bob.hears('message', { body: 'from the phone' })
    await desk.hears('message', { body: 'from the phone', carbon: 'sent' })
    bob.send(from as string, 'to the phone')
    await phone.hears('message', { body: 'to the phone' })
    await desk.hears('message', { body: 'to the phone', carbon: 'received' })
  })

  test(`${kind} gets in order, and once, what came while it was away`, unlessInstalled(kind, friend), async () => {
    const account = await newAccount()
    await using bob = await Device.online(friend, await newAccount())
    const bodies = Array.from({ length: 20 }, (_, at) => `message ${at}`)
    bob.send(`${account.name}@${server.domain}`, ...bodies)
    bob.send(bob.address, 'all are sent')
    await bob.hears('message', { body: 'all are sent' })

    for (const expected of [bodies, []]) {
      await using alice = await Device.online(kind, account)
      bob.send(alice.address, 'the end')
      assert.deepEqual(await alice.bodiesUntil('the end'), expected)
      alice.do('close')
      await alice.hears('closed')
    }
  })
}
