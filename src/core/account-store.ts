import { randomBytes } from 'node:crypto'
import type { Db, Migration } from '../storage/db.ts'
import { sql } from '../storage/db.ts'
import { keyMigrations, type SealIdentity } from './key-store.ts'
import { documentMigrations } from './sealed-documents.ts'
import { rowMigrations } from './sealed-rows.ts'
import { TokenStore, tokenMigrations } from './token-store.ts'

/** A SCRAM verifier (RFC 5802 §3). The password cannot be computed from it, only guessed. */
export interface StoredCredential {
  readonly hash: string
  readonly salt: Buffer
  readonly iterations: number
  readonly storedKey: Buffer
  readonly serverKey: Buffer
  /** The account's key, locked in the ClientKey. */
  readonly wrap?: Buffer | undefined
}

export const migrations: readonly Migration[] = [
  () => 'CREATE TABLE account (name TEXT NOT NULL PRIMARY KEY)',
  ({ bytes }) => `CREATE TABLE credential (account TEXT NOT NULL, hash TEXT NOT NULL, salt ${bytes} NOT NULL, iterations BIGINT NOT NULL,
    stored_key ${bytes} NOT NULL, server_key ${bytes} NOT NULL, PRIMARY KEY (account, hash))`,
  ({ bytes }) => `CREATE TABLE host_secret (name TEXT NOT NULL PRIMARY KEY, value ${bytes} NOT NULL)`,
  ...keyMigrations,
  ...tokenMigrations,
  ...documentMigrations,
  ...rowMigrations,
]

interface CredentialRow {
  hash: string
  salt: Uint8Array
  iterations: number
  stored_key: Uint8Array
  server_key: Uint8Array
  wrap: Uint8Array | null
}

const MOST_REVISIONS = 10_000

/** Which accounts there are, and how they prove themselves. No time, no address, nothing else. */
export class AccountStore {
  readonly #db: Db
  #revision = 0
  readonly #revisions = new Map<string, number>()
  /** How many accounts have which number of iterations, once it was asked for. */
  #inUse: Promise<Map<number, number>> | undefined

  constructor(db: Db) {
    this.#db = db
  }

  /** Counts the passwords that were replaced and the accounts that were removed since the start. */
  get revision(): number {
    return this.#revision
  }

  /** Whether what proved the account's owner at that revision is worth nothing any more. */
  isOutdated(name: string, revision: number): boolean {
    return (this.#revisions.get(name) ?? 0) > revision
  }

  async exists(name: string): Promise<boolean> {
    return (await this.#db.all(sql`SELECT 1 AS found FROM account WHERE name = ${name}`)).length > 0
  }

  async list(): Promise<string[]> {
    return (await this.#db.all<{ name: string }>(sql`SELECT name FROM account ORDER BY name`)).map(row => row.name)
  }

  async count(): Promise<number> {
    const [row] = await this.#db.all<{ accounts: number }>(sql`SELECT COUNT(*) AS accounts FROM account`)
    return Number(row?.accounts ?? 0)
  }

  /** False if the name is taken. `also` runs in the same transaction, once the name is known to be free. */
  async create(
    name: string,
    { number, id, generation, publicKey }: SealIdentity,
    credentials: readonly StoredCredential[],
    also?: (db: Db) => Promise<unknown>,
  ): Promise<boolean> {
    const isCreated = await this.#db.tx(async db => {
      const created = await db.run(sql`INSERT INTO account (name, number, seal_id, generation, public_key)
        VALUES (${name}, ${number}, ${id}, ${generation}, ${publicKey}) ON CONFLICT (name) DO NOTHING`)
      if (created === 0) return false
      await clear(db, name)
      for (const credential of credentials) await insert(db, name, credential)
      await also?.(db)
      return true
    })
    if (isCreated) await this.#count(undefined, credentials[0]?.iterations)
    return isCreated
  }

  /** False if there is no such account. `also` lets modules remove what they hold, in the same transaction. */
  async remove(name: string, also: (db: Db) => Promise<unknown>): Promise<boolean> {
    let former: number | undefined
    const isRemoved = await this.#db.tx(async db => {
      former = await iterationsOf(db, name)
      await clear(db, name)
      const removed = await db.run(sql`DELETE FROM account WHERE name = ${name}`)
      if (removed > 0) await also(db)
      return removed > 0
    })
    this.revise(name)
    if (isRemoved) await this.#count(former, undefined)
    return isRemoved
  }

  async credential(name: string, hash: string): Promise<StoredCredential | undefined> {
    const found = await this.anyCredential(name, hash)
    return found?.hash === hash ? found : undefined
  }

  /** The account's credential of that hash, or another one if it has none of it. */
  async anyCredential(name: string, hash: string): Promise<StoredCredential | undefined> {
    const [row] = await this.#db.all<CredentialRow>(sql`SELECT hash, salt, iterations, stored_key, server_key, wrap FROM credential
      WHERE account = ${name} ORDER BY hash = ${hash} DESC, hash LIMIT 1`)
    if (row === undefined) return undefined
    return {
      hash: row.hash,
      salt: bufferOf(row.salt),
      iterations: Number(row.iterations),
      storedKey: bufferOf(row.stored_key),
      serverKey: bufferOf(row.server_key),
      wrap: row.wrap === null ? undefined : bufferOf(row.wrap),
    }
  }

  /**
   * Replaces all credentials of the account: the old password opens nothing any more. False if there is no such account.
   * `also` runs in the same transaction.
   */
  async replaceCredentials(name: string, credentials: readonly StoredCredential[], also?: (db: Db) => Promise<unknown>): Promise<boolean> {
    let former: number | undefined
    const isReplaced = await this.#db.tx(async db => {
      former = await iterationsOf(db, name)
      if (!(await new AccountStore(db).exists(name))) return false
      await clear(db, name)
      for (const credential of credentials) await insert(db, name, credential)
      await also?.(db)
      return true
    })
    this.revise(name)
    if (isReplaced) await this.#count(former, credentials[0]?.iterations)
    return isReplaced
  }

  /** How many accounts have which number of iterations: counted once, and kept up to date. */
  iterationsInUse(): Promise<ReadonlyMap<number, number>> {
    this.#inUse ??= countIterations(this.#db).catch(error => {
      this.#inUse = undefined
      throw error
    })
    return this.#inUse
  }

  async #count(former: number | undefined, now: number | undefined): Promise<void> {
    const inUse = await this.#inUse
    if (inUse === undefined || former === now) return
    if (now !== undefined) inUse.set(now, (inUse.get(now) ?? 0) + 1)
    if (former === undefined) return
    const left = (inUse.get(former) ?? 0) - 1
    if (left > 0) inUse.set(former, left)
    else inUse.delete(former)
  }

  /** What proved so far that one acts for the account is worth nothing any more. Only streams that are about to bind ask, so a bounded memory of it is long enough. */
  revise(name: string): void {
    this.#revisions.delete(name)
    this.#revisions.set(name, ++this.#revision)
    if (this.#revisions.size > MOST_REVISIONS) this.#revisions.delete(this.#revisions.keys().next().value!)
  }

  /**
   * Adds or replaces the credential of one hash (XEP-0480), if the account is still there. `shown` is the one by which its
   * owner has logged in: where it was replaced meanwhile nothing is added, for the old password must open nothing any more.
   */
  addCredential(name: string, credential: StoredCredential, shown?: Pick<StoredCredential, 'hash' | 'storedKey'>): Promise<boolean> {
    return this.#db.tx(async db => {
      const inside = new AccountStore(db)
      if (!(await inside.exists(name))) return false
      if (shown !== undefined && !(await inside.credential(name, shown.hash))?.storedKey.equals(shown.storedKey)) return false
      await db.run(sql`DELETE FROM credential WHERE account = ${name} AND hash = ${credential.hash}`)
      await insert(db, name, credential)
      return true
    })
  }

  /** 32 random bytes of that name, made when first asked for and the same ever after. */
  async hostSecret(name: string): Promise<Buffer> {
    await this.#db.run(sql`INSERT INTO host_secret (name, value) VALUES (${name}, ${randomBytes(32)}) ON CONFLICT DO NOTHING`)
    const [row] = await this.#db.all<{ value: Uint8Array }>(sql`SELECT value FROM host_secret WHERE name = ${name}`)
    return Buffer.from(row!.value)
  }
}

async function iterationsOf(db: Db, name: string): Promise<number | undefined> {
  const [row] = await db.all<{ most: number | null }>(sql`SELECT MAX(iterations) AS most FROM credential WHERE account = ${name}`)
  return row?.most == null ? undefined : Number(row.most)
}

async function countIterations(db: Db): Promise<Map<number, number>> {
  const rows = await db.all<{ most: number; accounts: number }>(sql`SELECT most, COUNT(*) AS accounts
    FROM (SELECT MAX(iterations) AS most FROM credential GROUP BY account) AS each_account GROUP BY most`)
  return new Map(rows.map(({ most, accounts }) => [Number(most), Number(accounts)]))
}

/** The same bytes, not a copy. */
const bufferOf = ({ buffer, byteOffset, byteLength }: Uint8Array): Buffer => Buffer.from(buffer, byteOffset, byteLength)

/** No password opens the account any more, and no token that was given for one. */
async function clear(db: Db, name: string): Promise<void> {
  await db.run(sql`DELETE FROM credential WHERE account = ${name}`)
  await new TokenStore(db).removeAll(name)
}

async function insert(db: Db, name: string, { hash, salt, iterations, storedKey, serverKey, wrap }: StoredCredential): Promise<void> {
  await db.run(sql`INSERT INTO credential (account, hash, salt, iterations, stored_key, server_key, wrap)
    VALUES (${name}, ${hash}, ${salt}, ${iterations}, ${storedKey}, ${serverKey}, ${wrap ?? null})`)
}
