import { closeSync, openSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { SealError } from '../seal-error.ts'

/**
 * Lets no second process in: gives what lets it in again. Node cannot lock files, but its SQLite can; the system frees such a lock
 * when the process ends, however it ends. The file stays empty, so that it needs no room on the disk.
 */
export function lockFile(path: string): () => void {
  // Made here for its mode; not opened when it is there, since closing it would drop a lock that this process holds.
  try {
    closeSync(openSync(path, 'wx', 0o600))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  }
  const database = new DatabaseSync(path)
  try {
    database.exec('PRAGMA journal_mode = OFF; PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE')
  } catch (cause) {
    database.close()
    throw new SealError('unreadable', 'another process is using the shred secrets', { cause })
  }
  return () => database.close()
}
