import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openAead } from './aead.ts'
import { u8, u64 } from './encoding.ts'
import { openFast, sealFast } from './fast.ts'
import { decapsulateWith, encapsulateTo } from './kem.ts'
import { unpad } from './padding.ts'
import { PrivateKey } from './private-key.ts'
import { SealError } from './seal-error.ts'
import { SegmentOpener } from './segment.ts'
import { openShredMemory } from './shred-store.ts'
import { account, accountKey, address, clientKey, input } from './test-fixture.ts'
import { readKey, unwrapKey, wrapKey } from './wrap.ts'

const key = input('key')
const nonce = Buffer.alloc(12)
const none = Buffer.alloc(0)
const open = (enc: Buffer) => new SegmentOpener(address, enc, accountKey(), key, key)
const enc = Buffer.concat([Buffer.of(1), encapsulateTo(account.publicKey).enc])

const REFUSALS: readonly (readonly [RegExp, () => unknown])[] = [
  [/cut off/, () => openAead('aes-256-gcm', key, nonce, none, none)],
  [/does not open with this key/, () => openAead('aes-256-gcm', key, nonce, none, Buffer.alloc(16))],
  [/does not fit into 1 bytes/, () => u8(256)],
  [/not a whole and safe one/, () => u64(-1)],
  [/id of an account has 16 bytes/, () => wrapKey('SHA-256', clientKey, accountKey(), { ...account, id: none })],
  [/not the proof/, () => openFast('HT-SHA-256-NONE', key, sealFast('HT-SHA-256-NONE', key, clientKey, accountKey(), account), account)],
  [/public key is none/, () => encapsulateTo(none)],
  [/encapsulated key is none/, () => decapsulateWith(key, none)],
  [/not padded/, () => unpad(none, 128)],
  [/no such place/, () => open(enc).body(0.5, 1, none)],
  [/too long/, () => open(Buffer.concat([enc, Buffer.of(0)]))],
  [/not known here/, () => open(none)],
  [
    /not that of its private key/,
    () => unwrapKey('SHA-256', clientKey, wrapKey('SHA-256', clientKey, PrivateKey.generate(), account), account),
  ],
  [/sealed as a key is none/, () => readKey(none)],
  [/handed over are damaged/, () => openShredMemory(none)],
  [/time of this period is over/, () => withClock().makePeriod(7, 0)],
  [/no such retention class/, () => withClock().makePeriod(2, 0)],
  [/id of an account has 16 bytes/, () => withClock().makeAccount(none)],
]

function withClock(): ReturnType<typeof openShredMemory> {
  const store = openShredMemory()
  void store.confirmClock(Date.UTC(2026, 7, 18))
  return store
}

test('a refusal says in a sentence for operators what is wrong, and to the program why', async () => {
  for (const [message, work] of REFUSALS)
    await assert.rejects(
      async () => work(),
      error => error instanceof SealError && error.name === 'SealError' && message.test(error.message),
      String(message),
    )
})

test('what OpenSSL says of a key is kept', () => {
  for (const work of [() => encapsulateTo(none), () => decapsulateWith(key, none)])
    assert.throws(work, (error: SealError) => error.cause instanceof Error)
})

test('what only a mistake of the program can do is no SealError', () => {
  assert.throws(() => PrivateKey.of(none), { name: 'RangeError', message: /private key/ })
})
