import assert from 'node:assert/strict'
import { test } from 'node:test'
import { messageAt, packBatch, placesIn } from './batch.ts'
import { ALONE, type OwnedRow } from './tables.ts'

const rowOf = (i: number, size: number): OwnedRow => ({
  owner: { number: 2 ** 48 - 1 - i, slot: 0 },
  ord: 2 ** 33 - 1 - i,
  seg: ALONE + i,
  header: Buffer.alloc(144, i + 1),
  body: Buffer.alloc(size, i + 2),
})

const read = (bytes: Buffer): unknown[] =>
  placesIn(bytes).map(({ at, number, ord }) => ({ owner: { number, slot: 0 }, ...messageAt(bytes, at), ord }))

test('what is packed comes out as it went in, with notes and without', () => {
  const rows = [0, 1, 2].map(i => rowOf(i, 272 * (i + 1)))
  assert.deepEqual(read(packBatch(rows)), rows)
  const noted = rows.map((row, i) => ({ ...row, note: Buffer.alloc(44, i) }))
  assert.deepEqual(read(packBatch(noted)), noted)
  assert.deepEqual(read(packBatch([])), [])
})

test('there are few sizes, each of whole pages of 16 KiB but for what stands beside the key', () => {
  const sizes = new Set<number>()
  for (let count = 1; count <= 256; count++) {
    const { length } = packBatch(Array.from({ length: count }, (_, i) => rowOf(i, 2064)))
    assert.equal((length - 2000) % (16_384 - 4), 0)
    sizes.add((length - 2000) / (16_384 - 4))
  }
  assert.deepEqual([...sizes], [1, 2, 4, 8, 12, 16, 20, 24, 28, 32, 36])
})

test('behind the last message there are zeros alone, so that nothing of another batch stays', () => {
  const bytes = packBatch([rowOf(0, 272)], size => Buffer.alloc(size, 7))
  assert.deepEqual(new Set(bytes.subarray(bytes.readUInt32BE())), new Set([0]))
})
