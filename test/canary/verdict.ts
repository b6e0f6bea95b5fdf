import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Canary } from './mint.ts'
import type { Seen } from './search.ts'

/**
 * Who can read what is kept: of A1 and A2 only the owner, who has logged in, and of A1 only until its secrets are destroyed; of B the
 * server that runs; of C whoever has the disk.
 */
export type Class = 'A1' | 'A2' | 'B' | 'C'

/** What is known to be somewhere. */
export interface Known {
  readonly datum: string
  /**
   * `table.column`, or several; a file of the server's folder; `log`, `process`, `dns`; `remains` for what deleted rows leave
   * behind in the database's files until those are tidied; `nowhere`.
   */
  readonly place: string | readonly string[]
  /** What is nowhere has none. */
  readonly class?: Class
  readonly lifetime?: string
  readonly reason: string
}

export const inventory: readonly Known[] = JSON.parse(readFileSync(join(import.meta.dirname, 'inventory.json'), 'utf8'))

/** What was found, by datum and place, and how it is there. */
export class Hits {
  /** By hit: the class, and how it is there. What takes least to be read counts. */
  readonly #found = new Map<string, { readonly class: Class; readonly how: string }>()
  readonly #columns = new Map<string, boolean>()

  add(datum: string, place: string, readable: Class, how: string): void {
    const hit = `${datum} @ ${place}`
    const before = this.#found.get(hit)
    if (before === undefined || before.class < readable) this.#found.set(hit, { class: readable, how })
  }

  see({ canary, encoding, place }: Seen, readable: Class): void {
    this.add(canary.datum, place, readable, `${canary.detail === '' ? '' : `${canary.detail}; `}${encoding}`)
  }

  /** A column tells of a moment of that day. */
  time(place: string): void {
    const known = inventory.find(line => isTime(line.datum) && [line.place].flat().includes(place))
    this.add(known?.datum ?? 'time', place, 'C', 'a moment of this day')
  }

  /** A column, and whether anything is in it. */
  column(place: string, isUsed: boolean): void {
    this.#columns.set(place, isUsed)
  }

  /** It stands in the clear in one of the columns. */
  isClear(datum: string): boolean {
    return [...this.#columns.keys()].some(place => this.#found.get(`${datum} @ ${place}`)?.class === 'C')
  }

  /** Hits are what the inventory says, no more and no less; and all that was planted stands in it. */
  judge(canaries: readonly Canary[]): void {
    const lines = inventory.flatMap(line => [line.place].flat().map(place => ({ ...line, place, hit: `${line.datum} @ ${place}` })))
    const kept = new Map(lines.filter(({ place }) => place !== 'nowhere').map(line => [line.hit, line.class]))
    const nowhere = lines.filter(({ place }) => place === 'nowhere')
    const planted = new Set(canaries.map(({ datum }) => datum))
    for (const { datum, place, class: readable = 'C' } of lines) {
      if (!planted.has(datum) && !isTime(datum) && this.#columns.get(place)) this.add(datum, place, readable, 'the column is used')
    }
    const found = [...this.#found].map(([hit, { class: readable, how }]) => ({
      hit,
      is: kept.get(hit) === readable,
      told: `${hit}, ${readable} (${how})`,
    }))
    const lost = lines.filter(({ place, hit }) => place !== 'nowhere' && !this.#found.has(hit) && !this.#mayBeEmpty(place))
    const places = new Set(lines.map(({ place }) => place))
    const listed = new Set(lines.map(({ datum }) => datum))
    for (const { is, told } of found) console.log(`  ${is ? ' ' : '!'} ${told}`)
    console.log(`${canaries.length} canaries of ${planted.size} kinds, each in about ${encodingsOfEach(canaries)} encodings;`)
    console.log(`${found.length} hits, ${kept.size} in the inventory; ${nowhere.length} kinds are nowhere`)
    nothing(
      [...this.#columns.keys()].filter(column => !places.has(column)),
      'columns that are not in the inventory',
    )
    nothing(
      found.filter(({ is }) => !is).map(({ told }) => told),
      'found, and not in the inventory',
    )
    nothing(
      lost.map(({ hit }) => hit),
      'in the inventory, and not found',
    )
    nothing(
      [...planted].filter(datum => !listed.has(datum)),
      'planted, and not in the inventory',
    )
    nothing(
      nowhere.filter(({ datum }) => !planted.has(datum)).map(({ datum }) => datum),
      'said to be nowhere, and not planted',
    )
  }

  /** A column of which nothing is seen but that there is one. */
  #mayBeEmpty(place: string): boolean {
    return this.#columns.get(place) === false
  }
}

const isTime = (datum: string): boolean => /^time\b/.test(datum)

function nothing(these: readonly string[], what: string): void {
  assert.deepEqual(these, [], what)
}

function encodingsOfEach(canaries: readonly Canary[]): number {
  return Math.round(canaries.reduce((sum, { forms }) => sum + forms.size, 0) / canaries.length)
}
