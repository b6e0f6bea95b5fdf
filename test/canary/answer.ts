import { readFileSync } from 'node:fs'
import { DatabaseSync, type SQLOutputValue } from 'node:sqlite'
import { inventory } from './verdict.ts'

/** T-ORDER: what can be told of an account by one who opens nothing: each datum with its values. */
export function answerFor(database: string, account: string): Map<string, unknown[]> {
  using db = new DatabaseSync(database, { readOnly: true })
  const [identity] = db.prepare('SELECT number FROM account WHERE name = ?').all(account)
  const answer = new Map<string, unknown[]>()
  if (identity === undefined) return answer
  for (const { name: table } of db.prepare(`SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'`).all()) {
    const columns = db.prepare('SELECT name FROM pragma_table_info(?)').all(table!)
    const owner = OWNERS[table as string] ?? ['account', 'account_no'].find(name => columns.some(column => column['name'] === name))
    // What is in a room, and not whose it is, has no account, though it is kept in the way of one.
    if (owner === undefined || /^muc_(?!room|affiliation)/.test(table as string)) continue
    const rows = db.prepare(`SELECT * FROM "${table}" WHERE ${owner} = ?`)
    rows.setReadBigInts(true)
    for (const row of rows.all(valueIn(owner, account, identity['number']!))) {
      for (const [column, value] of Object.entries(row)) {
        if (value === null) continue
        for (const datum of clearDataAt(`${table}.${column}`)) answer.set(datum, [...(answer.get(datum) ?? []), value])
      }
    }
  }
  return answer
}

/** Where it is another column that says whose it is. */
const OWNERS: Readonly<Record<string, string>> = { account: 'name', muc_room: 'creator', muc_affiliation: 'jid' }

const valueIn = (owner: string, account: string, number: SQLOutputValue): SQLOutputValue =>
  owner === 'account_no' ? number : owner === 'creator' || owner === 'jid' ? `${account}@localhost` : account

const clearDataAt = (place: string): string[] =>
  inventory.filter(line => line.class === 'C' && [line.place].flat().includes(place)).map(({ datum }) => datum)

/** What docs/what-we-store.md says that an answer could contain. */
export function documentedAnswer(): string[] {
  const page = readFileSync(new URL('../../docs/what-we-store.md', import.meta.url), 'utf8')
  const [, section = ''] = /## What an answer to an order could contain\n(.*?)\n## /s.exec(page) ?? []
  return [...section.matchAll(/^- (.*)$/gm)].map(match => match[1]!)
}
