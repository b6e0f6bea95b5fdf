import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Forgetting } from './forgetting.ts'

const MIB = 2 ** 20

class Stage {
  now = 0
  heap = 20
  /** How long a collection takes, in ms. */
  pause = 10
  readonly collections: { at: number; isThorough: boolean }[] = []
  #timers: { at: number; work: () => void }[] = []
  readonly forgetting = new Forgetting({
    now: () => this.now,
    after: (ms, work) => this.#timers.push({ at: this.now + ms, work }),
    heap: () => this.heap * MIB,
    collect: isThorough => {
      this.collections.push({ at: this.now, isThorough })
      this.now += this.pause
    },
  })

  later(ms: number): void {
    const until = this.now + ms
    for (const timer of this.#timers.filter(({ at }) => at <= until)) {
      this.now = timer.at
      this.#timers = this.#timers.filter(other => other !== timer)
      timer.work()
    }
    this.now = until
  }

  /** How often it has collected. */
  get count(): number {
    return this.collections.length
  }
}

test('soon after somebody has gone, garbage is overwritten, once for all who go meanwhile', () => {
  const stage = new Stage()
  stage.later(60_000)
  assert.equal(stage.count, 0)
  for (let i = 0; i < 5; i++) {
    stage.forgetting.soon()
    stage.later(1000)
  }
  stage.later(60_000)
  assert.deepEqual(stage.collections, [{ at: 70_000, isThorough: true }])
})

test('who goes right after that is forgotten within a minute', () => {
  const stage = new Stage()
  stage.forgetting.soon()
  stage.later(10_001)
  assert.equal(stage.count, 1)
  stage.forgetting.soon()
  stage.later(40_000)
  assert.equal(stage.count, 1)
  stage.later(20_000)
  assert.equal(stage.count, 2)
})

test('it takes no more than 1/500 of the time', () => {
  const stage = new Stage()
  stage.pause = 200
  stage.forgetting.soon()
  stage.later(15_000)
  stage.forgetting.soon()
  stage.later(80_000)
  assert.equal(stage.count, 1)
  stage.later(100_000)
  assert.equal(stage.count, 2)
})

test('a larger heap is not compacted, and a very large one not looked through', () => {
  const stage = new Stage()
  stage.heap = 100
  stage.forgetting.soon()
  stage.later(60_000)
  assert.deepEqual(stage.collections[0]?.isThorough, false)
  stage.heap = 300
  stage.forgetting.soon()
  stage.later(60_000)
  assert.equal(stage.count, 1)
})
