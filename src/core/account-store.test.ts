import assert from 'node:assert/strict'
import { randomBytes, randomInt } from 'node:crypto'
import { test } from 'node:test'
import { openTestStore } from '../storage/test-store.ts'
import { AccountStore, migrations, type StoredCredential } from './account-store.ts'
import type { SealIdentity } from './key-store.ts'

const credential = (hash: string, password: string): StoredCredential => {
  const key = Buffer.from(password)
  return { hash, salt: Buffer.from('salt'), iterations: 4096, storedKey: key, serverKey: key }
}

const identity = (): SealIdentity => ({
  number: randomInt(2 ** 47),
  id: randomBytes(16),
  generation: 1,
  publicKey: Buffer.alloc(32),
})

test('no credential is left to an account that is gone, or to the next one of its name', async () => {
  await using opened = await open()
  const { store } = opened
  assert.equal(await store.addCredential('juliet', credential('SHA-512', 'old')), false)
  await store.replaceCredentials('juliet', [credential('SHA-256', 'old')])
  for (const hash of ['SHA-256', 'SHA-512']) assert.equal(await store.credential('juliet', hash), undefined)
  assert.equal(await store.create('juliet', identity(), [credential('SHA-256', 'new')]), true)
  assert.equal((await store.credential('juliet', 'SHA-256'))!.storedKey.toString(), 'new')
})

test('who has logged in with a password that was changed meanwhile adds nothing', async () => {
  await using opened = await open()
  const { store } = opened
  const old = credential('SHA-256', 'old')
  await store.create('juliet', identity(), [old])
  assert.equal(await store.addCredential('juliet', credential('SHA-512', 'upgraded'), old), true)
  await store.replaceCredentials('juliet', [credential('SHA-256', 'new')])
  assert.equal(await store.addCredential('juliet', credential('SHA-512', 'evil'), old), false)
  assert.equal(await store.credential('juliet', 'SHA-512'), undefined)
})

test('it is known how many accounts have which number of iterations, before and after it was first asked', async () => {
  await using opened = await open()
  const { store } = opened
  const rounds = (iterations: number): StoredCredential[] => ['SHA-256', 'SHA-512'].map(hash => ({ ...credential(hash, 'x'), iterations }))
  for (const name of ['juliet', 'romeo', 'nurse']) await store.create(name, identity(), rounds(4096))
  await store.replaceCredentials('nurse', rounds(5000))
  await store.create('tybalt', identity(), [])
  const inUse = await store.iterationsInUse()
  assert.deepEqual(
    [...inUse],
    [
      [4096, 2],
      [5000, 1],
    ],
  )
  await store.create('paris', identity(), rounds(5000))
  await store.create('paris', identity(), rounds(6000)) // the name is taken
  await store.replaceCredentials('juliet', rounds(5000))
  await store.replaceCredentials('nobody', rounds(6000))
  assert.deepEqual(
    [...inUse],
    [
      [4096, 1],
      [5000, 3],
    ],
  )
  await store.remove('romeo', async () => {})
  await store.remove('romeo', async () => {})
  assert.deepEqual([...inUse], [[5000, 3]])
  assert.deepEqual([...(await new AccountStore(opened.db).iterationsInUse())], [[5000, 3]])
})

test('an account without a credential of that hash shows another one', async () => {
  await using opened = await open()
  const { store } = opened
  await store.create('juliet', identity(), [credential('SHA-256', 'one'), credential('SHA-512', 'other')])
  assert.equal((await store.anyCredential('juliet', 'SHA-512'))!.storedKey.toString(), 'other')
  assert.equal((await store.anyCredential('juliet', 'SHA-1'))!.hash, 'SHA-256')
  assert.equal(await store.anyCredential('nobody', 'SHA-1'), undefined)
  assert.equal(await store.credential('juliet', 'SHA-1'), undefined)
})

async function open() {
  const db = await openTestStore([{ owner: 'core', steps: migrations }])
  return { db, store: new AccountStore(db), [Symbol.asyncDispose]: () => db.close() }
}
