import { closeSync, fdatasync, fstatSync, fsyncSync, openSync } from 'node:fs'
import { dirname } from 'node:path'
import { performance } from 'node:perf_hooks'
import { promisify } from 'node:util'
import { Thread } from '../lib/thread.ts'
import type { Request, Upkeep } from './checkpoint-worker.ts'
import { sqliteError } from './sqlite-error.ts'

/** In bytes; a longer one makes reads slow and keeps deleted rows. A shorter one writes the pages that change often more often. */
const LONGEST = 12 << 20

/** After so many ms without a write it is emptied: it tells what was written in one breath, such as both copies of a message. */
const QUIET = 3_000

/** The thread that empties it is kept for so long, in ms: to begin one takes longer than what it does. */
const KEPT = 60_000

/** What is to be done with the file. */
export interface Due {
  /** It has grown too long. Not called again until `shortened` was. */
  long(): void
  /** It has rested for a while. */
  quiet(): void
}

const fdatasyncAsync = promisify(fdatasync)

/**
 * The -wal file of an open database: synced and emptied in other threads, so that the event loop never waits for the disk.
 *
 * SQLite's locks are on the database and the -shm file, so closing our own descriptor of this one drops none. It stays the
 * same file while a connection is open: checkpoints reuse or shorten it, and only the last connection removes it.
 * With `synchronous = NORMAL` SQLite itself syncs the file before a checkpoint, the database after it, and a new header
 * before the first frame behind it; what a COMMIT appends is left to us.
 */
export class Wal {
  readonly #path: string
  readonly #descriptor: number
  readonly #due: Due
  /** In bytes: when it is as long it is to be shortened. */
  #most = LONGEST
  #isLong = false
  /** Something was written since all was written anew. */
  #isWritten = true
  #syncedAt = 0
  #quiet: NodeJS.Timeout | undefined
  #isClosed = false
  readonly #thread = new Thread<Request, unknown>(new URL('./checkpoint-worker.ts', import.meta.url), KEPT)

  constructor(path: string, due: Due) {
    this.#path = path
    this.#descriptor = openSync(`${path}-wal`, 'r+')
    this.#due = due
    // A file is safe only when its name is.
    const folder = openSync(dirname(path), 'r')
    fsyncSync(folder)
    closeSync(folder)
  }

  isEmpty(): boolean {
    return this.#isClosed || fstatSync(this.#descriptor).size === 0
  }

  async sync(): Promise<void> {
    await fdatasyncAsync(this.#descriptor)
    this.#syncedAt = performance.now()
    this.#isWritten = true
    if (this.#quiet === undefined) this.#waitForQuiet(QUIET)
    if (this.#isLong) return
    const { size } = fstatSync(this.#descriptor)
    if (size < LONGEST) this.#most = LONGEST
    if (size < this.#most) return
    // While another program reads it cannot be shortened: then it is tried again when it is longer still.
    this.#most = size + LONGEST
    this.#isLong = true
    this.#due.long()
  }

  #waitForQuiet(ms: number): void {
    if (this.#isClosed) return
    this.#quiet = setTimeout(() => {
      this.#quiet = undefined
      const rest = this.#syncedAt + QUIET - performance.now()
      if (rest > 0) this.#waitForQuiet(rest)
      else this.#due.quiet()
    }, ms).unref()
  }

  /**
   * Moves what is in the file into the database, as far as nobody uses it. The connection may go on meanwhile; if it rests, all is
   * moved, and its next commit begins the file anew. It keeps its pages in memory, which it would lose if the file were emptied.
   */
  copy(): Promise<void> {
    return this.#checkpoint('PASSIVE')
  }

  /** Moves everything into the database and empties the file, unless another program reads just now. The connection must rest meanwhile. */
  empty(): Promise<void> {
    return this.#checkpoint('TRUNCATE')
  }

  /** It may be found to be too long again. */
  shortened(): void {
    this.#isLong = false
  }

  /** Writes the whole database anew, every table in the order of its keys. The connection must rest meanwhile. */
  async rewrite(): Promise<void> {
    await this.#checkpoint('REWRITE')
    this.#isWritten = false
  }

  get isWritten(): boolean {
    return this.#isWritten
  }

  /** One after the other. What has not begun when this is closed need not be done. */
  async #checkpoint(mode: Upkeep): Promise<void> {
    const failure = await this.#thread.ask({ path: this.#path, mode }).catch((cause: unknown) => cause)
    if (failure !== undefined && !this.#isClosed) throw sqliteError(failure)
  }

  close(): void {
    this.#isClosed = true
    clearTimeout(this.#quiet)
    this.#thread.end()
    closeSync(this.#descriptor)
  }
}
