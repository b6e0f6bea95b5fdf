/** Runs in a thread of its own, as a checkpoint waits for the disk twice. Answers each request with the error, if it failed. */
import { DatabaseSync } from 'node:sqlite'
import { parentPort, workerData } from 'node:worker_threads'

parentPort!.on('message', (mode: 'PASSIVE' | 'TRUNCATE') => {
  try {
    const raw = new DatabaseSync(workerData as string)
    raw.exec(`PRAGMA synchronous = NORMAL; PRAGMA wal_checkpoint(${mode})`)
    raw.close()
    parentPort!.postMessage(undefined)
  } catch (error) {
    const { errcode, code, message } = error as Record<string, unknown>
    parentPort!.postMessage({ errcode, code, message })
  }
})
