import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join, relative } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import type { Server } from '../faults/server.ts'

/** What an observer can lay hands on, by name: `data/…` files as they lie on the disk, `log`, `process`. */
export function placesOf(server: Server): Map<string, Buffer> {
  const places = new Map<string, Buffer>()
  for (const file of filesIn(server.data)) places.set(`data/${relative(server.data, file)}`, readFileSync(file))
  places.set('log', Buffer.from(server.output))
  if (server.isRunning) {
    places.set('process', Buffer.concat(['cmdline', 'environ'].map(name => readFileSync(`/proc/${server.pid}/${name}`))))
  }
  return places
}

function filesIn(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map(name => join(folder, name))
    .filter(file => statSync(file).isFile())
}

const DAY = 86_400_000
/** The longest span for which anything that is made then may hold; a time of expiry tells the time of making. */
const LONGEST_SPAN = 28

/** The columns, as `table.column`, that tell of a moment between the two: in ms, in s, as a date, or whole days later. */
export function columnsWithTimes(file: string, from: number, to: number): Set<string> {
  const today = from - (from % DAY)
  const isOfThen = (at: number): boolean => {
    const days = Math.floor((at - from) / DAY)
    const earlier = at - days * DAY
    return at === today || (days >= 0 && days <= LONGEST_SPAN && earlier >= from && earlier <= to)
  }
  using db = new DatabaseSync(file, { readOnly: true })
  const found = new Set<string>()
  const tables = db.prepare(`SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'`).all() as { name: string }[]
  for (const { name } of tables) {
    for (const row of db.prepare(`SELECT * FROM "${name}"`).all()) {
      for (const [column, value] of Object.entries(row)) if (momentsIn(value).some(isOfThen)) found.add(`${name}.${column}`)
    }
  }
  return found
}

function momentsIn(value: unknown): number[] {
  if (typeof value === 'number' || typeof value === 'bigint') return [Number(value), Number(value) * 1000, Number(value) / 1000]
  if (typeof value !== 'string') return []
  const dates = value.match(/\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?Z?)?/g) ?? []
  const numbers = value.match(/\b1[6-9]\d{8}(?:\d{3})?\b/g) ?? []
  return [...dates.map(date => Date.parse(date)), ...numbers.flatMap(number => [Number(number), Number(number) * 1000])]
}
