import assert from 'node:assert/strict'
import { test } from 'node:test'
import { every, list, type Migrations, type Sql, StorageError, type Store, sql } from './db.ts'
import { openTestStore } from './test-store.ts'

const notes: Migrations = {
  owner: 'notes',
  steps: [({ identity, bytes }) => `CREATE TABLE note (id ${identity}, text TEXT NOT NULL UNIQUE, at BIGINT, body ${bytes})`],
}
const open = (): Promise<Store> => openTestStore([notes])
const add = (text: string) => sql`INSERT INTO note (text) VALUES (${text})`
const texts = async (db: Store): Promise<string[]> =>
  (await db.all<{ text: string }>(sql`SELECT text FROM note ORDER BY id`)).map(({ text }) => text)

test('values go in and come out as they were', async () => {
  await using db = await opened()
  const body = new Uint8Array([0, 1, 255])
  assert.equal(await db.run(sql`INSERT INTO note (text, at, body) VALUES (${"it's"}, ${1_790_000_000_000}, ${body})`), 1)
  const [row] = await db.all<{ text: string; at: number; body: Uint8Array }>(sql`SELECT text, at, body FROM note`)
  assert.equal(row!.text, "it's")
  assert.equal(row!.at, 1_790_000_000_000)
  assert.deepEqual([...row!.body], [0, 1, 255])
})

test('a boolean is kept as 1 or 0', async () => {
  await using db = await opened()
  await db.run(sql`INSERT INTO note (text, at) VALUES ('a', ${true}), ('b', ${false})`)
  assert.deepEqual(await db.all(sql`SELECT at FROM note ORDER BY text`), [{ at: 1 }, { at: 0 }])
})

test('rows are added together, with keys beyond what a number can hold', async () => {
  await using db = await opened()
  const large = 2n ** 62n
  await db.insert(sql`INSERT INTO note (id, text)`, [
    [large + 2n, 'b'],
    [large + 1n, 'a'],
  ])
  await db.insert(sql`INSERT INTO note (id, text)`, [])
  await db.tx(inner => inner.insert(sql`INSERT INTO note (id, text)`, [[large + 3n, 'c']]))
  assert.deepEqual(await texts(db), ['a', 'b', 'c'])
  assert.deepEqual(await db.all(sql`SELECT id & 3 AS low FROM note WHERE id > ${large + 1n} ORDER BY id`), [{ low: 2 }, { low: 3 }])
  assert.equal(await db.run(sql`DELETE FROM note WHERE id = ${large + 1n}`), 1)
  await assert.rejects(db.insert(sql`INSERT INTO note (id, text)`, [[large + 9n, 'b']]), StorageError)
})

test('conditions and lists nest', async () => {
  await using db = await opened()
  for (const text of ['a', 'b', 'c']) await db.run(add(text))
  const find = (...conditions: (Sql | false)[]) => db.all(sql`SELECT text FROM note WHERE ${every(...conditions)} ORDER BY id`)
  assert.deepEqual(await find(sql`text IN ${list(['a', 'c'])}`, false, sql`id > ${1}`), [{ text: 'c' }])
  assert.deepEqual(await find(sql`text = ${'a'} OR text = ${'b'}`, sql`text = ${'c'}`), [])
  assert.deepEqual(await find(sql`text IN ${list([])}`), [])
  assert.equal((await find()).length, 3)
})

test('a row that is written is there for the next read, even before it is safe', async () => {
  await using db = await opened()
  const written = db.run(add('a'))
  assert.deepEqual(await texts(db), ['a'])
  await written
})

test('a read overtakes no write that takes longer', async () => {
  await using db = await opened()
  await Promise.all(Array.from({ length: 10 }, () => texts(db))) // now all connections that there may be are open
  const written = db.run(sql`INSERT INTO note (text, body) VALUES ('a', ${new Uint8Array(2_000_000)})`)
  assert.deepEqual(await texts(db), ['a'])
  await written
})

test('a write that returns rows is done when it is safe', async () => {
  await using db = await opened()
  const [row] = await db.all<{ id: number }>(sql`INSERT INTO note (text) VALUES ('a') RETURNING id`)
  assert.equal(row!.id, 1)
})

test('a failed statement fails only itself', async () => {
  await using db = await opened()
  const results = await Promise.allSettled([db.run(add('a')), db.run(add('a')), db.run(add('b'))])
  assert.deepEqual(
    results.map(({ status }) => status),
    ['fulfilled', 'rejected', 'fulfilled'],
  )
  assert.deepEqual(await texts(db), ['a', 'b'])
})

test('an error names no value', async () => {
  await using db = await opened()
  await db.run(add('juliet'))
  for (const statement of [add('juliet'), sql`SELECT ${'juliet'} FROM nowhere`, sql`INSERT INTO note (text) VALUES (${{ a: 'juliet' }})`])
    await assert.rejects(
      db.run(statement),
      error => error instanceof StorageError && error.kind === 'broken' && !/juliet/.test(String(error.stack)),
    )
})

test('a transaction happens whole or not at all', async () => {
  await using db = await opened()
  assert.equal(
    await db.tx(async inner => {
      await inner.run(add('a'))
      await inner.run(add('b'))
      return 7
    }),
    7,
  )
  await assert.rejects(
    db.tx(async inner => {
      await inner.run(add('c'))
      throw new Error('no')
    }),
    /no/,
  )
  assert.deepEqual(await texts(db), ['a', 'b'])
})

test('the writes of others are not undone with a transaction', async () => {
  await using db = await opened()
  const { promise: pause, resolve: go } = Promise.withResolvers<void>()
  const failing = db.tx(async inner => {
    await inner.run(add('inside'))
    await pause
    throw new Error('no')
  })
  const outside = db.run(add('outside'))
  const another = db.tx(inner => inner.run(add('another')))
  go()
  await assert.rejects(failing, /no/)
  await Promise.all([outside, another])
  assert.deepEqual((await texts(db)).toSorted(), ['another', 'outside'])
})

test('after a failed statement a transaction is undone, even if its work goes on', async () => {
  await using db = await opened()
  await db.run(add('a'))
  await assert.rejects(
    db.tx(async inner => {
      await inner.run(add('b'))
      await inner.run(add('a')).catch(() => {})
    }),
    StorageError,
  )
  assert.deepEqual(await texts(db), ['a'])
})

test('a transaction within a transaction is undone alone', async () => {
  await using db = await opened()
  await db.tx(async inner => {
    await inner.run(add('a'))
    const nested = inner.tx(async deep => {
      await deep.run(add('b'))
      throw new Error('no')
    })
    const sibling = inner.run(add('c'))
    await assert.rejects(nested, /no/)
    await sibling
  })
  assert.deepEqual(await texts(db), ['a', 'c'])
})

test('a transaction cannot be used after its end', async () => {
  await using db = await opened()
  const inner = await db.tx(async inner => [inner])
  await assert.rejects(inner[0]!.run(add('late')), StorageError)
  assert.deepEqual(await texts(db), [])
})

async function opened(): Promise<Store & AsyncDisposable> {
  const store = await open()
  return { ...store, [Symbol.asyncDispose]: () => store.close() }
}
