import assert from 'node:assert/strict'
import { test } from 'node:test'
import { makeCredential } from './credential.ts'
import type { Success } from './exchange.ts'
import { startExchange } from './mechanisms.ts'
import { plainMessage, saltPassword, TestClient } from './test-client.ts'
import { exchangeFor, ITERATIONS, memorySource, offer13, pencils, profile, refuses, tls13 } from './test-fixture.ts'

const plain = (message: Buffer, source = memorySource({ romeo: pencils })) =>
  exchangeFor('PLAIN', { source }).step(message) as Promise<Success>

test('PLAIN logs in with the password, against whichever hash is stored', async () => {
  for (const credential of pencils) {
    const success = await plain(plainMessage('romeo', 'pencil'), memorySource({ romeo: [credential] }))
    assert.equal(success.kind, 'success')
    assert.equal(success.username, 'romeo')
    assert.equal(success.data, undefined)
    assert.equal(success.credential, credential)
  }
})

test('PLAIN hands on the same ClientKey as SCRAM', async () => {
  const { salt } = pencils.find(({ hash }) => hash === 'SHA-256')!
  const client = new TestClient({ mechanism: 'SCRAM-SHA-256', username: 'romeo', password: 'pencil' })
  client.final(Buffer.from(`r=x,s=${salt.toString('base64')},i=${ITERATIONS}`))
  assert.deepEqual(client.saltedPassword, saltPassword('SHA-256', 'pencil', salt.toString('base64'), ITERATIONS))
  assert.deepEqual((await plain(plainMessage('romeo', 'pencil'))).clientKey?.bytes, client.clientKey)
})

test('PLAIN refuses a wrong password, a stranger, and a name that cannot be one', async () => {
  await refuses(plain(plainMessage('romeo', 'Pencil')))
  await refuses(plain(plainMessage('nobody', 'pencil')))
  await refuses(plain(plainMessage('ro meo', 'pencil')))
})

test('PLAIN prepares a password beyond ASCII and leaves ASCII alone', async () => {
  const prepare = (password: string): string => {
    if (password.includes('\u0007')) throw new Error('disallowed')
    return password.normalize('NFC')
  }
  const credential = await makeCredential('cafe\u0301', 'SHA-256', ITERATIONS, undefined, prepare)
  const source = memorySource({ romeo: [credential] })
  const attempt = (password: string) =>
    startExchange('PLAIN', source, tls13, offer13, { ...profile, preparePassword: prepare }).step(plainMessage('romeo', password))
  assert.equal((await attempt('caf\u00e9')).kind, 'success')
  assert.equal((await attempt('cafe\u0301')).kind, 'success')
  await refuses(attempt('cafe'))
  await refuses(attempt('cafe\u0007'))
})

test('PLAIN allows the client’s own authorization identity and no other', async () => {
  assert.equal((await plain(plainMessage('romeo', 'pencil', 'romeo@montague.example'))).kind, 'success')
  await refuses(plain(plainMessage('romeo', 'pencil', 'juliet@montague.example')), 'invalid-authzid')
})

test('PLAIN refuses messages that RFC 4616 does not know', async () => {
  for (const text of [
    '',
    'romeo',
    '\0romeo',
    '\0romeo\0',
    '\0\0pencil',
    '\0romeo\0pencil\0',
    'a\0b\0c\0d',
    '\0\0\0',
    `\0romeo\0${'p'.repeat(5000)}`,
  ]) {
    await refuses(plain(Buffer.from(text)), 'malformed-request')
  }
  await refuses(plain(Buffer.from('00726f6d656f00ff', 'hex')), 'malformed-request')
})

test('PLAIN overwrites the message, password and all', async () => {
  for (const password of ['pencil', 'wrong']) {
    const message = plainMessage('romeo', password)
    await plain(message).catch(() => {})
    assert.ok(message.every(byte => byte === 0))
  }
})
