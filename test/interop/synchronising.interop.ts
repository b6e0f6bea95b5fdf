/** What a client shows, when it merges what comes by itself with what it finds in the archive, is what was said. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { Cable } from './cable.ts'
import { Device, type DeviceOptions, type Kind, PASSWORD } from './device.ts'
import { bodiesOf, type Message, readAll, talk, View } from './history.ts'
import { unlessInstalled } from './installed.ts'
import { type Server, startServer } from './server.ts'

const NEW_PASSWORD = 'quite another password'
const { skip } = unlessInstalled('slixmpp', 'xmpp-js')

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

async function hearAll(device: Device, bodies: string[]): Promise<Message[]> {
  const messages: Message[] = []
  for (const body of bodies) messages.push((await device.hears('message', { body })) as unknown as Message)
  return messages
}

const idsOf = (messages: Message[]): (string | undefined)[] => messages.map(({ stanzaId }) => stanzaId)

for (const [kind, friend] of [
  ['slixmpp', 'xmpp-js'],
  ['xmpp-js', 'slixmpp'],
] as const satisfies [Kind, Kind][]) {
  test(`a second device with ${kind}, logging in later, has what the first sent and got, and then goes on with it`, { skip }, async () => {
    const account = await newAccount()
    await using phone = await Device.online(friend, account)
    await using bob = await Device.online(friend, await newAccount())
    const { bodies: former } = await talk(phone, bob, 40)

    await using desk = await Device.online(kind, account)
    await desk.asks('carbons', 'carbons')
    const view = new View()
    view.take(await readAll(desk))
    assert.deepEqual(view.bodies, former)

    const { bodies: later } = await talk(phone, bob, 40, 'later')
    const copies = await hearAll(desk, later)
    view.take(copies)
    const all = await readAll(desk)
    assert.deepEqual(idsOf(copies), idsOf(all.slice(-copies.length)))
    view.take(all)
    assert.deepEqual(view.bodies, [...former, ...later])
  })

  test(`${kind} has once what came while it was away, from the spool and from the archive`, { skip }, async () => {
    const account = await newAccount()
    await using bob = await Device.online(friend, await newAccount())
    const bodies = Array.from({ length: 30 }, (_, at) => `message ${at}`)
    bob.send(`${account.name}@localhost`, ...bodies)
    await bob.settled()

    await using alice = await Device.online(kind, account)
    const spooled = await hearAll(alice, bodies)
    const archived = await readAll(alice)
    assert.deepEqual(bodiesOf(archived), bodies)
    assert.deepEqual(idsOf(spooled), idsOf(archived))
    alice.do('close')
    await alice.hears('closed')

    await using again = await Device.online(kind, account)
    assert.deepEqual(await readAll(again), archived)
    bob.send(again.address, 'the end')
    assert.deepEqual(await again.bodiesUntil('the end'), [])
  })

  test(`${kind} that reads its archive before it shows itself is sent nothing twice`, { skip }, async () => {
    const account = await newAccount()
    await using bob = await Device.online(friend, await newAccount())
    const bodies = Array.from({ length: 30 }, (_, at) => `message ${at}`)
    bob.send(`${account.name}@localhost`, ...bodies)
    await bob.settled()

    await using alice = new Device(kind, account)
    await alice.asks('connect', 'online')
    assert.deepEqual(bodiesOf(await readAll(alice)), bodies)
    alice.do('presence')
    bob.send(alice.address, 'the end')
    assert.deepEqual(await alice.bodiesUntil('the end'), [])
  })

  test(`${kind} resumes after its connection broke, and has once what came meanwhile`, { skip }, async () => {
    await using cable = await Cable.to(server.ports.starttls)
    await using alice = await Device.online(kind, { ...(await newAccount()), port: cable.port })
    await using bob = await Device.online(friend, await newAccount())
    const { bodies: former } = await talk(bob, alice, 10)
    cable.cut()
    await alice.hears('lost')
    const meanwhile = Array.from({ length: 10 }, (_, at) => `meanwhile ${at}`)
    bob.send(alice.address, ...meanwhile)
    await bob.settled()

    alice.do('reconnect')
    await alice.hears('resumed')
    const view = new View()
    view.take(await readAll(alice))
    view.take(await hearAll(alice, meanwhile))
    assert.deepEqual(view.bodies, [...former, ...meanwhile])
  })

  test(`${kind} changes the password, and its archive stays`, { skip }, async () => {
    const account = await newAccount()
    const { name } = account
    await using alice = await Device.online(kind, account)
    await using bob = await Device.online(friend, await newAccount())
    await using other = await Device.online(friend, account)
    const { bodies: former } = await talk(alice, bob, 60)
    const archived = await readAll(alice)

    await alice.asks('change-password', 'password', { password: NEW_PASSWORD })
    await other.hears(friend === 'slixmpp' ? 'lost' : 'failed')
    if (friend === 'xmpp-js') {
      // It tries its token first, and then the password that it knows.
      await other.hears('lost')
      other.do('reconnect')
      assert.match(String((await other.hears('failed'))['reason']), /not-authorized/)
    }
    assert.deepEqual(await readAll(alice), archived)
    const { bodies: later } = await talk(alice, bob, 40, 'later')
    const all = await readAll(alice)
    assert.deepEqual(bodiesOf(all), [...former, ...later])

    const login = (more: Partial<DeviceOptions>): Promise<Device> => Device.online(kind, { server, name, ...more })
    await assert.rejects(login({ password: PASSWORD }), /not-authorized/)
    await using again = await login({ password: NEW_PASSWORD })
    assert.deepEqual(await readAll(again), all)
    assert.deepEqual(await readAll(again, { isBackwards: true, max: 7 }), all)
  })

  test(`${kind} chooses whose messages are archived`, { skip }, async () => {
    await using alice = await Device.online(kind, await newAccount())
    await using bob = await Device.online(friend, await newAccount())
    await using carol = await Device.online(friend, await newAccount())
    const prefers = async (usual: string, always: string[], never: string[]): Promise<void> => {
      const { event, ...preferences } = await alice.asks('prefer', 'preferences', { usual, always, never })
      assert.deepEqual([event, preferences], ['preferences', { usual, always, never }])
      assert.deepEqual(await alice.asks('preferences', 'preferences'), { event, ...preferences })
    }
    await prefers('always', [], [bob.address])
    await talk(alice, bob, 10, 'with Bob')
    const { bodies: withCarol } = await talk(alice, carol, 20, 'with Carol')
    assert.deepEqual(bodiesOf(await readAll(alice)), withCarol)
    await prefers('never', [bob.address], [])
    const { bodies: withBob } = await talk(alice, bob, 20, 'again with Bob')
    await talk(alice, carol, 20, 'again with Carol')
    assert.deepEqual(bodiesOf(await readAll(alice)), [...withCarol, ...withBob])
    await prefers('roster', [], [])
    await talk(alice, bob, 10, 'with Bob as a stranger')
    assert.deepEqual(bodiesOf(await readAll(alice)), [...withCarol, ...withBob])
  })
}

test('slixmpp chooses by a command for how long messages are kept', { skip }, async () => {
  await using alice = await Device.online('slixmpp', await newAccount())
  await using bob = await Device.online('xmpp-js', await newAccount())
  const choose = async (keep: string): Promise<Record<string, unknown>> => {
    const { event: _, ...ran } = await alice.asks('run', 'ran', { node: 'urn:xmpp:mam#configure', values: { keep } })
    return ran
  }
  const { bodies } = await talk(alice, bob, 20)
  assert.deepEqual(await choose('30d'), { isListed: true, usual: { keep: '7d' }, status: 'completed' })
  assert.deepEqual(bodiesOf(await readAll(alice)), bodies)
  assert.deepEqual(await choose('relay'), { isListed: true, usual: { keep: '30d' }, status: 'completed' })
  await talk(alice, bob, 20, 'not to be kept')
  assert.deepEqual(await readAll(alice), [])
  assert.equal((await readAll(bob)).length, 40)
  assert.deepEqual(await choose('1d'), { isListed: true, usual: { keep: 'relay' }, status: 'completed' })
  const { bodies: later } = await talk(alice, bob, 20, 'later')
  assert.deepEqual(bodiesOf(await readAll(alice)), later)
})

test('@xmpp/client deletes a part of its archive, and all of it', { skip }, async () => {
  await using alice = await Device.online('xmpp-js', await newAccount())
  await using bob = await Device.online('slixmpp', await newAccount())
  await talk(alice, bob, 30)
  const all = await readAll(alice)
  await alice.asks('trim', 'trimmed', { id: all[9]!.stanzaId })
  assert.deepEqual(await readAll(alice), all.slice(10))
  await alice.asks('trim', 'trimmed')
  assert.deepEqual(await readAll(alice), [])
  assert.equal((await readAll(bob)).length, 30)
})
