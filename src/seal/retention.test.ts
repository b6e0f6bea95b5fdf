import assert from 'node:assert/strict'
import { test } from 'node:test'
import { endOf, isRetentionClass, periodOf, startOf } from './retention.ts'

const HOUR = 3_600_000
const DAY = 24 * HOUR
const NOON = Date.UTC(2026, 7, 18, 12)

test('"kept N days, at most N+1": the secret of a day lives for N days after it has ended', () => {
  for (const cls of [7, 30] as const) {
    const midnight = Date.UTC(2026, 7, 18)
    assert.equal(periodOf(cls, midnight), midnight / DAY)
    assert.equal(periodOf(cls, midnight - 1), midnight / DAY - 1)
    assert.equal(startOf(cls, periodOf(cls, NOON)), midnight)
    assert.equal(endOf(cls, periodOf(cls, NOON)), midnight + (cls + 1) * DAY)
  }
})

test('class 1 counts hours: what comes at any time of one is kept for a day, at most for an hour more', () => {
  const period = periodOf(1, NOON + 59 * 60_000)
  assert.equal(startOf(1, period), NOON)
  assert.equal(endOf(1, period), NOON + HOUR + DAY)
})

test('what waits for delivery is kept for seven days, with a secret of its own class', () => {
  assert.equal(endOf(8, periodOf(8, NOON)), endOf(7, periodOf(7, NOON)))
})

test('there are four classes that have secrets', () => {
  for (const cls of [1, 7, 8, 30]) assert.ok(isRetentionClass(cls))
  for (const cls of [0, 2, 31, -1, 1.5, Number.NaN]) assert.ok(!isRetentionClass(cls))
})
