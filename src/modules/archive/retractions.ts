// XEP-0424: Message Retraction

import type { Account } from '../../core/account.ts'
import type { Clock } from '../../core/clock.ts'
import type { SealedLog } from '../../core/sealed-log.ts'
import { limited } from '../../lib/limited.ts'
import { type Element, namespace } from '../../xml/element.ts'
import { parseElement } from '../../xml/parser.ts'
import { writeDateTime } from '../../xmpp/date-time.ts'
import { Jid } from '../../xmpp/jid.ts'
import { Client } from '../../xmpp/stanza.ts'
import { type Header, readBody, readHeader, tagOfId, writeBody } from './kept-message.ts'
import type { ArchiveStore } from './store.ts'
import { retractedId } from './worth-keeping.ts'

const Retraction = namespace<'retracted'>('urn:xmpp:message-retract:1')

/** So far back messages are looked for that are taken back, in messages. */
const FURTHEST = 5000
const CHUNK = 250

/** So far for strangers, who could take back what was never there: opening segments is what costs. */
const SEGMENTS_FOR_STRANGERS = 32

/** So many corrections of one message are replaced with it, the newest. */
const MOST_CORRECTIONS = 100

/** So many wait at most; of others the messages stay, and clients see what takes them back (§4: MAY). Strangers leave room for others. */
const MOST_WAITING = 200
const MOST_OF_STRANGERS = 50

/** How often it is looked for one at once, for strangers and for others, so that nobody keeps the server busy; more wait. */
const AT_ONCE = 10
const SPAN = 60_000

/** A message that is to be replaced, the newest one with that id before the retraction, and those that correct it. */
interface Wanted {
  readonly before: number
  /** The id of the retraction. */
  readonly by: string
  readonly at: number
  readonly isOfStranger: boolean
  /** How many corrections are replaced yet. */
  corrections: number
}

/** Puts tombstones into the place of messages that their authors have taken back (§4). In the account's turn. */
export class Retractions {
  readonly #archive: SealedLog
  readonly #store: ArchiveStore
  readonly #clock: Clock
  readonly #smallest: number
  readonly #isStranger: (account: Account, other: Jid) => boolean
  /** Accounts of which some wait on disk. Unknown for others, until they were asked for once. */
  readonly #areWaiting = new WeakMap<Account, boolean>()
  readonly #areTooMany = new WeakMap<Account, () => boolean>()
  readonly #areTooManyOfStrangers = new WeakMap<Account, () => boolean>()

  /** `smallest` is the size that a body has at least. */
  constructor(
    archive: SealedLog,
    store: ArchiveStore,
    clock: Clock,
    smallest: number,
    isStranger: (account: Account, other: Jid) => boolean,
  ) {
    this.#archive = archive
    this.#store = store
    this.#clock = clock
    this.#smallest = smallest
    this.#isStranger = isStranger
  }

  /** One has been archived. While the account is locked, it waits. */
  async came(account: Account, ord: number, isOfStranger: boolean): Promise<void> {
    if (this.#archive.isOpen(account) && !this.#isTooMuch(account, isOfStranger)) {
      await this.#apply(account, [ord])
      return
    }
    const most = isOfStranger ? MOST_OF_STRANGERS : MOST_WAITING
    if ((await this.#store.retractions(account.name, most)).length >= most) return
    await this.#store.addRetraction(account.name, ord)
    this.#areWaiting.set(account, true)
  }

  /** Before the owner reads: deals with those that wait. */
  async settle(account: Account): Promise<void> {
    if (this.#areWaiting.get(account) === false || !this.#archive.isOpen(account)) return
    const ords = await this.#store.retractions(account.name, MOST_WAITING)
    if (ords.length > 0) {
      await this.#apply(account, ords)
      await this.#store.removeRetractions(account.name, ords.at(-1)!)
    }
    this.#areWaiting.set(account, false)
  }

  #isTooMuch(account: Account, isOfStranger: boolean): boolean {
    const all = isOfStranger ? this.#areTooManyOfStrangers : this.#areTooMany
    const known = all.get(account) ?? limited(AT_ONCE, SPAN, () => this.#clock.now())
    all.set(account, known)
    return known()
  }

  async #apply(account: Account, ords: readonly number[]): Promise<void> {
    const wanted = new Map<string, Wanted>()
    for (const entry of await this.#archive.read(account, { ords, limit: ords.length })) {
      const header = readHeader(entry.header)
      const { xml, at } = readBody(entry)
      const message = parseElement(xml)
      const id = retractedId(message)
      // §4: without an id of its own there is nothing by which a client could match the two.
      if (id === undefined || header.id === undefined || header.isPrivateInRoom) continue
      const isOfStranger = !header.isOutgoing && this.#isStranger(account, Jid.parse(header.peer))
      wanted.set(keyOf(header, tagOfId(id)), { before: entry.ord, by: header.id, at, isOfStranger, corrections: MOST_CORRECTIONS })
    }
    const last = Math.max(...[...wanted.values()].map(({ before }) => before))
    if (wanted.size > 0) await this.#search(account, last - 1, wanted)
  }

  async #search(account: Account, last: number, wanted: Map<string, Wanted>): Promise<void> {
    let to = last
    const segments = wanted.values().every(({ isOfStranger }) => isOfStranger) ? { left: SEGMENTS_FOR_STRANGERS } : undefined
    for (let seen = 0; seen < FURTHEST && wanted.size > 0; seen += CHUNK) {
      const entries = await this.#archive.headers(account, { to, limit: CHUNK, isDescending: true, segments })
      for (const { ord, header: bytes } of entries) {
        const header = readHeader(bytes)
        if (header.isPrivateInRoom) continue
        const corrected = header.corrects && wanted.get(keyOf(header, header.corrects))
        const key = corrected === undefined && header.id !== undefined ? keyOf(header, tagOfId(header.id)) : undefined
        const found = key === undefined ? corrected : wanted.get(key)
        if (found === undefined || ord >= found.before) continue
        // Corrections stand behind what they correct: with that one the search is over.
        if (key !== undefined) wanted.delete(key)
        else if (found.corrections-- <= 0) continue
        await this.#replace(account, ord, found)
      }
      if (entries.length < CHUNK) return
      to = entries.at(-1)!.ord - 1
    }
  }

  async #replace(account: Account, ord: number, { by, at }: Wanted): Promise<void> {
    const [entry] = await this.#archive.read(account, { ords: [ord], limit: 1 })
    if (entry === undefined) return
    const { xml, at: sentAt } = readBody(entry)
    const message = parseElement(xml)
    // What takes a message back stays (§5), and what is taken back already.
    if (retractedId(message) !== undefined || message.child(Retraction, 'retracted') !== undefined) return
    await this.#archive.replace(account, ord, entry.header, writeBody(tombstone(message, by, at), sentAt, this.#smallest))
  }
}

/** §5: only who wrote a message can take it back, and the other side is the same. */
const keyOf = ({ peer, isOutgoing }: Header, tag: Buffer): string => JSON.stringify([peer, isOutgoing, tag.toString('latin1')])

function tombstone({ attrs: { from, to, type, id } }: Element, by: string, at: number): Element {
  return Client('message', { from, to, type, id }, Retraction('retracted', { id: by, stamp: writeDateTime(at) }))
}
