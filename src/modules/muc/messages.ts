import { then } from '../../core/host.ts'
import type { Element } from '../../xml/element.ts'
import { StanzaError } from '../../xmpp/error.ts'
import type { Jid } from '../../xmpp/jid.ts'
import { must, noSuchRoom } from './access.ts'
import type { Context } from './context.ts'
import { roomAddressed } from './points.ts'
import { whisper } from './private.ts'
import type { Room } from './room.ts'
import { speak } from './speak.ts'

/** A message to a room or to one of its occupants (XEP-0045 §7.4, §7.5, §17.2). */
export function takeMessage(context: Context, room: Room | undefined, stanza: Element, from: Jid, to: Jid): void | Promise<void> {
  const visit = room?.occupants.visit(from)
  // §17.2: where there is no room, or one that he must not know of.
  if (room === undefined || (room.isLocked && visit === undefined)) throw noSuchRoom()
  if (visit === undefined) must('know', room.standingOf(from), room.config)
  const isForAll = stanza.attrs['type'] === 'groupchat'
  if (stanza.inner.length > context.settings.message) throw new StanzaError('policy-violation', 'this message is too large')
  if (to.isBare && !isForAll) return address(context, room, stanza, from)
  if (visit === undefined) throw new StanzaError('not-acceptable', 'you are not in the room')
  // §7.5
  if (isForAll && !to.isBare) throw new StanzaError('bad-request', 'what is for one is not for all')
  return isForAll ? speak(context, room, visit, stanza) : whisper(context, room, visit, stanza, to)
}

/** To the room itself: invitations, their answers, requests to be heard. Of somebody who is in the room, or is not. */
function address(context: Context, room: Room, stanza: Element, from: Jid): void | Promise<void> {
  return then(context.hooks.run(roomAddressed, { room, stanza, from }), verdict => {
    if (verdict === 'taken') return
    // §17.2
    throw new StanzaError('bad-request', 'a message for all is of type groupchat')
  })
}
