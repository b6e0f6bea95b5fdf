import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openBox } from './box.ts'
import { unpad } from './padding.ts'
import { blindTag, openForServer, sealForServer } from './server-box.ts'
import { flips, input, otherLengths } from './test-fixture.ts'

const secret = input('B_acct')
const plain = Buffer.from('push.example')
const unreadable = { name: 'SealError', reason: 'unreadable' }

test('a tag is the same for the same address, list and account, and for no other', () => {
  const tag = blindTag(secret, 'roster', 'romeo@montague.example')
  assert.equal(tag.length, 16)
  assert.deepEqual(blindTag(secret, 'roster', 'romeo@montague.example'), tag)
  assert.notDeepEqual(blindTag(secret, 'never', 'romeo@montague.example'), tag)
  assert.notDeepEqual(blindTag(secret, 'roster', 'juliet@capulet.example'), tag)
  assert.notDeepEqual(blindTag(input('other'), 'roster', 'romeo@montague.example'), tag)
})

test('where the list ends and the address begins cannot be shifted', () => {
  assert.notDeepEqual(blindTag(secret, 'a', 'b\0c'), blindTag(secret, 'a\u0001', 'c'))
  assert.throws(() => blindTag(secret, 'a\0b', 'c'), /word of the program/)
})

test('addresses are Unicode', () => {
  assert.notDeepEqual(blindTag(secret, 'roster', 'ju\u0142ia@capulet.example'), blindTag(secret, 'roster', 'juBia@capulet.example'))
})

test('no tag and no box is made with a secret that was wiped', () => {
  assert.throws(() => blindTag(Buffer.alloc(32), 'roster', 'a@b'), /no secret/)
  assert.throws(() => sealForServer(Buffer.alloc(32), 'push', plain), /no secret/)
})

test('a box opens with the secret of its account, in its context, and nowhere else', () => {
  const box = sealForServer(secret, 'push', plain)
  assert.deepEqual(openForServer(secret, 'push', box), plain)
  assert.notDeepEqual(sealForServer(secret, 'push', plain), box)
  assert.throws(() => openForServer(input('other'), 'push', box), unreadable)
  assert.throws(() => openForServer(secret, 'pushx', box), unreadable)
  assert.throws(() => openForServer(secret, '', box), unreadable)
})

test('a box is one of its own kind: nothing else that is sealed with the same secret has its key', () => {
  const padded = openBox(secret, Buffer.from('CXZ-SEAL-1 serverpush'), sealForServer(secret, 'push', plain))
  assert.deepEqual(unpad(padded, 128), plain)
})

test('contexts are Unicode', () => {
  assert.throws(() => openForServer(secret, '\u0142', sealForServer(secret, 'B', plain)), unreadable)
})

test('its size gives away no more than a bucket', () => {
  assert.equal(sealForServer(secret, 'push', Buffer.alloc(124)).length, 33 + 128 + 16)
  assert.equal(sealForServer(secret, 'push', Buffer.alloc(125)).length, 33 + 256 + 16)
})

test('one bit that is wrong anywhere, or a byte more or less, and it does not open', () => {
  const box = sealForServer(secret, 'push', plain)
  for (const other of [...flips(box), ...otherLengths(box)])
    assert.throws(() => openForServer(secret, 'push', other), { name: 'SealError' })
})
