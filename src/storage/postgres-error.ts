import { StorageError, type StorageTrouble } from './error.ts'

/** Classes and codes of PostgreSQL's appendix A, the longest first. */
const KINDS: readonly (readonly [start: string, kind: StorageTrouble, sentence: string])[] = [
  ['53100', 'full', 'the disk of PostgreSQL is full'],
  ['53', 'busy', 'PostgreSQL has no resources left'],
  ['40', 'busy', 'PostgreSQL undid a transaction that stood in the way of another'],
  ['55', 'busy', 'PostgreSQL holds a lock'],
  ['57', 'busy', 'PostgreSQL is starting or stopping'],
  ['08', 'busy', 'the connection to PostgreSQL broke'],
  ['25P03', 'busy', 'a transaction did not end in time'],
  ['28', 'unreadable', 'PostgreSQL refuses the user or password'],
  ['3D', 'unreadable', 'PostgreSQL has no such database'],
  ['42501', 'unreadable', 'PostgreSQL denies the user a right he needs'],
  ['XX001', 'unreadable', 'the database is damaged: restore it from a backup'],
  ['XX002', 'unreadable', 'the database is damaged: restore it from a backup'],
  ['58', 'broken', 'the disk failed PostgreSQL'],
]

/** An error of PostgreSQL or of the way to it as a StorageError. PostgreSQL's own texts may quote values, so only class 42 is quoted. */
export function postgresError(cause: unknown): StorageError {
  if (cause instanceof StorageError) return cause
  const { code = '', message, table_name: table, constraint_name: constraint } = cause as Record<string, string | undefined>
  if (/^CONNECT|^E[A-Z]+$/.test(code)) return new StorageError('busy', `PostgreSQL cannot be reached (${code})`)
  const known = KINDS.find(([start]) => code.startsWith(start))
  if (known !== undefined) return new StorageError(known[1], `${known[2]} (${code})`)
  if (code.startsWith('42')) return new StorageError('broken', `PostgreSQL refused a statement: ${message} (${code})`)
  const where = [constraint, table].filter(name => name !== undefined).join(' of ')
  return new StorageError('broken', `PostgreSQL refused a statement (${code || 'no code'}${where && `, ${where}`})`)
}
