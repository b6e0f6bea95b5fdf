import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { DatabaseSync } from 'node:sqlite'
import { after, test } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import { rowsIn } from '../../test/privacy/pages.ts'
import { type Migrations, sql } from './db.ts'
import { openSqlite } from './sqlite.ts'

const folder = mkdtempSync(join(tmpdir(), 'conexizan-sqlite-'))
after(() => rmSync(folder, { recursive: true }))
let files = 0
const file = (): string => join(folder, `${files++}.db`)

const notes: Migrations = { owner: 'notes', steps: [({ identity }) => `CREATE TABLE note (id ${identity}, text TEXT NOT NULL)`] }
const add = (text: string) => sql`INSERT INTO note (text) VALUES (${text})`
const count = sql`SELECT count(*) AS n FROM note`

/** What another program sees, that is, what is committed. */
function committed(path: string): number {
  const other = new DatabaseSync(path, { readOnly: true })
  const { n } = other.prepare('SELECT count(*) AS n FROM note').get() as { n: number }
  other.close()
  return n
}

test('what is written in one turn is committed at once, and nobody is told before', async () => {
  const path = file()
  const db = await openSqlite(path, [notes])
  const told: string[] = []
  const writes = ['a', 'b', 'c'].map(text => db.run(add(text)).then(() => told.push(text)))
  await Promise.resolve()
  assert.deepEqual([committed(path), told], [0, []])
  await writes[0]
  assert.equal(committed(path), 3)
  await Promise.all(writes)
  assert.deepEqual(told, ['a', 'b', 'c'])
  await db.close()
})

test('what is written while a sync is under way goes into the next one', async () => {
  const path = file()
  const db = await openSqlite(path, [notes])
  const told: string[] = []
  const first = db.run(add('first')).then(() => told.push('first'))
  await new Promise(setImmediate)
  const second = db.run(add('second')).then(() => told.push('second'))
  await Promise.all([first, second])
  assert.deepEqual(told, ['first', 'second'])
  assert.equal(committed(path), 2)
  await db.close()
})

test('files are for their owner alone', async () => {
  const path = join(folder, 'mode')
  mkdirSync(path)
  const db = await openSqlite(join(path, 'a.db'), [notes])
  assert.deepEqual(
    readdirSync(path).map(name => statSync(join(path, name)).mode & 0o777),
    [0o600, 0o600, 0o600],
  )
  await db.close()
  assert.deepEqual(readdirSync(path), ['a.db'])
})

test('after tidy nothing is left of a deleted row', async () => {
  const path = file()
  const db = await openSqlite(path, [notes])
  const isThere = () => [path, `${path}-wal`, `${path}-shm`].some(name => readFileSync(name).includes('juliet-secret'))
  for (let i = 0; i < 200; i++) await db.run(add(`juliet-secret ${'x'.repeat(i * 40)}`))
  assert.ok(isThere())
  await db.run(sql`DELETE FROM note`)
  await db.tidy()
  assert.ok(!isThere())
  await db.close()
})

test('what rests for a while leaves nothing in the -wal', async () => {
  const path = file()
  const db = await openSqlite(path, [notes])
  await db.run(add('a'))
  assert.ok(statSync(`${path}-wal`).size > 0)
  for (let i = 0; i < 100 && statSync(`${path}-wal`).size > 0; i++) await wait(100)
  assert.equal(statSync(`${path}-wal`).size, 0)
  await db.close()
})

test('written anew, all lies in the order of its keys, and none of the order in which it came is left', async () => {
  const path = file()
  const table = 'CREATE TABLE row (place INTEGER PRIMARY KEY, body BLOB)'
  const db = await openSqlite(path, [{ owner: 'rows', steps: [() => table] }])
  for (let ord = 0; ord < 40; ord++)
    for (const account of [7, 3, 9]) await db.run(sql`INSERT INTO row VALUES (${account * 1000 + ord}, ${new Uint8Array(2300)})`)
  await db.tidy()
  const pages = (): number[] => {
    using other = new DatabaseSync(path, { readOnly: true })
    const { rootpage } = other.prepare(`SELECT rootpage FROM sqlite_master WHERE name = 'row'`).get()!
    return [...rowsIn(readFileSync(path), Number(rootpage))].map(({ page }) => page)
  }
  const isAscending = (numbers: readonly number[]): boolean => numbers.every((number, i) => i === 0 || number >= numbers[i - 1]!)
  assert.ok(!isAscending(pages()))
  const written = db.run(sql`INSERT INTO row VALUES (${3040}, ${new Uint8Array(2300)})`)
  await Promise.all([db.rewrite(2 ** 30), written])
  assert.ok(isAscending(pages()))
  assert.deepEqual(await db.all(sql`SELECT count(*) AS n FROM row`), [{ n: 121 }])
  assert.equal(statSync(`${path}-wal`).size, 0)
  await db.rewrite(1)
  await db.close()
})

test('tidy waits for those who write, and they for nobody', async () => {
  const path = file()
  const db = await openSqlite(path, [notes])
  const write = db.run(add('a'))
  await Promise.all([db.tidy(), write, db.run(add('b'))])
  assert.equal(committed(path), 2)
  await db.close()
})

test('a new database has large pages', async () => {
  const path = file()
  const db = await openSqlite(path, [notes])
  assert.deepEqual(await db.all(sql`PRAGMA page_size`), [{ page_size: 16384 }])
  await db.close()
})

test('a -wal that has grown long is emptied unasked', async () => {
  const path = file()
  const db = await openSqlite(path, [notes])
  await db.run(add('x'.repeat(13 << 20)))
  let writes = 1
  const isLong = (): boolean => statSync(`${path}-wal`).size > 1_000_000
  for (; isLong() && writes < 1000; writes++) await db.run(add('a'))
  assert.ok(!isLong())
  assert.equal(committed(path), writes)
  await db.close()
})

test('after the end nothing is written, and to end twice or to tidy then is no harm', async () => {
  const db = await openSqlite(file(), [notes])
  const last = db.run(add('a'))
  await Promise.all([db.close(), db.close(), last])
  await db.tidy()
  await assert.rejects(db.run(add('b')), { name: 'StorageError', kind: 'broken', message: /closed/ })
  await assert.rejects(db.all(count), { name: 'StorageError', kind: 'broken' })
})

test('a full disk fails the batch that did not fit, and only that', async () => {
  const path = file()
  const db = await openSqlite(path, [notes])
  await db.run(add('a'))
  await db.all(sql`PRAGMA max_page_count = 8`)
  const big = await Promise.allSettled([
    db.run(add('b')),
    db.run(add('x'.repeat(100_000))),
    db.tx(inner => inner.run(add('y'.repeat(100_000)))),
  ])
  assert.deepEqual(
    big.slice(1).map(result => result.status === 'rejected' && result.reason.kind),
    ['full', 'full'],
  )
  await db.run(add('c'))
  const texts = (await db.all<{ text: string }>(sql`SELECT text FROM note`)).map(({ text }) => text)
  assert.deepEqual(texts, big[0]!.status === 'fulfilled' ? ['a', 'b', 'c'] : ['a', 'c'])
  await db.close()
})

test('a transaction whose batch is undone fails, whatever its work does', async () => {
  const db = await openSqlite(file(), [notes])
  await db.all(sql`PRAGMA max_page_count = 8`)
  const outcome = db.tx(async inner => {
    await inner.run(add('x'.repeat(100_000))).catch(() => {})
    await inner.run(add('after')).catch(() => {})
  })
  await assert.rejects(outcome, { kind: 'full' })
  assert.deepEqual(await db.all(count), [{ n: 0 }])
  await db.close()
})

test('a commit that fails is told to all who wrote, and the next one is clean', async () => {
  const db = await openSqlite(file(), [
    {
      owner: 'notes',
      steps: [() => 'CREATE TABLE note (id INTEGER PRIMARY KEY, text TEXT, of INTEGER REFERENCES note DEFERRABLE INITIALLY DEFERRED)'],
    },
  ])
  const outcomes = await Promise.allSettled([db.run(add('a')), db.run(sql`INSERT INTO note (of) VALUES (99)`)])
  assert.deepEqual(
    outcomes.map(({ status }) => status),
    ['rejected', 'rejected'],
  )
  await db.run(add('b'))
  assert.deepEqual(await db.all(sql`SELECT text FROM note`), [{ text: 'b' }])
  await db.close()
})

test('a file that is no database, is damaged, or cannot be reached is told in a sentence', async () => {
  const noise = file()
  writeFileSync(noise, 'this is not a database at all'.repeat(100))
  await assert.rejects(openSqlite(noise, [notes]), { name: 'StorageError', kind: 'unreadable', message: /not a database/ })
  await assert.rejects(openSqlite(join(folder, 'none', 'a.db'), [notes]), { name: 'StorageError', kind: 'unreadable', message: /folder/ })
  await assert.rejects(openSqlite(folder, [notes]), { name: 'StorageError', kind: 'unreadable' })

  const damaged = file()
  const db = await openSqlite(damaged, [notes])
  for (let i = 0; i < 100; i++) await db.run(add('x'.repeat(1000)))
  await db.close()
  const bytes = readFileSync(damaged)
  writeFileSync(damaged, bytes.fill(0xaa, 4096))
  await assert.rejects(openSqlite(damaged, [notes]), { name: 'StorageError', kind: 'unreadable', message: /damaged/ })
})

test('while another program writes, one is told that the database is busy', async () => {
  const path = file()
  const db = await openSqlite(path, [notes])
  const other = new DatabaseSync(path)
  other.exec('BEGIN IMMEDIATE')
  await assert.rejects(db.run(add('a')), { name: 'StorageError', kind: 'busy' })
  other.exec('ROLLBACK')
  other.close()
  assert.equal(await db.run(add('a')), 1)
  await db.close()
})

test('whatever was told to be safe is there after kill -9', async () => {
  const path = file()
  await (await openSqlite(path, [notes])).close()
  const writer = `
    const { openSqlite } = await import(${JSON.stringify(import.meta.resolve('./sqlite.ts'))})
    const { sql } = await import(${JSON.stringify(import.meta.resolve('./db.ts'))})
    const { writeSync } = await import('node:fs')
    const db = await openSqlite(process.argv[1], [])
    const write = async name => {
      for (let i = 0; ; i++) {
        const text = process.pid + '/' + name + '/' + i
        if (i % 3 === 0) await db.tx(inner => inner.run(sql\`INSERT INTO note (text) VALUES (\${text})\`))
        else await db.run(sql\`INSERT INTO note (text) VALUES (\${text})\`)
        writeSync(1, text + '\\n')
      }
    }
    for (let name = 0; name < 20; name++) write(name)`
  const told: string[] = []
  for (let kill = 1; kill <= 5; kill++) {
    const child = spawn(process.execPath, ['--input-type=module', '-e', writer, path], { stdio: ['ignore', 'pipe', 'inherit'] })
    let lines = 0
    createInterface({ input: child.stdout }).on('line', line => {
      told.push(line)
      if (++lines === kill * 150) child.kill('SIGKILL')
    })
    const [, signal] = await once(child, 'close')
    assert.equal(signal, 'SIGKILL')
    const db = await openSqlite(path, [notes])
    const there = new Set((await db.all<{ text: string }>(sql`SELECT text FROM note`)).map(({ text }) => text))
    assert.deepEqual(
      told.filter(text => !there.has(text)),
      [],
    )
    assert.deepEqual(await db.all(sql`PRAGMA integrity_check`), [{ integrity_check: 'ok' }])
    await db.close()
  }
  assert.ok(told.length >= 2250)
})
