import type { DatabaseSync } from 'node:sqlite'
import { StorageError } from './error.ts'
import { sqliteError } from './sqlite-error.ts'

interface Waiter {
  resolve(): void
  reject(error: StorageError): void
}

/** What is written together, and made safe by one sync. */
export class Batch {
  readonly waiters: Waiter[] = []
  /** Set when SQLite has undone all of it. */
  failure: StorageError | undefined
  /** The turn of the event loop that began it is over. */
  isDue = false
  /** A transaction is open in it. */
  isHeld = false

  /** Gives `value` once the batch is safe on disk. */
  keep<T>(value: T): Promise<T> {
    return new Promise((resolve, reject) => this.waiters.push({ resolve: () => resolve(value), reject }))
  }

  fail(error: StorageError): void {
    this.failure = error
    for (const waiter of this.waiters) waiter.reject(error)
  }
}

/**
 * Commits together what is written in one turn of the event loop, or while the batch before is being synced.
 * COMMIT itself only writes; `sync` makes it safe away from the event loop, and only then its waiters are told.
 */
export class GroupCommit {
  readonly #raw: DatabaseSync
  readonly #sync: (() => Promise<void>) | undefined
  readonly #begin: () => void
  readonly #beginRead: () => void
  readonly #commit: () => void
  #batch: Batch | undefined
  #isReading = false
  #syncing: Promise<void> | undefined
  #failure: StorageError | undefined

  constructor(raw: DatabaseSync, sync: (() => Promise<void>) | undefined) {
    const begin = raw.prepare('BEGIN IMMEDIATE')
    const beginRead = raw.prepare('BEGIN')
    const commit = raw.prepare('COMMIT')
    // What each run gives has the key of the row that was added last, which may be beyond what a number can hold.
    for (const statement of [begin, beginRead, commit]) statement.setReadBigInts(true)
    this.#raw = raw
    this.#sync = sync
    this.#begin = () => begin.run()
    this.#beginRead = () => beginRead.run()
    this.#commit = () => commit.run()
  }

  /** The open batch; begun if there is none. Throws a StorageError. */
  open(): Batch {
    if (this.#batch !== undefined) return this.#batch
    if (this.#failure !== undefined) throw this.#failure
    this.#endRead()
    this.attempt(this.#begin)
    const batch = new Batch()
    this.#batch = batch
    setImmediate(() => this.#end(batch))
    return batch
  }

  /**
   * To be called before a read outside of batches. The reads of one turn of the event loop, as of an account that logs in, share
   * a transaction: for SQLite to lock, to look for what others wrote, and to unlock takes longer than a small read.
   */
  read(): void {
    if (this.#batch !== undefined || this.#isReading) return
    this.attempt(this.#beginRead)
    this.#isReading = true
    setImmediate(() => this.#endRead())
  }

  /** Does one step on the connection. Throws a StorageError. */
  attempt<T>(step: () => T): T {
    try {
      return step()
    } catch (cause) {
      const error = sqliteError(cause)
      // Some errors (full, I/O) make SQLite undo the whole transaction, not only the statement.
      if (this.#batch !== undefined && !this.#raw.isTransaction) this.#lose(this.#batch, error)
      throw error
    }
  }

  hold(batch: Batch): void {
    batch.isHeld = true
  }

  release(batch: Batch): void {
    batch.isHeld = false
    if (batch.isDue) this.#flush()
  }

  /** Done when all that was written before is on disk, or has failed. */
  async settled(): Promise<void> {
    this.#endRead()
    await this.#batch?.keep(undefined).catch(() => {})
    await this.#syncing
  }

  /** Refuses new batches from now on; done when the open one is. */
  end(): Promise<void> {
    this.#failure ??= new StorageError('broken', 'the database is closed')
    return this.settled()
  }

  #endRead(): void {
    if (!this.#isReading) return
    this.#isReading = false
    // A failed read may have ended it.
    if (this.#raw.isOpen && this.#raw.isTransaction) this.#commit()
  }

  #end(batch: Batch): void {
    batch.isDue = true
    if (batch === this.#batch) this.#flush()
  }

  #flush(): void {
    const batch = this.#batch
    // To commit during a sync would gain nothing, as the next one must be waited for all the same.
    if (!batch?.isDue || batch.isHeld || this.#syncing !== undefined) return
    try {
      this.#commit()
    } catch (cause) {
      if (this.#raw.isTransaction) this.#raw.exec('ROLLBACK')
      this.#lose(batch, sqliteError(cause))
      return
    }
    this.#batch = undefined
    this.#settle(batch)
  }

  #settle(batch: Batch): void {
    if (this.#sync === undefined) {
      tell(batch)
      return
    }
    this.#syncing = this.#sync().then(
      () => {
        this.#syncing = undefined
        tell(batch)
        // Those just told may write on at once: let them into the batch that waits.
        setImmediate(() => this.#flush())
      },
      (cause: unknown) => {
        // After a failed sync nobody knows what is on the disk, and asking again would hide it. Only a new start reads it afresh.
        this.#failure = sqliteError(cause)
        this.#syncing = undefined
        batch.fail(this.#failure)
        if (this.#raw.isTransaction) this.#raw.exec('ROLLBACK')
        if (this.#batch !== undefined) this.#lose(this.#batch, this.#failure)
      },
    )
  }

  #lose(batch: Batch, error: StorageError): void {
    this.#batch = undefined
    batch.fail(error)
  }
}

function tell(batch: Batch): void {
  for (const waiter of batch.waiters) waiter.resolve()
}
