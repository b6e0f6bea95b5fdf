import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite'
import { isWrite, type Sql } from './sql.ts'

/** Lists for IN make texts without end; the texts a server really uses are fewer than this. */
const KEPT = 500

export interface Prepared {
  readonly statement: StatementSync
  /** Names of the columns that it gives. */
  readonly columns: readonly string[]
  /** Changes rows: then it belongs into a batch. */
  readonly writes: boolean
  /** Numbers come as `bigint`. */
  isBig: boolean
}

/** Prepared statements by their text; the oldest goes when there are too many. */
export function statements(raw: DatabaseSync): (query: Sql) => Prepared {
  const kept = new Map<string, Prepared>()
  return query => {
    const text = query.sql
    const known = kept.get(text)
    if (known !== undefined) return known
    const prepared = prepare(raw.prepare(text), isWrite(query))
    if (kept.size >= KEPT) for (const [oldest] of kept.entries().take(1)) kept.delete(oldest)
    kept.set(text, prepared)
    return prepared
  }
}

function prepare(statement: StatementSync, writes: boolean): Prepared {
  statement.setReturnArrays(true)
  return { statement, columns: statement.columns().map(({ name }) => name), writes, isBig: false }
}

/** Runs it with these values; gives the number of rows changed. */
export function runWith(prepared: Prepared, values: readonly unknown[]): number {
  // The key of the row that was added last, whichever statement added it, may be beyond what a number can hold.
  readBig(prepared, true)
  return Number(prepared.statement.run(...bound(values)).changes)
}

function readBig(prepared: Prepared, isBig: boolean): void {
  if (prepared.isBig === isBig) return
  prepared.statement.setReadBigInts(isBig)
  prepared.isBig = isBig
}

/** Rows as PostgreSQL's are. Those that SQLite makes itself have no prototype, and V8 is slow to copy them. */
export function rowsOf<Row>(prepared: Prepared, query: Sql): Row[] {
  readBig(prepared, false)
  const { columns } = prepared
  const rows = prepared.statement.all(...bound(query.values)) as unknown as unknown[][]
  return rows.map(values => {
    const row: Record<string, unknown> = {}
    for (let i = 0; i < columns.length; i++) row[columns[i]!] = values[i]
    return row as Row
  })
}

/** SQLite knows no booleans: they are 1 and 0. */
const bound = (values: readonly unknown[]): SQLInputValue[] =>
  values.map(value => (typeof value === 'boolean' ? Number(value) : (value as SQLInputValue)))
