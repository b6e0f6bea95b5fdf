import type { TestContext } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import type { Random } from '../fuzz/random.ts'
import type { History, Misfiled } from './history.ts'
import type { Person } from './person.ts'

const TICK = 25
/** Everything has come when nothing has for so many looks, 100 ms each. */
const QUIET = 15

/** What must not be: how many messages were acknowledged and lost, came twice, came in the wrong order; and who still waits. */
export interface Verdict {
  readonly lost: number
  readonly twice: number
  readonly disordered: number
  readonly waiting: number
}

/** Pairs of people who write to each other, and come and go as they are used to. */
export class Crowd {
  readonly people: readonly Person[]
  readonly #history: History
  readonly #chance: Random
  /** Those who know no stream management, or write to one who does not. */
  readonly #plain: ReadonlySet<string>

  constructor(pairs: readonly (readonly [Person, Person])[], history: History, chance: Random) {
    this.people = pairs.flat()
    this.#history = history
    this.#chance = chance
    this.#plain = new Set(pairs.filter(pair => pair.some(({ habit }) => habit === 'plain')).flatMap(pair => pair.map(({ name }) => name)))
  }

  async comeOnline(): Promise<void> {
    await Promise.all(this.people.filter(({ isOnline }) => !isOnline).map(person => person.comeOnline()))
  }

  /** They go on with what they do, for so many ms. */
  async live(ms: number): Promise<void> {
    const until = performance.now() + ms
    while (performance.now() < until) {
      await Promise.all(this.people.map(person => this.#live(person)))
      await wait(TICK)
    }
  }

  async #live(person: Person): Promise<void> {
    const chance = this.#chance
    if (person.isOnline) for (let i = chance.below(3); i > 0; i--) person.write()
    if (chance.once(8)) person.ask()
    if ((person.habit !== 'away' && person.habit !== 'reading') || !chance.once(12)) return
    if (!person.isOnline) await person.comeOnline()
    else if (chance.once(2)) person.lose()
    else await person.leave()
  }

  /** Everyone comes home and gets what waits; whoever waits for an acknowledgement gets it, `ms` later at the latest. */
  async settle(ms = 15_000): Promise<void> {
    await this.comeOnline()
    const until = performance.now() + ms
    let quiet = 0
    for (let seen = -1; performance.now() < until && quiet < QUIET; ) {
      for (const person of this.people) if (person.waiting > 0) person.ask()
      await wait(100)
      const isStill = this.#history.received.length === seen && this.#waiting === 0
      quiet = isStill ? quiet + 1 : 0
      seen = this.#history.received.length
    }
  }

  /** Tells how it went, with the story of the first message of each kind that went wrong; to come twice may be allowed. */
  judge(t: TestContext, mayComeTwice = false): Verdict {
    const history = this.#history
    const isManaged = (id: string): boolean => !this.#plain.has(history.sent.get(id)!.to)
    const ids = history.lost().map(({ id }) => id)
    const lost = ids.filter(isManaged)
    const all = history.twice()
    const twice = all.filter(isManaged)
    const disordered = history.disordered()
    t.diagnostic(`${history.sent.size} sent, ${history.acknowledged.length} acknowledged, ${history.received.length} received`)
    const late = history.received.filter(({ isLate }) => isLate).length
    t.diagnostic(`${late} out of the store, ${this.people.reduce((n, { resumed }) => n + resumed, 0)} streams resumed`)
    if (this.#plain.size > 0)
      t.diagnostic(`to those without stream management: ${ids.length - lost.length} lost, ${all.length - twice.length} twice`)
    const wrong = [...lost.slice(0, 1), ...(mayComeTwice ? [] : twice.slice(0, 1)), ...disordered.slice(0, 1).map(({ id }) => id)]
    for (const id of wrong) t.diagnostic(`${id}:\n${history.about(id, history.sent.get(id)!.to)}`)
    return { lost: lost.length, twice: twice.length, disordered: disordered.length, waiting: this.#waiting }
  }

  /** Whether the archives of all that know stream management have what they were told they have. */
  async judgeArchives(t: TestContext): Promise<Misfiled> {
    const sum = { missing: 0, twice: 0, disordered: 0, renamed: 0 }
    let messages = 0
    for (const person of this.people) {
      if (this.#plain.has(person.name)) continue
      const archived = await person.readArchive()
      messages += archived.length
      const found = this.#history.misfiled(person.name, archived)
      for (const key of Object.keys(sum) as (keyof Misfiled)[]) sum[key] += found[key]
    }
    t.diagnostic(`${messages} messages in archives`)
    return sum
  }

  get #waiting(): number {
    return this.people.filter(({ waiting, habit }) => waiting > 0 && habit !== 'plain').length
  }
}
