import type { Element } from '../../xml/element.ts'
import { ownCopy } from '../../xml/parser.ts'
import { readDateTime } from '../../xmpp/date-time.ts'
import { delayElement } from '../../xmpp/delay.ts'
import { StanzaError } from '../../xmpp/error.ts'
import type { Jid } from '../../xmpp/jid.ts'
import { Client } from '../../xmpp/stanza.ts'
import { Muc } from './namespaces.ts'

/** Something that was said, from whom, and as it was told to all. */
export interface Said {
  readonly from: Jid
  /** In the room (XEP-0359). */
  readonly id: string | undefined
  readonly at: number
  readonly stanza: Element
  /** The same for those who come later (§7.2.13). */
  readonly late: Element
}

/** How much of the history somebody wants to hear (§7.2.14). */
export interface HistoryRequest {
  /** The client that is to hear it. */
  readonly to: string
  readonly most: number
  readonly characters: number
  /** In ms. */
  readonly since: number
}

/** What was said last in a room. It is in memory alone. */
export class History {
  readonly #room: Jid
  /** How many there may be, whatever the room's configuration says. */
  readonly most: number
  readonly #bytes: number
  #all: Said[] = []
  #size = 0

  constructor(room: Jid, most: number, bytes: number) {
    this.#room = room
    this.most = most
    this.#bytes = bytes
  }

  /** `most` is what the room's configuration allows. */
  add(said: Omit<Said, 'late'>, most: number): void {
    const added = this.#late(said)
    this.#all.push(added)
    this.#size += sizeOf(added.stanza)
    while (this.#all.length > Math.min(most, this.most) || this.#size > this.#bytes) {
      const oldest = this.#all.shift()
      if (oldest === undefined) break
      this.#size -= sizeOf(oldest.stanza)
    }
  }

  /** The oldest first. */
  all(): readonly Said[] {
    return this.#all
  }

  find(id: string): Said | undefined {
    return this.#all.find(said => said.id === id)
  }

  /** Another one stands where it was, such as a tombstone. */
  replace(former: Said, stanza: Element): void {
    this.#all = this.#all.map(said => {
      if (said !== former) return said
      const other = this.#late({ ...said, stanza })
      this.#size += sizeOf(other.stanza) - sizeOf(said.stanza)
      return other
    })
  }

  #late(said: Omit<Said, 'late'>): Said {
    const stanza = ownCopy(said.stanza)
    return { ...said, stanza, late: stanza.add(delayElement(said.at, this.#room)) }
  }

  clear(): void {
    this.#all = []
    this.#size = 0
  }

  /** The latest that are within all limits (§7.2.14), the oldest of them first. Whole messages only. */
  latest({ to, most, characters, since }: HistoryRequest): readonly Said[] {
    let from = this.#all.length
    let left = characters
    while (from > 0 && this.#all.length - from < most) {
      const said = this.#all[from - 1]!
      if (said.at < since) break
      if (characters !== Number.POSITIVE_INFINITY) left -= lengthOf(said.late, to)
      if (left < 0) break
      from--
    }
    return this.#all.slice(from)
  }
}

/** In characters, as it goes to a client (§7.2.14). */
const lengthOf = (stanza: Element, to: string): number => stanza.with({ to }).toString(Client.uri).length

const sizeOf = ({ inner }: Element): number => inner.length

/** Reads the `<history/>` of somebody who enters. Throws bad-request. */
export function readHistoryRequest(x: Element, to: Jid, now: number, most: number): HistoryRequest {
  const { maxchars, maxstanzas, seconds, since } = x.child(Muc, 'history')?.attrs ?? {}
  const earliest = since === undefined ? Number.NEGATIVE_INFINITY : readDateTime(since)
  if (earliest === undefined) throw new StanzaError('bad-request', 'since is no time')
  return {
    to: String(to),
    most: Math.min(most, readNumber(maxstanzas)),
    characters: readNumber(maxchars),
    since: Math.max(earliest, now - readNumber(seconds) * 1000),
  }
}

function readNumber(text: string | undefined): number {
  if (text === undefined) return Number.POSITIVE_INFINITY
  if (!/^\d{1,15}$/.test(text)) throw new StanzaError('bad-request', 'a limit of the history is no number')
  return Number(text)
}
