import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openTestStore } from '../../storage/test-store.ts'
import { type Item, stranger } from './item.ts'
import { migrations, RosterStore } from './store.ts'

const juliet: Item = {
  jid: 'juliet@here.example',
  name: 'Juliet ♥',
  groups: ['Friends', '"Capulets", [1]'],
  state: 'from+out',
  isApproved: true,
  isListed: true,
  request: undefined,
}
const nurse: Item = { ...stranger('nurse@here.example'), state: 'none+in', request: '<presence/>' }

async function open(t: { after(work: () => Promise<void>): void }): Promise<RosterStore> {
  const db = await openTestStore([{ owner: 'roster', steps: migrations }])
  t.after(() => db.close())
  return new RosterStore(db)
}

test('items come back as they were kept, with the version of the last change', async t => {
  const store = await open(t)
  assert.deepEqual([await store.items('romeo'), await store.version('romeo')], [[], 0])
  await store.put('romeo', nurse, 2 ** 47)
  await store.put('romeo', juliet, 2 ** 47 + 1)
  assert.deepEqual(await store.items('romeo'), [juliet, nurse])
  assert.equal(await store.version('romeo'), 2 ** 47 + 1)
})

test('an item replaces the one of the same address', async t => {
  const store = await open(t)
  await store.put('romeo', juliet, 1)
  await store.put('romeo', { ...juliet, name: '', groups: [], state: 'both', isApproved: false }, 2)
  assert.deepEqual(await store.items('romeo'), [{ ...juliet, name: '', groups: [], state: 'both', isApproved: false }])
})

test('what is removed is gone, and only that', async t => {
  const store = await open(t)
  await store.put('romeo', juliet, 1)
  await store.put('romeo', nurse, 2)
  await store.put('benvolio', juliet, 7)
  await store.remove('romeo', juliet.jid, 3)
  assert.deepEqual([await store.items('romeo'), await store.version('romeo')], [[nurse], 3])
  await store.removeAll('romeo')
  assert.deepEqual([await store.items('romeo'), await store.version('romeo')], [[], 0])
  assert.deepEqual([await store.items('benvolio'), await store.version('benvolio')], [[juliet], 7])
})
