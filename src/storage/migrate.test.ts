import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { type Migration, type Migrations, StorageError, sql } from './db.ts'
import { openSqlite } from './sqlite.ts'

const folder = mkdtempSync(join(tmpdir(), 'conexizan-migrate-'))
after(() => rmSync(folder, { recursive: true }))
let files = 0
const file = (): string => join(folder, `${files++}.db`)

// The schema as the first release had it. Databases with it are out there: it never changes again, only steps are added to it.
const first: Migration = ({ identity }) => `CREATE TABLE note (id ${identity}, text TEXT NOT NULL); CREATE INDEX note_text ON note (text)`
const second: Migration = () => `ALTER TABLE note ADD COLUMN at BIGINT NOT NULL DEFAULT 0; UPDATE note SET at = 7`
const notes = (...steps: Migration[]): Migrations => ({ owner: 'notes', steps })

test('a database of the first release gets the steps it misses, once', async () => {
  const path = file()
  let db = await openSqlite(path, [notes(first)])
  await db.run(sql`INSERT INTO note (text) VALUES ('old')`)
  await db.close()
  for (let start = 0; start < 2; start++) {
    db = await openSqlite(path, [notes(first, second)])
    assert.deepEqual(await db.all(sql`SELECT text, at FROM note`), [{ text: 'old', at: 7 }])
    await db.close()
  }
})

test('owners are counted apart, and one that is gone keeps its tables', async () => {
  const path = file()
  const rooms: Migrations = { owner: 'rooms', steps: [() => 'CREATE TABLE room (name TEXT)'] }
  await (await openSqlite(path, [notes(first, second)])).close()
  const db = await openSqlite(path, [rooms])
  assert.deepEqual(await db.all(sql`SELECT owner, version FROM schema_version ORDER BY owner`), [
    { owner: 'notes', version: 2 },
    { owner: 'rooms', version: 1 },
  ])
  await db.close()
})

test('an owner whose step fails keeps the schema it had', async () => {
  const path = file()
  await (await openSqlite(path, [notes(first)])).close()
  await assert.rejects(openSqlite(path, [notes(first, second, () => 'CREATE TABLE other (a TEXT); nonsense')]), StorageError)
  const db = await openSqlite(path, [notes(first)])
  assert.deepEqual(await db.all(sql`SELECT name FROM pragma_table_info('note')`), [{ name: 'id' }, { name: 'text' }])
  assert.deepEqual(await db.all(sql`SELECT name FROM sqlite_schema WHERE name = 'other'`), [])
  await db.close()
})

test('a database newer than the program is refused with a sentence', async () => {
  const path = file()
  await (await openSqlite(path, [notes(first, second)])).close()
  await assert.rejects(openSqlite(path, [notes(first)]), {
    name: 'StorageError',
    kind: 'unreadable',
    message: /"notes".* version 2.* only 1/,
  })
})
