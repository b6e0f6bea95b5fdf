// XEP-0313: Message Archive Management, in rooms

import type { Log } from '../../../core/log.ts'
import { LimitedEach } from '../../../lib/limited.ts'
import type { Element } from '../../../xml/element.ts'
import { StanzaError } from '../../../xmpp/error.ts'
import type { Jid } from '../../../xmpp/jid.ts'
import { finElement, Mam, metadataElement, Pages, queryForm, readQuery, resultElements } from '../../archive/archive.ts'
import { may, must } from '../access.ts'
import type { Context, RoomRequest } from '../context.ts'
import type { Room } from '../room.ts'
import { compare } from '../standing.ts'
import { Retraction } from '../tombstone.ts'
import type { Archives } from './archives.ts'
import { closedIn } from './closures.ts'
import type { View } from './room-archive.ts'
import type { RoomLog } from './room-log.ts'

/** XEP-0313 §7, XEP-0424 §4. */
const FEATURES = [Mam.uri, `${Mam.uri}#extended`, `${Mam.uri}#groupchat-field`, `${Retraction.uri}#tombstone`]

const MINUTE = 60_000
/** So many are remembered who have asked. */
const REMEMBERED = 5000

/** What rooms say of their archives, to those who may enter (§6.1.2). */
export function answerQueries(context: Context, archives: Archives, log: Log): void {
  const { clock, described, iq, settings } = context
  const pages = new Pages<View>(archives.paged, log)
  const queries = new LimitedEach(settings.queries, MINUTE, () => clock.now(), REMEMBERED)

  iq.set(Mam, 'query', request => {
    const { room, from, payload } = request
    const query = readQuery(payload, settings)
    return read(request, async view => {
      const answer = await pages.answer(view, query)
      for (const each of resultElements(room.jid, from, query, answer)) context.route(each, room.jid, from)
      return finElement(answer)
    })
  })
  iq.get(Mam, 'query', ({ room, from }) => {
    logFor(room, from)
    return queryForm()
  })
  iq.get(Mam, 'metadata', request => read(request, async view => metadataElement(await pages.metadata(view))))

  described.roomFeatures.push(room => (archives.of(room) === undefined ? [] : FEATURES))

  /** Of what is there now and may be read now; one after the other, while the room goes on. */
  async function read({ room, from, outside }: RoomRequest, answer: (view: View) => Promise<Element>): Promise<void> {
    const log = logFor(room, from)
    await archives.ready()
    const to = (await log.last()) ?? 0
    const sees = seenBy(room, from)
    const isMember = compare(room.affiliations.of(from), 'member') >= 0
    // §6.1.2: what was said behind a closed door is not for others when it is open.
    const closed = isMember ? [] : closedIn(room.config)
    const firstOpen = async (): Promise<number> => Math.max(-1, ...(await Promise.all(closed.map(closure => log.closedUntil(closure))))) + 1
    outside(() => Promise.resolve(log.reading.take(async () => answer({ log, from: await firstOpen(), to, sees }))))
  }

  function logFor(room: Room, who: Jid): RoomLog {
    const log = archives.of(room)
    if (log === undefined) throw new StanzaError('service-unavailable', 'nothing is kept of what is said here')
    must('readArchive', room.standingOf(who), room.config)
    if (queries.isTooMuch(String(who.bare))) throw new StanzaError('policy-violation', 'this is too much at once', { type: 'wait' })
    return log
  }
}

/** §6.1.2: whoever may know real addresses, also from outside. Who was hidden when he spoke is so for others than moderators. */
function seenBy(room: Room, who: Jid): View['sees'] {
  const { config } = room
  const standing = room.standingOf(who)
  if (may('seeAddresses', standing, { ...config, whois: 'moderators' })) return 'all'
  const isMember = config.whois === 'anyone' && compare(standing.affiliation, 'member') >= 0
  return isMember || may('seeAddresses', standing, config) ? 'open' : 'none'
}
