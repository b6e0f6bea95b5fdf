import type { SealedAccount } from '../seal/account.ts'
import { openItem, sealItem } from '../seal/item.ts'
import { SealError } from '../seal/seal-error.ts'
import { type Db, type Migration, sql } from '../storage/db.ts'
import type { Account } from './account.ts'
import type { AccountKeys } from './account-keys.ts'
import type { Keys } from './keys.ts'
import { lockedError } from './locked.ts'
import type { Log } from './log.ts'

export const documentMigrations: readonly Migration[] = [
  ({ bytes, withoutRowid }) => `CREATE TABLE sealed_document (account TEXT NOT NULL, store BIGINT NOT NULL, generation BIGINT NOT NULL,
    box ${bytes} NOT NULL, PRIMARY KEY (account, store)) ${withoutRowid}`,
]

interface DocumentRow {
  store: number
  generation: number
  box: Uint8Array
}

/** There is one document for each purpose. */
const ITEM = 0

/** What is kept of an account for good, for its owner alone: one document for each purpose. `store` numbers the purposes. */
export class SealedDocuments {
  readonly #db: Db
  readonly #keys: Keys
  readonly #log: Log

  constructor(db: Db, keys: Keys, log: Log) {
    this.#db = db
    this.#keys = keys
    this.#log = log
  }

  /** Undefined if there is none, or if the key that opened it is lost. Throws a StanzaError while it is locked. */
  async read(account: Account, store: number): Promise<Buffer | undefined> {
    const [row] = await this.#db.all<DocumentRow>(sql`SELECT store, generation, box FROM sealed_document
      WHERE account = ${account.name} AND store = ${store}`)
    const keys = this.#keys.of(account)
    if (row === undefined || keys === undefined) return undefined
    if (!keys.isOpen) throw lockedError()
    return this.#open(keys, row)
  }

  /** Overwrites what it was given with zeros. Undefined removes the document. */
  async write(account: Account, store: number, plain: Buffer | undefined): Promise<void> {
    const keys = this.#keys.of(account)
    if (plain === undefined) await this.#db.run(sql`DELETE FROM sealed_document WHERE account = ${account.name} AND store = ${store}`)
    else if (keys !== undefined) await put(this.#db, account.name, store, keys, plain)
  }

  /** In the transaction that gives the account a new key: seals to it what is open. */
  async reseal(account: Account, db: Db, now: SealedAccount): Promise<void> {
    const keys = this.#keys.of(account)
    const rows = await db.all<DocumentRow>(sql`SELECT store, generation, box FROM sealed_document WHERE account = ${account.name}`)
    for (const row of rows) {
      const plain = keys && this.#open(keys, row)
      if (plain !== undefined) await put(db, account.name, Number(row.store), now, plain)
    }
  }

  /** In the transaction that takes all documents from the account, or removes it. */
  async removeAll(account: string, db: Db): Promise<void> {
    await db.run(sql`DELETE FROM sealed_document WHERE account = ${account}`)
  }

  #open(keys: AccountKeys, { store, generation, box }: DocumentRow): Buffer | undefined {
    const key = keys.keyOf(Number(generation))
    if (key === undefined) return undefined
    try {
      const then = { id: keys.id, generation: Number(generation), publicKey: key.publicKey }
      return openItem(key, then, Number(store), ITEM, Buffer.from(box))
    } catch (error) {
      if (!(error instanceof SealError)) throw error
      this.#log.fault('seal.document', error)
      return undefined
    }
  }
}

async function put(db: Db, account: string, store: number, to: SealedAccount, plain: Buffer): Promise<void> {
  const box = sealItem(to, store, ITEM, plain)
  plain.fill(0)
  await db.run(sql`INSERT INTO sealed_document (account, store, generation, box) VALUES (${account}, ${store}, ${to.generation}, ${box})
    ON CONFLICT (account, store) DO UPDATE SET generation = excluded.generation, box = excluded.box`)
}
