import { readFileSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { inventory } from './verdict.ts'

/** T-ORDER: what can be told of an account by one who opens nothing: each datum with its values. */
export function answerFor(database: string, account: string): Map<string, unknown[]> {
  using db = new DatabaseSync(database, { readOnly: true })
  const [identity] = db.prepare('SELECT number FROM account WHERE name = ?').all(account)
  const answer = new Map<string, unknown[]>()
  if (identity === undefined) return answer
  for (const { name: table } of db.prepare(`SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'`).all()) {
    const columns = db.prepare('SELECT name FROM pragma_table_info(?)').all(table!)
    const owner = table === 'account' ? 'name' : ['account', 'account_no'].find(name => columns.some(column => column['name'] === name))
    if (owner === undefined) continue
    const rows = db.prepare(`SELECT * FROM "${table}" WHERE ${owner} = ?`)
    rows.setReadBigInts(true)
    for (const row of rows.all(owner === 'account_no' ? identity['number']! : account)) {
      for (const [column, value] of Object.entries(row)) {
        if (value === null) continue
        for (const datum of clearDataAt(`${table}.${column}`)) answer.set(datum, [...(answer.get(datum) ?? []), value])
      }
    }
  }
  return answer
}

const clearDataAt = (place: string): string[] =>
  inventory.filter(line => line.class === 'C' && [line.place].flat().includes(place)).map(({ datum }) => datum)

/** What docs/what-we-store.md says that an answer could contain. */
export function documentedAnswer(): string[] {
  const page = readFileSync(new URL('../../docs/what-we-store.md', import.meta.url), 'utf8')
  const [, section = ''] = /## What an answer to an order could contain\n(.*?)\n## /s.exec(page) ?? []
  return [...section.matchAll(/^- (.*)$/gm)].map(match => match[1]!)
}
