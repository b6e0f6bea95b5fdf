/** What is sealed, when the day changes, the password does, secrets are lost, and the server is killed in the midst of it (PRIVACY F23). */
import assert from 'node:assert/strict'
import { rmSync } from 'node:fs'
import { test } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import type { Element } from '../../src/xml/element.ts'
import { Client } from './client.ts'
import { Crowd } from './crowd.ts'
import { History } from './history.ts'
import { type Habit, Person } from './person.ts'
import { chanceOf } from './seed.ts'
import { PASSWORD, Server } from './server.ts'
import { within } from './within.ts'

const DAY = 86_400_000
const MAM = 'urn:xmpp:mam:2'
/** In which the server is killed while a password is changed. */
const ROUNDS = Number(process.env['FAULTS_CHANGES'] ?? 10)
/** In which it is changed while messages come: an account may change it ten times in an hour. */
const CHANGES = Math.min(ROUNDS, 10)

const message = (id: string, to: string): string => `<message type="chat" id="${id}" to="${to}@localhost"><body>${id}</body></message>`
const many = (count: number, prefix: string): string[] => Array.from({ length: count }, (_, i) => `${prefix}-${i}`)

/** Somebody's client, and the ids of the messages that it got. */
class Device {
  readonly got: string[] = []
  readonly archive: string[] = []
  client!: Client

  static async online(server: Server, name: string, resource: string, password = PASSWORD): Promise<Device> {
    const device = new Device()
    device.client = await Client.online({ ...server.login(name), password }, resource, true, stanza => device.#take(stanza))
    return device
  }

  /** The ids of the messages in its archive, in their order. */
  async reads(): Promise<string[]> {
    for (let after = '', isComplete = false; !isComplete; ) {
      const set = `<set xmlns="http://jabber.org/protocol/rsm"><max>100</max>${after}</set>`
      const answer = await this.client.asks('set', `<query xmlns="${MAM}">${set}</query>`)
      const fin = answer.first()!
      isComplete = fin.attrs['complete'] === 'true'
      const last = fin
        .first()
        ?.elements()
        .find(({ name }) => name === 'last')
      after = `<after>${last?.text}</after>`
    }
    return this.archive.splice(0)
  }

  /** Done when the server has dealt with all that was sent. */
  async settles(): Promise<void> {
    await this.client.asks('get', '<ping xmlns="urn:xmpp:ping"/>', 'localhost')
  }

  changesPassword(password: string): Promise<Element> {
    const name = this.client.jid.split('@')[0]!
    const query = `<query xmlns="jabber:iq:register"><username>${name}</username><password>${password}</password></query>`
    return this.client.asks('set', query, 'localhost')
  }

  #take(stanza: Element): void {
    if (stanza.name !== 'message' || stanza.attrs['type'] === 'error') return
    const result = stanza.elements().find(({ ns }) => ns === MAM)
    if (result === undefined) this.got.push(stanza.attrs['id'] ?? '')
    else
      this.archive.push(
        result
          .first()!
          .elements()
          .find(({ name }) => name === 'message')!.attrs['id']!,
      )
  }
}

test('the day changes under load, and nothing is lost, told twice or put into the wrong order', async t => {
  const chance = chanceOf('change of day')
  await using server = await Server.make({ settings: '[limits]\nrate = "1MiB"\n' })
  const history = new History()
  const habits: Habit[] = ['steady', 'away', 'reading', 'steady', 'away', 'reading']
  const pairs = habits.map((habit, i) => {
    const [one, other] = [`one${i}`, `other${i}`]
    return [new Person(one, other, 'steady', server, history), new Person(other, one, habit, server, history)] as const
  })
  const crowd = new Crowd(pairs, history, chance)
  await server.addAccounts(crowd.people.map(({ name }) => name))
  // Its certificate is one of today.
  await server.start()
  await server.stop()
  const untilMidnight = 5_000
  const skew = DAY - ((Date.now() + untilMidnight) % DAY)
  server.skew = skew
  await server.start()
  await crowd.comeOnline()
  await crowd.live(2 * untilMidnight)
  await crowd.settle()
  assert.deepEqual(crowd.judge(t), { lost: 0, twice: 0, disordered: 0, waiting: 0 })
  assert.deepEqual(await crowd.judgeArchives(t), { missing: 0, twice: 0, disordered: 0, renamed: 0 })
  const [row] = server.rows<{ days: number }>('SELECT COUNT(DISTINCT period) AS days FROM archive_segment')
  assert.equal(row!.days, 2)
  assert.doesNotMatch(server.output, / fault /)
})

test('the password is changed while a hundred messages come, and each of them comes once and is in the archive once', async () => {
  const chance = chanceOf('change of password')
  // Of strangers, no more than some hundreds are archived in a day.
  await using server = await Server.make({ settings: '[limits]\nrate = "8MiB"\n[modules.archive]\nmessages = 1_000_000\n' })
  await server.addAccounts(['alice', 'bob'])
  await server.start()
  const bob = await Device.online(server, 'bob', 'desk')
  const all: string[] = []
  let password = PASSWORD
  for (let round = 0; round < CHANGES; round++) {
    const phone = await Device.online(server, 'alice', 'phone', password)
    const laptop = await Device.online(server, 'alice', 'laptop', password)
    await Promise.all([phone.settles(), laptop.settles()])
    const ids = many(100, `r${round}`)
    all.push(...ids)
    const at = chance.below(100)
    let changed: Promise<Element> | undefined
    for (const [i, id] of ids.entries()) {
      bob.client.send(message(id, 'alice'))
      if (i === at) changed = phone.changesPassword(`${PASSWORD} ${round}`)
      if (chance.once(4)) await wait(1)
    }
    const answer = await changed!
    assert.equal(answer.attrs['type'], 'result', String(answer))
    await bob.settles()
    await laptop.client.closed
    await phone.settles()
    await phone.client.leave()
    // Nobody is there: it waits, sealed to the new key.
    const late = many(5, `late${round}`)
    all.push(...late)
    for (const id of late) bob.client.send(message(id, 'alice'))
    await bob.settles()
    password = `${PASSWORD} ${round}`
    const tablet = await Device.online(server, 'alice', 'tablet', password)
    await tablet.settles()
    assert.deepEqual([...phone.got, ...tablet.got], [...ids, ...late], `round ${round}, changed after ${at}`)
    assert.deepEqual(await tablet.reads(), all)
    await tablet.client.leave()
  }
  // Last, as whoever has failed once must wait.
  await assert.rejects(Client.login(server.login('alice')), /not-authorized/)
  assert.doesNotMatch(server.output, / fault /)
})

test(`killed ${ROUNDS} times while a password is changed, the server knows the old one or the new one, and opens all with it`, async t => {
  const chance = chanceOf('kill in a change of password')
  await using server = await Server.make()
  await server.addAccounts(['alice', 'bob'])
  await server.start()
  const all: string[] = []
  let password = PASSWORD
  let changes = 0
  for (let round = 0; round < ROUNDS; round++) {
    await says(server, `r${round}`)
    all.push(`r${round}`)
    const phone = await Device.online(server, 'alice', 'phone', password)
    await phone.settles()
    await phone.client.leave()
    const laptop = await Device.online(server, 'alice', 'laptop', password)
    laptop.changesPassword(`${PASSWORD} ${round}`).catch(() => {})
    await wait(chance.below(60))
    await server.stop('SIGKILL')
    assert.equal(server.integrity(), 'ok')
    await server.start()
    const isNew = await opens(server, `${PASSWORD} ${round}`)
    assert.notEqual(isNew, await opens(server, password), 'one of them, and not both')
    if (isNew) {
      password = `${PASSWORD} ${round}`
      changes++
    }
    const tablet = await Device.online(server, 'alice', 'tablet', password)
    assert.deepEqual(await tablet.reads(), all)
    await tablet.client.leave()
  }
  t.diagnostic(`${changes} of ${ROUNDS} changes were made`)
  assert.doesNotMatch(server.output, / fault /)
})

test('where the secrets are gone the server starts, says so, and keeps what is new', async () => {
  await using server = await Server.make()
  await server.addAccounts(['alice', 'bob'])
  await server.start()
  await says(server, 'before')
  await server.stop()
  rmSync(server.secrets, { recursive: true })
  const before = server.output.length
  await server.start()
  assert.match(server.output.slice(before), /secrets in .* are new ones: messages kept before cannot be read any more/)
  await says(server, 'after')
  const alice = await Device.online(server, 'alice', 'phone')
  await alice.settles()
  assert.deepEqual(alice.got, ['after'])
  assert.deepEqual(await alice.reads(), ['after'])
  await alice.client.leave()
  // They are the secrets now.
  const again = server.output.length
  await server.stop()
  await server.start()
  assert.doesNotMatch(server.output.slice(again), /new ones/)
  const later = await Device.online(server, 'alice', 'phone')
  assert.deepEqual(await later.reads(), ['after'])
  assert.doesNotMatch(server.output, / fault /)
})

test('a stop in good order keeps what waits, and no key: it comes with the next login, once', async () => {
  await using server = await Server.make()
  await server.addAccounts(['alice', 'bob'])
  await server.start()
  const phone = await Device.online(server, 'alice', 'phone')
  await phone.settles()
  phone.client.break()
  await wait(200)
  await says(server, 'while she is away for a moment')
  await server.stop()
  await server.start()
  await says(server, 'after it')
  const client = await Client.login(server.login('alice'))
  assert.equal(await client.resume(phone.client.resumption!), undefined)
  client.break()
  const again = await Device.online(server, 'alice', 'phone')
  await again.settles()
  assert.deepEqual(again.got, ['while she is away for a moment', 'after it'])
  assert.doesNotMatch(server.output, / fault /)
})

/** Bob writes to Alice; done when it is safe. */
async function says(server: Server, id: string): Promise<void> {
  const { client } = await Device.online(server, 'bob', 'desk')
  const { promise, resolve } = Promise.withResolvers<void>()
  const sent = 2 // after his presence
  client.onAcknowledged = h => (h >= sent ? resolve() : client.ask())
  client.send(message(id, 'alice'))
  client.ask()
  await within(20_000, promise, 'an acknowledgement')
  await client.leave()
}

/** Whether Alice can log in with it. */
async function opens(server: Server, password: string): Promise<boolean> {
  try {
    const client = await Client.login({ ...server.login('alice'), password })
    client.break()
    return true
  } catch {
    return false
  }
}
