import type { SealedAccount } from '../seal/account.ts'
import { type Db, type Migration, sql } from '../storage/db.ts'

export const keyMigrations: readonly Migration[] = [
  ({ bytes }) => `ALTER TABLE account ADD COLUMN number BIGINT; ALTER TABLE account ADD COLUMN seal_id ${bytes};
    ALTER TABLE account ADD COLUMN generation BIGINT; ALTER TABLE account ADD COLUMN public_key ${bytes};
    ALTER TABLE credential ADD COLUMN wrap ${bytes}`,
  () => 'CREATE UNIQUE INDEX account_by_number ON account (number)',
  ({ bytes }) => `CREATE TABLE account_key (account TEXT NOT NULL, kind TEXT NOT NULL, generation BIGINT NOT NULL, opener BIGINT NOT NULL,
    public_key ${bytes} NOT NULL, box ${bytes} NOT NULL, PRIMARY KEY (account, kind, generation))`,
  ({ bytes, withoutRowid }) => `CREATE TABLE doomed_secret (seal_id ${bytes} NOT NULL, kind TEXT NOT NULL, hash ${bytes} NOT NULL,
    PRIMARY KEY (seal_id, kind)) ${withoutRowid}`,
]

/** What stands in the clear of an account's key: its public half, and the numbers by which it is known. */
export interface SealIdentity extends SealedAccount {
  /** A random number of 48 bits: stands in the rows of what is kept for the account. */
  readonly number: number
}

/** Another key of the account, locked: a former one in one of a later generation, or one in a recovery code. */
export interface LockedKey {
  readonly kind: 'former' | 'recovery'
  readonly generation: number
  /** The generation whose key opens it; of a recovery code, its own. */
  readonly opener: number
  readonly publicKey: Buffer
  readonly box: Buffer
}

/** Secrets of an account that must go: that of its archive, all of them, or with the account. */
export interface Doomed {
  readonly id: Buffer
  readonly kind: 'archive' | 'all' | 'account'
  /** Of the secret of the archive as it was: where that is another one by now, it has happened. */
  readonly hash: Buffer
}

interface IdentityRow {
  number: number | null
  seal_id: Uint8Array
  generation: number
  public_key: Uint8Array
}

interface LockedKeyRow {
  kind: LockedKey['kind']
  generation: number
  opener: number
  public_key: Uint8Array
  box: Uint8Array
}

/** Where the keys of accounts are kept, none of them in the clear. */
export class KeyStore {
  readonly #db: Db

  constructor(db: Db) {
    this.#db = db
  }

  /** Undefined if there is no such account; without an identity where it was made before there were keys. */
  async find(account: string): Promise<{ identity: SealIdentity | undefined } | undefined> {
    const [row] = await this.#db.all<IdentityRow>(sql`SELECT number, seal_id, generation, public_key FROM account WHERE name = ${account}`)
    if (row === undefined) return undefined
    if (row.number === null) return { identity: undefined }
    const { number, seal_id, generation, public_key } = row
    return {
      identity: { number: Number(number), id: Buffer.from(seal_id), generation: Number(generation), publicKey: Buffer.from(public_key) },
    }
  }

  /** Gives the account a new identity or generation. False if it has not the generation `former` any more. */
  async replace(account: string, { number, id, generation, publicKey }: SealIdentity, former: number | undefined): Promise<boolean> {
    const is = former === undefined ? sql`generation IS NULL` : sql`generation = ${former}`
    const changed = await this.#db.run(sql`UPDATE account SET number = ${number}, seal_id = ${id}, generation = ${generation},
      public_key = ${publicKey} WHERE name = ${account} AND ${is}`)
    return changed > 0
  }

  async setWrap(account: string, hash: string, wrap: Buffer): Promise<void> {
    await this.#db.run(sql`UPDATE credential SET wrap = ${wrap} WHERE account = ${account} AND hash = ${hash}`)
  }

  async lockedKeys(account: string): Promise<LockedKey[]> {
    const rows = await this.#db.all<LockedKeyRow>(sql`SELECT kind, generation, opener, public_key, box FROM account_key
      WHERE account = ${account} ORDER BY generation DESC`)
    return rows.map(({ kind, generation, opener, public_key, box }) => ({
      kind,
      generation: Number(generation),
      opener: Number(opener),
      publicKey: Buffer.from(public_key),
      box: Buffer.from(box),
    }))
  }

  async addLockedKey(account: string, { kind, generation, opener, publicKey, box }: LockedKey): Promise<void> {
    await this.#db.run(sql`INSERT INTO account_key (account, kind, generation, opener, public_key, box)
      VALUES (${account}, ${kind}, ${generation}, ${opener}, ${publicKey}, ${box})
      ON CONFLICT (account, kind, generation) DO UPDATE SET opener = excluded.opener, public_key = excluded.public_key, box = excluded.box`)
  }

  /** Gives how many there were. */
  removeLockedKey(account: string, kind: LockedKey['kind'], generation: number): Promise<number> {
    return this.#db.run(sql`DELETE FROM account_key WHERE account = ${account} AND kind = ${kind} AND generation = ${generation}`)
  }

  async removeLockedKeys(account: string): Promise<void> {
    await this.#db.run(sql`DELETE FROM account_key WHERE account = ${account}`)
  }

  /** Says that secrets of the shred store must go: written with what they sealed being removed, so that no crash comes between. */
  async doom({ id, kind, hash }: Doomed): Promise<void> {
    await this.#db.run(sql`INSERT INTO doomed_secret (seal_id, kind, hash) VALUES (${id}, ${kind}, ${hash})
      ON CONFLICT (seal_id, kind) DO UPDATE SET hash = excluded.hash`)
  }

  async doomed(): Promise<Doomed[]> {
    const rows = await this.#db.all<{ seal_id: Uint8Array; kind: Doomed['kind']; hash: Uint8Array }>(
      sql`SELECT seal_id, kind, hash FROM doomed_secret`,
    )
    return rows.map(({ seal_id, kind, hash }) => ({ id: Buffer.from(seal_id), kind, hash: Buffer.from(hash) }))
  }

  async gone({ id, kind, hash }: Doomed): Promise<void> {
    await this.#db.run(sql`DELETE FROM doomed_secret WHERE seal_id = ${id} AND kind = ${kind} AND hash = ${hash}`)
  }
}
