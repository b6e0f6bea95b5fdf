import { DatabaseSync } from 'node:sqlite'

const DAY = 86_400_000
/** The longest span for which anything that is made then may hold; a time of expiry tells the time of making. */
const LONGEST_SPAN = 28

export type Value = string | number | bigint | Uint8Array | null

/** Each value that is stored, by its column as `table.column`; a column without rows has none. */
export function columnsOf(file: string): Map<string, Value[]> {
  using db = new DatabaseSync(file, { readOnly: true })
  const columns = new Map<string, Value[]>()
  const tables = db.prepare(`SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name`).all()
  for (const { name } of tables) {
    for (const column of db.prepare('SELECT name FROM pragma_table_info(?)').all(name!)) columns.set(`${name}.${column['name']}`, [])
    const rows = db.prepare(`SELECT * FROM "${name}"`)
    rows.setReadBigInts(true)
    for (const row of rows.all()) for (const [column, value] of Object.entries(row)) columns.get(`${name}.${column}`)!.push(value)
  }
  return columns
}

/** Tells of a moment between the two: in ms, in s, as a date, or whole days later. */
export function tellsTime(value: Value, from: number, to: number): boolean {
  const today = from - (from % DAY)
  return momentsIn(value).some(at => {
    const days = Math.floor((at - from) / DAY)
    const earlier = at - days * DAY
    return at === today || (days >= 0 && days <= LONGEST_SPAN && earlier >= from && earlier <= to)
  })
}

function momentsIn(value: Value): number[] {
  if (typeof value === 'number' || typeof value === 'bigint') return [Number(value), Number(value) * 1000, Number(value) / 1000]
  if (typeof value !== 'string') return []
  const dates = value.match(/\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?Z?)?/g) ?? []
  const numbers = value.match(/\b1[6-9]\d{8}(?:\d{3})?\b/g) ?? []
  return [...dates.map(date => Date.parse(date)), ...numbers.flatMap(number => [Number(number), Number(number) * 1000])]
}
