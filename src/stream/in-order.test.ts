import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { namespace } from '../xml/element.ts'
import { InOrder } from './in-order.ts'

const Test = namespace('urn:test')

/** Elements are numbers here. */
class Stream {
  readonly taken: number[] = []
  /** Those whose work has to wait. */
  readonly slow = new Map<number, PromiseWithResolvers<void>>()
  isReading = true
  failure: unknown
  readonly inOrder = new InOrder({
    take: ({ attrs }) => {
      const n = Number(attrs['n'])
      this.taken.push(n)
      return this.slow.get(n)?.promise
    },
    fail: error => {
      this.failure = error
    },
    steer: () => {
      this.isReading = !this.inOrder.isFull
    },
  })
  #brought = 0

  brings(count: number): void {
    for (let i = 0; i < count; i++) this.inOrder.add(Test('e', { n: String(this.#brought++) }))
  }
}

const upTo = (count: number): number[] => Array.from({ length: count }, (_, i) => i)

test('few elements are dealt with as they come', () => {
  const stream = new Stream()
  stream.brings(10)
  assert.deepEqual(stream.taken, upTo(10))
})

test('one that brings many has a part of them dealt with at a time; in between others have their turn', async () => {
  const [flood, other] = [new Stream(), new Stream()]
  flood.brings(1000)
  assert.ok(flood.taken.length < 20)
  assert.equal(flood.isReading, false)
  let turns = 0
  for (; flood.taken.length < 1000; turns++) {
    const before = flood.taken.length
    other.brings(1)
    assert.equal(other.taken.length, turns + 1, 'it waits for the flood')
    await turn()
    assert.ok(flood.taken.length - before < 20, 'too many at a time')
  }
  assert.deepEqual(flood.taken, upTo(1000))
  assert.equal(flood.isReading, true)
})

test('what comes while a part waits for its turn stays behind it', async () => {
  const stream = new Stream()
  for (let i = 0; i < 100; i++) {
    stream.brings(7)
    if (i % 5 === 0) await turn()
  }
  while (stream.taken.length < 700) await turn()
  assert.deepEqual(stream.taken, upTo(700))
})

test('work that waits holds up those behind it, whoever has a turn', async () => {
  const stream = new Stream()
  const work = Promise.withResolvers<void>()
  stream.slow.set(15, work)
  stream.brings(100)
  for (let i = 0; i < 5; i++) await turn()
  assert.deepEqual(stream.taken, upTo(16))
  assert.equal(stream.inOrder.isHeldUp, true)
  work.resolve()
  while (stream.taken.length < 100) await turn()
  assert.deepEqual(stream.taken, upTo(100))
})

test('the end of a stream comes after all that came before it', async () => {
  const stream = new Stream()
  stream.brings(100)
  let ends = 0
  stream.inOrder.whenDone(() => {
    assert.equal(stream.taken.length, 100)
    ends++
  })
  assert.equal(ends, 0)
  for (let i = 0; i < 20; i++) await turn()
  assert.equal(ends, 1)
})

test('a connection that breaks loses nothing that came before, but what waits for work under way', () => {
  const stream = new Stream()
  stream.brings(100)
  stream.inOrder.finish()
  assert.deepEqual(stream.taken, upTo(100))
  const held = new Stream()
  held.slow.set(3, Promise.withResolvers<void>())
  held.brings(100)
  held.inOrder.finish()
  assert.deepEqual(held.taken, upTo(4))
})

test('after its end nothing is dealt with any more', async () => {
  const stream = new Stream()
  stream.brings(100)
  const { length } = stream.taken
  stream.inOrder.end()
  stream.brings(1)
  await turn()
  assert.equal(stream.taken.length, length)
})
