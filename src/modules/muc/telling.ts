/** What those in a room are told when somebody becomes something else there (XEP-0045 §8 to §10, XEP-0463 §4.2.2). */
import { then } from '../../core/host.ts'
import { randomId } from '../../lib/random.ts'
import type { Element } from '../../xml/element.ts'
import { Client } from '../../xmpp/stanza.ts'
import { MucUser } from './namespaces.ts'
import type { Occupant } from './occupant.ts'
import { type Happening, presenceFrom, type StatusCode, userElement } from './presence.ts'
import type { Room } from './room.ts'
import { mavElement, showEach, standingOf, viewFor } from './showing.ts'
import type { Role } from './standing.ts'
import { type AffiliationChange, type Span, shownIn, type View } from './versions.ts'

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
  return room.announce(occupant, happening, { change })
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
    showEach(
      room,
      occupant,
      (face, mav) => {
        const x = userElement({ affiliation, role: 'none', jid: face === 'veiled' ? undefined : to }, { ...happening, mav })
        return presenceFrom(occupant, 'unavailable', [], x)
      },
      { change: changes.get(occupant) },
    )
  return () => inTurn(parting, tell)
}

/** The same, and all are told at once. */
export const remove = (...all: Parameters<typeof dismiss>): void | Promise<void> => dismiss(...all)()

/** §10.3, §10.6, §10.7; XEP-0463 §4.2.2: of somebody who is not in the room, those hear it who may know it. */
export function announceAbsent(room: Room, change: AffiliationChange): void | Promise<void> {
  const made = new Map<string, Element>()
  const id = randomId(12)
  return room.each(visit => {
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

/** One after the other; waits only where one does. */
export function inTurn<T>(all: readonly T[], work: (one: T) => void | Promise<void>, from = 0): void | Promise<void> {
  for (let i = from; i < all.length; i++) {
    const pending = work(all[i]!)
    if (pending instanceof Promise) return then(pending, () => inTurn(all, work, i + 1))
  }
}
