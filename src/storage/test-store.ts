import type { Migrations, Store } from './db.ts'
import { openPostgres } from './postgres.ts'
import { openSqlite } from './sqlite.ts'
import { startPostgres } from './test-postgres.ts'

let url = process.env['STORE_URL']
let made = 0

/**
 * An empty store for a test: SQLite in memory, or PostgreSQL when the environment says STORE=postgres: the one at
 * STORE_URL, or else one of this process alone.
 */
export async function openTestStore(migrations: readonly Migrations[]): Promise<Store> {
  if (process.env['STORE'] !== 'postgres') return openSqlite(':memory:', migrations)
  url ??= startPostgres()
  return openPostgres(url, `test${process.pid}-${made++}.example`, migrations)
}
