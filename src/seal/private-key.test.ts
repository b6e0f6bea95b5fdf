import assert from 'node:assert/strict'
import { test } from 'node:test'
import { PrivateKey } from './private-key.ts'
import { account, input } from './test-fixture.ts'

test('a key takes its bytes over and knows its public half', () => {
  const bytes = input('skA')
  const key = PrivateKey.of(bytes)
  assert.equal(key.bytes, bytes)
  assert.deepEqual(key.publicKey, account.publicKey)
  assert.equal(key.publicKey, key.publicKey)
})

test('no two keys are the same', () => {
  const keys = Array.from({ length: 100 }, () => PrivateKey.generate())
  assert.equal(new Set(keys.map(key => key.bytes.toString('hex'))).size, 100)
  for (const { bytes } of keys) {
    assert.equal(bytes.length, 32)
    assert.equal(bytes.buffer.byteLength, 32)
  }
})

test('a public key that is known already is not computed', () => {
  const known = Buffer.alloc(32, 1)
  assert.equal(PrivateKey.of(input('skA'), known).publicKey, known)
})

test('a key that was wiped is zeros, and nobody gets it', () => {
  const bytes = input('skA')
  const key = PrivateKey.of(bytes)
  key.wipe()
  assert.deepEqual(bytes, Buffer.alloc(32))
  assert.throws(() => key.bytes, /wiped/)
  assert.throws(() => key.publicKey, /wiped/)
  key.wipe()
})

test('bytes of another length are no key', () => {
  for (const size of [0, 31, 33]) assert.throws(() => PrivateKey.of(Buffer.alloc(size, 1)), RangeError)
})
