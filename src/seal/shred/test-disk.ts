/** For tests: a disk in memory that crashes, fails and fills up. */
import type { Disk, DiskFile } from './disk.ts'

/** What a crash makes of a write that was not synced: how many of its bytes are on the disk, from its front or from its back. */
export type Fate = (size: number) => { readonly bytes: number; readonly isFromBack: boolean }

/** What tears every write elsewhere, the same way for the same seed. */
export function fateOf(seed: number): Fate {
  let state = seed + 1
  const next = (below: number): number => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0
    return (state >>> 8) % below
  }
  // Torn in the first bytes more often than elsewhere: those are what a short record consists of.
  return size => ({ bytes: [0, size, next(size), next(128), size - next(128)][next(5)]!, isFromBack: next(2) === 0 })
}

interface TestFile {
  /** What a process sees. */
  now: Buffer
  /** What is on the disk for certain. */
  durable: Buffer
  /** What was written since the last sync. */
  pending: { readonly at: number; readonly bytes: Buffer }[]
}

export class TestDisk implements Disk {
  readonly files = new Map<string, TestFile>()
  /** Bytes that files may still grow by. */
  room = Number.POSITIVE_INFINITY
  /** Whether a write takes the longer the farther it is from the start, until one fails. */
  slowly = false
  /** Files that are open. */
  handles = 0
  /** Changes until now: writes, syncs and what else changes a disk. */
  changes = 0
  /** The number of the change that fails, from 1. */
  failAt = Number.POSITIVE_INFINITY
  /** Whether nothing goes on after that. */
  isCrash = true
  readonly #locks = new Set<string>()
  #isDead = false

  lock(path: string): () => void {
    if (this.#locks.has(path)) throw new Error('locked')
    this.#locks.add(path)
    return () => this.#locks.delete(path)
  }

  async open(path: string): Promise<DiskFile | undefined> {
    const file = this.files.get(path)
    return file && this.#handle(file)
  }

  async create(path: string): Promise<DiskFile> {
    this.#change()
    const file = { now: Buffer.alloc(0), durable: Buffer.alloc(0), pending: [] }
    this.files.set(path, file)
    return this.#handle(file)
  }

  async rename(from: string, to: string): Promise<void> {
    this.#change()
    this.files.set(to, this.files.get(from)!)
    this.files.delete(from)
  }

  /** Puts other bytes into a file, or takes it away. */
  put(path: string, bytes: Buffer | undefined): void {
    if (bytes === undefined) this.files.delete(path)
    else Object.assign(this.files.get(path)!, { now: bytes, durable: Buffer.from(bytes), pending: [] })
  }

  /** The disk that the machine finds when it starts again. */
  restart(fate: Fate): TestDisk {
    const disk = new TestDisk()
    for (const [path, { durable, pending }] of this.files) {
      let now: Buffer = Buffer.from(durable)
      for (const { at, bytes } of pending) {
        const part = fate(bytes.length)
        const skipped = part.isFromBack ? bytes.length - part.bytes : 0
        now = write(now, at + skipped, bytes.subarray(skipped, skipped + part.bytes))
      }
      disk.files.set(path, { now, durable: Buffer.from(now), pending: [] })
    }
    return disk
  }

  /** All that a thief finds. */
  copy(): TestDisk {
    return this.restart(size => ({ bytes: size, isFromBack: false }))
  }

  #handle(file: TestFile): DiskFile {
    this.handles++
    return {
      read: async (at, size) => Buffer.from(file.now.subarray(at, at + size)),
      write: async (at, bytes) => {
        const growth = Math.max(0, at + bytes.length - file.now.length)
        if (growth > this.room) throw Object.assign(new Error('no space left'), { code: 'ENOSPC' })
        this.room -= growth
        if (this.slowly && this.changes < this.failAt) for (let i = 0; i < at; i += 100) await null
        const wasDead = this.#isDead
        try {
          this.#change()
        } finally {
          // A write that fails may have been done all the same.
          if (!wasDead) {
            const written = { at, bytes: Buffer.from(bytes) }
            file.pending.push(written)
            file.now = write(file.now, at, written.bytes)
          }
        }
      },
      sync: async () => {
        this.#change()
        for (const { at, bytes } of file.pending) file.durable = write(file.durable, at, bytes)
        file.pending = []
      },
      close: async () => void this.handles--,
    }
  }

  #change(): void {
    if (this.#isDead) throw new Error('there is no disk')
    if (++this.changes !== this.failAt) return
    this.#isDead = this.isCrash
    throw new Error('the disk failed')
  }
}

/** In place, if there is room. */
function write(bytes: Buffer, at: number, part: Buffer): Buffer {
  const end = part.length === 0 ? 0 : at + part.length
  const result = end <= bytes.length ? bytes : Buffer.concat([bytes, Buffer.alloc(end - bytes.length)])
  part.copy(result, at)
  return result
}
