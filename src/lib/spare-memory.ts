import { performance } from 'node:perf_hooks'
import { setInterval } from 'node:timers'
import { getHeapStatistics } from 'node:v8'

const MIB = 2 ** 20
/** How far the process may grow beyond what it was when V8 had last collected all. */
const SPARE = 32 * MIB
/** To look through a larger heap takes longer than anybody should wait. */
const LARGEST = 256 * MIB
/** The share of time that a quiet process works at most. */
const QUIET = 0.03
const EVERY = 3_000

export interface Process {
  /** What is resident, in bytes. */
  readonly memory: () => number
  /** What V8 holds of it, apart from its reserve. */
  readonly heap: () => number
  /** The share of time that the process worked since this was last asked. */
  readonly load: () => number
  readonly collect: () => void
}

/**
 * Gives back what a storm has left. V8 collects when somebody wants room: in a process that has become quiet nobody does,
 * and garbage of a hundred MiB, or as many pages that V8 keeps in reserve, would stay resident for hours.
 */
export class SpareMemory {
  readonly #process: Process
  #kept: number

  constructor(process: Process) {
    this.#process = process
    this.#kept = process.memory()
  }

  /** Every few seconds. */
  onTick(): void {
    const { memory, heap, load, collect } = this.#process
    const isQuiet = load() < QUIET
    const now = memory()
    this.#kept = Math.min(this.#kept, now)
    if (!isQuiet || now < this.#kept + SPARE || heap() > LARGEST) return
    collect()
    this.#kept = memory()
  }
}

/** Watches this process. Without `--expose-gc` there is nothing that could be done. Gives what ends it. */
export function giveBackMemory(): () => void {
  const collect = globalThis.gc
  if (collect === undefined) return () => {}
  let before = performance.eventLoopUtilization()
  const load = (): number => {
    const now = performance.eventLoopUtilization()
    const { utilization } = performance.eventLoopUtilization(now, before)
    before = now
    return utilization
  }
  // This kind alone lets go of the reserve, too.
  const collectAll = (): void => void collect({ type: 'major', execution: 'sync', flavor: 'last-resort' })
  const heap = (): number => getHeapStatistics().total_heap_size
  const spare = new SpareMemory({ memory: process.memoryUsage.rss, heap, load, collect: collectAll })
  const timer = setInterval(() => spare.onTick(), EVERY).unref()
  return () => clearInterval(timer)
}
