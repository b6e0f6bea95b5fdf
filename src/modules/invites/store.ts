import { type Db, type Migration, sql } from '../../storage/db.ts'

export const migrations: readonly Migration[] = [
  () =>
    `CREATE TABLE invite (token TEXT NOT NULL PRIMARY KEY, account TEXT, name TEXT, is_contact BIGINT NOT NULL, expires_at BIGINT NOT NULL)`,
  () => 'CREATE UNIQUE INDEX invite_by_name ON invite (name)',
  () => 'CREATE INDEX invite_by_account ON invite (account)',
]

/** An invitation that has not been used. */
export interface Invite {
  /** The hash of its token. */
  readonly token: string
  /** Who invites; undefined if it is the operator. */
  readonly inviter: string | undefined
  /** The only name that the new account may have; undefined if the guest may choose. */
  readonly name: string | undefined
  /** Guest and inviter become contacts. */
  readonly isContact: boolean
  /** In ms. */
  readonly expiresAt: number
}

interface InviteRow {
  token: string
  account: string | null
  name: string | null
  is_contact: number
  expires_at: number
}

/** The invitations that are open. One that was used is gone: nothing tells later who invited whom. */
export class InviteStore {
  readonly #db: Db

  constructor(db: Db) {
    this.#db = db
  }

  async add({ token, inviter, name, isContact, expiresAt }: Invite): Promise<void> {
    await this.#db.run(sql`INSERT INTO invite (token, account, name, is_contact, expires_at)
      VALUES (${token}, ${inviter ?? null}, ${name ?? null}, ${isContact}, ${expiresAt})`)
  }

  find(token: string): Promise<Invite | undefined> {
    return this.#one(this.#db.all<InviteRow>(sql`SELECT * FROM invite WHERE token = ${token}`))
  }

  /** The one for which a name is reserved. */
  reserving(name: string): Promise<Invite | undefined> {
    return this.#one(this.#db.all<InviteRow>(sql`SELECT * FROM invite WHERE name = ${name}`))
  }

  async #one(found: Promise<InviteRow[]>): Promise<Invite | undefined> {
    const [row] = await found
    if (row === undefined) return undefined
    const { token, account, name, is_contact, expires_at } = row
    return {
      token,
      inviter: account ?? undefined,
      name: name ?? undefined,
      isContact: Number(is_contact) === 1,
      expiresAt: Number(expires_at),
    }
  }

  /** How many of the account's can still be used. */
  async open(inviter: string, now: number): Promise<number> {
    const [row] = await this.#db.all<{ open: number }>(
      sql`SELECT COUNT(*) AS open FROM invite WHERE account = ${inviter} AND expires_at > ${now}`,
    )
    return Number(row?.open ?? 0)
  }

  /** False if it is gone: then someone else has used it. */
  async take(token: string): Promise<boolean> {
    return (await this.#db.run(sql`DELETE FROM invite WHERE token = ${token}`)) > 0
  }

  /** Takes it if it makes a contact of that inviter and has not expired; false if there is no such invitation. */
  async takeContact(token: string, inviter: string, now: number): Promise<boolean> {
    const taken = await this.#db.run(sql`DELETE FROM invite
      WHERE token = ${token} AND account = ${inviter} AND is_contact = 1 AND expires_at > ${now}`)
    return taken > 0
  }

  async removeAllOf(inviter: string): Promise<void> {
    await this.#db.run(sql`DELETE FROM invite WHERE account = ${inviter}`)
  }

  async removeExpired(before: number): Promise<void> {
    await this.#db.run(sql`DELETE FROM invite WHERE expires_at < ${before}`)
  }
}
