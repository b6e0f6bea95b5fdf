import { closeSync, fdatasync, fsyncSync, openSync } from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { promisify } from 'node:util'
import type { Dialect, Migrations, Store } from './db.ts'
import { GroupCommit } from './group-commit.ts'
import { Level } from './level.ts'
import { migrate } from './migrate.ts'
import { sqliteError } from './sqlite-error.ts'
import { statements } from './statements.ts'

const dialect: Dialect = { identity: 'INTEGER PRIMARY KEY', bytes: 'BLOB', withoutRowid: 'WITHOUT ROWID' }

/** How long to wait, in ms and with the event loop standing still, for another program that writes to the file. */
const PATIENCE = 200

const sync = promisify(fdatasync)

/** Opens the SQLite file of one domain, or makes it (mode 0600); `:memory:` is one that is never written. Throws a StorageError. */
export async function openSqlite(path: string, migrations: readonly Migrations[]): Promise<Store> {
  try {
    return await open(path, migrations)
  } catch (cause) {
    throw sqliteError(cause)
  }
}

async function open(path: string, migrations: readonly Migrations[]): Promise<Store> {
  const inMemory = path === ':memory:'
  if (!inMemory) create(path)
  const raw = new DatabaseSync(path, { timeout: PATIENCE, enableForeignKeyConstraints: true })
  try {
    prepare(raw)
    const wal = inMemory ? undefined : openWal(path)
    const commits = new GroupCommit(raw, wal === undefined ? undefined : () => sync(wal))
    const level = new Level({ commits, prepare: statements(raw), exec: text => raw.exec(text) })
    await migrate(work => level.tx(db => work(db, async text => raw.exec(text))), dialect, migrations)
    const tidy = (): Promise<void> => commits.between(() => raw.exec('PRAGMA wal_checkpoint(TRUNCATE)'))
    return {
      all: query => level.all(query),
      run: query => level.run(query),
      tx: work => level.tx(work),
      tidy,
      async close() {
        await level.tx(async () => {})
        await tidy()
        raw.close()
        if (wal !== undefined) closeSync(wal)
      },
    }
  } catch (error) {
    raw.close()
    throw error
  }
}

function create(path: string): void {
  try {
    closeSync(openSync(path, 'wx', 0o600))
  } catch (error) {
    // Not opened when it is there: to close a descriptor would drop the locks that another connection of this process holds.
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  }
}

function prepare(raw: DatabaseSync): void {
  raw.exec(`
    PRAGMA journal_mode = WAL;
    PRAGMA synchronous = NORMAL;
    PRAGMA secure_delete = ON;
    PRAGMA temp_store = MEMORY;
    PRAGMA journal_size_limit = 0;
    PRAGMA trusted_schema = OFF;
    PRAGMA user_version;
  `)
}

/**
 * A descriptor of our own on the -wal file, to sync it from the thread pool. SQLite's locks are on the database and the
 * -shm file, so closing this one drops none. The file stays the same while our connection is open: checkpoints reuse or
 * shorten it, and only the last connection removes it.
 */
function openWal(path: string): number {
  const wal = openSync(`${path}-wal`, 'r+')
  const folder = openSync(dirname(path), 'r')
  fsyncSync(folder)
  closeSync(folder)
  return wal
}
