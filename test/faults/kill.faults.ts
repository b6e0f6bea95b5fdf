/** `kill -9` under load: what the server has acknowledged is delivered, once and in order (PRIVACY I1 to I3). */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import { Client } from './client.ts'
import { History } from './history.ts'
import { type Habit, Person } from './person.ts'
import { chanceOf } from './seed.ts'
import { Server } from './server.ts'

const KILLS = Number(process.env['FAULTS_KILLS'] ?? 20)
const PAIRS: readonly Habit[] = [...Array<Habit>(13).fill('steady'), ...Array<Habit>(8).fill('away'), ...Array<Habit>(4).fill('plain')]
const TICK = 25

test(`${KILLS} times killed under load, the server loses nothing that it acknowledged, and delivers nothing twice`, async t => {
  const chance = chanceOf('kill')
  await using server = await Server.make({ settings: '[limits]\nrate = "1MiB"\n' })
  const history = new History()
  const pairs = PAIRS.map((habit, i) => {
    const [one, other] = [`one${i}`, `other${i}`]
    // The first of a pair is always there and writes; the second has the habit.
    return [new Person(one, other, 'steady', server, history), new Person(other, one, habit, server, history)] as const
  })
  const people = pairs.flat()
  await server.addAccounts([...people.map(({ name }) => name), 'first'])
  await server.start()
  await Promise.all(people.map(person => person.comeOnline()))

  const starts: number[] = []
  for (let round = 1; round <= KILLS; round++) {
    const until = performance.now() + 500 + chance.below(900)
    while (performance.now() < until) {
      await Promise.all(people.map(person => live(person)))
      await wait(TICK)
    }
    history.note(`--- kill ${round}`)
    await server.stop('SIGKILL')
    for (const person of people) person.lose()
    const startedAt = performance.now()
    await server.start()
    const first = await Client.online(server.login('first'), 'desk', true)
    starts.push(performance.now() - startedAt)
    await first.leave()
    await Promise.all(people.map(person => person.comeOnline()))
  }

  async function live(person: Person): Promise<void> {
    if (person.isOnline) for (let i = chance.below(3); i > 0; i--) person.write()
    if (chance.once(8)) person.ask()
    if (person.habit !== 'away' || !chance.once(12)) return
    if (!person.isOnline) await person.comeOnline()
    else if (chance.once(2)) person.lose()
    else await person.leave()
  }

  // Everyone comes home and gets what waits; whoever waits for an acknowledgement gets it.
  for (const person of people) if (!person.isOnline) await person.comeOnline()
  let quiet = 0
  for (let seen = -1, i = 0; i < 150 && quiet < 15; i++) {
    for (const person of people) if (person.waiting > 0) person.ask()
    await wait(100)
    const isStill = history.received.length === seen && people.every(({ waiting, habit }) => waiting === 0 || habit === 'plain')
    quiet = isStill ? quiet + 1 : 0
    seen = history.received.length
  }

  const plain = new Set(pairs.filter(([, { habit }]) => habit === 'plain').flatMap(pair => pair.map(({ name }) => name)))
  const isManaged = (id: string): boolean => !plain.has(history.sent.get(id)!.to)
  const [lost, lostPlain] = split(
    history.lost().map(({ id }) => id),
    isManaged,
  )
  const [twice, twicePlain] = split(history.twice(), isManaged)
  const disordered = history.disordered()
  t.diagnostic(`${history.sent.size} sent, ${history.acknowledged.length} acknowledged, ${history.received.length} received`)
  t.diagnostic(
    `${history.received.filter(({ isLate }) => isLate).length} out of the store, ${people.reduce((n, { resumed }) => n + resumed, 0)} streams resumed`,
  )
  t.diagnostic(`start to first login: ${Math.round(Math.max(...starts))} ms at most, ${Math.round(median(starts))} ms mostly`)
  t.diagnostic(`to those without stream management: ${lostPlain.length} lost, ${twicePlain.length} twice`)
  for (const id of [...lost.slice(0, 1), ...twice.slice(0, 1), ...disordered.slice(0, 1).map(({ id }) => id)]) {
    t.diagnostic(`${id}:\n${history.about(id, history.sent.get(id)!.to)}`)
  }
  assert.deepEqual(
    {
      lost: lost.length,
      twice: twice.length,
      disordered: disordered.length,
      waiting: people.filter(({ waiting, habit }) => waiting > 0 && habit !== 'plain').length,
    },
    { lost: 0, twice: 0, disordered: 0, waiting: 0 },
  )
  assert.ok(Math.max(...starts) < 2000, `a start took ${Math.max(...starts)} ms`)
  assert.doesNotMatch(server.output, / fault /)
})

function split(ids: readonly string[], test: (id: string) => boolean): [string[], string[]] {
  return [ids.filter(test), ids.filter(id => !test(id))]
}

const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[values.length >> 1]!
