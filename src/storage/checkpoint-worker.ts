/** Runs in a thread of its own, as a checkpoint waits for the disk twice. Answers only if it fails. */
import { DatabaseSync } from 'node:sqlite'
import { parentPort, workerData } from 'node:worker_threads'

try {
  const raw = new DatabaseSync(workerData as string)
  raw.exec('PRAGMA synchronous = NORMAL; PRAGMA wal_checkpoint(TRUNCATE)')
  raw.close()
} catch (error) {
  const { errcode, code, message } = error as Record<string, unknown>
  parentPort!.postMessage({ errcode, code, message })
}
