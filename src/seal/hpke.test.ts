import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { type HpkeAead, type Psk, setupRecipient, setupSender } from './hpke.ts'
import { decapsulateWith } from './kem.ts'
import { PrivateKey } from './private-key.ts'
import { hex, input } from './test-fixture.ts'

interface Vector {
  readonly name: string
  readonly aead: 1 | 3
  readonly info: string
  readonly skRm: string
  readonly pkRm: string
  readonly skEm: string
  readonly pkEm: string
  readonly psk?: string
  readonly psk_id?: string
  readonly enc: string
  readonly shared_secret: string
  readonly encryptions: readonly { readonly seq: number; readonly aad: string; readonly pt: string; readonly ct: string }[]
}

const vectors: readonly Vector[] = JSON.parse(readFileSync(new URL('hpke-vectors.json', import.meta.url), 'utf8'))
const AEADS: Record<Vector['aead'], HpkeAead> = {
  1: { id: 1, name: 'aes-128-gcm', keySize: 16 },
  3: { id: 3, name: 'chacha20-poly1305', keySize: 32 },
}

for (const vector of vectors) {
  const aead = AEADS[vector.aead]
  const info = hex(vector.info)
  const psk: Psk | undefined = vector.psk ? { secret: hex(vector.psk), id: hex(vector.psk_id!) } : undefined

  test(`${vector.name}: keys and encapsulation`, () => {
    assert.equal(PrivateKey.of(hex(vector.skRm)).publicKey.toString('hex'), vector.pkRm)
    assert.equal(PrivateKey.of(hex(vector.skEm)).publicKey.toString('hex'), vector.pkEm)
    assert.equal(decapsulateWith(hex(vector.skRm), hex(vector.enc)).toString('hex'), vector.shared_secret)
  })

  test(`${vector.name}: the sender seals what the RFC says`, () => {
    const encapsulation = { enc: hex(vector.enc), secret: hex(vector.shared_secret) }
    const { enc, context } = setupSender(hex(vector.pkRm), info, psk, { aead, encapsulation })
    assert.equal(enc.toString('hex'), vector.enc)
    for (const { seq, aad, pt, ct } of vector.encryptions) assert.equal(context.seal(seq, hex(aad), hex(pt)).toString('hex'), ct)
  })

  test(`${vector.name}: the recipient opens it, in any order`, () => {
    const context = setupRecipient(hex(vector.enc), PrivateKey.of(hex(vector.skRm)), info, psk, aead)
    for (const { seq, aad, pt, ct } of vector.encryptions.toReversed())
      assert.equal(context.open(seq, hex(aad), hex(ct)).toString('hex'), pt)
  })
}

const key = PrivateKey.generate()
const info = Buffer.from('info')
const aad = Buffer.from('aad')
const plain = Buffer.from('O, she doth teach the torches to burn bright!')

test('what one side seals the other opens, with ChaCha20-Poly1305 and a key of its own each time', () => {
  const one = setupSender(key.publicKey, info)
  const other = setupSender(key.publicKey, info)
  assert.notDeepEqual(one.enc, other.enc)
  assert.deepEqual(setupRecipient(one.enc, key, info).open(5, aad, one.context.seal(5, aad, plain)), plain)
  assert.throws(() => setupRecipient(other.enc, key, info).open(5, aad, one.context.seal(5, aad, plain)), { reason: 'unreadable' })
})

test('RFC 9180 §5.2: the sequence number is part of the nonce, all 32 bits of it', () => {
  const { enc, context } = setupSender(key.publicKey, info)
  const opener = setupRecipient(enc, key, info)
  for (const sequence of [0, 1, 255, 256, 65_535, 65_536, 2 ** 24, 2 ** 31, 2 ** 32 - 1]) {
    const box = context.seal(sequence, aad, plain)
    assert.deepEqual(opener.open(sequence, aad, box), plain)
    for (const other of [sequence ^ 1, sequence ^ 256, sequence ^ 65_536, sequence ^ (1 << 30)])
      assert.throws(() => opener.open(other >>> 0, aad, box), { reason: 'unreadable' })
  }
  for (const sequence of [2 ** 32, -1, 0.5]) assert.throws(() => context.seal(sequence, aad, plain), { reason: 'malformed' })
})

test('RFC 9180 §5.1: mode, info, secret and its id are all bound', () => {
  const psk = { secret: input('psk'), id: Buffer.from('id') }
  const { enc, context } = setupSender(key.publicKey, info, psk)
  const box = context.seal(0, aad, plain)
  assert.deepEqual(setupRecipient(enc, key, info, psk).open(0, aad, box), plain)
  for (const [info2, psk2] of [
    [info, undefined],
    [info, { ...psk, id: Buffer.from('ie') }],
    [info, { ...psk, secret: input('other') }],
    [info, { ...psk, secret: Buffer.alloc(32) }],
    [Buffer.from('other'), psk],
  ] as const)
    assert.throws(() => setupRecipient(enc, key, info2, psk2).open(0, aad, box), { reason: 'unreadable' })
})

test('a context that was wiped neither seals nor opens', () => {
  const { context } = setupSender(key.publicKey, info)
  const box = context.seal(0, aad, plain)
  context.wipe()
  assert.throws(() => context.seal(1, aad, plain), /wiped/)
  assert.throws(() => context.open(0, aad, box), /wiped/)
})
