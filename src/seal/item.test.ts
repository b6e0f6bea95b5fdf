import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openItem, sealItem } from './item.ts'
import { PrivateKey } from './private-key.ts'
import { account, accountKey, flips, input, otherLengths } from './test-fixture.ts'

const plain = Buffer.from('<storage xmlns="storage:bookmarks"/>')
const blob = sealItem(account, 3, 1, plain)
const unreadable = { name: 'SealError', reason: 'unreadable' }
const malformed = { name: 'SealError', reason: 'malformed' }

test('an item needs nothing secret to be sealed, and the private key to be opened', () => {
  assert.deepEqual(openItem(accountKey(), account, 3, 1, blob), plain)
  assert.throws(() => openItem(PrivateKey.generate(), account, 3, 1, blob), unreadable)
  assert.notDeepEqual(sealItem(account, 3, 1, plain), blob)
})

test('it opens as what it was sealed as: account, generation, store and number are bound', () => {
  const key = accountKey()
  assert.throws(() => openItem(key, account, 4, 1, blob), unreadable)
  assert.throws(() => openItem(key, account, 3, 2, blob), unreadable)
  assert.throws(() => openItem(key, { ...account, generation: 2 }, 3, 1, blob), unreadable)
  assert.throws(() => openItem(key, { ...account, id: input('other', 16) }, 3, 1, blob), unreadable)
})

test('numbers that do not fit are refused', () => {
  assert.throws(() => sealItem(account, 256, 1, plain), malformed)
  assert.throws(() => sealItem(account, 3, 2 ** 53, plain), malformed)
  assert.throws(() => sealItem({ ...account, generation: 2 ** 32 }, 3, 1, plain), malformed)
})

test('its size gives away no more than a bucket', () => {
  assert.equal(sealItem(account, 3, 1, Buffer.alloc(0)).length, 33 + 128 + 16)
  assert.equal(sealItem(account, 3, 1, Buffer.alloc(124)).length, 33 + 128 + 16)
  assert.equal(sealItem(account, 3, 1, Buffer.alloc(125)).length, 33 + 256 + 16)
})

test('one bit that is wrong anywhere, or a byte more or less, and it does not open', () => {
  const key = accountKey()
  for (const other of [...flips(blob), ...otherLengths(blob)])
    assert.throws(() => openItem(key, account, 3, 1, other), { name: 'SealError' })
  for (const suite of [0, 2])
    assert.throws(() => openItem(key, account, 3, 1, Buffer.concat([Buffer.of(suite), blob.subarray(1)])), malformed)
})
