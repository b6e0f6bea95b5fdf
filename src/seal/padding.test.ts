import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type PaddingUnit, unpad, withPadded } from './padding.ts'

const pad = (data: Buffer, unit: PaddingUnit): Buffer => withPadded(data, unit, padded => Buffer.from(padded))

const SIZES: readonly (readonly [PaddingUnit, data: number, padded: number])[] = [
  [128, 0, 128],
  [128, 124, 128],
  [128, 125, 256],
  [128, 252, 256],
  [128, 253, 512],
  [128, 1020, 1024],
  [128, 1021, 2048],
  [128, 4092, 4096],
  [128, 4093, 8192],
  [256, 0, 256],
  [256, 252, 256],
  [256, 253, 512],
  [256, 4092, 4096],
  [256, 4093, 8192],
  [256, 8188, 8192],
  [256, 8189, 12_288],
  [256, 262_144, 266_240],
]

test('doubled up to 4096, then multiples of it', () => {
  for (const [unit, size, padded] of SIZES) {
    const data = Buffer.alloc(size, 0xaa)
    assert.equal(pad(data, unit).length, padded, `${size} in units of ${unit}`)
    assert.deepEqual(unpad(pad(data, unit), unit), data)
  }
})

test('the length comes first, then the data, then zeros', () => {
  const padded = pad(Buffer.from('abc'), 128)
  assert.equal(padded.toString('hex', 0, 8), '0000000361626300')
  assert.deepEqual(padded.subarray(7), Buffer.alloc(121))
})

test('what was lent is overwritten, also when the work with it fails', () => {
  for (const size of [3, 4092, 4093]) {
    const data = Buffer.alloc(size, 0xaa)
    const lent = withPadded(data, 128, padded => padded)
    assert.ok(lent.every(byte => byte === 0))
    let kept = lent
    const fail = (padded: Buffer): never => {
      kept = padded
      throw new Error('failed')
    }
    assert.throws(() => withPadded(data, 128, fail), /^Error: failed$/)
    assert.ok(kept.every(byte => byte === 0))
  }
})

test('what is padded otherwise is refused', () => {
  const broken: ((padded: Buffer) => Buffer)[] = [
    padded => padded.subarray(0, 127),
    padded => Buffer.concat([padded, Buffer.alloc(1)]),
    padded => Buffer.concat([padded, Buffer.alloc(128)]),
    padded => padded.fill(1, 127),
    padded => padded.fill(1, 7, 8),
    padded => padded.fill(125, 3, 4),
    padded => padded.fill(0xff, 0, 4),
    () => Buffer.alloc(0),
    () => Buffer.alloc(3),
    () => Buffer.alloc(4),
    () => Buffer.alloc(64),
  ]
  for (const change of broken)
    assert.throws(() => unpad(change(pad(Buffer.from('abc'), 128)), 128), { name: 'SealError', reason: 'malformed' }, String(change))
})
