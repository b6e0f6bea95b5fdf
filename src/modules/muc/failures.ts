import type { Element } from '../../xml/element.ts'
import type { Jid } from '../../xmpp/jid.ts'
import { Client } from '../../xmpp/stanza.ts'
import { clean } from './clean.ts'
import { invitationFailed } from './invitations.ts'
import { anonymous } from './requests.ts'
import type { Room } from './room.ts'

/** A message or presence came back. Of a private message he hears who has sent it, as if it came from the occupant. */
export function takeFailure(room: Room, error: Element, from: Jid, to: Jid): void | Promise<void> {
  const visit = room.occupants.visit(from)
  const { id = '' } = error.attrs
  if (error.name === 'message' && to.isBare) invitationFailed(room, from, id)
  if (visit === undefined) return
  const sender = error.name === 'message' && !to.isBare ? room.relays.bounced(visit.to, id) : undefined
  if (sender !== undefined && room.occupants.visit(sender.jid) === sender) {
    const { jid, id: occupantId } = visit.occupant
    const said = clean(error, room.jid)
    const failed = error.child(Client, 'error')
    const message = Client(
      'message',
      { type: 'error', id, from: String(jid) },
      ...said,
      ...(failed === undefined ? [] : [anonymous(failed)]),
      occupantId,
    )
    room.give(message, jid, sender)
  }
  return room.ghosts.bounced(visit, error, sender !== undefined)
}
