/** What moderators and admins ask and want (XEP-0045 §8, §9, §10.3 to §10.8). */
import { then } from '../../core/host.ts'
import type { Element } from '../../xml/element.ts'
import { StanzaError } from '../../xmpp/error.ts'
import type { Jid } from '../../xmpp/jid.ts'
import { may, must, refusalOfAffiliation, refusalOfRole } from './access.ts'
import { type AffiliationWish, type RoleWish, readChanges } from './admin-items.ts'
import { type Actor, actorIn, appoint, occupantOf } from './affiliate.ts'
import type { Context, RoomRequest } from './context.ts'
import { listsOf } from './lists.ts'
import { MucAdmin } from './namespaces.ts'
import { nickKey } from './nick.ts'
import type { Occupant } from './occupant.ts'
import type { Room } from './room.ts'
import type { Standing } from './standing.ts'
import { dismiss, giveRole, inTurn } from './telling.ts'

export function answerAdmins(context: Context): void {
  context.iq.get(MucAdmin, 'query', ({ room, from, payload }) => listsOf(room, standingIn(room, from), payload))
  context.iq.set(MucAdmin, 'query', request => change(context, request))
}

/** §8: by another of his clients somebody is a moderator as well. */
export function standingIn(room: Room, who: Jid): Standing {
  return { affiliation: room.affiliations.of(who), role: occupantOf(room, who)?.role ?? 'none' }
}

/** §9.2: all of it, or nothing. */
function change(context: Context, { room, from, payload, afterwards }: RoomRequest): Element | void | Promise<Element | void> {
  const actor = standingIn(room, from)
  // Before it is read: whether somebody of a nick or an address is there is nothing for those who may change nothing.
  if (!may('moderate', actor, room.config)) must('listOutcasts', actor, room.config)
  const { roles, affiliations } = readChanges(room, payload)
  const self = String(from.bare)
  for (const { occupant, role } of roles)
    mustBeGiven(refusalOfRole(actor, standingOf(room, occupant), role, String(occupant.bare) === self))
  for (const { jid, affiliation } of affiliations) {
    const before = room.affiliations.get(jid)?.affiliation ?? 'none'
    mustBeGiven(refusalOfAffiliation(actor.affiliation, before, affiliation, { isSelf: jid === self }))
  }
  mustKeepOwner(room, affiliations)
  context.limits.change(self, roles.length + affiliations.length)
  mustBeFreeNicks(room, affiliations)
  const by = actorIn(room, from)
  if (affiliations.length === 0) return afterwards(giveRoles(room, roles, by))
  return then(appoint(context, room, affiliations, by), tell => {
    const tellRoles = giveRoles(room, roles, by)
    afterwards(() => then(tell(), tellRoles))
  })
}

const standingOf = (room: Room, { bare, role }: Occupant): Standing => ({ affiliation: room.affiliations.of(bare), role })

function mustBeGiven(refused: StanzaError | undefined): void {
  if (refused !== undefined) throw refused
}

/** §10.4, §10.5. */
function mustKeepOwner({ affiliations }: Room, wishes: readonly AffiliationWish[]): void {
  if (wishes.some(({ affiliation }) => affiliation === 'owner')) return
  const demoted = new Set(wishes.map(({ jid }) => jid))
  const owners = [...affiliations.having('owner')]
  if (owners.some(owner => demoted.has(owner)) && owners.every(owner => demoted.has(owner)))
    throw new StanzaError('conflict', 'a room needs an owner')
}

/** §7.10: what is reserved for one is not for another, nor who has it just now. */
function mustBeFreeNicks(room: Room, wishes: readonly AffiliationWish[]): void {
  const given = new Set<string>()
  for (const { jid, nick } of wishes) {
    if (nick === undefined || nick === '') continue
    if (given.has(nickKey(nick)) || !isFreeFor(room, nick, jid)) throw new StanzaError('conflict', 'somebody else has this nick')
    given.add(nickKey(nick))
  }
}

/** Whether a nick may be reserved for somebody. */
export function isFreeFor(room: Room, nick: string, jid: string): boolean {
  const holder = room.affiliations.holderOf(nick)
  const present = room.occupants.holding(nick)
  return (holder === undefined || holder === jid) && (present === undefined || String(present.bare) === jid)
}

/** Roles are there at once; what it gives tells everybody. */
function giveRoles(room: Room, wishes: readonly RoleWish[], { nick: actor }: Actor): () => void | Promise<void> {
  const changed = wishes.filter(({ occupant, role }) => occupant.role !== role)
  const told = changed.map(({ occupant, role, reason }) =>
    role === 'none'
      ? // §8.2: he hears it first, then the moderator, then all the others.
        dismiss(room, [occupant], { codes: [307], actor, reason })
      : giveRole(room, occupant, role, { actor, reason }),
  )
  return () => inTurn(told, tell => tell())
}
