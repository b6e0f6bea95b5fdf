/**
 * `full`: no room on the disk. `unreadable`: the file is no database, damaged, newer than this program, or may not be touched.
 * `busy`: another holds it, or it cannot be reached; later may do. `broken`: the statement or the device failed.
 */
export type StorageTrouble = 'full' | 'unreadable' | 'broken' | 'busy'

/** What went wrong with the database, in an operator's words. Never holds a value of a statement (law 8). */
export class StorageError extends Error {
  readonly kind: StorageTrouble
  constructor(kind: StorageTrouble, message: string) {
    super(message)
    this.name = 'StorageError'
    this.kind = kind
  }
}
