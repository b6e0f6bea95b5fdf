import { performance } from 'node:perf_hooks'
import { getHeapStatistics } from 'node:v8'

const MIB = 2 ** 20
/** Others go meanwhile, who are forgotten in the same breath. */
const DELAY = 10_000
/** Not more often than so many ms; nor for more than a share of the time. */
const EVERY = 45_000
const SHARE = 1 / 500
/** Up to here V8 may move what lives, so that nothing is left between it. */
const SMALL = 64 * MIB
/** To look through a larger heap takes longer than anybody should wait. */
const LARGEST = 256 * MIB
/** V8's young generation, twice over: `--max-semi-space-size` of bin/conexizan. */
const YOUNG = 32 * MIB
/** Frames of a few hundred bytes, together far less than the stack has. */
const FRAMES = 1500
/** glibc keeps so many pieces of memory of each size up to the largest without overwriting them, for those who want some next. */
const PIECES = 8
const LARGEST_PIECE = 1040

export interface ForgettingProcess {
  /** In ms. */
  readonly now: () => number
  readonly after: (ms: number, work: () => void) => unknown
  /** Bytes that V8 holds. */
  readonly heap: () => number
  /** Collects garbage; `thorough` closes the gaps. */
  readonly collect: (isThorough: boolean) => void
}

/**
 * Overwrites what nobody holds any more but is still in memory: texts, above all, which JavaScript gives no way to overwrite.
 * Buffers with keys do not wait for this; whoever has them wipes them.
 */
export class Forgetting {
  readonly #process: ForgettingProcess
  #isDue = false
  #lastAt = Number.NEGATIVE_INFINITY
  #lasted = 0

  constructor(process: ForgettingProcess) {
    this.#process = process
  }

  /** Somebody has gone whose texts need not be here any more. */
  soon(): void {
    if (this.#isDue) return
    this.#isDue = true
    const { now, after } = this.#process
    const next = this.#lastAt + Math.max(EVERY, this.#lasted / SHARE)
    after(Math.max(DELAY, next - now()), () => this.#forget())
  }

  #forget(): void {
    const { now, heap, collect } = this.#process
    const startedAt = now()
    this.#isDue = false
    // V8 keeps the text that an expression has matched last, for properties of RegExp that nobody uses.
    ;/^/.test('')
    const held = heap()
    if (held <= LARGEST) collect(held <= SMALL)
    overwriteYoung()
    overwritePieces()
    overwriteStack(FRAMES)
    this.#lastAt = now()
    this.#lasted = this.#lastAt - startedAt
  }
}

/** Of this process. Without `--expose-gc` there is nothing that could be done. */
export function startForgetting(): Forgetting | undefined {
  const { gc } = globalThis
  if (gc === undefined) return undefined
  return new Forgetting({
    now: () => performance.now(),
    after: (ms, work) => setTimeout(work, ms).unref(),
    heap: () => getHeapStatistics().total_heap_size,
    collect: isThorough => gc({ type: 'major', execution: 'sync', flavor: isThorough ? 'last-resort' : 'regular' }),
  })
}

/** V8 takes the young generation's memory in turn, and leaves in it what was there until it is taken again. */
function overwriteYoung(): void {
  const size = 1024
  let last: number[] = []
  for (let bytes = 0; bytes < YOUNG; bytes += size) last = new Array<number>(size / 8).fill(last.length)
}

function overwritePieces(): void {
  const pieces: Buffer[] = []
  for (let size = 16; size <= LARGEST_PIECE; size += 16) {
    for (let i = 0; i < PIECES; i++) pieces.push(Buffer.allocUnsafeSlow(size).fill(0))
  }
}

/** Node reads and writes TLS by way of 16 KiB on the stack, further down than most calls come. */
function overwriteStack(depth: number): number {
  const [a, b, c, d, e, f, g, h] = [depth, 0, 0, 0, 0, 0, 0, 0]
  return depth === 0 ? 0 : a + b + c + d + e + f + g + h + overwriteStack(depth - 1)
}
