import assert from 'node:assert/strict'
import { createHmac, hash } from 'node:crypto'
import { test } from 'node:test'
import type { TokenSuccess } from './exchange.ts'
import { type KeptToken, startTokenExchange, type TokenMechanism, type TokenSource, tokenMechanismsFor } from './ht.ts'
import { endPointData, profile, refuses, tls12, tls13 } from './test-fixture.ts'

const NOTHING: KeptToken = { mechanism: undefined, verifier: Buffer.alloc(32), open: async () => undefined }
const NONE = Buffer.alloc(0)
// The vectors of PRIVACY.md §2.13.
const TOKEN = 'WXZzciBwYmFmdmZnZiBqdmd1IGp2eXFhcmZm'
const VECTOR_BINDING = Buffer.from('a3dd2f111191aa894ec297abfd4b162e8932a886b7d1fc96950f0f4c926bf10f', 'hex')
const VECTOR_PROOF = 'ecd2fc2f1fa8cfc518b7814dc2af27b1efefdf66a7803c6840d35234694fd85d'

const hashed = (side: string, binding: Buffer, token = TOKEN): Buffer => createHmac('sha256', token).update(side).update(binding).digest()
const message = (proof: Buffer, name = 'romeo'): Buffer => Buffer.concat([Buffer.from(`${name}\0`), proof])

/** A client with this token; whatever it is opened with is noted. */
function kept(mechanism: TokenMechanism, binding: Buffer, opened: Buffer[] = []): KeptToken {
  return {
    mechanism,
    verifier: hash('sha256', hashed('Initiator', binding), 'buffer'),
    open: async (proof, data) => {
      opened.push(Buffer.from(proof))
      return proof.equals(hashed('Initiator', data)) ? hashed('Responder', data) : undefined
    },
  }
}
const source = (...tokens: KeptToken[]): TokenSource => ({
  find: async name => (name === 'romeo' ? [...tokens, NOTHING, NOTHING].slice(0, 2) : [NOTHING, NOTHING]),
})
const start = (mechanism: string, from: TokenSource, binding = tls13) => startTokenExchange(mechanism, from, binding, profile)

test('the vectors of the sealed token are those of the mechanism', () => {
  assert.equal(hashed('Initiator', VECTOR_BINDING).toString('hex'), VECTOR_PROOF)
})

for (const [mechanism, binding] of [
  ['HT-SHA-256-ENDP', endPointData],
  ['HT-SHA-256-NONE', NONE],
] as const) {
  test(`${mechanism}: one message logs in, and the answer proves that the server knows the token`, async () => {
    for (const others of [[], [kept('HT-SHA-256-NONE', Buffer.from('another'))]]) {
      const opened: Buffer[] = []
      const step = await start(mechanism, source(...others, kept(mechanism, binding, opened))).step(message(hashed('Initiator', binding)))
      const { username, data } = step as TokenSuccess
      assert.deepEqual([step.kind, username, data], ['success', 'romeo', hashed('Responder', binding)])
      assert.deepEqual(opened, [hashed('Initiator', binding)])
    }
  })

  test(`${mechanism}: the proof of another token, of another side, cut short or grown, is none`, async () => {
    const proof = hashed('Initiator', binding)
    const wrong = [
      hashed('Initiator', binding, 'another'),
      hashed('Responder', binding),
      hashed('Initiator', Buffer.from('x')),
      proof.subarray(1),
      Buffer.concat([proof, NONE, Buffer.from([0])]),
      Buffer.concat([Buffer.from([0]), proof]), // the form of draft-ietf-kitten-sasl-ht-01
      Buffer.from(proof.toString('hex')),
    ]
    for (const each of wrong) await refuses(start(mechanism, source(kept(mechanism, binding))).step(message(each)))
  })
}

test('what is kept is not a proof', async () => {
  const token = kept('HT-SHA-256-NONE', NONE)
  await refuses(start('HT-SHA-256-NONE', source(token)).step(message(token.verifier)))
  await refuses(start('HT-SHA-256-NONE', source()).step(message(Buffer.alloc(32))))
})

test('XEP-0484 §3.4: a token is for the mechanism it was asked for', async () => {
  // As if the binding were empty: the proofs of both mechanisms are then the same.
  const binding = { ...tls13, endPoint: () => NONE }
  await refuses(start('HT-SHA-256-NONE', source(kept('HT-SHA-256-ENDP', NONE)), binding).step(message(hashed('Initiator', NONE))))
  await refuses(start('HT-SHA-256-ENDP', source(kept('HT-SHA-256-NONE', NONE)), binding).step(message(hashed('Initiator', NONE))))
})

test('a token of one certificate is none under another', async () => {
  const renewed = { ...tls13, endPoint: () => Buffer.alloc(32, 9) }
  const tokens = source(kept('HT-SHA-256-ENDP', endPointData))
  await refuses(start('HT-SHA-256-ENDP', tokens, renewed).step(message(hashed('Initiator', Buffer.alloc(32, 9)))))
  // Who shows the old certificate to a client and has its proof would otherwise be let in under the new one.
  await refuses(start('HT-SHA-256-ENDP', tokens, renewed).step(message(hashed('Initiator', endPointData))), 'credentials-expired')
})

test('a token of another account is none', async () => {
  await refuses(start('HT-SHA-256-NONE', source(kept('HT-SHA-256-NONE', NONE))).step(message(hashed('Initiator', NONE), 'juliet')))
})

test('a token that is over lets the client log in by other means', async () => {
  const over = { ...kept('HT-SHA-256-NONE', NONE), open: async () => undefined }
  await refuses(start('HT-SHA-256-NONE', source(over)).step(message(hashed('Initiator', NONE))), 'credentials-expired')
})

test('what is no message of the mechanism is refused before anybody is looked for', async () => {
  const unasked: TokenSource = { find: () => assert.fail('somebody was looked for') }
  const proof = hashed('Initiator', NONE)
  for (const bytes of [NONE, Buffer.from('romeo'), Buffer.from('romeo\0'), message(proof, ''), Buffer.from('\xff\0x', 'latin1')])
    await refuses(start('HT-SHA-256-NONE', unasked).step(Buffer.from(bytes)), 'malformed-request')
  await refuses(start('HT-SHA-256-NONE', unasked).step(message(proof, 'ro meo')))
})

test('ENDP is there only where a certificate is known, and no other mechanism ever', () => {
  assert.deepEqual(tokenMechanismsFor(tls13), ['HT-SHA-256-ENDP', 'HT-SHA-256-NONE'])
  assert.deepEqual(tokenMechanismsFor(tls12), ['HT-SHA-256-ENDP', 'HT-SHA-256-NONE'])
  assert.deepEqual(tokenMechanismsFor({}), ['HT-SHA-256-NONE'])
  for (const [mechanism, binding] of [
    ['HT-SHA-256-ENDP', {}],
    ['HT-SHA-256-EXPR', tls13],
    ['HT-SHA-256-UNIQ', tls12],
    ['HT-SHA-512-NONE', tls13],
    ['SCRAM-SHA-256', tls13],
  ] as const)
    assert.throws(() => startTokenExchange(mechanism, source(), binding, profile), { condition: 'invalid-mechanism' })
})

test('the message is overwritten once it was read', async () => {
  const bytes = message(hashed('Initiator', NONE))
  await start('HT-SHA-256-NONE', source(kept('HT-SHA-256-NONE', NONE))).step(bytes)
  assert.ok(bytes.every(byte => byte === 0))
})
