/** Runs in a thread of its own, as a checkpoint waits for the disk twice. Answers each request with the error, if it failed. */
import { DatabaseSync } from 'node:sqlite'
import { parentPort } from 'node:worker_threads'

/** The two kinds of checkpoint, and what comes before one: to write all of it anew. */
export type Upkeep = 'PASSIVE' | 'TRUNCATE' | 'REWRITE'

export interface Request {
  /** Of the database. */
  readonly path: string
  readonly mode: Upkeep
}

parentPort!.on('message', ({ path, mode }: Request) => {
  try {
    const raw = new DatabaseSync(path)
    raw.exec('PRAGMA synchronous = NORMAL; PRAGMA secure_delete = ON')
    // By way of a file without a name: in memory it could be too large.
    if (mode === 'REWRITE') raw.exec('PRAGMA temp_store = FILE; VACUUM')
    raw.exec(`PRAGMA wal_checkpoint(${mode === 'PASSIVE' ? mode : 'TRUNCATE'})`)
    raw.close()
    parentPort!.postMessage(undefined)
  } catch (error) {
    const { errcode, code, message } = error as Record<string, unknown>
    parentPort!.postMessage({ errcode, code, message })
  }
})
