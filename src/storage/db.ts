import type { Sql } from './sql.ts'

export { StorageError, type StorageTrouble } from './error.ts'
export { every, list, name, rows, type Sql, sql } from './sql.ts'

/**
 * What a module sees of the database, whichever engine it is. Values are strings, numbers, `bigint`, booleans (kept as 1 and 0),
 * `Uint8Array` and null. Whatever fails rejects with a `StorageError`.
 */
export interface Db {
  /** The engine writes whole pages: to add to a hundred places takes much longer than to add as much to one. */
  readonly writesPages: boolean
  /** The rows. Sees all that was written before it, also what is not yet on disk. Writes with RETURNING resolve as `run` does. */
  all<Row>(query: Sql): Promise<Row[]>
  /** Done when it is safe on disk (DESIGN law 7); gives the number of rows changed. */
  run(query: Sql): Promise<number>
  /** Adds rows: `into` is all before VALUES, and each row has as many values. Done when they are safe on disk. */
  insert(into: Sql, rows: readonly (readonly unknown[])[]): Promise<void>
  /**
   * Runs `work` whole: all of it is done and safe on disk, or none of it. On SQLite also alone; on PostgreSQL as READ COMMITTED.
   * Inside use only the inner db, and wait for nothing else: the outer one waits for this to end. A failed statement ends it.
   */
  tx<T>(work: (db: Db) => Promise<T>): Promise<T>
}

/** The database of one XMPP domain. */
export interface Store extends Db {
  /** Lets what was begun finish, then closes. */
  close(): Promise<void>
  /** Removes what deleted rows left in the engine's own files. To be called every few minutes and when idle. */
  tidy(): Promise<void>
  /**
   * Writes everything anew in the order of its keys, so that where it lies on the disk does not tell when it came, nor with what
   * else. Whoever comes meanwhile waits: a second for 64 MiB or so. Does nothing where nothing was written since, or there are more
   * bytes than `most`.
   */
  rewrite(most: number): Promise<void>
}

/**
 * The few words that SQLite and PostgreSQL spell differently. Whole numbers are BIGINT in both: PostgreSQL's INTEGER
 * is too small for a time in ms.
 */
export interface Dialect {
  /** Type of a column that numbers its rows: `id ${identity}`. */
  readonly identity: string
  readonly bytes: string
  /** Stands after the closing bracket of CREATE TABLE where the order of insertion should leave no trace. */
  readonly withoutRowid: string
}

/** One step of a schema: SQL, one statement or several. */
export type Migration = (dialect: Dialect) => string

/** The schema of one module, or of `core`. Steps are only ever appended: databases out there have run the old ones. */
export interface Migrations {
  readonly owner: string
  readonly steps: readonly Migration[]
}
