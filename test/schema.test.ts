/** The first schema of a store, frozen: databases out there were made with it, and every later version must start from it. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { migrations as coreMigrations } from '../src/core/account-store.ts'
import { modules } from '../src/modules/index.ts'
import type { Dialect } from '../src/storage/db.ts'

const plain: Dialect = { identity: 'IDENTITY', bytes: 'BYTES', withoutRowid: 'WITHOUT ROWID' }
const frozen: Record<string, readonly string[]> = JSON.parse(readFileSync(new URL('schema-1.json', import.meta.url), 'utf8'))

const steps: Record<string, readonly string[]> = Object.fromEntries(
  [{ name: 'core', migrations: coreMigrations }, ...modules].flatMap(({ name, migrations = [] }) =>
    migrations.length === 0 ? [] : [[name, migrations.map(migration => migration(plain).replace(/\s+/g, ' ').trim())]],
  ),
)

test('what databases were made with stays as it was; steps are only ever appended', () => {
  for (const [owner, known] of Object.entries(frozen)) {
    assert.deepEqual(steps[owner]?.slice(0, known.length), known, `${owner}: a step that databases have run was changed`)
  }
})
