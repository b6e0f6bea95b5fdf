import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openRow, sealRow } from './row.ts'
import { account, flips, input, otherLengths } from './test-fixture.ts'

const secret = input('secret', 32)
const place = { store: 7, part: 2 ** 40, number: 5 }
const plain = Buffer.from('<conference xmlns="urn:xmpp:bookmarks:1"/>')
const box = sealRow(secret, account, place, plain)
const unreadable = { name: 'SealError', reason: 'unreadable' }

test('a row opens with its secret', () => {
  assert.deepEqual(openRow(secret, account, place, box), plain)
  assert.throws(() => openRow(input('another', 32), account, place, box), unreadable)
  assert.notDeepEqual(sealRow(secret, account, place, plain), box)
})

test('it opens where it was sealed for: account, generation, store, part and number are bound', () => {
  for (const other of [
    { ...place, store: 8 },
    { ...place, part: 1 },
    { ...place, number: 6 },
  ])
    assert.throws(() => openRow(secret, account, other, box), unreadable)
  assert.throws(() => openRow(secret, { ...account, generation: 2 }, place, box), unreadable)
  assert.throws(() => openRow(secret, { ...account, id: input('other', 16) }, place, box), unreadable)
})

test('a secret that was wiped seals nothing', () => {
  assert.throws(() => sealRow(Buffer.alloc(32), account, place, plain), /wiped/)
})

test('its size gives away no more than a bucket', () => {
  const sizes = [0, 124, 125].map(size => sealRow(secret, account, place, Buffer.alloc(size)).length)
  assert.equal(sizes[0], sizes[1])
  assert.equal(sizes[2]! - sizes[1]!, 128)
})

test('one bit that is wrong anywhere, or a byte more or less, and it does not open', () => {
  for (const other of [...flips(box), ...otherLengths(box)])
    assert.throws(() => openRow(secret, account, place, other), { name: 'SealError' })
})
