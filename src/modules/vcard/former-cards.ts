import { type Db, type Migration, sql } from '../../storage/db.ts'
import type { Element } from '../../xml/element.ts'
import { parseElement } from '../../xml/parser.ts'

export const migrations: readonly Migration[] = [() => 'CREATE TABLE vcard (account TEXT NOT NULL PRIMARY KEY, xml TEXT NOT NULL)']

/** Cards from before they were items of a node. They move there when their account is used; when all have, nobody looks here any more. */
export class FormerCards {
  readonly #db: Db
  #isEmpty: boolean | undefined

  constructor(db: Db) {
    this.#db = db
  }

  async of(account: string): Promise<Element | undefined> {
    this.#isEmpty ??= (await this.#db.all(sql`SELECT account FROM vcard LIMIT 1`)).length === 0
    if (this.#isEmpty) return undefined
    const [row] = await this.#db.all<{ xml: string }>(sql`SELECT xml FROM vcard WHERE account = ${account}`)
    return row && parseElement(row.xml)
  }

  async remove(account: string, db: Db = this.#db): Promise<void> {
    await db.run(sql`DELETE FROM vcard WHERE account = ${account}`)
  }
}
