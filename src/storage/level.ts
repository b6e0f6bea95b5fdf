import type { Db } from './db.ts'
import { StorageError } from './error.ts'
import { Gate } from './gate.ts'
import type { Batch, GroupCommit } from './group-commit.ts'
import { list, type Sql, sql } from './sql.ts'
import { sqliteError } from './sqlite-error.ts'
import { type Prepared, rowsOf, runWith } from './statements.ts'

/** Everyone waits for an open transaction, so one that hangs is undone. In ms. */
export const LONGEST_TX = 10_000

export interface Connection {
  readonly commits: GroupCommit
  prepare(query: Sql): Prepared
  exec(text: string): void
}

/** An open transaction. */
interface Frame {
  readonly batch: Batch
  readonly depth: number
  readonly above: Frame | undefined
  /** Why nothing more may be done in it. */
  over: StorageError | undefined
}

/**
 * A Db on the one connection: the store itself, or an open transaction, which is a savepoint in the batch. While a deeper
 * one is open whoever comes waits, else his writes would be undone with it.
 */
export class Level implements Db {
  readonly writesPages = true
  readonly #connection: Connection
  readonly #frame: Frame | undefined
  readonly #gate = new Gate()

  constructor(connection: Connection, frame?: Frame) {
    this.#connection = connection
    this.#frame = frame
  }

  all<Row>(query: Sql): Promise<Row[]> {
    return this.#step(() => {
      const prepared = this.#connection.prepare(query)
      const batch = prepared.writes || this.#frame !== undefined ? this.#join() : undefined
      if (batch === undefined) this.#connection.commits.read()
      return this.#safe(rowsOf<Row>(prepared, query), batch)
    })
  }

  run(query: Sql): Promise<number> {
    return this.#step(() => {
      const prepared = this.#connection.prepare(query)
      const batch = this.#join()
      return this.#safe(runWith(prepared, query.values), batch)
    })
  }

  /** One by one: a statement with many rows would take four times as long. */
  insert(into: Sql, rows: readonly (readonly unknown[])[]): Promise<void> {
    return this.#step(() => {
      if (rows.length === 0) return Promise.resolve()
      const prepared = this.#connection.prepare(sql`${into} VALUES ${list(rows[0]!)}`)
      const batch = this.#join()
      for (const row of rows) runWith(prepared, row)
      return this.#safe(undefined, batch)
    })
  }

  tx<T>(work: (db: Db) => Promise<T>): Promise<T> {
    return this.#gate.pass(() => this.#tx(work))
  }

  /** Does `work` when all is on disk, and while nobody uses the connection. */
  pause(work: () => Promise<void>): Promise<void> {
    return this.#gate.pass(async () => {
      this.#gate.shut()
      try {
        await this.#connection.commits.settled()
        await work()
      } finally {
        this.#gate.open()
      }
    })
  }

  #step<T>(work: () => Promise<T>): Promise<T> {
    return this.#gate.pass(() => {
      try {
        return this.#connection.commits.attempt(work)
      } catch (error) {
        if (this.#frame !== undefined) this.#frame.over ??= sqliteError(error)
        return Promise.reject(error)
      }
    })
  }

  async #tx<T>(work: (db: Db) => Promise<T>): Promise<T> {
    const { commits, exec } = this.#connection
    const above = this.#frame
    const batch = this.#join()
    const frame: Frame = { batch, depth: (above?.depth ?? 0) + 1, above, over: undefined }
    commits.attempt(() => exec(`SAVEPOINT tx${frame.depth}`))
    this.#gate.shut()
    if (above === undefined) commits.hold(batch)
    let done: Promise<T>
    try {
      const inner = new Level(this.#connection, frame)
      const value = await (above === undefined ? inTime(work(inner)) : work(inner))
      check(frame)
      commits.attempt(() => exec(`RELEASE tx${frame.depth}`))
      done = this.#safe(value, batch)
    } catch (error) {
      if (batch.failure === undefined && !isOver(above)) exec(`ROLLBACK TO tx${frame.depth}; RELEASE tx${frame.depth}`)
      throw batch.failure ?? error
    } finally {
      frame.over ??= new StorageError('broken', 'a transaction was used after its end')
      if (above === undefined) commits.release(batch)
      this.#gate.open()
    }
    return done
  }

  #join(): Batch {
    if (this.#frame === undefined) return this.#connection.commits.open()
    check(this.#frame)
    return this.#frame.batch
  }

  /** Inside a transaction nothing is promised yet; outside the batch must be on disk. */
  #safe<T>(value: T, batch: Batch | undefined): Promise<T> {
    return batch === undefined || this.#frame !== undefined ? Promise.resolve(value) : batch.keep(value)
  }
}

function check(frame: Frame): void {
  const trouble = frame.batch.failure ?? frame.over
  if (trouble !== undefined) throw trouble
  if (frame.above !== undefined) check(frame.above)
}

const isOver = (frame: Frame | undefined): boolean => frame !== undefined && (frame.over !== undefined || isOver(frame.above))

async function inTime<T>(work: Promise<T>): Promise<T> {
  const { promise: late, reject } = Promise.withResolvers<never>()
  const timer = setTimeout(() => reject(new StorageError('busy', `a transaction did not end in ${LONGEST_TX / 1000} s`)), LONGEST_TX)
  try {
    return await Promise.race([work, late])
  } finally {
    clearTimeout(timer)
  }
}
