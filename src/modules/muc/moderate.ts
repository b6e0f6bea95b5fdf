// XEP-0425: Moderated Message Retraction

import { randomId } from '../../lib/random.ts'
import { StanzaError } from '../../xmpp/error.ts'
import { must } from './access.ts'
import type { Archives } from './archive/archives.ts'
import type { Context } from './context.ts'
import type { Retractions } from './retract.ts'
import { tellAll } from './speak.ts'
import { isUnretractable, Moderation, moderatedBy, moderationMessage, Retraction, readModeration } from './tombstone.ts'

const LONGEST_REASON = 1000

/** Moderators take back what others have said. */
export function letModerate(context: Context, archives: Archives, retractions: Retractions): void {
  context.described.roomFeatures.push(() => [Moderation.uri, Retraction.uri])
  context.iq.set(Moderation, 'moderate', async ({ room, from, payload }) => {
    const visit = room.occupants.visit(from)
    must('moderate', room.standingOf(from), room.config)
    if (visit === undefined) throw new StanzaError('not-acceptable', 'you are not in the room')
    const { id, reason } = readModeration(payload, LONGEST_REASON)
    context.limits.change(String(from.bare))
    const message = await retractions.find(room, id)
    const log = archives.of(room)
    // Of a room that keeps nothing, those who are in it may know more than the room does.
    if (message === undefined && log !== undefined) throw new StanzaError('item-not-found', 'there is no such message')
    if (message !== undefined && isUnretractable(message)) throw new StanzaError('not-acceptable', 'there is nothing left to be taken back')
    const by = randomId(12)
    const at = context.clock.now()
    const moderated = moderatedBy(visit.occupant, reason)
    const stanza = moderationMessage(room.jid, by, id, moderated)
    const kept = log === undefined ? randomId(12) : await archives.keep(log, stanza, undefined, at)
    // Before anybody enters who would be shown it (§6).
    await retractions.takeBack(room, id, { by, at, moderated })
    await tellAll(room, room.jid, { stanza, id: kept, at })
  })
}
