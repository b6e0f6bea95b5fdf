import assert from 'node:assert/strict'
import { Socket } from 'node:net'
import { test } from 'node:test'
import { Race } from './race.ts'

/** An attempt that ends when the test says so. */
function attempt() {
  const socket = new Socket()
  const { promise, resolve, reject } = Promise.withResolvers<Socket>()
  let signal: AbortSignal | undefined
  return {
    socket,
    run: (given: AbortSignal) => {
      signal = given
      return promise
    },
    succeed: () => resolve(socket),
    fail: () => reject(new Error()),
    isEnded: () => signal!.aborted,
  }
}

test('the first to succeed wins; all others are ended, and who succeeds too late is closed', async () => {
  const race = new Race<string>(60_000, undefined)
  const [one, other, late] = [attempt(), attempt(), attempt()]
  race.enter('one', one.run)
  race.enter('other', other.run)
  race.enter('late', late.run)
  other.succeed()
  late.succeed()
  assert.deepEqual(await race.outcome, { socket: other.socket, target: 'other' })
  assert.ok(one.isEnded() && race.isOver)
  await new Promise(setImmediate)
  assert.ok(late.socket.destroyed && !other.socket.destroyed)
})

test('RFC 8305 §5: the next attempt begins when one has failed, or after a while', async () => {
  const race = new Race<string>(60_000, undefined)
  const [one, other] = [attempt(), attempt()]
  race.enter('one', one.run)
  await race.change(1)
  await race.allFailed(1)
  assert.ok(!one.isEnded(), 'the former attempt goes on')
  race.enter('other', other.run)
  const changed = race.change(60_000)
  one.fail()
  await changed
  const failed = race.allFailed()
  other.fail()
  await failed
  assert.ok(!race.isOver)
  race.lose(new Error('all failed'))
  await assert.rejects(race.outcome, { message: 'all failed' })
})

test('whoever waits is told when it is over', async () => {
  const race = new Race<string>(1, undefined)
  race.enter('one', attempt().run)
  const waiting = race.allFailed()
  await assert.rejects(race.outcome, { kind: 'timeout' })
  await waiting
  await race.change(60_000)
})
