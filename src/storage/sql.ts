/** SQL as a tagged template: text and values stay apart, so nothing is ever quoted by hand. */
import sql, { raw, Sql } from 'sql-template-tag'

export { Sql, sql }

/** The name of a table or column as it stands in the program. */
export const name = (word: string): Sql => raw(word)

/** `(a, b), (c, d)`, for VALUES. */
export const rows = (values: readonly (readonly unknown[])[]): Sql => join(values.map(list), ', ', '', '')

/** `(a, b, c)`, for IN; of nothing, a list in which nothing is found. */
export const list = (values: readonly unknown[]): Sql => (values.length === 0 ? sql`(NULL)` : join(values, ', ', '(', ')'))

/** The conditions that are there, joined with AND; without any, all rows. */
export function every(...conditions: readonly (Sql | false | undefined)[]): Sql {
  const kept = conditions.filter(condition => condition instanceof Sql)
  return kept.length === 0 ? sql`1 = 1` : join(kept, ') AND (', '(', ')')
}

/** Whether it changes rows. A read that only speaks of one of these words is taken for a write, which does no harm. */
export const isWrite = (query: Sql): boolean => /\b(?:INSERT|UPDATE|DELETE|REPLACE)\b/i.test(query.sql)

const join = (parts: readonly unknown[], between: string, before: string, after: string): Sql =>
  new Sql([before, ...Array<string>(parts.length - 1).fill(between), after], parts)
