/** What those in a room are told when somebody becomes something else there (XEP-0045 §8 to §10, XEP-0463 §4.2.2). */
import { then } from '../../core/host.ts'
import { randomId } from '../../lib/random.ts'
import type { Element } from '../../xml/element.ts'
import { Client } from '../../xmpp/stanza.ts'
import { may } from './access.ts'
import { Mav, MucUser } from './namespaces.ts'
import type { Occupant, Visit } from './occupant.ts'
import { type Happening, presenceFrom, type StatusCode, userElement } from './presence.ts'
import { each, type Room } from './room.ts'
import type { Role, Standing } from './standing.ts'
import { type AffiliationChange, type Span, shownIn, type View, viewOf } from './versions.ts'

const LISTED_BY = { owner: 'listOwners', admin: 'listAdmins', member: 'listMembers', outcast: 'listOutcasts' } as const

/** Of which affiliations somebody is told who has them. */
export const viewFor = ({ config }: Room, standing: Standing): View => viewOf(list => may(LISTED_BY[list], standing, config))

export const mavElement = ({ since, until }: Partial<Span>): Element => Mav('mav', { since, until })

const standingOf = (room: Room, occupant: Occupant): Standing => ({ affiliation: room.affiliationOf(occupant), role: occupant.role })

/** Gives somebody in the room a role; what it gives tells all. `change`: what has changed of his affiliation. */
export function giveRole(
  room: Room,
  occupant: Occupant,
  role: Role,
  happening: Happening = {},
  change?: AffiliationChange,
): () => void | Promise<void> {
  const wasModerator = occupant.role === 'moderator'
  const seenBy = new Set([...room.occupants.all()].filter(viewer => room.sees(viewer, occupant)))
  occupant.role = role
  room.rememberRole(String(occupant.bare), role)
  return () => {
    // With the same request he may have been banned.
    if (occupant.visits.size === 0) return
    return then(announceChange(room, occupant, happening, change), () =>
      then(hide(room, occupant, seenBy), () => {
        // §8: a moderator sees everybody, and who it is.
        if (role === 'moderator' && !wasModerator) return inTurn([...occupant.visits.values()], visit => room.showOthers(visit))
      }),
    )
  }
}

/** Somebody in the room is something else now. `change`: what has changed of his affiliation. */
export function announceChange(
  room: Room,
  occupant: Occupant,
  happening: Happening = {},
  change?: AffiliationChange,
): void | Promise<void> {
  occupant.shown = undefined
  const { role, latest } = occupant
  const affiliation = room.affiliationOf(occupant)
  return showEach(room, occupant, change, (isOpen, isOwn, mav) => {
    const x = userElement(
      { affiliation, role, jid: isOpen ? latest?.to : undefined },
      { ...happening, mav },
      ...(isOwn ? [110 as const] : []),
    )
    return presenceFrom(occupant, undefined, latest?.presence ?? [], x)
  })
}

/** For those who saw somebody whose presence is not told any more he is not there. */
export function hide(room: Room, occupant: Occupant, seenBy: ReadonlySet<Occupant>): void | Promise<void> {
  const blind = [...seenBy].filter(viewer => !room.sees(viewer, occupant))
  if (blind.length === 0) return
  const x = userElement({ affiliation: room.affiliationOf(occupant), role: 'none' })
  const gone = presenceFrom(occupant, 'unavailable', [], x)
  return inTurn(blind, viewer => inTurn([...viewer.visits.values()], visit => room.give(gone, occupant.jid, visit)))
}

/** Those are in the room no longer, and each of them hears it; what it gives tells all who stay. */
export function dismiss(
  room: Room,
  occupants: readonly Occupant[],
  happening: Happening,
  changes: ReadonlyMap<Occupant, AffiliationChange> = new Map(),
): () => void | Promise<void> {
  const parting = occupants
    .filter(({ visits }) => visits.size > 0)
    .map(occupant => ({ occupant, affiliation: room.affiliationOf(occupant), to: occupant.latest?.to }))
  for (const { occupant, affiliation } of parting)
    for (const visit of [...occupant.visits.values()]) {
      room.dismiss(visit)
      const x = userElement({ affiliation, role: 'none', jid: visit.to }, happening, 110)
      room.give(presenceFrom(occupant, 'unavailable', [], x), occupant.jid, visit)
    }
  const tell = ({ occupant, affiliation, to }: (typeof parting)[number]): void | Promise<void> =>
    showEach(room, occupant, changes.get(occupant), (isOpen, _, mav) => {
      const x = userElement({ affiliation, role: 'none', jid: isOpen ? to : undefined }, { ...happening, mav })
      return presenceFrom(occupant, 'unavailable', [], x)
    })
  return () => inTurn(parting, tell)
}

/** The same, and all are told at once. */
export const remove = (...all: Parameters<typeof dismiss>): void | Promise<void> => dismiss(...all)()

/** §10.3, §10.6, §10.7; XEP-0463 §4.2.2: of somebody who is not in the room, those hear it who may know it. */
export function announceAbsent(room: Room, change: AffiliationChange): void | Promise<void> {
  const made = new Map<string, Element>()
  const id = randomId(12)
  return each(room.occupants.visits(), room.occupants.clients, visit => {
    const view = viewFor(room, standingOf(room, visit.occupant))
    const span = room.affiliations.versions.span(change, view)
    if (span === undefined) return
    const message = made.get(span.until) ?? absentMessage(room, change, view, span, id)
    made.set(span.until, message)
    room.give(message, room.jid, visit)
  })
}

function absentMessage(room: Room, { jid, to }: AffiliationChange, view: View, span: Span, id: string): Element {
  const item = MucUser('item', { jid, affiliation: shownIn(view, to), role: 'none' })
  return Client('message', { from: String(room.jid), id }, MucUser('x', {}, mavElement(span), item))
}

/** §10.2.1: all hear that the room is another one now. */
export const notify = (room: Room, codes: readonly StatusCode[]): void | Promise<void> =>
  inTurn(codes, code => {
    const x = MucUser('x', {}, MucUser('status', { code: String(code) }))
    return room.giveAll(Client('message', { type: 'groupchat', from: String(room.jid), id: randomId(12) }, x), room.jid)
  })

/** To each who may see the occupant: made once for all who are shown the same. */
function showEach(
  room: Room,
  occupant: Occupant,
  change: AffiliationChange | undefined,
  make: (isOpen: boolean, isOwn: boolean, mav: Element | undefined) => Element,
): void | Promise<void> {
  const made = new Map<string, Element>()
  return each(room.occupants.visits(), room.occupants.clients, (visit: Visit) => {
    const viewer = visit.occupant
    if (!room.sees(viewer, occupant)) return
    const isOwn = viewer === occupant
    const isOpen = isOwn || room.seesAddresses(viewer)
    const span = change && room.affiliations.versions.span(change, viewFor(room, standingOf(room, viewer)))
    const key = `${isOwn} ${isOpen} ${span?.until}`
    const shown = made.get(key) ?? make(isOpen, isOwn, span && mavElement(span))
    made.set(key, shown)
    room.give(shown, occupant.jid, visit)
  })
}

/** One after the other; waits only where one does. */
export function inTurn<T>(all: readonly T[], work: (one: T) => void | Promise<void>, from = 0): void | Promise<void> {
  for (let i = from; i < all.length; i++) {
    const pending = work(all[i]!)
    if (pending instanceof Promise) return then(pending, () => inTurn(all, work, i + 1))
  }
}
