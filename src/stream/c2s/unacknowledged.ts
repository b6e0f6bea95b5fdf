// XEP-0198 §4: what was sent, until the client has acknowledged it.

import type { Account } from '../../core/account.ts'
import type { Custody } from '../../core/custody.ts'
import type { SealedStanza } from '../../core/hibernation.ts'
import type { Element } from '../../xml/element.ts'
import { Mam } from '../namespaces.ts'

/** A stanza on its way to the client. */
export interface Unacknowledged {
  /** Nothing of what comes in bulk and for which there was no room: the stream cannot be resumed before it is acknowledged. */
  content: Element | SealedStanza | undefined
  /** It is out of the archive, where the client finds it again; or presence that was sent, of which a room alone may have thousands to show. */
  readonly isBulk: boolean
  readonly custody: Custody | undefined
  size: number
  /** When it came, in ms. */
  readonly at: number
  /** It is on disk, under its position, until it is acknowledged. */
  isKept: boolean
  /** It is acknowledged, or has been given another way. */
  isGone: boolean
}

export interface QueueLimits {
  /** Stanzas that may wait for acknowledgement, besides what comes in bulk; so much of that is held to be sent again. */
  readonly queue: number
  /** And how long they may be together. Well below what a connection may have waiting: a resumed client gets all at once. */
  readonly queueBytes: number
}

/** What comes in bulk may be so many times as many as other stanzas: what the client asked for at once must not end its stream. */
const BULK = 20

/** Of one stream, in the order in which it was sent. */
export class UnacknowledgedQueue implements Iterable<Unacknowledged> {
  readonly #limits: QueueLimits
  readonly #entries: Unacknowledged[] = []
  #bytes = 0
  #bulk = 0
  /** How long that is together which is held of it. */
  #bulkBytes = 0

  constructor(limits: QueueLimits) {
    this.#limits = limits
  }

  get length(): number {
    return this.#entries.length
  }

  [Symbol.iterator](): Iterator<Unacknowledged> {
    return this.#entries.values()
  }

  /** More than may wait. */
  get isOver(): boolean {
    const { queue, queueBytes } = this.#limits
    return this.#entries.length - this.#bulk > queue || this.#bytes > queueBytes || this.#bulk > queue * BULK
  }

  /** Something that was sent could not be sent again. */
  get hasGaps(): boolean {
    return this.#entries.some(({ content }) => content === undefined)
  }

  /** Its size is known by `weigh`, once it has been written. */
  push(entry: Unacknowledged): void {
    this.#entries.push(entry)
  }

  weigh(entry: Unacknowledged, size: number): void {
    entry.size = size
    if (!entry.isBulk) {
      this.#bytes += size
      return
    }
    const { queue, queueBytes } = this.#limits
    if (++this.#bulk > queue || this.#bulkBytes + size > queueBytes) entry.content = undefined
    else this.#bulkBytes += size
  }

  /** Takes out so many from the front, or all. */
  take(count = this.#entries.length): readonly Unacknowledged[] {
    const taken = this.#entries.splice(0, count)
    for (const entry of taken) {
      entry.isGone = true
      if (!entry.isBulk) this.#bytes -= entry.size
      else {
        this.#bulk--
        if (entry.content !== undefined) this.#bulkBytes -= entry.size
      }
    }
    return taken
  }
}

/** Whether it is one of those that come in bulk, to a client that is there or not. */
export const isBulk = (stanza: Element, account: Account, isThere: boolean): boolean =>
  isOutOfArchive(stanza, account) || (stanza.name === 'presence' && isThere)

export function isOutOfArchive(stanza: Element, account: Account): boolean {
  return stanza.name === 'message' && stanza.attrs['from'] === String(account.jid) && stanza.child(Mam, 'result') !== undefined
}

/** Messages that a user would miss; the rest is of use only now. What the account itself says, such as a copy, is for one session. */
export function isWorthKeeping({ name, attrs: { type, from } }: Element, account: Account): boolean {
  return name === 'message' && type !== 'error' && type !== 'headline' && type !== 'groupchat' && from !== String(account.jid)
}
