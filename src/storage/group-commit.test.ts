import assert from 'node:assert/strict'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { sql } from './db.ts'
import { GroupCommit } from './group-commit.ts'
import { Level, LONGEST_TX } from './level.ts'
import { statements } from './statements.ts'

const add = (text: string) => sql`INSERT INTO note (text) VALUES (${text})`
const turn = (): Promise<void> => new Promise(resolve => void setImmediate(resolve))

/** A database whose syncs end when the test says so. */
function held() {
  const raw = new DatabaseSync(':memory:')
  raw.exec('CREATE TABLE note (text TEXT)')
  const syncs: { resolve(): void; reject(error: Error): void }[] = []
  const commits = new GroupCommit(raw, () => new Promise((resolve, reject) => syncs.push({ resolve, reject })))
  const db = new Level({ commits, prepare: statements(raw), exec: text => raw.exec(text) })
  return { raw, syncs, commits, db }
}

test('nobody is told before the sync is done, and one sync serves all', async () => {
  const { raw, syncs, db } = held()
  const told: string[] = []
  const writes = [db.run(add('a')).then(() => told.push('a')), db.tx(inner => inner.run(add('b'))).then(() => told.push('b'))]
  await turn()
  await turn()
  assert.deepEqual([raw.isTransaction, syncs.length, told], [false, 1, []])
  syncs[0]!.resolve()
  await Promise.all(writes)
  assert.deepEqual([syncs.length, told], [1, ['a', 'b']])
})

test('what comes during a sync waits for the next, with what is written when the first is told', async () => {
  const { raw, syncs, db } = held()
  const chained = db.run(add('a')).then(() => db.run(add('c')))
  await turn()
  const during = db.run(add('b'))
  await turn()
  assert.deepEqual([raw.isTransaction, syncs.length], [true, 1])
  syncs[0]!.resolve()
  await turn()
  await turn()
  assert.deepEqual([raw.isTransaction, syncs.length], [false, 2])
  syncs[1]!.resolve()
  await Promise.all([chained, during])
  assert.equal(syncs.length, 2)
})

test('after a failed sync nothing is written any more, and all who wait are told', async () => {
  const { syncs, db } = held()
  const first = db.run(add('a'))
  await turn()
  const second = db.run(add('b'))
  const third = db.tx(async inner => {
    await inner.run(add('c'))
    await first.catch(() => {})
    await inner.run(add('d'))
  })
  syncs[0]!.reject(Object.assign(new Error('I/O'), { code: 'EIO' }))
  for (const write of [first, second, third, db.run(add('e'))])
    await assert.rejects(write, { name: 'StorageError', kind: 'broken', message: /disk failed.*EIO/ })
})

test('who ends lets what was begun finish, and refuses the rest', async () => {
  const { syncs, commits, db } = held()
  const first = db.run(add('a'))
  await turn()
  const second = db.run(add('b'))
  const ending = commits.end()
  syncs[0]!.resolve()
  await first
  await turn()
  syncs[1]!.resolve()
  await Promise.all([second, ending])
  await assert.rejects(db.run(add('c')), { name: 'StorageError', message: /closed/ })
})

test('a transaction that hangs is undone, and the others go on', async t => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const { raw, syncs, db } = held()
  const before = db.run(add('before'))
  const hanging = db.tx(async inner => {
    await inner.run(add('hanging'))
    await db.run(add('of the outer db'))
  })
  const after = db.run(add('after'))
  await turn()
  t.mock.timers.tick(LONGEST_TX)
  await assert.rejects(hanging, { name: 'StorageError', kind: 'busy' })
  syncs[0]!.resolve()
  await turn()
  await turn()
  syncs[1]!.resolve()
  await Promise.all([before, after])
  assert.deepEqual(
    raw
      .prepare('SELECT text FROM note')
      .all()
      .map(row => row['text']),
    ['before', 'after', 'of the outer db'],
  )
})

test('the reads of one turn share a transaction, which ends with the turn or before a write', async () => {
  const { raw, syncs, db } = held()
  const count = sql`SELECT COUNT(*) AS notes FROM note`
  await db.all(count)
  assert.deepEqual([raw.isTransaction, await db.all(count)], [true, [{ notes: 0 }]])
  await turn()
  assert.equal(raw.isTransaction, false)
  await db.all(count)
  const written = db.run(add('a'))
  assert.deepEqual(await db.all(count), [{ notes: 1 }])
  await turn()
  assert.deepEqual([raw.isTransaction, syncs.length], [false, 1])
  syncs[0]!.resolve()
  await written
})

test('a read that fails leaves no transaction open', async () => {
  const { raw, db } = held()
  await db.all(sql`SELECT text FROM note`)
  await assert.rejects(db.all(sql`SELECT abs(-9223372036854775807 - 1) FROM (SELECT 1)`), { name: 'StorageError' })
  raw.exec('ROLLBACK') // as SQLite does by itself after some errors
  await turn()
  await db.all(sql`SELECT text FROM note`)
  await turn()
  assert.equal(raw.isTransaction, false)
})
