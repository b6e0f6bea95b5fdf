/** Who has written to whom? The two copies of a message, put together by nothing but what is in the clear, and where rows lie. */
import { existsSync, readFileSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { ORDS } from '../../src/core/sealed-log/tables.ts'
import type { Random } from '../fuzz/random.ts'
import { framesOf, rowsIn, rowsOf } from './pages.ts'

const TABLE = 'archive_message'

/** A row, as the thief sees it. */
interface Row {
  readonly key: bigint
  /** The part of the table that is its account's. */
  readonly slot: number
  readonly size: number
  readonly page: number
  /** Which transaction of the write-ahead log wrote it first; undefined if it is not in there. */
  readonly transaction: number | undefined
  /** Where it stands among the rows of its account, from 0 to 1. */
  readonly rank: number
}

const slotOf = (key: bigint): number => Number(key / BigInt(ORDS))

/** How alike two rows are; undefined where that cannot be told. */
export type Likeness = (one: Row, other: Row) => number | undefined

const near = (one: number | undefined, other: number | undefined): number | undefined =>
  one === undefined || other === undefined ? undefined : -Math.abs(one - other)

export const attacks: Readonly<Record<string, Likeness>> = {
  size: (one, other) => near(one.size, other.size),
  page: (one, other) => near(one.page, other.page),
  transaction: (one, other) => near(one.transaction, other.transaction),
}

/** All rows of archives in a copied data folder, in the order of their ranks. */
export function rowsOfArchives(database: string): Row[] {
  const file = readFileSync(database)
  const { root, sizes } = tableIn(database)
  const places = [...rowsIn(file, root)]
  const transactions = transactionsIn(database, new Set(places.map(({ key }) => key)))
  const bySlot = Map.groupBy(places, ({ key }) => slotOf(key))
  const rows = [...bySlot].flatMap(([slot, own]) =>
    own.map(({ key, page }, i) => ({ key, slot, page, size: sizes.get(key)!, transaction: transactions.get(key), rank: i / own.length })),
  )
  return rows.sort((one, other) => one.rank - other.rank)
}

function tableIn(database: string): { root: number; sizes: Map<bigint, number> } {
  using db = new DatabaseSync(database, { readOnly: true })
  const root = Number(db.prepare(`SELECT rootpage FROM sqlite_master WHERE name = ?`).get(TABLE)!['rootpage'])
  const rows = db.prepare(`SELECT place, length(header) + length(body) AS size FROM ${TABLE}`)
  rows.setReadBigInts(true)
  return { root, sizes: new Map(rows.all().map(({ place, size }) => [place as bigint, Number(size)])) }
}

function transactionsIn(database: string, known: ReadonlySet<bigint>): Map<bigint, number> {
  const found = new Map<bigint, number>()
  if (!existsSync(`${database}-wal`)) return found
  for (const { transaction, number, page } of framesOf(readFileSync(`${database}-wal`))) {
    for (const { key } of rowsOf(page, number)) if (!known.has(key) && !found.has(key)) found.set(key, transaction)
  }
  return found
}

/**
 * How often the attack finds a row's true other half more alike than another row of about the same rank, of somebody else; 0.5 is
 * chance. That two users have written as much by then as each other is told by the numbers of their rows, wherever those lie.
 */
export function areaUnderCurve(
  rows: readonly Row[],
  pairs: readonly (readonly [bigint, bigint])[],
  likeness: Likeness,
  chance: Random,
): number {
  const at = new Map(rows.map(({ key }, i) => [key, i]))
  const window = Math.ceil(rows.length / 50)
  let [wins, tries] = [0, 0]
  for (const [one, other] of pairs.map(([a, b]) => [rows[at.get(a)!]!, rows[at.get(b)!]!] as const)) {
    const truly = likeness(one, other)
    for (let i = 0; i < 10; i++) {
      const third = rows[at.get(other.key)! - window + chance.below(2 * window)]
      if (third === undefined || third === other || third.slot === one.slot) continue
      const falsely = likeness(one, third)
      if (truly === undefined || falsely === undefined) continue
      tries++
      wins += truly > falsely ? 1 : truly === falsely ? 0.5 : 0
    }
  }
  return tries === 0 ? 0.5 : wins / tries
}
