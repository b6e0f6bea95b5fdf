import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatBytes, parseBytes } from './bytes.ts'
import { formatDuration, parseDuration } from './duration.ts'

test('a span of time is a whole number and a unit', () => {
  assert.equal(parseDuration('250ms'), 250)
  assert.equal(parseDuration('30s'), 30_000)
  assert.equal(parseDuration('7d'), 604_800_000)
  for (const wrong of ['', '7', 'd', '7 d', '-7d', '1.5h', '7w', '9999999999d']) assert.equal(parseDuration(wrong), undefined, wrong)
})

test('a span of time is written in the largest unit that fits', () => {
  for (const text of ['0ms', '1500ms', '90s', '1m', '36h', '7d']) assert.equal(formatDuration(parseDuration(text)!), text)
})

test('a size is a whole number and a binary unit', () => {
  assert.equal(parseBytes('10000B'), 10_000)
  assert.equal(parseBytes('256KiB'), 262_144)
  for (const wrong of ['', '256', '256KB', '256 KiB', '1.5MiB', '999999999TiB']) assert.equal(parseBytes(wrong), undefined, wrong)
})

test('a number of bytes is written for people', () => {
  assert.equal(formatBytes(0), '0 B')
  assert.equal(formatBytes(1536), '1.5 KiB')
  assert.equal(formatBytes(3 * 1024 ** 3), '3 GiB')
})
