/** XEP-0463: what somebody who enters is told of affiliations, before all else. */
import { randomId } from '../../lib/random.ts'
import type { Element } from '../../xml/element.ts'
import { StanzaError } from '../../xmpp/error.ts'
import { Client } from '../../xmpp/stanza.ts'
import { Mav, MucUser } from './namespaces.ts'
import type { Visit } from './occupant.ts'
import type { Room } from './room.ts'
import { mavElement, standingOf, viewFor } from './showing.ts'
import type { Affiliation } from './standing.ts'
import { NO_VIEW, shownIn, type View } from './versions.ts'

/** So many affiliations in one message. */
const PAGE = 200

type Item = readonly [jid: string, affiliation: Affiliation]

const viewOf = (room: Room, { occupant }: Visit): View => viewFor(room, standingOf(room, occupant))

/** §4.2.1: for the presence that tells a client that it is in; undefined where it may not know. */
export function versionFor(room: Room, visit: Visit): Element | undefined {
  const view = viewOf(room, visit)
  return view === NO_VIEW ? undefined : mavElement({ until: room.affiliations.versions.of(view) })
}

/** Tells a client what it does not know yet, if it has asked when it entered. */
export function tellAffiliations(room: Room, visit: Visit, x: Element): void {
  const asked = x.child(Mav, 'mav')
  if (asked === undefined) return
  const view = viewOf(room, visit)
  const { versions } = room.affiliations
  const { since } = asked.attrs
  const changes = since === undefined ? undefined : versions.since(since, view)
  // Of somebody who became several things, the last.
  const latest = changes && [...new Map(changes.map(({ jid, to }) => [jid, shownIn(view, to)]))]
  if (view === NO_VIEW) room.give(forbidden(room), room.jid, visit)
  else if (latest === undefined) tellAll(room, visit, all(room, view), undefined, versions.of(view))
  else if (latest.length > 0) tellAll(room, visit, latest, since, versions.of(view))
}

const all = (room: Room, view: View): Item[] =>
  [...room.affiliations.entries()].flatMap(([jid, { affiliation }]): Item[] =>
    shownIn(view, affiliation) === 'none' ? [] : [[jid, affiliation]],
  )

/** Each message begins where the one before it ends; between them are versions that nobody is asked for again. */
function tellAll(room: Room, visit: Visit, items: readonly Item[], since: string | undefined, until: string): void {
  let from = since
  for (let at = 0; at === 0 || at < items.length; at += PAGE) {
    const to = at + PAGE >= items.length ? until : `${randomId(9)}.-`
    const page = items.slice(at, at + PAGE).map(([jid, affiliation]) => MucUser('item', { jid, affiliation }))
    const x = MucUser('x', {}, mavElement({ ...(from !== undefined && { since: from }), until: to }), ...page)
    room.give(Client('message', { from: String(room.jid), id: randomId(12) }, x), room.jid, visit)
    from = to
  }
}

/** §4.2.3. */
const forbidden = (room: Room): Element =>
  Client(
    'message',
    { from: String(room.jid), id: randomId(12), type: 'error' },
    new StanzaError('forbidden').toElement().with({ by: String(room.jid) }),
  )
