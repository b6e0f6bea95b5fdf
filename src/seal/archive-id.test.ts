import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { ArchiveIds } from './archive-id.ts'
import { input } from './test-fixture.ts'

const ids = new ArchiveIds(input('archive key'))

test('every id leads back to its message, in the hands of its account', () => {
  const number = fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER })
  fc.assert(
    fc.property(number, number, number, (account, ord, other) => {
      const id = ids.encode(account, ord)
      assert.match(id, /^[\w-]{22}$/)
      assert.equal(ids.decode(account, id), ord)
      if (other !== account) assert.equal(ids.decode(other, id), undefined)
    }),
    { numRuns: 500 },
  )
})

test('neighbours look nothing like each other', () => {
  const seen = new Set<string>()
  for (let ord = 0; ord < 1000; ord++) seen.add(ids.encode(1, ord).slice(0, 6))
  assert.equal(seen.size, 1000)
})

test('what was made with another key is no id', () => {
  assert.equal(ids.decode(1001, new ArchiveIds(input('other')).encode(1001, 7)), undefined)
})

test('only what was given out is an id, however alike it looks', () => {
  const id = ids.encode(1001, 7)
  for (const other of [
    '',
    id.slice(1),
    `${id}A`,
    `${id}=`,
    `${id}==`,
    ` ${id}`,
    `${id}\n`,
    id.replace(/.$/, 'x'),
    `${id}${id}`,
    'not an id',
    '*'.repeat(22),
  ])
    assert.equal(ids.decode(1001, other), undefined, other)
  // The last character holds two bits only; with other bits it would be the same bytes.
  const last = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'.indexOf(id.at(-1)!)
  assert.equal(last % 16, 0)
  const alias = id.slice(0, -1) + 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'[last + 1]
  assert.deepEqual(Buffer.from(alias, 'base64url'), Buffer.from(id, 'base64url'))
  assert.equal(ids.decode(1001, alias), undefined)
})

test('numbers that do not fit are refused', () => {
  for (const bad of [-1, 2 ** 53, 0.5]) {
    assert.throws(() => ids.encode(bad, 1), { name: 'SealError', reason: 'malformed' })
    assert.throws(() => ids.encode(1, bad), { name: 'SealError', reason: 'malformed' })
  }
})
