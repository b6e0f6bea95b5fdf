import assert from 'node:assert/strict'
import { hkdfSync } from 'node:crypto'
import { test } from 'node:test'
import { expand, hkdf, hmac } from './hkdf.ts'
import { input } from './test-fixture.ts'

const count = (from: number, size: number): Buffer => Buffer.from(Array.from({ length: size }, (_, i) => from + i))

test('RFC 5869 A.1', () => {
  const okm = hkdf('sha256', Buffer.alloc(22, 0x0b), count(0, 13), count(0xf0, 10), 42)
  assert.equal(okm.toString('hex'), '3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865')
  const prk = hmac('sha256', count(0, 13), Buffer.alloc(22, 0x0b))
  assert.equal(prk.toString('hex'), '077709362c2e32df0ddc3f0dc47bba6390b6c73bb50f9c3122ec844ad7c2b3e5')
  assert.deepEqual(expand('sha256', prk, count(0xf0, 10), 42), okm)
})

test('RFC 5869 A.2: longer inputs and output', () => {
  assert.equal(
    hkdf('sha256', count(0, 80), count(0x60, 80), count(0xb0, 80), 82).toString('hex'),
    'b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c59045a99cac7827271cb41c65e590e09da3275600c2f09b8367793a9aca3db71cc30c58179ec3e87c14c01d5c1f3434f1d87',
  )
})

test('RFC 5869 A.3: no salt, no info', () => {
  assert.equal(
    hkdf('sha256', Buffer.alloc(22, 0x0b), Buffer.alloc(0), '', 42).toString('hex'),
    '8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8',
  )
})

test('it gives what HKDF of OpenSSL gives, of any length', () => {
  for (const hash of ['sha256', 'sha512'] as const)
    for (const size of [1, 12, 31, 32, 33, 63, 64, 65, 128, 255, 1000])
      assert.deepEqual(
        hkdf(hash, input('ikm'), input('salt'), 'info', size),
        Buffer.from(hkdfSync(hash, input('ikm'), input('salt'), 'info', size)),
      )
})

test('an HMAC of parts is that of the whole', () => {
  assert.deepEqual(hmac('sha256', input('key'), 'ab', Buffer.from('cd'), ''), hmac('sha256', input('key'), 'abcd'))
})
