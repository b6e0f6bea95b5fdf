// XEP-0424: Message Retraction

import type { Account } from '../../core/account.ts'
import type { SealedLog } from '../../core/sealed-log.ts'
import { type Element, namespace } from '../../xml/element.ts'
import { writeDateTime } from '../../xmpp/date-time.ts'
import { Client } from '../../xmpp/stanza.ts'
import { type Header, readBody, readHeader, writeBody } from './kept-message.ts'
import type { ArchiveStore } from './store.ts'
import { retractedId } from './worth-keeping.ts'

const Retraction = namespace<'retracted'>('urn:xmpp:message-retract:1')

/** So far back a message is looked for that is taken back, in messages. */
const FURTHEST = 5000
const CHUNK = 250

/** So many are dealt with when their owner is back; of others the messages stay, and clients see what takes them back (§4: MAY). */
const MOST_WAITING = 1000

/** Puts tombstones into the place of messages that their authors have taken back (§4). In the account's turn. */
export class Retractions {
  readonly #archive: SealedLog
  readonly #store: ArchiveStore
  readonly #smallest: number
  /** Accounts of which some wait on disk. Unknown for others, until they were asked for once. */
  readonly #areWaiting = new WeakMap<Account, boolean>()

  constructor(archive: SealedLog, store: ArchiveStore, smallest: number) {
    this.#archive = archive
    this.#store = store
    this.#smallest = smallest
  }

  /** One has been archived. While the account is locked, it waits. */
  async came(account: Account, ord: number): Promise<void> {
    if (this.#archive.isOpen(account)) {
      await this.#apply(account, [ord])
      return
    }
    if ((await this.#store.retractions(account.name, MOST_WAITING)).length >= MOST_WAITING) return
    await this.#store.addRetraction(account.name, ord)
    this.#areWaiting.set(account, true)
  }

  /** Before the owner reads: deals with those that came while he was away. */
  async settle(account: Account): Promise<void> {
    if (this.#areWaiting.get(account) === false || !this.#archive.isOpen(account)) return
    const ords = await this.#store.retractions(account.name, MOST_WAITING)
    if (ords.length > 0) {
      await this.#apply(account, ords)
      await this.#store.removeRetractions(account.name, ords.at(-1)!)
    }
    this.#areWaiting.set(account, false)
  }

  async #apply(account: Account, ords: readonly number[]): Promise<void> {
    for (const entry of await this.#archive.read(account, { ords, limit: ords.length })) {
      const header = readHeader(entry.header)
      const { message, at } = readBody(entry)
      const id = retractedId(message)
      // §4: without an id of its own there is nothing by which a client could match the two.
      if (id === undefined || id === '' || header.id === undefined || header.isPrivateInRoom) continue
      const original = await this.#find(account, entry.ord, id, header)
      if (original !== undefined) await this.#replace(account, original, header.id, at)
    }
  }

  /** §5: only who wrote a message can take it back; the other side is the same. */
  async #find(account: Account, before: number, id: string, { peer, isOutgoing }: Header): Promise<number | undefined> {
    let to = before - 1
    for (let seen = 0; seen < FURTHEST; seen += CHUNK) {
      const entries = await this.#archive.headers(account, { to, limit: CHUNK, isDescending: true })
      for (const { ord, header } of entries) {
        const other = readHeader(header)
        if (other.id === id && other.peer === peer && other.isOutgoing === isOutgoing && !other.isPrivateInRoom) return ord
      }
      if (entries.length < CHUNK) return undefined
      to = entries.at(-1)!.ord - 1
    }
    return undefined
  }

  async #replace(account: Account, ord: number, by: string, at: number): Promise<void> {
    const [entry] = await this.#archive.read(account, { ords: [ord], limit: 1 })
    if (entry === undefined) return
    const { message, at: sentAt } = readBody(entry)
    // What takes a message back stays (§5).
    if (retractedId(message) !== undefined) return
    await this.#archive.replace(account, ord, entry.header, writeBody(tombstone(message, by, at), sentAt, this.#smallest))
  }
}

function tombstone({ attrs: { from, to, type, id } }: Element, by: string, at: number): Element {
  return Client('message', { from, to, type, id }, Retraction('retracted', { id: by, stamp: writeDateTime(at) }))
}
