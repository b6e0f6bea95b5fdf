import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Activity } from './activity.ts'

const HOUR = 3_600_000
const NOON = Date.UTC(2026, 0, 1, 12)

test('XEP-0502 §3.1: while nothing is known, nothing is said', () => {
  const activity = new Activity(NOON)
  activity.count(NOON + 1)
  assert.equal(activity.perHour(NOON + HOUR - 1), undefined)
  assert.equal(activity.perHour(NOON + HOUR), 1)
})

test('XEP-0502 §5: the average of the last day, without the hour that runs', () => {
  const activity = new Activity(NOON)
  for (let hour = 0; hour < 24; hour++) for (let i = 0; i < 3; i++) activity.count(NOON + hour * HOUR + i)
  assert.equal(activity.perHour(NOON + 24 * HOUR), 3)
  activity.count(NOON + 24 * HOUR)
  assert.equal(activity.perHour(NOON + 24 * HOUR), 3)
  assert.equal(activity.perHour(NOON + 36 * HOUR), (12 * 3 + 1) / 24)
})

test('XEP-0502 §4: what is older than a day does not count', () => {
  const activity = new Activity(NOON)
  activity.count(NOON)
  assert.equal(activity.perHour(NOON + 24 * HOUR), 1 / 24)
  assert.equal(activity.perHour(NOON + 25 * HOUR), 0)
  assert.equal(activity.perHour(NOON + 10_000 * HOUR), 0)
})

test('a clock that is put back does no harm', () => {
  const activity = new Activity(NOON)
  activity.count(NOON)
  assert.equal(activity.perHour(NOON - 5 * HOUR), undefined)
  assert.equal(activity.perHour(NOON), (1 + 0 + 0 + 0 + 0) / 5)
})
