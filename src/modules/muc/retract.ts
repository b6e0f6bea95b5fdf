// XEP-0424: Message Retraction, in rooms

import { then } from '../../core/host.ts'
import type { Host } from '../../core/module.ts'
import { LimitedEach } from '../../lib/limited.ts'
import type { Element } from '../../xml/element.ts'
import { parseElement } from '../../xml/parser.ts'
import { StanzaError } from '../../xmpp/error.ts'
import type { Jid } from '../../xmpp/jid.ts'
import { correctedId, retractedId } from '../archive/archive.ts'
import type { Archives } from './archive/archives.ts'
import type { Logged, RoomLog } from './archive/room-log.ts'
import type { Said } from './history.ts'
import { speechChecked, speechSaid } from './points.ts'
import type { Room } from './room.ts'
import type { MucSettings } from './settings.ts'
import { authorOf, isUnretractable, mustNotPretend, type TakenBack, tombstone } from './tombstone.ts'

/** Corrections are looked for among so many messages behind the one that they correct; so many of them go with it. */
const FURTHEST = 1000
const MOST_CORRECTIONS = 100

/** Who takes something back: his occupant id, and his address. */
interface Author {
  readonly id: string | undefined
  readonly jid: Jid
}

/** How often they are looked for in a room, so that nobody keeps the server busy. */
const AT_ONCE = 10
const SPAN = 60_000
const REMEMBERED = 1000

/** Puts tombstones where messages were, in archives and in what is shown to those who enter. In the room's turn. */
export class Retractions {
  readonly #archives: Archives
  readonly #searches: LimitedEach

  constructor({ clock, on }: Pick<Host<MucSettings>, 'clock' | 'on'>, archives: Archives) {
    this.#archives = archives
    this.#searches = new LimitedEach(AT_ONCE, SPAN, () => clock.now(), REMEMBERED)
    const [find, takeBack] = [this.find.bind(this), this.takeBack.bind(this)]
    // §5: only by who has written it. What the room does not know any more is for clients to compare.
    on(speechChecked, function mustBeAuthor({ room, stanza }) {
      mustNotPretend(stanza)
      const id = retractedId(stanza)
      if (id === undefined) return
      return then(find(room, id), message => {
        if (message !== undefined && authorOf(message) !== authorOf(stanza))
          throw new StanzaError('forbidden', 'another one has written that')
      })
    })
    on(speechSaid, function putTombstone({ room, visit, stanza, at }) {
      const id = retractedId(stanza)
      if (id !== undefined) return takeBack(room, id, { by: stanza.attrs['id'] ?? id, at }, { id: authorOf(stanza), jid: visit.jid })
    })
  }

  /** The message of that id, as all have got it; undefined where the room does not know it any more. */
  find(room: Room, id: string): Element | undefined | Promise<Element | undefined> {
    const said = room.history.find(id)
    const log = this.#archives.of(room)
    if (said !== undefined || log === undefined) return said?.stanza
    return this.#archives.find(log, id).then(logged => logged && parseElement(logged.message))
  }

  /** The message, and those by which its author has corrected it, are not there any more. */
  async takeBack(room: Room, id: string, why: TakenBack, author?: Author): Promise<void> {
    const said = room.history.find(id) ?? ownIn(room, id, author)
    if (said !== undefined) this.#inHistory(room, said, why)
    const log = this.#archives.of(room)
    if (log === undefined) return
    const logged = (await this.#archives.find(log, said?.id ?? id)) ?? (await this.#ownIn(log, id, author))
    if (logged === undefined) return
    const replace = async (each: Logged): Promise<void> => {
      const message = parseElement(each.message)
      if (!isUnretractable(message)) await log.replace(each, tombstone(message, why, room.jid))
    }
    await replace(logged)
    if (this.#searches.isTooMuch(String(room.jid))) return
    for (const ord of await log.corrections(logged, FURTHEST, MOST_CORRECTIONS)) {
      const correction = await log.find(ord)
      if (correction !== undefined) await replace(correction)
    }
  }

  async #ownIn(log: RoomLog, id: string, author: Author | undefined): Promise<Logged | undefined> {
    if (author === undefined || this.#searches.isTooMuch(String(log.room))) return undefined
    const logged = await log.own(id, author.jid.bare, FURTHEST)
    // Who had the address before him was another one.
    return logged !== undefined && authorOf(parseElement(logged.message)) === author.id ? logged : undefined
  }

  #inHistory(room: Room, said: Said, why: TakenBack): void {
    const { history } = room
    const { stanza } = said
    for (const each of history.all())
      if (each === said || (authorOf(each.stanza) === authorOf(stanza) && isCorrectionOf(each.stanza, stanza.attrs['id'])))
        if (!isUnretractable(each.stanza)) history.replace(each, tombstone(each.stanza, why, room.jid))
  }
}

/**
 * COMPAT(Converse.js 14): who takes back his own message may name it by the id that he gave it himself, where that of the room is
 * meant (§5, Using the correct ID).
 */
function ownIn({ history }: Room, id: string, author: Author | undefined): Said | undefined {
  if (author?.id === undefined) return undefined
  return history.all().findLast(({ stanza }) => stanza.attrs['id'] === id && authorOf(stanza) === author.id)
}

const isCorrectionOf = (message: Element, id: string | undefined): boolean => id !== undefined && correctedId(message) === id
