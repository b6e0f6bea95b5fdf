import assert from 'node:assert/strict'
import { test } from 'node:test'
import { inSlices } from './slices.ts'

test('after so many, others have their turn; all are done, in their order', async () => {
  const seen: (number | string)[] = []
  setImmediate(() => seen.push('another'))
  await inSlices([1, 2, 3, 4, 5], 2, one => void seen.push(one))
  assert.deepEqual(seen, [1, 2, 'another', 3, 4, 5])
})

test('what has to wait is waited for, before the next one', async () => {
  const seen: number[] = []
  await inSlices([1, 2], 10, async one => {
    await Promise.resolve()
    seen.push(one)
  })
  assert.deepEqual(seen, [1, 2])
})
