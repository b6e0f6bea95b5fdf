import { randomFillSync } from 'node:crypto'
import { Secret } from '../lib/secret.ts'
import type { SealedAccount } from '../seal/account.ts'
import { openItem, sealItem } from '../seal/item.ts'
import { openRow, type RowPlace, sealRow } from '../seal/row.ts'
import { SealError } from '../seal/seal-error.ts'
import { type Db, list, type Migration, sql } from '../storage/db.ts'
import type { Account } from './account.ts'
import type { AccountKeys } from './account-keys.ts'
import type { Keys } from './keys.ts'
import { lockedError } from './locked.ts'
import type { Log } from './log.ts'
import { ROW_SECRET } from './stores.ts'

export const rowMigrations: readonly Migration[] = [
  ({ bytes, withoutRowid }) => `CREATE TABLE sealed_secret (account TEXT NOT NULL, generation BIGINT NOT NULL, box ${bytes} NOT NULL,
    PRIMARY KEY (account, generation)) ${withoutRowid}`,
  ({ bytes, withoutRowid }) => `CREATE TABLE sealed_row (account TEXT NOT NULL, store BIGINT NOT NULL, part BIGINT NOT NULL,
    number BIGINT NOT NULL, generation BIGINT NOT NULL, box ${bytes} NOT NULL, PRIMARY KEY (account, store, part, number)) ${withoutRowid}`,
]

interface DbRow {
  store: number
  part: number
  number: number
  generation: number
  box: Uint8Array
}

export interface OpenedRow {
  readonly number: number
  /** From 1; of two rows the one with the later generation was written under a newer password. It stays as it is until the row is written. */
  readonly generation: number
  /** To be overwritten with zeros by whoever has it last. */
  readonly plain: Buffer
}

const SECRET_SIZE = 32
const ITEM = 0

/**
 * What is kept of an account for good, for its owner alone, and is much or changes often: a row each. All rows that are written under one
 * password have one secret, which is sealed to the account's key of that time: it is opened once, and rows cost little. A new password leaves
 * them as they are: its key opens the former one. To write them its owner must be connected, too.
 */
export class SealedRows {
  readonly #db: Db
  readonly #keys: Keys
  readonly #log: Log
  /** By generation. */
  readonly #secrets = new WeakMap<Account, Map<number, Secret>>()

  constructor(db: Db, keys: Keys, log: Log) {
    this.#db = db
    this.#keys = keys
    this.#log = log
  }

  isOpen(account: Account): boolean {
    return this.#keys.of(account)?.isOpen === true
  }

  /** Throws a StanzaError while the account is locked. */
  mustBeOpen(account: Account): void {
    this.#opened(account)
  }

  /** Those that open. What was written before a lost password does not. Throws a StanzaError while the account is locked. */
  async read(account: Account, store: number, part: number, db: Db = this.#db): Promise<OpenedRow[]> {
    const keys = this.#opened(account)
    const rows = await db.all<DbRow>(sql`SELECT store, part, number, generation, box FROM sealed_row
      WHERE account = ${account.name} AND store = ${store} AND part = ${part}`)
    const opened: OpenedRow[] = []
    for (const row of rows) {
      const plain = await this.#open(account, keys, row, db)
      if (plain !== undefined) opened.push({ number: Number(row.number), generation: Number(row.generation), plain })
    }
    return opened
  }

  /** Before the transaction of the first `write`: makes the secret if there is none. Throws a StanzaError while the account is locked. */
  async prepare(account: Account): Promise<void> {
    const keys = this.#opened(account)
    if ((await this.#secretOf(account, keys, keys.generation, this.#db)) === undefined) await this.#make(account, keys)
  }

  /** Adds the row or replaces it. Overwrites `plain` with zeros. Throws a StanzaError while the account is locked. */
  async write(account: Account, place: RowPlace, plain: Buffer, db: Db): Promise<void> {
    const keys = this.#opened(account)
    await this.#secretOf(account, keys, keys.generation, db)
    // Its owner may have gone meanwhile; then it is zeros, which everybody knows.
    const secret = this.#secrets.get(account)?.get(keys.generation)
    if (secret === undefined) throw lockedError()
    const box = sealRow(secret.bytes, keys, place, plain)
    plain.fill(0)
    await db.run(sql`INSERT INTO sealed_row (account, store, part, number, generation, box)
      VALUES (${account.name}, ${place.store}, ${place.part}, ${place.number}, ${keys.generation}, ${box})
      ON CONFLICT (account, store, part, number) DO UPDATE SET generation = excluded.generation, box = excluded.box`)
  }

  async remove(account: Account, store: number, part: number, numbers: readonly number[], db: Db): Promise<void> {
    await db.run(sql`DELETE FROM sealed_row
      WHERE account = ${account.name} AND store = ${store} AND part = ${part} AND number IN ${list(numbers)}`)
  }

  async removePart(account: Account, store: number, part: number, db: Db): Promise<void> {
    await db.run(sql`DELETE FROM sealed_row WHERE account = ${account.name} AND store = ${store} AND part = ${part}`)
  }

  /** Bytes of all rows, as they are on disk; but for those that do not open, as long as that can be told. */
  async size(account: Account, store: number): Promise<number> {
    const rows = await this.#db.all<{ generation: number; size: number }>(sql`SELECT generation, SUM(LENGTH(box)) AS size FROM sealed_row
      WHERE account = ${account.name} AND store = ${store} GROUP BY generation`)
    const keys = this.#keys.of(account)
    const opened = keys?.isOpen ? keys.opened() : undefined
    return rows.reduce((sum, { generation, size }) => sum + (opened?.has(Number(generation)) === false ? 0 : Number(size)), 0)
  }

  /** How many rows there are. */
  async count(account: Account, store: number, db: Db): Promise<number> {
    const [row] = await db.all<{ count: number }>(
      sql`SELECT COUNT(*) AS count FROM sealed_row WHERE account = ${account.name} AND store = ${store}`,
    )
    return Number(row?.count ?? 0)
  }

  /** In the transaction that takes all of it from the account, or removes it. */
  async removeAll(account: string, db: Db): Promise<void> {
    await db.run(sql`DELETE FROM sealed_row WHERE account = ${account}`)
    await db.run(sql`DELETE FROM sealed_secret WHERE account = ${account}`)
  }

  /** Overwrites the secrets that are in memory. */
  forget(account: Account): void {
    for (const secret of this.#secrets.get(account)?.values() ?? []) secret.wipe()
    this.#secrets.delete(account)
  }

  #opened(account: Account): AccountKeys {
    const keys = this.#keys.of(account)
    if (keys?.isOpen !== true) throw lockedError()
    return keys
  }

  async #open(account: Account, keys: AccountKeys, row: DbRow, db: Db): Promise<Buffer | undefined> {
    const generation = Number(row.generation)
    const secret = await this.#secretOf(account, keys, generation, db)
    if (secret === undefined) return undefined
    return this.#opens(() => openRow(secret.bytes, then(keys, generation), placeOf(row), Buffer.from(row.box)))
  }

  /** Undefined if there is none of that generation, or if the key that opens it is lost. */
  async #secretOf(account: Account, keys: AccountKeys, generation: number, db: Db): Promise<Secret | undefined> {
    const known = this.#secrets.get(account)?.get(generation)
    if (known !== undefined) return known
    const [row] = await db.all<{ box: Uint8Array }>(
      sql`SELECT box FROM sealed_secret WHERE account = ${account.name} AND generation = ${generation}`,
    )
    const key = keys.keyOf(generation)
    if (row === undefined || key === undefined) return undefined
    const plain = this.#opens(() =>
      openItem(key, { ...then(keys, generation), publicKey: key.publicKey }, ROW_SECRET, ITEM, Buffer.from(row.box)),
    )
    return plain && this.#remember(account, generation, plain)
  }

  async #make(account: Account, keys: AccountKeys): Promise<void> {
    const { name } = account
    const { generation } = keys
    const bytes = randomFillSync(Buffer.alloc(SECRET_SIZE))
    const box = sealItem(keys, ROW_SECRET, ITEM, bytes)
    // Those of former passwords go when the last of their rows was written anew.
    await this.#db.tx(async db => {
      await db.run(sql`DELETE FROM sealed_secret WHERE account = ${name} AND generation NOT IN
        (SELECT generation FROM sealed_row WHERE account = ${name})`)
      await db.run(sql`INSERT INTO sealed_secret (account, generation, box) VALUES (${name}, ${generation}, ${box})`)
    })
    // The same.
    if (keys.keyOf(generation) === undefined) bytes.fill(0)
    else this.#remember(account, generation, bytes)
  }

  #remember(account: Account, generation: number, plain: Buffer): Secret {
    const secrets = this.#secrets.get(account) ?? new Map<number, Secret>()
    this.#secrets.set(account, secrets)
    const secret = new Secret(plain)
    secrets.set(generation, secret)
    return secret
  }

  #opens(open: () => Buffer): Buffer | undefined {
    try {
      return open()
    } catch (error) {
      if (!(error instanceof SealError)) throw error
      this.#log.fault('seal.row', error)
      return undefined
    }
  }
}

const then = ({ id, publicKey }: AccountKeys, generation: number): SealedAccount => ({ id, generation, publicKey })

const placeOf = ({ store, part, number }: DbRow): RowPlace => ({ store: Number(store), part: Number(part), number: Number(number) })
