import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openAead, sealAead } from './aead.ts'
import { hex, input } from './test-fixture.ts'

const key = input('key')
const nonce = input('nonce', 12)
const aad = input('aad', 8)

test('RFC 8439 §2.8.2', () => {
  const box = sealAead(
    'chacha20-poly1305',
    hex('808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f'),
    hex('070000004041424344454647'),
    hex('50515253c0c1c2c3c4c5c6c7'),
    Buffer.from("Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, sunscreen would be it."),
  )
  assert.equal(box.toString('hex', 0, 16), 'd31a8d34648e60db7b86afbc53ef7ec2')
  assert.equal(box.toString('hex', 114), '1ae10b594f09e26a7e902ecbd0600691')
})

for (const name of ['chacha20-poly1305', 'aes-256-gcm'] as const) {
  test(`${name}: what is sealed opens, and be it nothing`, () => {
    for (const size of [0, 1, 16, 5000]) {
      const box = sealAead(name, key, nonce, aad, Buffer.alloc(size, 7))
      assert.equal(box.length, size + 16)
      assert.deepEqual(openAead(name, key, nonce, aad, box), Buffer.alloc(size, 7))
    }
  })

  test(`${name}: a box without a whole tag is cut off, whatever is missing of it`, () => {
    const box = sealAead(name, key, nonce, aad, Buffer.alloc(0))
    for (let size = 0; size < 16; size++)
      assert.throws(() => openAead(name, key, nonce, aad, box.subarray(0, size)), { name: 'SealError', reason: 'malformed' })
  })

  test(`${name}: another key, nonce or context opens nothing`, () => {
    const box = sealAead(name, key, nonce, aad, Buffer.from('text'))
    for (const [key2, nonce2, aad2] of [
      [input('other'), nonce, aad],
      [key, input('other', 12), aad],
      [key, nonce, input('other', 8)],
      [key, nonce, Buffer.alloc(0)],
    ] as const)
      assert.throws(() => openAead(name, key2, nonce2, aad2, box), { name: 'SealError', reason: 'unreadable' })
  })
}
