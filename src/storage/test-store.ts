import type { Migrations, Store } from './db.ts'
import { openSqlite } from './sqlite.ts'

/** An empty store for a test; on PostgreSQL when the environment says STORE=postgres. */
export function openTestStore(migrations: readonly Migrations[]): Promise<Store> {
  return openSqlite(':memory:', migrations)
}
