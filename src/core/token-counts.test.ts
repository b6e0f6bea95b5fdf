import assert from 'node:assert/strict'
import { test } from 'node:test'
import { TokenCounts } from './token-counts.ts'

const verifier = (i: number): Buffer => Buffer.from(String(i))

test('XEP-0484 §3.4: a count must be above the highest one before, of the same token', () => {
  const counts = new TokenCounts()
  assert.deepEqual(
    [0, 5, 5, 4, 6].map(count => counts.isHigher(verifier(1), count)),
    [true, true, false, false, true],
  )
  assert.ok(counts.isHigher(verifier(2), 1))
})

test('DESIGN law 10: so many counts are known; those that were shown the longest ago are forgotten first', () => {
  const counts = new TokenCounts()
  for (let i = 0; i < 10_000; i++) counts.isHigher(verifier(i), 1)
  counts.isHigher(verifier(0), 2)
  counts.isHigher(verifier(10_000), 1)
  assert.ok(!counts.isHigher(verifier(0), 2))
  assert.ok(counts.isHigher(verifier(1), 1))
})
