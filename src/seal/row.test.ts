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

test('what was sealed by the first version opens: databases out there are full of it', () => {
  const sealed =
    'AXiS80TYraN4UkHKwLjBK0OLZWBGNIiVbKdaTC8faolzaKOibV4nTly0R2xL+whRJoJY4QxKcbMnUHamNeyeaneZNWI54lf7mKUq3F/72OPsehJTUR0ccRoPbslllUqxMPJFzcx2RJroocf0CYXnlMVlj9r06aoFevEPg7FgdZX3DhNCcFXdaYN7XzcjOxOEvh02sQUE5oiI7tRalHH9kPx8eEJIh0kD3uUPLsNtq53V'
  const opened = openRow(input('row secret', 32), account, { store: 9, part: 2 ** 40, number: 5 }, Buffer.from(sealed, 'base64'))
  assert.equal(opened.toString(), '{"id":"a"}')
})
