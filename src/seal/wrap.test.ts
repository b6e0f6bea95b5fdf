import assert from 'node:assert/strict'
import { test } from 'node:test'
import { PrivateKey } from './private-key.ts'
import { sha256 } from './sha256.ts'
import { account, accountKey, clientKey, flips, hex, input, otherLengths } from './test-fixture.ts'
import { type CredentialKind, unwrapKey, wrapKey } from './wrap.ts'

const KINDS: readonly CredentialKind[] = ['SHA-1', 'SHA-256', 'SHA-512', 'HT-SHA-256-ENDP', 'HT-SHA-256-NONE', 'recovery', 'former', 'app']
const wrap = wrapKey('SHA-256', clientKey, accountKey(), account)
const unreadable = { name: 'SealError', reason: 'unreadable' }
const malformed = { name: 'SealError', reason: 'malformed' }

test('every kind of credential opens its own wrap alone', () => {
  for (const kind of KINDS) {
    const wrap = wrapKey(kind, clientKey, accountKey(), account)
    assert.equal(wrap.length, 81)
    for (const other of KINDS)
      if (other === kind) assert.deepEqual(unwrapKey(other, clientKey, wrap, account).bytes, input('skA'))
      else assert.throws(() => unwrapKey(other, clientKey, wrap, account), unreadable)
  }
})

test('two wraps of one key under one secret have nothing in common', () => {
  const other = wrapKey('SHA-256', clientKey, accountKey(), account)
  assert.notDeepEqual(other.subarray(1, 33), wrap.subarray(1, 33))
  assert.notDeepEqual(other.subarray(33), wrap.subarray(33))
})

test('a wrong ClientKey does not open it, nor does StoredKey in its place', () => {
  assert.throws(() => unwrapKey('SHA-256', input('other'), wrap, account), unreadable)
  assert.throws(() => unwrapKey('SHA-256', sha256(clientKey), wrap, account), unreadable)
  assert.throws(() => unwrapKey('SHA-256', Buffer.alloc(0), wrap, account), unreadable)
})

test('it opens for its account and generation alone', () => {
  assert.throws(() => unwrapKey('SHA-256', clientKey, wrap, { ...account, generation: 2 }), unreadable)
  assert.throws(() => unwrapKey('SHA-256', clientKey, wrap, { ...account, id: input('other', 16) }), unreadable)
  for (const generation of [2 ** 32, -1, 1.5])
    assert.throws(() => wrapKey('SHA-256', clientKey, accountKey(), { ...account, generation }), malformed)
  for (const size of [0, 15, 17])
    assert.throws(() => wrapKey('SHA-256', clientKey, accountKey(), { ...account, id: input('acct', size) }), malformed)
})

test('secret and pepper are told apart', () => {
  const pepper = input('pepper')
  const peppered = wrapKey('SHA-256', clientKey, accountKey(), account, pepper)
  assert.deepEqual(unwrapKey('SHA-256', clientKey, peppered, account, { pepper }).bytes, input('skA'))
  assert.throws(() => unwrapKey('SHA-256', clientKey, peppered, account), unreadable)
  assert.throws(() => unwrapKey('SHA-256', clientKey, wrap, account, { pepper }), unreadable)
  assert.throws(
    () => unwrapKey('SHA-256', Buffer.concat([clientKey, pepper.subarray(0, 1)]), peppered, account, { pepper: pepper.subarray(1) }),
    unreadable,
  )
})

test('one bit that is wrong anywhere, and it does not open', () => {
  for (const flipped of flips(wrap)) assert.throws(() => unwrapKey('SHA-256', clientKey, flipped, account), { name: 'SealError' })
})

test('a wrap that is cut off or too long does not open', () => {
  for (const other of otherLengths(wrap)) assert.throws(() => unwrapKey('SHA-256', clientKey, other, account), { name: 'SealError' })
  assert.throws(() => unwrapKey('SHA-256', clientKey, wrap.subarray(0, 48), account), malformed)
})

test('a suite that is not known is refused before anything else', () => {
  for (const suite of [0, 2, 255]) {
    const other = Buffer.from(wrap)
    other[0] = suite
    assert.throws(() => unwrapKey('SHA-256', clientKey, other, account), malformed)
  }
})

test('W6: a public key that was substituted is noticed', () => {
  const substituted = { ...account, publicKey: PrivateKey.generate().publicKey }
  assert.throws(() => unwrapKey('SHA-256', clientKey, wrap, substituted), { name: 'SealError', reason: 'substituted' })
  // Who looks for himself gets the key, whose public half is its own.
  assert.deepEqual(unwrapKey('SHA-256', clientKey, wrap, substituted, { isUnchecked: true }).publicKey, account.publicKey)
})

test('nothing is wrapped with a secret that was wiped, or with none', () => {
  for (const secret of [Buffer.alloc(32), Buffer.alloc(0)])
    assert.throws(() => wrapKey('SHA-256', secret, accountKey(), account), /no secret/)
})

test('a secret that is too long is refused', () => {
  assert.throws(() => wrapKey('SHA-256', Buffer.alloc(65_536, 1), accountKey(), account), malformed)
  assert.throws(() => wrapKey('SHA-256', clientKey, accountKey(), account, Buffer.alloc(65_536, 1)), malformed)
})

test('what is no key does not become one, though it was sealed as one', async () => {
  const { sealBox } = await import('./box.ts')
  const { credentialInfo } = await import('./wrap.ts')
  const ikm = Buffer.concat([hex('0020'), clientKey, hex('0000')])
  for (const size of [0, 31, 33]) {
    const blob = sealBox(ikm, credentialInfo('SHA-256', account), Buffer.alloc(size, 1))
    assert.throws(() => unwrapKey('SHA-256', clientKey, blob, account), malformed)
  }
})
