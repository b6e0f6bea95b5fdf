import assert from 'node:assert/strict'
import { test } from 'node:test'
import { silentLog } from './core/log.ts'
import type { Store } from './storage/db.ts'
import { StorageError } from './storage/db.ts'
import { Upkeep } from './upkeep.ts'

const HOUR = 3_600_000
const MIB = 2 ** 20

class Stage {
  now = Date.UTC(2026, 0, 1, 22)
  load = 0
  readonly done: string[] = []
  fails = false
  readonly #store = {
    tidy: async () => {
      this.done.push('tidy')
      if (this.fails) throw new StorageError('full', 'no room')
    },
    rewrite: async (most: number) => {
      this.done.push(`rewrite ${most / MIB}`)
    },
  } as unknown as Store
  readonly upkeep = new Upkeep([this.#store], { now: () => this.now, load: () => this.load }, silentLog)

  /** What is done at the tick that comes so many hours later. */
  async later(hours: number): Promise<string[]> {
    this.now += hours * HOUR
    await this.upkeep.onTick()
    return this.done.splice(0)
  }
}

test('what deleted rows leave goes at every tick; when it is quiet, all is written anew: small ones every hour, others every day', async () => {
  const stage = new Stage()
  assert.deepEqual(await stage.later(0.1), ['tidy'])
  assert.deepEqual(await stage.later(1), ['tidy', 'rewrite 64'])
  assert.deepEqual(await stage.later(0.1), ['tidy'])
  stage.load = 0.5
  assert.deepEqual(await stage.later(2), ['tidy'])
  stage.load = 0
  assert.deepEqual(await stage.later(0.5), ['tidy', 'rewrite 256'])
  assert.deepEqual(await stage.later(1), ['tidy', 'rewrite 64'])
  assert.deepEqual(await stage.later(24), ['tidy', 'rewrite 256'])
})

test('so it is at the end, as far as there is time', async () => {
  const stage = new Stage()
  await stage.upkeep.end()
  assert.deepEqual(stage.done, ['tidy', 'rewrite 64'])
})

test('what fails is tried again', async () => {
  const stage = new Stage()
  stage.fails = true
  assert.deepEqual(await stage.later(1), ['tidy'])
  stage.fails = false
  assert.deepEqual(await stage.later(24), ['tidy', 'rewrite 256'])
})
