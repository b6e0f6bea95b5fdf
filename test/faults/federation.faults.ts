/** What other servers may do to ours, while two innocents on two servers go on talking to each other. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import { Client } from './client.ts'
import { type Experience, Innocents } from './innocents.ts'
import { Region } from './region.ts'
import { freePorts } from './server.ts'
import { barge, type Habit, Stranger } from './stranger.ts'

const WRITERS = 20
/** A phase with servers that behave and one with servers that do not take turns, so that what else the machine does is the same for both. */
const ROUNDS = 3
/** Messages of each writer to each of the others in a round: in all, more than may wait for a domain. */
const EACH = 20
const RESETS = 34
/** The most that the innocents may wait longer: in at least one of the rounds, since the machine is not ours alone. */
const RATIO = 3
/** The most that a server may have grown, in MiB. */
const GROWTH = 200
/** The longest that anybody may wait for the answer, ms: a minute in the queue, and what it takes to see that no acknowledgement comes. */
const PATIENCE = 150_000

/** How a message may be answered. `arrived` where the other side has got it and may keep it. */
const ANSWERS: Readonly<Record<Habit | 'dead' | 'unknown', readonly string[]>> = {
  unknown: ['remote-server-not-found'],
  dead: ['remote-server-timeout', 'resource-constraint'],
  silent: ['remote-server-timeout', 'resource-constraint'],
  mute: ['remote-server-timeout', 'resource-constraint'],
  deaf: ['remote-server-timeout', 'resource-constraint'],
  grasping: ['remote-server-timeout', 'resource-constraint'],
  flapping: ['remote-server-timeout', 'resource-constraint'],
  slow: ['arrived', 'resource-constraint'],
}
const HABITS = Object.keys(ANSWERS) as (keyof typeof ANSWERS)[]
const domainOf = (habit: string): string => `${habit}.example`

test('servers that are dead, hang, flap or take their time harm nobody else, and who writes to them is told', async t => {
  await using region = await Region.open()
  const limits = '[limits]\nrate = "10MiB"\nburst = "50MiB"\n'
  const [left, right] = await Promise.all([region.server('left.example', limits), region.server('right.example', limits)])
  const names = Array.from({ length: WRITERS }, (_, i) => `writer${i}`)
  await left.addAccounts(['juliet', ...names])
  await right.addAccounts(['romeo'])
  await Promise.all([left.start(), right.start()])

  const [closedPort] = await freePorts(1)
  region.publish(domainOf('dead'), 'tcp', closedPort!)
  const strangers = await Promise.all(
    HABITS.filter(habit => habit !== 'dead' && habit !== 'unknown').map(habit => Stranger.open(region, domainOf(habit), habit)),
  )
  await using stack = new AsyncDisposableStack()
  for (const stranger of strangers) stack.use(stranger)
  const { received } = strangers.find(({ habit }) => habit === 'slow')!

  /** By the identifier of a message: its errors. */
  const answers = new Map<string, string[]>()
  const writers = await Promise.all(
    names.map(name =>
      Client.online(left.login(name), 'desk', true, stanza => {
        if (stanza.name !== 'message' || stanza.attrs['type'] !== 'error') return
        const error = stanza.elements().find(child => child.name === 'error')
        const { id = '' } = stanza.attrs
        answers.set(id, [...(answers.get(id) ?? []), error?.first()?.name ?? ''])
      }),
    ),
  )
  let written = 0
  const write = async (domains: readonly string[], what: string): Promise<string[]> => {
    const sent: string[] = []
    for (let i = 0; i < EACH; i++) {
      const n = written++
      for (const [i, writer] of writers.entries()) {
        for (const domain of domains) {
          const id = `${what} ${domain} ${i} ${n}`
          sent.push(id)
          writer.send(`<message type="chat" id="${id}" to="someone@${domain}"><body>${'x'.repeat(100)}</body></message>`)
        }
      }
      await wait(50)
    }
    return sent
  }
  const tell = ({ sent, arrived, disordered, median, worst }: Experience): string =>
    `${sent} sent, ${arrived} arrived, ${disordered} out of order; median ${median.toFixed(1)} ms, worst ${worst.toFixed(0)} ms`

  await using innocents = await Innocents.meet(left, 'juliet', 'romeo', right)
  await innocents.during(() => wait(1000))
  /** Another server comes again and again; one that behaves takes its leave. */
  const visit = async (domain: string, goodbye: string): Promise<void> => {
    const xml = `<message from='someone@${domain}' to='nobody@left.example' id='v'><body>${'x'.repeat(1000)}</body></message>${goodbye}`
    for (let n = 0; n < RESETS; n++) await barge(region, domain, left, xml)
  }
  const atStart = left.memory
  let most = 0
  const watching = setInterval(() => (most = Math.max(most, left.memory - atStart)), 200)
  const unanswered = new Set<string>()
  const rounds: { calm: Experience; among: Experience }[] = []
  for (let round = 1; round <= ROUNDS; round++) {
    // The same load: each message is answered by the server that it goes to.
    const calm = await innocents.during(async () => {
      const domains = HABITS.map(() => right.domain)
      await Promise.all([write(domains, 'calm'), visit('polite.example', '</stream:stream>')])
    })
    const among = await innocents.during(async () => {
      const [ids] = await Promise.all([write(HABITS.map(domainOf), 'bad'), visit(domainOf('flapping'), '')])
      for (const id of ids) unanswered.add(id)
    })
    t.diagnostic(`innocents beside servers that behave: ${tell(calm)}`)
    t.diagnostic(`innocents beside servers that do not: ${tell(among)}`)
    rounds.push({ calm, among })
  }

  const sent = [...unanswered]
  const startedAt = performance.now()
  // What waits must not be felt either.
  const waiting = await innocents.during(async () => {
    for (const deadline = startedAt + PATIENCE; unanswered.size > 0 && performance.now() < deadline; await wait(500)) {
      for (const id of [...received, ...answers.keys()]) unanswered.delete(id)
    }
  })
  clearInterval(watching)
  t.diagnostic(`innocents until all is answered:      ${tell(waiting)}`)
  t.diagnostic(`which took ${Math.round((performance.now() - startedAt) / 1000)} s; memory grew by ${most} MiB at most`)

  const came = new Set(received)
  for (const habit of HABITS) {
    const counts = new Map<string, number>()
    for (const id of sent.filter(id => id.split(' ')[1] === domainOf(habit))) {
      const all = [...(answers.get(id) ?? []), ...(came.has(id) ? ['arrived'] : [])].join(' and ') || 'nothing'
      counts.set(all, (counts.get(all) ?? 0) + 1)
    }
    const visits = strangers.find(stranger => stranger.habit === habit)?.visits ?? 0
    t.diagnostic(`${habit}: ${[...counts].map(([answer, count]) => `${count} ${answer}`).join(', ')}; ${visits} connections`)
    const strange = [...counts.keys()].filter(answer => !ANSWERS[habit].includes(answer))
    assert.deepEqual(strange, [], `answers to what was written to one that is ${habit}`)
  }
  assert.deepEqual(disordered(received), [])

  for (const phase of [...rounds.flatMap(({ calm, among }) => [calm, among]), waiting]) {
    assert.equal(phase.arrived, phase.sent, 'messages of the innocents did not arrive')
    assert.equal(phase.disordered, 0)
  }
  assert.ok(innocents.areConnected)
  const ratio = Math.min(...rounds.map(({ calm, among }) => among.median / calm.median))
  assert.ok(ratio < RATIO, `the innocents waited ${ratio.toFixed(1)} times as long`)
  assert.ok(most < GROWTH, `grew by ${most} MiB`)
  for (const server of [left, right]) assert.doesNotMatch(server.output, / fault /)
  await Promise.all(writers.map(writer => writer.leave()))
})

/** Those that came after a later one of the same writer. */
function disordered(ids: readonly string[]): string[] {
  const last = new Map<string, number>()
  return ids.filter(id => {
    const [, , writer, n] = id.split(' ')
    const isLate = Number(n) < (last.get(writer!) ?? -1)
    last.set(writer!, Number(n))
    return isLate
  })
}
