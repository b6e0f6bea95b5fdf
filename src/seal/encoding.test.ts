import assert from 'node:assert/strict'
import { test } from 'node:test'
import { join, u8, u16, u32, u48, u64 } from './encoding.ts'
import { hex } from './test-fixture.ts'

const SIZES = [
  [u8, 1],
  [u16, 2],
  [u32, 4],
  [u48, 6],
] as const

test('numbers are big-endian, and as long as their names say', () => {
  for (const [write, size] of SIZES) {
    const most = 2 ** (8 * size) - 1
    assert.deepEqual(write(0), Buffer.alloc(size))
    assert.deepEqual(write(most), Buffer.alloc(size, 0xff))
    assert.deepEqual(write(most - 1), join(Buffer.alloc(size - 1, 0xff), Buffer.of(0xfe)))
  }
  assert.deepEqual(u16(0x0102), hex('0102'))
  assert.deepEqual(u32(0x01020304), hex('01020304'))
  assert.deepEqual(u48(0x010203040506), hex('010203040506'))
  assert.deepEqual(u64(0x0102030405060), hex('0000102030405060'))
  assert.deepEqual(u64(2 ** 32), hex('0000000100000000'))
  assert.deepEqual(u64(Number.MAX_SAFE_INTEGER), hex('001fffffffffffff'))
})

test('a number that does not fit is refused, and so is what is none', () => {
  for (const [write, size] of SIZES)
    for (const value of [2 ** (8 * size), -1, 0.5, Number.NaN, Number.POSITIVE_INFINITY])
      assert.throws(() => write(value), { name: 'SealError', reason: 'malformed' }, `${value} in ${size} bytes`)
  for (const value of [2 ** 53, 2 ** 64, -1, 0.5, Number.NaN, Number.POSITIVE_INFINITY])
    assert.throws(() => u64(value), { name: 'SealError', reason: 'malformed' })
})

test('parts are joined in a buffer of its own', () => {
  const joined = join('ab', hex('ff00'), '', Buffer.alloc(0), 'c')
  assert.deepEqual(joined, hex('6162ff0063'))
  assert.equal(joined.buffer.byteLength, 5)
  assert.deepEqual(join('\u00ff'), hex('ff'))
})
