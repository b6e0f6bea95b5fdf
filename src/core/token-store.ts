import { type Db, type Migration, sql } from '../storage/db.ts'

export const tokenMigrations: readonly Migration[] = [
  ({
    bytes,
    withoutRowid,
  }) => `CREATE TABLE fast_token (account TEXT NOT NULL, client TEXT NOT NULL, slot TEXT NOT NULL, mechanism TEXT NOT NULL,
    verifier ${bytes} NOT NULL, wrap ${bytes} NOT NULL, box ${bytes} NOT NULL, gone_by BIGINT NOT NULL, PRIMARY KEY (account, client, slot)) ${withoutRowid}`,
]

/** XEP-0484 §6.1: a client has one token that it has used, and one that it may have got. */
export type Slot = 'new' | 'current'

/** What is kept of a token: nothing of it can be shown as a proof, and all of it needs one to be opened. */
export interface TokenRow {
  readonly slot: Slot
  readonly mechanism: string
  /** SHA-256 of the proof. */
  readonly verifier: Buffer
  /** The account's key, locked in the proof. */
  readonly wrap: Buffer
  /** The token, locked in the proof. */
  readonly box: Buffer
  /** The day of which on it can be removed unseen, in days since the epoch. */
  readonly goneBy: number
}

interface StoredRow {
  slot: Slot
  mechanism: string
  verifier: Uint8Array
  wrap: Uint8Array
  box: Uint8Array
  gone_by: number
}

/** Where tokens are kept, by account and by what its client is known as. */
export class TokenStore {
  readonly #db: Db

  constructor(db: Db) {
    this.#db = db
  }

  /** At most one for each slot. */
  async find(account: string, client: string): Promise<TokenRow[]> {
    const rows = await this.#db.all<StoredRow>(sql`SELECT slot, mechanism, verifier, wrap, box, gone_by FROM fast_token
      WHERE account = ${account} AND client = ${client}`)
    return rows.map(({ slot, mechanism, verifier, wrap, box, gone_by }) => ({
      slot,
      mechanism,
      verifier: Buffer.from(verifier),
      wrap: Buffer.from(wrap),
      box: Buffer.from(box),
      goneBy: Number(gone_by),
    }))
  }

  /** Clients that have a token, those first that have had it the longest; as far as can be told. */
  async clients(account: string): Promise<string[]> {
    const rows = await this.#db.all<{ client: string }>(sql`SELECT client FROM fast_token
      WHERE account = ${account} GROUP BY client ORDER BY MAX(gone_by), client`)
    return rows.map(({ client }) => client)
  }

  async put(account: string, client: string, { slot, mechanism, verifier, wrap, box, goneBy }: TokenRow): Promise<void> {
    await this.remove(account, client, slot)
    await this.#db.run(sql`INSERT INTO fast_token (account, client, slot, mechanism, verifier, wrap, box, gone_by)
      VALUES (${account}, ${client}, ${slot}, ${mechanism}, ${verifier}, ${wrap}, ${box}, ${goneBy})`)
  }

  /** The new token is the one in use from now on. */
  async promote(account: string, client: string): Promise<void> {
    await this.remove(account, client, 'current')
    await this.#db.run(sql`UPDATE fast_token SET slot = 'current' WHERE account = ${account} AND client = ${client}`)
  }

  /** Of that slot, or all of the client; gives how many there were. */
  remove(account: string, client: string, slot?: Slot): Promise<number> {
    const only = slot === undefined ? sql`` : sql`AND slot = ${slot}`
    return this.#db.run(sql`DELETE FROM fast_token WHERE account = ${account} AND client = ${client} ${only}`)
  }

  async removeAll(account: string): Promise<void> {
    await this.#db.run(sql`DELETE FROM fast_token WHERE account = ${account}`)
  }

  async removeGone(day: number): Promise<void> {
    await this.#db.run(sql`DELETE FROM fast_token WHERE gone_by <= ${day}`)
  }
}
