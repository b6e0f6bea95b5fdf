import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Turn } from './turn.ts'

test('pieces run one after the other, those handed in first before all that waits', async () => {
  const turn = new Turn()
  const ran: string[] = []
  const { promise, resolve } = Promise.withResolvers<void>()
  const pieces = [
    turn.take(() => promise.then(() => void ran.push('slow'))),
    turn.take(() => void ran.push('late')),
    turn.takeFirst(async () => void ran.push('first')),
    turn.takeFirst(() => void ran.push('second')),
  ]
  assert.deepEqual(ran, [])
  resolve()
  await Promise.all(pieces)
  assert.deepEqual(ran, ['slow', 'first', 'second', 'late'])
  assert.equal(
    turn.takeFirst(() => 1),
    1,
  )
})

test('what throws does not hold up the others', async () => {
  const turn = new Turn()
  const slow = turn.take(async () => {})
  const broken = turn.takeFirst(() => {
    throw new Error('broken')
  })
  const fine = turn.take(() => 'fine')
  await slow
  await assert.rejects(Promise.resolve(broken), /broken/)
  assert.equal(await fine, 'fine')
  assert.ok(turn.isIdle)
})

test('many pieces that waited together do not keep the rest of the process waiting, and stay in their order', async () => {
  const turn = new Turn()
  const { promise, resolve } = Promise.withResolvers<void>()
  const done: number[] = []
  void turn.take(() => promise)
  for (let i = 0; i < 1000; i++) void turn.take(() => void done.push(i))
  resolve()
  let turns = 0
  for (; done.length < 1000; turns++) {
    await new Promise(resolve => setImmediate(resolve))
    if (turns === 3) void turn.take(() => void done.push(1000))
  }
  assert.ok(turns > 10)
  await turn.take(() => {})
  assert.deepEqual(
    done,
    Array.from({ length: 1001 }, (_, i) => i),
  )
})
