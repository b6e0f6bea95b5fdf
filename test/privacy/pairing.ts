/** Who has written to whom? The two copies of a message, put together by nothing but what is in the clear, and where rows lie. */
import { existsSync, readFileSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import type { Random } from '../fuzz/random.ts'
import { framesOf, type Place, rowsIn, rowsOf } from './pages.ts'

const TABLE = 'archive_message'

/** A row, as the thief sees it. */
interface Row {
  readonly key: string
  readonly account: number
  readonly size: number
  readonly page: number
  /** Which transaction of the write-ahead log wrote it first; undefined if it is not in there. */
  readonly transaction: number | undefined
  /** Where it stands among the rows of its account, from 0 to 1. */
  readonly rank: number
}

export const keyOf = ({ account, ord }: Pick<Place, 'account' | 'ord'>): string => `${account}/${ord}`

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
  const root = rootOf(database)
  const sizes = sizesIn(database)
  const transactions = transactionsIn(database, new Set([...rowsIn(file, root)].map(keyOf)))
  const byAccount = Map.groupBy(rowsIn(file, root), ({ account }) => account)
  const rows = [...byAccount.values()].flatMap(places =>
    places.map((place, i) => {
      const key = keyOf(place)
      return {
        key,
        account: place.account,
        page: place.page,
        size: sizes.get(key)!,
        transaction: transactions.get(key),
        rank: i / places.length,
      }
    }),
  )
  return rows.sort((one, other) => one.rank - other.rank)
}

function rootOf(database: string): number {
  using db = new DatabaseSync(database, { readOnly: true })
  return Number(db.prepare(`SELECT rootpage FROM sqlite_master WHERE name = ?`).get(TABLE)!['rootpage'])
}

function sizesIn(database: string): Map<string, number> {
  using db = new DatabaseSync(database, { readOnly: true })
  const rows = db.prepare(`SELECT account_no AS account, ord, length(header) + length(body) AS size FROM ${TABLE}`).all()
  return new Map(rows.map(({ account, ord, size }) => [keyOf({ account: Number(account), ord: Number(ord) }), Number(size)]))
}

function transactionsIn(database: string, known: ReadonlySet<string>): Map<string, number> {
  const found = new Map<string, number>()
  if (!existsSync(`${database}-wal`)) return found
  for (const { transaction, number, page } of framesOf(readFileSync(`${database}-wal`))) {
    for (const place of rowsOf(page, number)) {
      const key = keyOf(place)
      if (!known.has(key) && !found.has(key)) found.set(key, transaction)
    }
  }
  return found
}

/**
 * How often the attack finds a row's true other half more alike than another row of about the same rank, of somebody else; 0.5 is
 * chance. That two users have written as much by then as each other is told by the numbers of their rows, wherever those lie.
 */
export function areaUnderCurve(
  rows: readonly Row[],
  pairs: readonly (readonly [string, string])[],
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
      if (third === undefined || third === other || third.account === one.account) continue
      const falsely = likeness(one, third)
      if (truly === undefined || falsely === undefined) continue
      tries++
      wins += truly > falsely ? 1 : truly === falsely ? 0.5 : 0
    }
  }
  return tries === 0 ? 0.5 : wins / tries
}
