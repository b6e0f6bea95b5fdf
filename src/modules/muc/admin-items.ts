/** What moderators and admins want changed, as it is read (XEP-0045 §17.4). */
import type { Element } from '../../xml/element.ts'
import { StanzaError } from '../../xmpp/error.ts'
import { Jid } from '../../xmpp/jid.ts'
import type { Appointment } from './affiliate.ts'
import { MucAdmin } from './namespaces.ts'
import { mustBeNick } from './nick.ts'
import type { Occupant } from './occupant.ts'
import { mustBeShort } from './reason.ts'
import type { Room } from './room.ts'
import { isAffiliation, isRole, type Role } from './standing.ts'

/** So many changes in one request. */
const MOST = 100

export interface RoleWish {
  readonly occupant: Occupant
  readonly role: Role | 'none'
  readonly reason: string | undefined
}
export type AffiliationWish = Appointment

/** Throws bad-request for what is none, item-not-found for who is not in the room. */
export function readChanges(room: Room, query: Element): { roles: readonly RoleWish[]; affiliations: readonly AffiliationWish[] } {
  const items = query.all(MucAdmin, 'item')
  if (items.length === 0) throw new StanzaError('bad-request', 'nothing is to be changed')
  if (items.length > MOST) throw new StanzaError('policy-violation', `no more than ${MOST} are changed at once`)
  const roles = new Map<Occupant, RoleWish>()
  const affiliations = new Map<string, AffiliationWish>()
  for (const item of items) {
    const { role, affiliation } = item.attrs
    const reason = mustBeShort(item.child(MucAdmin, 'reason')?.text)
    // §17.4: one or the other.
    if ((role === undefined) === (affiliation === undefined)) throw new StanzaError('bad-request', 'a role or an affiliation is needed')
    if (affiliation === undefined) {
      if (!isRole(role)) throw new StanzaError('bad-request', 'there is no such role')
      const occupant = occupantIn(room, item)
      if (roles.has(occupant)) throw twice()
      roles.set(occupant, { occupant, role, reason })
      continue
    }
    if (!isAffiliation(affiliation)) throw new StanzaError('bad-request', 'there is no such affiliation')
    const jid = personIn(room, item)
    if (affiliations.has(jid)) throw twice()
    affiliations.set(jid, { jid, affiliation, nick: nickIn(room, item, affiliation), reason: reason || undefined })
  }
  return { roles: [...roles.values()], affiliations: [...affiliations.values()] }
}

const twice = (): StanzaError => new StanzaError('bad-request', 'somebody is named twice')

/** By nick; a client that shows addresses may know no other word for him. */
function occupantIn(room: Room, { attrs: { nick, jid } }: Element): Occupant {
  const occupant =
    nick !== undefined ? room.occupants.named(nick) : jid !== undefined ? room.occupants.visit(Jid.parse(jid))?.occupant : undefined
  if (occupant === undefined) throw new StanzaError('item-not-found', 'there is nobody of this nick')
  return occupant
}

/** §10.3: by address, of which the bare one counts. COMPAT: some clients know a nick only. */
function personIn(room: Room, { attrs: { nick, jid } }: Element): string {
  if (jid !== undefined) return String(Jid.parse(jid).bare)
  if (nick === undefined) throw new StanzaError('bad-request', 'an address is needed')
  const occupant = room.occupants.named(nick)
  if (occupant === undefined) throw new StanzaError('item-not-found', 'there is nobody of this nick')
  return String(occupant.bare)
}

/** §9.3, §9.5: reserved for who is named by his address; '' takes it from him. */
function nickIn(room: Room, { attrs: { nick, jid } }: Element, affiliation: string): string | undefined {
  if (jid === undefined || nick === undefined || affiliation === 'outcast' || affiliation === 'none') return undefined
  if (nick === '') return ''
  const { resource } = room.jid.withResource(nick)
  mustBeNick(resource)
  return resource
}
