import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite'
import { isWrite, type Sql } from './sql.ts'

/** Lists for IN make texts without end; the texts a server really uses are fewer than this. */
const KEPT = 500

export interface Prepared {
  readonly statement: StatementSync
  /** Changes rows: then it belongs into a batch. */
  readonly writes: boolean
}

/** Prepared statements by their text; the oldest goes when there are too many. */
export function statements(raw: DatabaseSync): (query: Sql) => Prepared {
  const kept = new Map<string, Prepared>()
  return query => {
    const text = query.sql
    const known = kept.get(text)
    if (known !== undefined) return known
    const prepared = { statement: raw.prepare(text), writes: isWrite(query) }
    if (kept.size >= KEPT) for (const [oldest] of kept.entries().take(1)) kept.delete(oldest)
    kept.set(text, prepared)
    return prepared
  }
}

/** SQLite knows no booleans: they are 1 and 0. */
export const bound = (query: Sql): SQLInputValue[] =>
  query.values.map(value => (typeof value === 'boolean' ? Number(value) : (value as SQLInputValue)))
