import type { Account } from '../../core/account.ts'
import type { SealedDocuments } from '../../core/sealed-documents.ts'
import { CLIENT_NAMES } from '../../core/stores.ts'

/** What a client has said that it is (XEP-0388 §2.2). */
export interface ClientName {
  readonly software?: string | undefined
  readonly device?: string | undefined
}

/** By what the server knows a client as. */
export type ClientNames = ReadonlyMap<string, ClientName>

/** What the clients of those users are who want it remembered; sealed, so that nobody else can read it. */
export class NameStore {
  readonly #documents: SealedDocuments

  constructor(documents: SealedDocuments) {
    this.#documents = documents
  }

  /** Undefined for a user who does not want it. Throws a StanzaError while what is sealed for the account is locked. */
  async read(account: Account): Promise<ClientNames | undefined> {
    const json = await this.#documents.read(account, CLIENT_NAMES)
    if (json === undefined) return undefined
    const names = new Map<string, ClientName>(JSON.parse(json.toString()))
    json.fill(0)
    return names
  }

  /** With undefined, nothing is remembered from now on. */
  async write(account: Account, names: ClientNames | undefined): Promise<void> {
    await this.#documents.write(account, CLIENT_NAMES, names && Buffer.from(JSON.stringify([...names])))
  }
}
