// XEP-0313 §6.1.2: what rooms keep

import { then } from '../../../core/host.ts'
import type { Host } from '../../../core/module.ts'
import { secretsDestroyed } from '../../../core/points.ts'
import type { Element } from '../../../xml/element.ts'
import { isNoPermanentStore } from '../../../xmpp/hints.ts'
import { isConversation } from '../../archive/archive.ts'
import { isLogged, opens } from '../config.ts'
import { roomConfigured, roomEnded, roomLoaded, roomRemoved, speechKept } from '../points.ts'
import type { MucSettings } from '../settings.ts'
import { remember } from '../speak.ts'
import { isSubject } from '../subject.ts'
import type { Archives } from './archives.ts'

/** Whether the message belongs into the archive of a room: once for all, and nothing that was for one alone. */
const isWorthKeeping = (message: Element): boolean => isConversation(message) || (isSubject(message) && !isNoPermanentStore(message))

/** Lets rooms keep what is said in them, as long as they shall. */
export function keepSpeech({ on, settings }: Host<MucSettings>, archives: Archives): void {
  // DESIGN law 7: all learn the id when the message is on disk.
  on(speechKept, function archiveSpeech(speech) {
    const { room, stanza, visit, at } = speech
    const log = archives.of(room)
    if (log === undefined) return
    speech.id = undefined
    if (!isWorthKeeping(stanza)) return
    const { nick, role, bare } = visit.occupant
    const author = { nick, jid: visit.jid, affiliation: room.affiliations.of(bare), role }
    return then(archives.keep(log, stanza, author, at), id => {
      speech.id = id
    })
  })
  // Who enters after a restart sees what was said before it.
  on(roomLoaded, async function recallLast(room) {
    const log = archives.of(room)
    if (log === undefined) return
    for (const said of await archives.latest(room, log, settings.history)) remember(room, said.from, said)
  })
  on(roomConfigured, async function keepNoLonger({ room, before }) {
    if (opens(before, room.config)) room.history.clear()
    if (isLogged(before) && !isLogged(room.config)) await archives.empty(room)
  })
  on(roomRemoved, async function removeMessages({ state, db, afterwards }) {
    await archives.remove(state, db)
    afterwards(() => archives.removed(state))
  })
  on(roomEnded, function forgetLog(room) {
    archives.end(room)
  })
  on(secretsDestroyed, function removeDead() {
    return archives.sweep()
  })
}
