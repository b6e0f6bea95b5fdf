import assert from 'node:assert/strict'
import { createHmac, randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { DIGESTS, hmac, SCRAM_HASHES } from './scram-hash.ts'

test('HMAC is what OpenSSL makes it, for keys and data of every length', () => {
  for (const hash of SCRAM_HASHES) {
    for (const size of [0, 1, 16, 20, 32, 63, 64, 65, 127, 128, 129, 300]) {
      for (const length of [0, 1, 55, 56, 64, 111, 895, 896, 897, 959, 960, 961, 5000]) {
        const [key, data] = [randomBytes(size), randomBytes(length)]
        assert.deepEqual(hmac(hash, key, data), createHmac(DIGESTS[hash], key).update(data).digest(), `${hash}, ${size}, ${length}`)
      }
    }
  }
})

test('a text counts as UTF-8', () => {
  const [key, text] = [randomBytes(32), 'n=José,r=𝔯'.repeat(20)]
  assert.deepEqual(hmac('SHA-256', key, text), createHmac('sha256', key).update(text).digest())
})
