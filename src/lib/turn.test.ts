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
