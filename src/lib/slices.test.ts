import assert from 'node:assert/strict'
import { test } from 'node:test'
import { inSlices, Slices } from './slices.ts'

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

test('what is little is done at once, until it is much of all together; whoever waits goes on in turn', async () => {
  const slices = new Slices(3, 4)
  const seen: string[] = []
  const tell = (name: string, count: number): void | Promise<void> =>
    slices.each(Array(count).fill(name), count, one => void seen.push(one))
  setImmediate(() => seen.push('|'))
  assert.equal(tell('a', 3), undefined)
  const others = [tell('b', 2), tell('c', 4), tell('d', 2)]
  setImmediate(() => seen.push('|'))
  await Promise.all(others)
  assert.equal(seen.join(''), 'aaab|bccc|cdd')
  await new Promise(setImmediate)
  assert.equal(tell('e', 3), undefined)
})
