import assert from 'node:assert/strict'
import { test } from 'node:test'
import { join } from './encoding.ts'
import { expand, hmac } from './hkdf.ts'
import { decapsulateWith, encapsulateTo, publicKeyOf } from './kem.ts'
import { hex, input } from './test-fixture.ts'

const alice = hex('77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a')
const bob = hex('5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb')
const alicePublic = hex('8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a')
const bobPublic = hex('de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f')
const shared = hex('4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742')

/** ExtractAndExpand of RFC 9180 §4.1, spelled out. */
function extractAndExpand(dh: Buffer, kemContext: Buffer): Buffer {
  const suite = join('HPKE-v1', 'KEM', hex('0020'))
  const prk = hmac('sha256', Buffer.alloc(0), suite, 'eae_prk', dh)
  return expand('sha256', prk, join(hex('0020'), suite, 'shared_secret', kemContext), 32)
}

test('RFC 7748 §6.1: the public keys of Alice and Bob', () => {
  assert.deepEqual(publicKeyOf(alice), alicePublic)
  assert.deepEqual(publicKeyOf(bob), bobPublic)
})

test('RFC 9180 §4.1: the secret of both is made from what they agree on, and from their public keys', () => {
  assert.deepEqual(decapsulateWith(alice, bobPublic), extractAndExpand(shared, join(bobPublic, alicePublic)))
  assert.deepEqual(decapsulateWith(bob, alicePublic), extractAndExpand(shared, join(alicePublic, bobPublic)))
})

test('what is encapsulated to a key only that key gets out', () => {
  const { enc, secret } = encapsulateTo(alicePublic)
  assert.deepEqual(decapsulateWith(alice, enc), secret)
  assert.notDeepEqual(decapsulateWith(bob, enc), secret)
  assert.notDeepEqual(encapsulateTo(alicePublic).enc, enc)
})

test('RFC 7748 §6.1: keys with which everybody gets zero are refused', () => {
  for (const point of [
    '0000000000000000000000000000000000000000000000000000000000000000',
    '0100000000000000000000000000000000000000000000000000000000000000',
    'e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800',
    '5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157',
    'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
    'edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
    'eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  ]) {
    assert.throws(() => encapsulateTo(hex(point)), { reason: 'malformed' }, point)
    assert.throws(() => decapsulateWith(alice, hex(point)), { reason: 'malformed' }, point)
  }
})

test('a key of another length is none', () => {
  for (const size of [0, 31, 33, 64]) {
    assert.throws(() => encapsulateTo(Buffer.alloc(size, 9)), { reason: 'malformed' })
    assert.throws(() => decapsulateWith(alice, Buffer.alloc(size, 9)), { reason: 'malformed' })
  }
})

test('secrets lie in buffers of their own, not in the pool that all share', () => {
  const { enc, secret } = encapsulateTo(alicePublic)
  for (const bytes of [secret, decapsulateWith(alice, enc), hmac('sha256', alice, 'x'), expand('sha512', alice, bob, 32), input('x')])
    assert.equal(bytes.buffer.byteLength, bytes.length)
})
