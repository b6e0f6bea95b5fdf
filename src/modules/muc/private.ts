import type { Element } from '../../xml/element.ts'
import { StanzaError } from '../../xmpp/error.ts'
import type { Jid } from '../../xmpp/jid.ts'
import { Client } from '../../xmpp/stanza.ts'
import { must } from './access.ts'
import { clean } from './clean.ts'
import type { Context } from './context.ts'
import { MucUser } from './namespaces.ts'
import type { Visit } from './occupant.ts'
import type { Room } from './room.ts'

const PRIVATE = MucUser('x')

/** From one occupant to all clients of another (XEP-0045 §7.5). */
export function whisper(context: Context, room: Room, visit: Visit, stanza: Element, to: Jid): void {
  const { occupant } = visit
  must('sendPrivately', room.standingOf(visit.jid), room.config)
  const other = room.occupants.named(to.resource)
  if (other === undefined) throw new StanzaError('item-not-found', 'there is nobody of this nick')
  context.limits.message(room, occupant, other.visits.size)
  const { type, id, 'xml:lang': lang } = stanza.attrs
  const attrs = { type, id, 'xml:lang': lang, from: String(occupant.jid) }
  const message = Client('message', attrs, ...clean(stanza, room.jid), PRIVATE, occupant.id)
  for (const each of other.visits.values()) {
    if (id !== undefined) room.relays.whispered(each, id, visit)
    room.give(message, occupant.jid, each)
  }
}
