import assert from 'node:assert/strict'
import { test } from 'node:test'
import { periodOf } from '../retention.ts'
import { openShredFile, type ShredStore } from '../shred-store.ts'
import { input } from '../test-fixture.ts'
import { fateOf, TestDisk } from './test-disk.ts'
import { readable } from './test-thief.ts'

const HOUR = 3_600_000
const DAY = 24 * HOUR
const NOW = Date.UTC(2026, 7, 18, 12)
const today = periodOf(7, NOW)
const romeo = input('romeo', 16)
const juliet = input('juliet', 16)
const mercutio = input('mercutio', 16)
const many = Array.from({ length: 200 }, (_, i) => input(`account ${i}`, 16))

const PERIODS = [
  [1, periodOf(1, NOW)],
  [7, today],
  [8, today],
  [30, today + 1],
  [7, today + 8],
] as const

/** All that is in a store, in hex. */
type Content = ReadonlyMap<string, string>

function contentOf(store: ShredStore): Content {
  const content = new Map<string, string>()
  for (const id of [romeo, juliet, mercutio, ...many]) {
    const account = store.account(id)
    if (account) content.set(id.toString('hex'), account.archive.toString('hex') + account.server.toString('hex'))
  }
  for (const [cls, period] of PERIODS) {
    const secret = store.period(cls, period)
    if (secret) content.set(`${cls}.${period}`, secret.toString('hex'))
  }
  return content
}

/** Ends when all have ended, and fails if one has. */
async function together(work: readonly Promise<unknown>[]): Promise<void> {
  const failed = (await Promise.allSettled(work)).find(result => result.status === 'rejected')
  if (failed) throw failed.reason
}

/** A life of a store, in steps of one change each. */
const LIFE: readonly ((store: ShredStore) => Promise<unknown>)[] = [
  store => store.expire(NOW),
  store => store.makeAccount(romeo),
  store => store.makePeriod(7, today),
  store => together([store.makeAccount(juliet), store.makePeriod(1, periodOf(1, NOW)), store.makePeriod(8, today)]),
  store => store.replaceAccount(romeo),
  store => store.makePeriod(30, today + 1),
  store => store.replaceAccount(juliet, true),
  store => store.expire(NOW + DAY + 2 * HOUR),
  store => store.removeAccount(juliet),
  store => store.confirmClock(NOW + 8 * DAY),
  store => store.expire(NOW + 8 * DAY),
  store => together([store.makeAccount(mercutio), store.removeAccount(romeo), ...many.map(id => store.makeAccount(id))]),
  store => store.expire(NOW + 9 * DAY),
  store => store.makePeriod(7, today + 8),
]

/** How many ways each crash can tear what is on its way to the disk: `FATES=100` tries more. */
const FATES = Number(process.env['FATES'] ?? 1)

/** What came of a life: what was in the store after the last step that ended, and how many did. */
interface Run {
  readonly content: Content
  readonly steps: number
  /** Secrets that had been destroyed by then. */
  readonly dead: readonly string[]
}

const SECRETS = /.{64}/g

/** Lives from a step on, until something fails. */
async function live(disk: TestDisk, from = 0): Promise<Run> {
  let content: Content = new Map()
  const seen = new Set<string>()
  let steps = from
  try {
    const store = await openShredFile('shred', disk)
    content = contentOf(store)
    for (const step of LIFE.slice(from)) {
      await step(store)
      content = contentOf(store)
      for (const secrets of content.values()) for (const secret of secrets.match(SECRETS)!) seen.add(secret)
      steps++
    }
  } catch {
    // The crash that was asked for.
  }
  const alive = new Set([...content.values()].flatMap(secrets => secrets.match(SECRETS)!))
  return { content, steps, dead: [...seen].filter(secret => !alive.has(secret)) }
}

/** Which names each step changes, and whether they are there afterwards. */
async function expectations(): Promise<Map<string, boolean>[]> {
  const store = await openShredFile('shred', new TestDisk())
  const steps: Map<string, boolean>[] = []
  let before = contentOf(store)
  for (const step of LIFE) {
    await step(store)
    const after = contentOf(store)
    const names = new Set([...before.keys(), ...after.keys()])
    steps.push(new Map([...names].filter(name => before.get(name) !== after.get(name)).map(name => [name, after.has(name)])))
    before = after
  }
  return steps
}

/** After a crash in the step that follows, each secret is what it was, or what that step makes of it. */
function check(found: Content, { content, steps }: Run, expected: readonly Map<string, boolean>[]): void {
  const changing = expected[steps]
  for (const name of new Set([...content.keys(), ...found.keys()])) {
    if (found.get(name) === content.get(name)) continue
    assert.equal(found.has(name), changing?.get(name), `step ${steps}: ${name}`)
  }
}

test('F5: a crash at any point leaves the old or the new, and what was destroyed stays destroyed', async () => {
  const expected = await expectations()
  const whole = new TestDisk()
  assert.equal((await live(whole)).steps, LIFE.length)
  for (let turn = 0; turn < whole.changes * FATES; turn++) {
    const failAt = 1 + (turn % whole.changes)
    const disk = new TestDisk()
    disk.failAt = failAt
    const run = await live(disk)
    assert.ok(run.steps < LIFE.length)

    // It crashes once more while it starts.
    const second = disk.restart(fateOf(turn))
    second.failAt = 1 + (failAt % 20)
    await openShredFile('shred', second).catch(() => {})

    const third = second.restart(fateOf(turn + 1))
    const store = await openShredFile('shred', third)
    check(contentOf(store), run, expected)
    const left = readable(third)
    for (const secret of run.dead) assert.ok(!left.includes(secret), `step ${run.steps}: a destroyed secret can be read`)
    if (failAt % 7 !== 0) continue
    for (const step of LIFE.slice(run.steps)) await step(store)
    assert.deepEqual(new Set(contentOf(store).keys()), await lastNames(expected))
  }
})

test('a disk that fails once: the store goes on, and a restart finds what it says', async () => {
  const whole = new TestDisk()
  await live(whole)
  const start = new TestDisk()
  await openShredFile('shred', start)
  const names = await lastNames(await expectations())
  for (let failAt = start.changes + 1; failAt <= whole.changes; failAt++) {
    const disk = new TestDisk()
    disk.failAt = failAt
    disk.isCrash = false
    const store = await openShredFile('shred', disk)
    for (const step of LIFE) {
      const hadFailed = disk.changes >= failAt
      await step(store).catch(() => {})
      if (hadFailed || disk.changes < failAt) continue
      const found = await openShredFile('shred', disk.restart(fateOf(failAt)))
      assert.deepEqual(contentOf(found), contentOf(store))
      if (failAt % 7 !== 0) break
      await step(store)
    }
    if (failAt % 7 !== 0) continue
    const found = await openShredFile('shred', disk.restart(fateOf(failAt)))
    assert.deepEqual(contentOf(found), contentOf(store))
    assert.deepEqual(new Set(contentOf(store).keys()), names)
  }
})

/** All that is there after the last step. */
async function lastNames(expected: readonly Map<string, boolean>[]): Promise<Set<string>> {
  const names = new Set<string>()
  for (const step of expected)
    for (const [name, isThere] of step)
      if (isThere) names.add(name)
      else names.delete(name)
  return names
}
