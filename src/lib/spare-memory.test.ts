import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SpareMemory } from './spare-memory.ts'

const MIB = 2 ** 20

class Quiet {
  resident = 100
  heap = 20
  load = 0
  collections = 0
  readonly memory = new SpareMemory({
    memory: () => this.resident * MIB,
    heap: () => this.heap * MIB,
    load: () => this.load,
    collect: () => {
      this.collections++
      this.resident = 110
    },
  })

  /** How often it has collected when it has become so large, and worked for such a share of the time. */
  after(resident: number, load: number): number {
    this.resident = resident
    this.load = load
    this.memory.onTick()
    return this.collections
  }
}

test('what a storm has left is given back once it is over', () => {
  const server = new Quiet()
  assert.equal(server.after(250, 0.9), 0)
  assert.equal(server.after(250, 0.01), 1)
  assert.equal(server.resident, 110)
})

test('what is needed is not looked through again and again', () => {
  const server = new Quiet()
  assert.equal(server.after(200, 0), 1)
  assert.equal(server.after(140, 0), 1)
  assert.equal(server.after(145, 0), 2)
})

test('the measure is the least that it was', () => {
  const server = new Quiet()
  server.after(60, 0.9)
  assert.equal(server.after(95, 0), 1)
})

test('nobody waits for a heap to be looked through that is large', () => {
  const server = new Quiet()
  server.heap = 300
  assert.equal(server.after(500, 0), 0)
})
