import assert from 'node:assert/strict'
import { test } from 'node:test'
import { randomBytes, randomId, randomNumber } from './random.ts'

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

test('numbers have up to 48 bits, and are not drawn twice', () => {
  const numbers = Array.from({ length: 3000 }, randomNumber)
  assert.equal(new Set(numbers).size, numbers.length)
  assert.ok(numbers.every(number => Number.isSafeInteger(number) && number >= 0 && number < 2 ** 48))
  assert.ok(numbers.some(number => number >= 2 ** 47) && numbers.some(number => number < 2 ** 47))
})
