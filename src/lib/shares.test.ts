import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Shares } from './shares.ts'

const limits = { each: 2, all: 5, keptFor: 100 }

test('of each so many are remembered, and whoever has more takes no place of others', () => {
  const shares = new Shares<number>(limits, () => 0)
  shares.set('a', 'romeo', 1)
  for (let i = 0; i < 10; i++) shares.set(`j${i}`, 'juliet', i)
  assert.equal(shares.get('a'), 1)
  assert.equal(shares.get('j7'), undefined)
  assert.equal(shares.get('j8'), 8)
  shares.delete('j9')
  shares.set('j10', 'juliet', 10)
  assert.equal(shares.get('j8'), 8)
})

test('nor more of all together than there may be', () => {
  const shares = new Shares<number>(limits, () => 0)
  for (let i = 0; i < 6; i++) shares.set(`k${i}`, `w${i}`, i)
  assert.equal(shares.get('k0'), undefined)
  assert.equal(shares.get('k1'), 1)
  shares.set('k1', 'w1', 7)
  assert.equal(shares.get('k1'), 7)
  assert.equal(shares.get('k2'), 2)
})

test('and only for a while', () => {
  let now = 0
  const shares = new Shares<number>(limits, () => now)
  shares.set('a', 'romeo', 1)
  now = 50
  shares.set('b', 'romeo', 2)
  now = 100
  assert.equal(shares.get('a'), undefined)
  assert.equal(shares.get('b'), 2)
})
