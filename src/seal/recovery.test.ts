import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { hkdf } from './hkdf.ts'
import { newRecoveryCode, readRecoveryCode, recoveryVerifier, writeRecoveryCode } from './recovery.ts'
import { sha256 } from './sha256.ts'
import { hex, input } from './test-fixture.ts'

test('a code has 26 letters in groups, and is read as it was shown', () => {
  const { text, secret } = newRecoveryCode()
  assert.match(text, /^([A-Z2-7]{5}-){4}[A-Z2-7]{6}$/)
  assert.deepEqual(readRecoveryCode(text)!.bytes, secret.bytes)
  assert.notDeepEqual(newRecoveryCode().secret.bytes, secret.bytes)
})

test('RFC 4648 §6: the letters are base32', () => {
  assert.equal(writeRecoveryCode(Buffer.from('foobarfoobarfoob')), 'MZXW6-YTBOJ-TG633-CMFZG-M33PMI')
  assert.equal(writeRecoveryCode(Buffer.alloc(16)), 'AAAAA-AAAAA-AAAAA-AAAAA-AAAAAA')
  assert.equal(writeRecoveryCode(Buffer.alloc(16, 0xff)), '77777-77777-77777-77777-777774')
})

test('every code is read as it was written, however it is typed', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 16, maxLength: 16 }), bytes => {
      const text = writeRecoveryCode(Buffer.from(bytes))
      const typed = text.toLowerCase().replaceAll('-', ' ').replaceAll('o', '0').replaceAll('i', '1').replaceAll('b', '8')
      for (const form of [text, text.replaceAll('-', ''), ` ${typed}\n`])
        assert.deepEqual(readRecoveryCode(form)!.bytes, Buffer.from(bytes))
    }),
    { numRuns: 200 },
  )
})

test('what is no code is none', () => {
  const { text } = newRecoveryCode()
  for (const other of [
    '',
    text.slice(1),
    `${text}A`,
    `A${text}`,
    text.replace(/^./, '9'),
    text.replace(/^./, 'Ä'),
    text.replace(/^./, '!'),
    text.replace(/.$/, 'B'),
  ])
    assert.equal(readRecoveryCode(other), undefined, other)
  for (const last of 'BCDFGHJKLNOPRSTVWXZ23567') assert.equal(readRecoveryCode(text.slice(0, -1) + last), undefined, last)
})

test('the server keeps what knows the code again and opens nothing', () => {
  const code = input('recovery', 16)
  assert.deepEqual(recoveryVerifier(code), sha256(hkdf('sha256', code, Buffer.alloc(0), 'auth', 32)))
  assert.deepEqual(recoveryVerifier(readRecoveryCode(writeRecoveryCode(code))!.bytes), recoveryVerifier(code))
  assert.notDeepEqual(recoveryVerifier(hex('990214006e0ed6749af5c52c6d0b7303')), recoveryVerifier(code))
})
