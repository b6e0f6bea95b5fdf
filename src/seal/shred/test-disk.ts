/** For tests: a disk in memory that crashes, fills up and fails at will. */
import type { Disk, DiskFile } from './disk.ts'

export class Crash extends Error {}

/** Says what a crash makes of a write that was not synced: how many of its bytes got to the disk, from the front or from the back. */
export type Fate = (size: number) => { readonly bytes: number; readonly isFromBack: boolean }

interface Write {
  readonly at: number
  readonly bytes: Buffer
}

interface TestFile {
  /** What is on the disk for certain. */
  durable: Buffer
  /** What was written since the last sync. */
  pending: Write[]
}

export class TestDisk implements Disk {
  readonly files = new Map<string, TestFile>()
  /** Bytes that files may still grow by. */
  room = Number.POSITIVE_INFINITY
  /** Writes and syncs until now. */
  operations = 0
  /** What happens at the operation of this number, counted from 1. */
  failAt = Number.POSITIVE_INFINITY
  /** Whether the disk fails for good (the process is dead) or once. */
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
    this.#step()
    const file = { durable: Buffer.alloc(0), pending: [] }
    this.files.set(path, file)
    return this.#handle(file)
  }

  async rename(from: string, to: string): Promise<void> {
    this.#step()
    this.files.set(to, this.files.get(from)!)
    this.files.delete(from)
  }

  /** What a machine finds when it starts again: what was synced, and of the rest what fate has left. */
  restart(fate: Fate): TestDisk {
    const disk = new TestDisk()
    for (const [path, { durable, pending }] of this.files) {
      let bytes = durable
      for (const { at, bytes: written } of pending) {
        const { bytes: count, isFromBack } = fate(written.length)
        const part = isFromBack ? written.subarray(written.length - count) : written.subarray(0, count)
        bytes = apply(bytes, { at: isFromBack ? at + written.length - count : at, bytes: part })
      }
      disk.files.set(path, { durable: Buffer.from(bytes), pending: [] })
    }
    return disk
  }

  /** All that is in a file now. */
  bytes(path: string): Buffer {
    const { durable, pending } = this.files.get(path)!
    return pending.reduce(apply, durable)
  }

  #handle(file: TestFile): DiskFile {
    return {
      size: async () => file.pending.reduce(apply, file.durable).length,
      read: async (at, size) => Buffer.from(file.pending.reduce(apply, file.durable).subarray(at, at + size)),
      write: async (at, bytes) => {
        const size = file.pending.reduce((size, write) => Math.max(size, write.at + write.bytes.length), file.durable.length)
        const growth = Math.max(0, at + bytes.length - size)
        if (growth > this.room) throw Object.assign(new Error('no space left'), { code: 'ENOSPC' })
        this.room -= growth
        const isFailing = this.#isFailing()
        // A write that fails may have been done all the same.
        if (!this.#isDead || isFailing) file.pending.push({ at, bytes: Buffer.from(bytes) })
        if (isFailing || this.#isDead) throw new Crash('the disk failed')
      },
      sync: async () => {
        this.#step()
        file.durable = file.pending.reduce(apply, file.durable)
        file.pending = []
      },
      close: async () => {},
    }
  }

  #step(): void {
    if (this.#isFailing() || this.#isDead) throw new Crash('the disk failed')
  }

  #isFailing(): boolean {
    const isFailing = !this.#isDead && ++this.operations === this.failAt
    if (isFailing && this.isCrash) this.#isDead = true
    return isFailing
  }
}

function apply(bytes: Buffer, { at, bytes: written }: Write): Buffer {
  const result = Buffer.alloc(Math.max(bytes.length, at + written.length))
  bytes.copy(result)
  written.copy(result, at)
  return result
}
