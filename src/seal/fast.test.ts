import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { test } from 'node:test'
import { openBox } from './box.ts'
import { type FastRecord, hashedToken, openFast, sealFast } from './fast.ts'
import { PrivateKey } from './private-key.ts'
import { account, accountKey, flips, hex, input, otherLengths } from './test-fixture.ts'

const token = Buffer.from('a token of any length, as it was given to the client')
const binding = input('certificate')
const proof = hashedToken(token, 'Initiator', binding)
const record = sealFast('HT-SHA-256-ENDP', token, proof, accountKey(), account)
const unreadable = { name: 'SealError', reason: 'unreadable' }

test('draft-ietf-kitten-sasl-ht §3: what each side sends', () => {
  assert.deepEqual(proof, createHmac('sha256', token).update('Initiator').update(binding).digest())
  assert.deepEqual(hashedToken(token, 'Responder', binding), createHmac('sha256', token).update('Responder').update(binding).digest())
  assert.deepEqual(hashedToken(token, 'Initiator', Buffer.alloc(0)), createHmac('sha256', token).update('Initiator').digest())
})

test('the proof opens the key and the token', () => {
  const opened = openFast('HT-SHA-256-ENDP', proof, record, account)
  assert.deepEqual(opened.token.bytes, token)
  assert.deepEqual(opened.key.bytes, input('skA'))
})

test('the box of the token is one of its own kind: no other box of the account has its key', () => {
  const info = Buffer.concat([Buffer.from('CXZ-SEAL-1 fast token'), account.id, hex('00000001')])
  assert.deepEqual(openBox(proof, info, record.tokenBox), token)
})

test('what is stored has neither the token nor the proof in it', () => {
  const stored = Buffer.concat([record.verifier, record.wrap, record.tokenBox]).toString('hex')
  for (const secret of [token, proof, input('skA')]) assert.ok(!stored.includes(secret.toString('hex')))
})

test('no other proof opens it, not even what is stored to know it again', () => {
  for (const other of [
    hashedToken(token, 'Responder', binding),
    hashedToken(token, 'Initiator', input('other')),
    record.verifier,
    Buffer.alloc(0),
  ])
    assert.throws(() => openFast('HT-SHA-256-ENDP', other, record, account), unreadable)
})

test('a record opens for its mechanism, its account and its generation alone', () => {
  assert.throws(() => openFast('HT-SHA-256-NONE', proof, record, account), unreadable)
  assert.throws(() => openFast('HT-SHA-256-ENDP', proof, record, { ...account, generation: 2 }), unreadable)
  assert.throws(() => openFast('HT-SHA-256-ENDP', proof, record, { ...account, id: input('other', 16) }), unreadable)
})

test('the boxes of two accounts cannot be mixed', () => {
  const other = { ...account, id: input('other', 16) }
  const { tokenBox } = sealFast('HT-SHA-256-ENDP', token, proof, accountKey(), other)
  assert.throws(() => openFast('HT-SHA-256-ENDP', proof, { ...record, tokenBox }, account), unreadable)
})

test('W6: a public key that was substituted is noticed', () => {
  const substituted = { ...account, publicKey: PrivateKey.generate().publicKey }
  assert.throws(() => openFast('HT-SHA-256-ENDP', proof, record, substituted), { reason: 'substituted' })
  assert.ok(openFast('HT-SHA-256-ENDP', proof, record, substituted, { isUnchecked: true }))
})

test('one bit that is wrong anywhere, or a byte more or less, and it does not open', () => {
  for (const part of ['verifier', 'wrap', 'tokenBox'] as const)
    for (const bytes of [...flips(record[part]), ...otherLengths(record[part])]) {
      const other: FastRecord = { ...record, [part]: bytes }
      assert.throws(() => openFast('HT-SHA-256-ENDP', proof, other, account), { name: 'SealError' }, part)
    }
})
