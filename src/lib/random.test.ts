import assert from 'node:assert/strict'
import { test } from 'node:test'
import { randomBytes, randomId } from './random.ts'

test('no two identifiers are the same, over many refills of the pool', () => {
  const ids = Array.from({ length: 20_000 }, () => randomId(12))
  assert.equal(new Set(ids).size, ids.length)
  for (const id of ids) assert.match(id, /^[\w-]{16}$/)
})

test('bytes are given away, not shared with the pool', () => {
  const first = randomBytes(32)
  const copy = Buffer.from(first)
  for (let i = 0; i < 500; i++) randomBytes(32)
  assert.deepEqual(first, copy)
  assert.ok(first.some(byte => byte !== 0))
})

test('every byte value comes up about as often as any other', () => {
  const counts = new Uint32Array(256)
  for (let i = 0; i < 4_000; i++) for (const byte of randomBytes(64)) counts[byte]!++
  for (const count of counts) assert.ok(count > 800 && count < 1200, String(count))
})
