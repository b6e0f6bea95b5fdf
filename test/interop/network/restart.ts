import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { setTimeout as wait } from 'node:timers/promises'
import { History } from '../../faults/history.ts'
import { Person } from '../../faults/person.ts'
import type { Member } from './member.ts'
import { NAME } from './scenarios.ts'

const TICK = 25
const PER_TICK = 5
const PATIENCE = 20_000

export interface Interruption {
  /** Whose user writes, and whose user reads. */
  readonly from: Member
  readonly to: Member
  /** The one of them that ends in the middle, and comes back. */
  readonly restarted: Member
  readonly ending: 'stop' | 'kill'
  /** What was acknowledged must arrive. */
  readonly isSafe: boolean
}

/** One writes to the other while a server restarts. Done when messages pass again and nothing is on its way; tells how it went. */
export async function interrupt({ from, to, restarted, ending, isSafe }: Interruption): Promise<History> {
  // What waits for the reader from earlier must not be taken for this.
  const history = new History(`-${randomUUID()}`)
  const writer = new Person(NAME, `${NAME}@${to.domain}`, 'steady', from, history)
  const reader = new Person(NAME, `${NAME}@${from.domain}`, 'steady', to, history)
  const write = async (ticks: number): Promise<void> => {
    for (let tick = 0; tick < ticks; tick++) {
      for (let n = 0; n < PER_TICK; n++) writer.write()
      writer.ask()
      await wait(TICK)
    }
  }
  await Promise.all([writer.comeOnline(), reader.comeOnline()])
  await write(20)
  await Promise.all([write(20), restarted[ending]()])
  const guest = restarted === from ? writer : reader
  guest.lose()
  await restarted.start()
  await guest.comeOnline()

  const before = history.sent.size
  const passes = (): boolean => history.received.some(({ id }) => (history.sent.get(id)?.n ?? 0) > before)
  const deadline = performance.now() + PATIENCE
  while (!passes() && performance.now() < deadline) await write(1)
  assert.ok(passes(), `after a ${ending} of ${restarted.software.name} messages do not pass any more`)
  while (isSafe && (writer.waiting > 0 || history.lost().length > 0) && performance.now() < deadline) {
    writer.ask()
    await wait(TICK)
  }
  await Promise.all([writer.leave(), reader.leave()])
  return history
}
