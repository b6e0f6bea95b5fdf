/** `kill -9` under load: what the server has acknowledged is delivered and archived, once and in order (PRIVACY I1 to I4). */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Client } from './client.ts'
import { Crowd } from './crowd.ts'
import { History } from './history.ts'
import { type Habit, Person } from './person.ts'
import { Region } from './region.ts'
import { chanceOf } from './seed.ts'
import { Server } from './server.ts'

const KILLS = Number(process.env['FAULTS_KILLS'] ?? 20)
/** The store is looked into after so many. */
const LOOK_EVERY = 5
const PAIRS: readonly Habit[] = [
  ...Array<Habit>(11).fill('steady'),
  ...Array<Habit>(6).fill('away'),
  ...Array<Habit>(4).fill('reading'),
  ...Array<Habit>(4).fill('plain'),
]
/** Across servers. */
const FAR_KILLS = Math.ceil(KILLS / 2)
const FAR_PAIRS: readonly Habit[] = [...Array<Habit>(8).fill('steady'), ...Array<Habit>(5).fill('away')]
/** They are strangers to each other, of whom no more than some hundreds are archived in a day. */
const LIMITS = '[limits]\nrate = "1MiB"\n[modules.archive]\nmessages = 1_000_000\n'

test(`${KILLS} times killed under load, the server loses nothing that it acknowledged, and delivers nothing twice`, async t => {
  const chance = chanceOf('kill')
  await using server = await Server.make({ settings: LIMITS })
  const history = new History()
  const pairs = PAIRS.map((habit, i) => {
    const [one, other] = [`one${i}`, `other${i}`]
    // The first of a pair is always there and writes; the second has the habit.
    return [new Person(one, other, 'steady', server, history), new Person(other, one, habit, server, history)] as const
  })
  const crowd = new Crowd(pairs, history, chance)
  await server.addAccounts([...crowd.people.map(({ name }) => name), 'first'])
  await server.start()
  await crowd.comeOnline()

  const starts: number[] = []
  for (let round = 1; round <= KILLS; round++) {
    await crowd.live(500 + chance.below(900))
    history.note(`--- kill ${round}`)
    await server.stop('SIGKILL')
    for (const person of crowd.people) person.lose()
    if (round % LOOK_EVERY === 0) assert.equal(server.integrity(), 'ok')
    const startedAt = performance.now()
    await server.start()
    const first = await Client.online(server.login('first'), 'desk', true)
    starts.push(performance.now() - startedAt)
    await first.leave()
    await crowd.comeOnline()
  }
  await crowd.settle()
  const verdict = crowd.judge(t)
  t.diagnostic(`start to first login: ${Math.round(Math.max(...starts))} ms at most, ${Math.round(median(starts))} ms mostly`)
  assert.deepEqual(verdict, { lost: 0, twice: 0, disordered: 0, waiting: 0 })
  assert.deepEqual(await crowd.judgeArchives(t), { missing: 0, twice: 0, disordered: 0, renamed: 0 })
  assert.ok(Math.max(...starts) < 2000, `a start took ${Math.max(...starts)} ms`)
  assert.doesNotMatch(server.output, / fault /)
})

test(`of two servers one or the other is killed ${FAR_KILLS} times, and nothing is lost that was acknowledged to one who wrote from one to the other`, async t => {
  const chance = chanceOf('kill of one of two')
  await using region = await Region.open()
  const servers = [await region.server('left.example', LIMITS), await region.server('right.example', LIMITS)] as const
  const [left, right] = servers
  const history = new History()
  const pairs = FAR_PAIRS.map((habit, i) => {
    const [one, other] = [`one${i}`, `other${i}`]
    const here = new Person(one, `${other}@${right.domain}`, 'steady', left, history)
    return [here, new Person(other, `${one}@${left.domain}`, habit, right, history)] as const
  })
  const crowd = new Crowd(pairs, history, chance)
  await left.addAccounts(pairs.map(([{ name }]) => name))
  await right.addAccounts(pairs.map(([, { name }]) => name))
  await Promise.all(servers.map(server => server.start()))
  await crowd.comeOnline()

  for (let round = 1; round <= FAR_KILLS; round++) {
    await crowd.live(500 + chance.below(900))
    const side = chance.below(2)
    history.note(`--- kill ${round}, of ${servers[side]!.domain}`)
    await servers[side]!.stop('SIGKILL')
    for (const pair of pairs) pair[side]!.lose()
    await servers[side]!.start()
    await crowd.comeOnline()
  }
  await crowd.settle(60_000)
  const { twice, ...verdict } = crowd.judge(t, true)
  // What the one that was killed had got and not acknowledged is sent to it again; it does not know that any more.
  t.diagnostic(`${twice} twice`)
  assert.deepEqual(verdict, { lost: 0, disordered: 0, waiting: 0 })
  for (const server of servers) assert.doesNotMatch(server.output, / fault /)
})

const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[values.length >> 1]!
