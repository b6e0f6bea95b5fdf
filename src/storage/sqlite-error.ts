import { StorageError } from './error.ts'

/** Primary result codes, sqlite.org/rescode.html */
const BUSY = 5,
  LOCKED = 6,
  READONLY = 8,
  IOERR = 10,
  CORRUPT = 11,
  FULL = 13,
  CANTOPEN = 14,
  CONSTRAINT = 19,
  NOTADB = 26

/** An error of SQLite or of the file system as a StorageError; one that is such already stays as it is. */
export function sqliteError(cause: unknown): StorageError {
  if (cause instanceof StorageError) return cause
  const { errcode, code, message } = cause as { errcode?: number; code?: string; message?: string }
  if (errcode === undefined) return systemError(code, message)
  switch (errcode & 0xff) {
    case FULL:
      return new StorageError('full', 'the disk has no room for the database')
    case BUSY:
    case LOCKED:
      return new StorageError('busy', 'another program holds the database')
    case READONLY:
      return new StorageError('unreadable', 'the database may be read but not written: see the owner and mode of its file and folder')
    case CANTOPEN:
      return new StorageError('unreadable', 'the database cannot be opened: see whether its folder exists and who owns it')
    case CORRUPT:
      return new StorageError('unreadable', 'the database is damaged: restore it from a backup')
    case NOTADB:
      return new StorageError('unreadable', 'the file is not a database of SQLite')
    case IOERR:
      return new StorageError('broken', `the disk failed the database (SQLite ${errcode})`)
    case 1:
    case CONSTRAINT:
      // These texts speak of tables and columns, never of values.
      return new StorageError('broken', `the database refused a statement: ${message}`)
    default:
      return new StorageError('broken', `the database refused a statement (SQLite ${errcode})`)
  }
}

function systemError(code: string | undefined, message: string | undefined): StorageError {
  if (code === 'ENOSPC' || code === 'EDQUOT') return new StorageError('full', 'the disk has no room for the database')
  if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS' || code === 'ENOENT' || code === 'EISDIR')
    return new StorageError('unreadable', `the database cannot be opened (${code}): see whether its folder exists and who owns it`)
  if (code === 'ERR_INVALID_ARG_TYPE' || code === 'ERR_OUT_OF_RANGE' || code === 'ERR_INVALID_STATE')
    return new StorageError('broken', `the database refused a statement (${code})`)
  if (code !== undefined) return new StorageError('broken', `the disk failed the database (${code})`)
  return new StorageError('broken', `the database failed: ${message}`)
}
