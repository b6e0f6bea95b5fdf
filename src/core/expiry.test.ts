import assert from 'node:assert/strict'
import { test } from 'node:test'
import { StoryClock } from '../../test/story.ts'
import { openShredMemory } from '../seal/shred-store.ts'
import { Expiry } from './expiry.ts'
import { Hooks } from './hooks.ts'
import { silentLog } from './log.ts'
import { secretsDestroyed } from './points.ts'

const HOUR = 3_600_000
const DAY = 24 * HOUR

function scene() {
  const clock = new StoryClock()
  const shred = openShredMemory()
  const hooks = new Hooks()
  const told: number[] = []
  hooks.on(secretsDestroyed, function note() {
    told.push(clock.now())
  })
  const expiry = new Expiry(shred, [{ hooks, failed() {} }], clock, silentLog)
  const pass = async (ms: number): Promise<void> => {
    clock.pass(ms)
    for (let i = 0; i < 10; i++) await new Promise(resolve => setImmediate(resolve))
  }
  return { clock, shred, hooks, expiry, told, pass, hour: Math.floor(clock.now() / HOUR) }
}

test('a secret is destroyed as soon as its time is over, and the hosts are told', async () => {
  const { shred, expiry, told, pass, hour } = scene()
  await expiry.start()
  assert.equal(told.length, 1)
  await shred.makePeriod(1, hour)
  const passHour = async (): Promise<void> => {
    await pass(2000)
    await pass(HOUR - 2000)
  }
  for (let i = 0; i < 25; i++) await passHour()
  assert.ok(shred.period(1, hour) !== undefined)
  await pass(2000)
  assert.equal(shred.period(1, hour), undefined)
  assert.equal(told.length, 26)
})

test('a stop waits for what is being removed, and nothing is from then on', async () => {
  const { expiry, hooks, told, pass } = scene()
  const { promise, resolve } = Promise.withResolvers<void>()
  hooks.on(secretsDestroyed, () => promise)
  void expiry.start()
  let isStopped = false
  const stopped = expiry.stop().then(() => (isStopped = true))
  await pass(0)
  assert.equal(isStopped, false)
  resolve()
  await stopped
  await pass(2 * HOUR)
  assert.equal(told.length, 1)
})

test('a clock that jumps destroys nothing until the operator confirms it', async () => {
  const { clock, shred, expiry, pass, hour } = scene()
  let told = 0
  expiry.onHalted = () => told++
  await expiry.start()
  await shred.makePeriod(1, hour)
  // Its timers do not go off on the way, as when the machine was asleep.
  const jumped = new Expiry(shred, [], { now: () => clock.now() + 3650 * DAY, after: () => () => {} }, silentLog)
  jumped.onHalted = () => told++
  await jumped.start()
  await jumped.run()
  assert.deepEqual([jumped.isHalted, told, shred.period(1, hour) !== undefined], [true, 1, true])
  await jumped.confirmClock()
  assert.deepEqual([jumped.isHalted, shred.period(1, hour)], [false, undefined])
  await pass(0)
})

test('that it failed once does not end it', async () => {
  const { shred, expiry, told, pass } = scene()
  const { expire } = shred
  shred.expire = () => Promise.reject(new Error('the disk'))
  await expiry.start()
  assert.equal(told.length, 0)
  shred.expire = expire
  await pass(HOUR)
  await pass(2000)
  assert.equal(told.length, 1)
})
