import { closeSync, openSync, statSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import type { Dialect, Migrations, Store } from './db.ts'
import { GroupCommit } from './group-commit.ts'
import { Level } from './level.ts'
import { migrate } from './migrate.ts'
import { sqliteError } from './sqlite-error.ts'
import { statements } from './statements.ts'
import { Wal } from './wal.ts'

const dialect: Dialect = { identity: 'INTEGER PRIMARY KEY', bytes: 'BLOB', withoutRowid: 'WITHOUT ROWID' }

/**
 * Of new databases, in bytes. A row may take a quarter of a page; what is larger has pages of its own. A sealed message has mostly
 * 2.2 KiB: on the usual pages of 4 KiB it would take two.
 */
const PAGE_SIZE = 16_384

/** Pages in memory at most, in KiB. A commit that needs more of them writes some twice. */
const CACHE = 16_384

/** How long to wait, in ms and with the event loop standing still, for another program that writes to the file. */
const PATIENCE = 200

/** Opens the SQLite file of one domain, or makes it (mode 0600); `:memory:` is one that is never written. Throws a StorageError. */
export async function openSqlite(path: string, migrations: readonly Migrations[]): Promise<Store> {
  try {
    return await open(path, migrations)
  } catch (cause) {
    throw sqliteError(cause)
  }
}

async function open(path: string, migrations: readonly Migrations[]): Promise<Store> {
  if (path !== ':memory:') create(path)
  const raw = new DatabaseSync(path, { timeout: PATIENCE, enableForeignKeyConstraints: true })
  let wal: Wal | undefined
  const free = (): void => {
    raw.close()
    wal?.close()
  }
  try {
    prepare(raw)
    if (path !== ':memory:') wal = new Wal(path, { long: () => void shorten().catch(() => {}), quiet: () => void empty().catch(() => {}) })
  } catch (error) {
    free()
    throw error
  }
  const commits = new GroupCommit(raw, wal && (() => wal.sync()))
  const level = new Level({ commits, prepare: statements(raw), exec: text => raw.exec(text) })
  const tidy = async (): Promise<void> => {
    if (wal !== undefined && !wal.isEmpty()) await level.pause(() => wal.empty())
  }
  // Most of it while others go on; then little is left for which they must wait.
  const shorten = async (): Promise<void> => {
    try {
      await wal?.copy()
      await level.pause(async () => wal?.copy())
    } finally {
      wal?.shortened()
    }
  }
  const empty = async (): Promise<void> => {
    await wal?.copy()
    await tidy()
  }
  const rewrite = async (most: number): Promise<void> => {
    if (wal === undefined || !wal.isWritten || statSync(path).size > most) return
    await wal.copy()
    await level.pause(() => wal.rewrite())
  }
  const finish = async (): Promise<void> => {
    // Behind those who wait for a checkpoint to be over.
    await level.pause(() => commits.end())
    await tidy()
    free()
  }
  let closing: Promise<void> | undefined
  const close = (): Promise<void> => (closing ??= finish())
  try {
    await migrate(work => level.tx(db => work(db, async text => raw.exec(text))), dialect, migrations)
    // After a crash there may be what was deleted long ago. Nobody need wait for that.
    void tidy().catch(() => {})
  } catch (error) {
    await close()
    throw error
  }
  return {
    writesPages: level.writesPages,
    all: query => level.all(query),
    run: query => level.run(query),
    insert: (into, rows) => level.insert(into, rows),
    tx: work => level.tx(work),
    tidy,
    rewrite,
    close,
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
    PRAGMA page_size = ${PAGE_SIZE};
    PRAGMA journal_mode = WAL;
    PRAGMA synchronous = NORMAL;
    PRAGMA secure_delete = ON;
    PRAGMA temp_store = MEMORY;
    PRAGMA cache_size = -${CACHE};
    PRAGMA journal_size_limit = 0;
    PRAGMA trusted_schema = OFF;
    PRAGMA wal_autocheckpoint = 0;
    PRAGMA user_version;
  `)
}
