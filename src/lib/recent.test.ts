import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Recent } from './recent.ts'

test('those that were used lately stay, the others make room', () => {
  const recent = new Recent<string, number>(2)
  recent.set('a', 1)
  recent.set('b', 2)
  assert.equal(recent.get('a'), 1)
  recent.set('c', 3)
  assert.deepEqual(
    ['a', 'b', 'c'].map(key => recent.get(key)),
    [1, undefined, 3],
  )
  recent.set('a', 4)
  recent.set('d', 5)
  assert.deepEqual([recent.get('a'), recent.get('c')], [4, undefined])
  assert.deepEqual(
    [...recent.entries()],
    [
      ['d', 5],
      ['a', 4],
    ],
  )
  recent.delete('a')
  assert.equal(recent.get('a'), undefined)
})
