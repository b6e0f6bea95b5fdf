import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openTestStore } from '../storage/test-store.ts'
import { AccountStore, migrations, type StoredCredential } from './account-store.ts'

const credential = (hash: string, password: string): StoredCredential => {
  const key = Buffer.from(password)
  return { hash, salt: Buffer.from('salt'), iterations: 4096, storedKey: key, serverKey: key }
}

test('no credential is left to an account that is gone, or to the next one of its name', async () => {
  await using opened = await open()
  const { store } = opened
  assert.equal(await store.addCredential('juliet', credential('SHA-512', 'old')), false)
  await store.replaceCredentials('juliet', [credential('SHA-256', 'old')])
  for (const hash of ['SHA-256', 'SHA-512']) assert.equal(await store.credential('juliet', hash), undefined)
  assert.equal(await store.create('juliet', [credential('SHA-256', 'new')]), true)
  assert.equal((await store.credential('juliet', 'SHA-256'))!.storedKey.toString(), 'new')
})

test('who has logged in with a password that was changed meanwhile adds nothing', async () => {
  await using opened = await open()
  const { store } = opened
  const old = credential('SHA-256', 'old')
  await store.create('juliet', [old])
  assert.equal(await store.addCredential('juliet', credential('SHA-512', 'upgraded'), old), true)
  await store.replaceCredentials('juliet', [credential('SHA-256', 'new')])
  assert.equal(await store.addCredential('juliet', credential('SHA-512', 'evil'), old), false)
  assert.equal(await store.credential('juliet', 'SHA-512'), undefined)
})

async function open() {
  const db = await openTestStore([{ owner: 'core', steps: migrations }])
  return { store: new AccountStore(db), [Symbol.asyncDispose]: () => db.close() }
}
