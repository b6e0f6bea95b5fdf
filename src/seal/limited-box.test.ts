import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type LimitedAddress, openLimited, sealLimited } from './limited-box.ts'
import { flips, input, otherLengths } from './test-fixture.ts'

const address: LimitedAddress = { owner: input('room', 16), store: 10, class: 7, period: 20_700, ord: 5, part: 'body' }
const secrets = { period: input('day'), owner: input('S_room') }
const plain = Buffer.from('<message/>')
const unreadable = { name: 'SealError', reason: 'unreadable' }

test('a box opens with both secrets', () => {
  const box = sealLimited(address, secrets, plain)
  assert.deepEqual(openLimited(address, secrets, box), plain)
  assert.notDeepEqual(sealLimited(address, secrets, plain), box)
  assert.throws(() => openLimited(address, { ...secrets, period: input('other') }, box), unreadable)
  assert.throws(() => openLimited(address, { ...secrets, owner: input('other') }, box), unreadable)
  assert.throws(() => openLimited(address, { period: secrets.owner, owner: secrets.period }, box), unreadable)
})

test('a box opens in its place, and nowhere else', () => {
  const box = sealLimited(address, secrets, plain)
  const others: Partial<LimitedAddress>[] = [
    { owner: input('other', 16) },
    { store: 11 },
    { class: 30 },
    { period: 20_701 },
    { ord: 6 },
    { part: 'header' },
  ]
  for (const other of others) assert.throws(() => openLimited({ ...address, ...other }, secrets, box), { name: 'SealError' })
})

test('an id of another length would shift what comes after it', () => {
  assert.throws(() => sealLimited({ ...address, owner: input('room', 15) }, secrets, plain), { name: 'SealError', reason: 'malformed' })
})

test('nothing is sealed with a secret that was wiped, or is cut off', () => {
  for (const bad of [Buffer.alloc(32), input('day', 31)]) {
    assert.throws(() => sealLimited(address, { ...secrets, period: bad }, plain), /no secret/)
    assert.throws(() => sealLimited(address, { ...secrets, owner: bad }, plain), /no secret/)
  }
})

test('its size gives away no more than a bucket, which for a body is larger', () => {
  assert.equal(sealLimited(address, secrets, Buffer.alloc(252)).length, 33 + 256 + 16)
  assert.equal(sealLimited(address, secrets, Buffer.alloc(253)).length, 33 + 512 + 16)
  assert.equal(sealLimited({ ...address, part: 'header' }, secrets, Buffer.alloc(124)).length, 33 + 128 + 16)
})

test('one bit that is wrong anywhere, or a byte more or less, and it does not open', () => {
  const box = sealLimited(address, secrets, plain)
  for (const other of [...flips(box), ...otherLengths(box)])
    assert.throws(() => openLimited(address, secrets, other), { name: 'SealError' })
})
