import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openFormerKey, sealFormerKey } from './former-key.ts'
import { PrivateKey } from './private-key.ts'
import { SegmentOpener, SegmentSealer } from './segment.ts'
import { account, accountKey, address, flips, input, otherLengths } from './test-fixture.ts'

const key = PrivateKey.generate()
const renewed = { ...account, generation: 2, publicKey: key.publicKey }
const blob = sealFormerKey(renewed, accountKey(), 1)
const unreadable = { name: 'SealError', reason: 'unreadable' }

test('after a new password the key before it can still be had, and what was sealed to it read', () => {
  const former = openFormerKey(key, renewed, 1, blob)
  assert.deepEqual(former.bytes, input('skA'))
  const sealer = new SegmentSealer(address, input('day'), input('S_acct'))
  const { body } = sealer.seal(0, 1, Buffer.from('h'), Buffer.from('b'))
  assert.equal(new SegmentOpener(address, sealer.enc, former, input('day'), input('S_acct')).body(0, 1, body).toString(), 'b')
})

test('it opens with the new key alone, and as the generation that it was', () => {
  assert.equal(blob.length, 1 + 32 + 32 + 16)
  assert.throws(() => openFormerKey(accountKey(), renewed, 1, blob), unreadable)
  assert.throws(() => openFormerKey(key, renewed, 2, blob), unreadable)
  assert.throws(() => openFormerKey(key, { ...renewed, generation: 3 }, 1, blob), unreadable)
  assert.throws(() => openFormerKey(key, { ...renewed, id: input('other', 16) }, 1, blob), unreadable)
  assert.throws(() => sealFormerKey(renewed, accountKey(), 2 ** 32), { reason: 'malformed' })
})

test('one bit that is wrong anywhere, and it does not open', () => {
  for (const other of [...flips(blob), ...otherLengths(blob)])
    assert.throws(() => openFormerKey(key, renewed, 1, other), { name: 'SealError' })
})
