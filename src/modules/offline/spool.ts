import type { Account } from '../../core/account.ts'
import { type LogHost, logMigrations, type RetentionClass, SealedLog, unfiledMigration } from '../../core/sealed-log.ts'
import { SPOOL } from '../../core/stores.ts'
import type { Db, Migration } from '../../storage/db.ts'
import { type Note, readNote, writeNote } from './note.ts'

export const migrations: readonly Migration[] = [
  ({ identity }) => `CREATE TABLE offline_message (id ${identity}, account TEXT NOT NULL, at BIGINT NOT NULL, size BIGINT NOT NULL,
    stanza TEXT NOT NULL, stream TEXT, seq BIGINT)`,
  () => 'CREATE INDEX offline_message_by_account ON offline_message (account, id)',
  () => 'CREATE UNIQUE INDEX offline_message_by_position ON offline_message (account, stream, seq)',
  () => 'CREATE INDEX offline_message_by_age ON offline_message (at)',
  () => 'ALTER TABLE offline_message ADD COLUMN from_stranger BIGINT NOT NULL DEFAULT 0',
  // What is kept is sealed from here on; what was kept before stood in the clear.
  () => 'DROP TABLE offline_message',
  ...logMigrations('spool', true),
  unfiledMigration('spool'),
]

/** A message that waits, as its owner reads it. */
export interface Waiting {
  readonly ord: number
  /** When it came, in ms. */
  readonly at: number
  readonly xml: string
}

/** So many notes are read at a time. */
const PAGE = 1000

/** Messages kept for those who are away, each sealed to its owner until a device has it. Everything in the account's turn. */
export class Spool {
  readonly #log: SealedLog

  constructor(host: LogHost) {
    this.#log = new SealedLog(host, { prefix: 'spool', store: SPOOL, secret: 'server' })
  }

  /** Whether there is a key to seal to. */
  canKeep(account: Account): boolean {
    return this.#log.has(account)
  }

  /** Of all that wait, in their order. What lost its secrets before its time does not count: nobody can open it. */
  async notes(account: Account): Promise<Note[]> {
    const notes: Note[] = []
    if (!this.#log.has(account)) return notes
    for (let from = 0, length = PAGE; length === PAGE; ) {
      const page = await this.#log.notes(account, from, PAGE)
      for (const { ord, note } of page) if (note !== undefined) notes.push(readNote(ord, note))
      length = page.length
      from = (page.at(-1)?.ord ?? 0) + 1
    }
    return notes
  }

  /** Done when it is safe on disk. */
  async add(account: Account, cls: RetentionClass, { at, xml }: Omit<Waiting, 'ord'>, note: Omit<Note, 'ord'>): Promise<Note> {
    // Of their own, so that they can be wiped: `Buffer.from` would leave them in a pool.
    const body = Buffer.alloc(note.size)
    body.write(xml)
    const header = Buffer.alloc(8)
    header.writeDoubleBE(at)
    try {
      const { ord, safe } = await this.#log.append(account, cls, header, body, writeNote(note))
      await safe
      return { ...note, ord }
    } finally {
      body.fill(0)
      header.fill(0)
    }
  }

  /** Those of them that can be opened. Throws a StanzaError while the account is locked. */
  async read(account: Account, ords: readonly number[]): Promise<Waiting[]> {
    const entries = await this.#log.read(account, { ords, limit: ords.length })
    return entries.map(({ ord, header, body }) => {
      const waiting = { ord, at: header.readDoubleBE(), xml: String(body) }
      body.fill(0)
      return waiting
    })
  }

  annotate(account: Account, notes: readonly Note[]): Promise<void> {
    return this.#log.annotate(
      account,
      notes.map(note => ({ ord: note.ord, note: writeNote(note) })),
    )
  }

  remove(account: Account, ords: readonly number[]): Promise<void> {
    return this.#log.remove(account, ords)
  }

  /** Removes what is of days, or hours, that were over at that moment. */
  removeOlder(account: Account, at: number): Promise<void> {
    return this.#log.removeOlder(account, at)
  }

  /** In a transaction: removes all that was kept so far. */
  empty(account: Account, db: Db, afterwards: (work: () => void) => void): Promise<void> {
    return this.#log.emptyWith(account, db, afterwards)
  }

  /** Removes what cannot be opened any more because its time is over. */
  expire(): Promise<void> {
    return this.#log.expire()
  }
}
