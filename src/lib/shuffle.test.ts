import assert from 'node:assert/strict'
import { test } from 'node:test'
import { shuffle } from './shuffle.ts'

test('all are there, each once, however many', () => {
  for (const count of [0, 1, 2, 513, 5000]) {
    const items = Array.from({ length: count }, (_, i) => i)
    assert.deepEqual(
      shuffle([...items]).sort((a, b) => a - b),
      items,
    )
  }
})

test('every order of four comes up about as often as any other', () => {
  const counts = new Map<string, number>()
  for (let i = 0; i < 24_000; i++) {
    const order = shuffle([0, 1, 2, 3]).join('')
    counts.set(order, (counts.get(order) ?? 0) + 1)
  }
  assert.equal(counts.size, 24)
  // 1000 ± 6 standard deviations
  for (const [order, count] of counts) assert.ok(Math.abs(count - 1000) < 190, `${order} came ${count} times`)
})
