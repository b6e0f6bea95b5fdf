/** Who in a room is shown what of an occupant. */
import type { Element } from '../../xml/element.ts'
import type { Jid } from '../../xmpp/jid.ts'
import { may } from './access.ts'
import { Mav } from './namespaces.ts'
import type { Occupant, Visit } from './occupant.ts'
import type { Room } from './room.ts'
import type { Standing } from './standing.ts'
import { type AffiliationChange, type Span, type View, viewOf } from './versions.ts'

const LISTED_BY = { owner: 'listOwners', admin: 'listAdmins', member: 'listMembers', outcast: 'listOutcasts' } as const

/** Of which affiliations somebody is told who has them. */
export const viewFor = ({ config }: Room, standing: Standing): View => viewOf(list => may(LISTED_BY[list], standing, config))

export const mavElement = ({ since, until }: Partial<Span>): Element => Mav('mav', { since, until })

export const standingOf = (room: Room, occupant: Occupant): Standing => ({ affiliation: room.affiliationOf(occupant), role: occupant.role })

/** To the occupant himself, to those who may know his address, or to others. */
export type Face = 'own' | 'open' | 'veiled'

export interface Showing {
  /** The occupant's address; another one for what was his. */
  readonly from?: Jid
  /** What has changed of his affiliation: who may know of it is told so (XEP-0463 §4.2.2). */
  readonly change?: AffiliationChange | undefined
  /** Who has asked for it, and the id of the request: that of what he is shown. */
  readonly by?: { readonly visit: Visit; readonly id: string | undefined } | undefined
}

/** To each who sees the occupant: made once for all who are shown the same. */
export function showEach(
  room: Room,
  occupant: Occupant,
  make: (face: Face, mav: Element | undefined) => Element,
  { from = occupant.jid, change, by }: Showing = {},
): void | Promise<void> {
  const made = new Map<string, Element>()
  return room.each(visit => {
    const viewer = visit.occupant
    if (!room.sees(viewer, occupant)) return
    const face = viewer === occupant ? 'own' : room.seesAddresses(viewer) ? 'open' : 'veiled'
    const span = change && room.affiliations.versions.span(change, viewFor(room, standingOf(room, viewer)))
    const key = span === undefined ? face : `${face} ${span.until}`
    const shown = made.get(key) ?? make(face, span && mavElement(span))
    made.set(key, shown)
    room.give(by?.visit === visit && by.id !== undefined ? shown.with({ id: by.id }) : shown, from, visit)
  })
}
