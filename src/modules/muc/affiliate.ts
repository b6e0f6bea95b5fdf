/** Affiliations that change, and what follows from it for those in the room and those who are not (XEP-0045 §9, §10). */
import { then } from '../../core/host.ts'
import { StanzaError } from '../../xmpp/error.ts'
import { Jid } from '../../xmpp/jid.ts'
import type { Context } from './context.ts'
import { sendInvitation } from './invitations.ts'
import type { Occupant } from './occupant.ts'
import type { StatusCode } from './presence.ts'
import type { Room } from './room.ts'
import type { Lasting } from './rows.ts'
import { type Affiliation, roleAfter } from './standing.ts'
import { announceAbsent, giveRole, inTurn, remove } from './telling.ts'
import type { AffiliationChange } from './versions.ts'

/** What somebody is to be. */
export interface Appointment {
  /** A bare address. */
  readonly jid: string
  readonly affiliation: Affiliation
  /** To be reserved, '' for none; undefined: it stays. */
  readonly nick?: string | undefined
  readonly reason?: string | undefined
}

/** Who does it. */
export interface Actor {
  readonly jid: Jid
  /** Of an occupant. */
  readonly nick: string | undefined
}

export const actorIn = (room: Room, jid: Jid): Actor => ({ jid, nick: occupantOf(room, jid)?.nick })

/** The one that the client has entered as, or another client of the same person. */
export function occupantOf(room: Room, jid: Jid): Occupant | undefined {
  const own = room.occupants.visit(jid)?.occupant
  if (own !== undefined) return own
  const [other] = room.occupants.of(String(jid.bare))
  return other
}

interface Appointed extends Appointment {
  readonly before: Affiliation
  readonly change: AffiliationChange | undefined
  /** Those in the room, and what they were. */
  readonly present: readonly { readonly occupant: Occupant; readonly was: Affiliation }[]
}

interface Beside {
  /** What else is to change with it. */
  readonly also?: (state: Lasting) => void
  /** Who may enter a members-only room now is invited otherwise. */
  readonly isInvited?: boolean
}

/** Makes it so, in memory and on disk; what it gives tells everybody. What may not be must have been refused before. */
export function appoint(
  context: Context,
  room: Room,
  appointments: readonly Appointment[],
  by: Actor,
  { also, isInvited = false }: Beside = {},
): (() => void | Promise<void>) | Promise<() => void | Promise<void>> {
  mustHaveSpace(context, room, appointments)
  const made: Appointed[] = []
  const written = context.rooms.change(room, state => {
    also?.(state)
    for (const each of appointments) {
      const former = state.affiliations.get(each.jid)
      const present = peopleAt(room, each.jid).map(occupant => ({ occupant, was: room.affiliationOf(occupant) }))
      const nick = each.nick === undefined ? former?.nick : each.nick || undefined
      const change = state.affiliations.set(each.jid, { affiliation: each.affiliation, nick, reason: each.reason })
      if (each.affiliation === 'outcast') state.hats.takeAll(each.jid)
      if (change !== undefined) room.rememberRole(each.jid, undefined)
      made.push({ ...each, before: former?.affiliation ?? 'none', change, present })
    }
    return appointments.map(({ jid }) => jid)
  })
  return then(written, () => () => tell(room, made, isInvited ? undefined : by, by.nick))
}

function mustHaveSpace({ settings }: Context, { affiliations }: Room, appointments: readonly Appointment[]): void {
  const more = appointments.filter(({ jid, affiliation }) => affiliation !== 'none' && affiliations.get(jid) === undefined).length
  if (more > 0 && affiliations.size + more > settings.affiliations)
    throw new StanzaError('resource-constraint', 'there are too many affiliations')
}

/** Those of an address, or of a domain (§9.2). */
function peopleAt(room: Room, jid: string): Occupant[] {
  const { local, domain } = Jid.parse(jid)
  return local !== '' ? [...room.occupants.of(jid)] : [...room.occupants.all()].filter(({ bare }) => bare.domain === domain)
}

const CODE_OF: Partial<Record<Affiliation, StatusCode>> = { outcast: 301, none: 321 }

function tell(room: Room, made: readonly Appointed[], inviter: Actor | undefined, actor: string | undefined): void | Promise<void> {
  return inTurn(made, one => {
    const affected = one.present.filter(({ occupant, was }) => occupant.visits.size > 0 && room.affiliationOf(occupant) !== was)
    if (affected.length === 0) return tellOfAbsent(room, one, inviter)
    const happening = { actor, reason: one.reason }
    const gone = affected.filter(({ occupant }) => mustGo(room, occupant)).map(({ occupant }) => occupant)
    // Who is no member any more may be banned with his domain.
    const code = gone[0] && CODE_OF[room.affiliationOf(gone[0])]
    // XEP-0463: with the first of them all know the new version.
    const changes = one.change && gone[0] ? new Map([[gone[0], one.change]]) : undefined
    const removed = remove(room, gone, { ...happening, ...(code !== undefined && { codes: [code] }) }, changes)
    const staying = affected.filter(({ occupant }) => !gone.includes(occupant))
    return then(removed, () =>
      inTurn(staying, ({ occupant, was }) => {
        const role = roleAfter(occupant.role, was, room.affiliationOf(occupant), room.config)
        const isFirst = gone.length === 0 && occupant === staying[0]!.occupant
        return giveRole(room, occupant, role, happening, isFirst ? one.change : undefined)()
      }),
    )
  })
}

/** §9.1, §9.4: who is banned, and who is no member where only members may be. */
function mustGo(room: Room, occupant: Occupant): boolean {
  const affiliation = room.affiliationOf(occupant)
  return affiliation === 'outcast' || (affiliation === 'none' && room.config.isMembersOnly)
}

function tellOfAbsent(room: Room, one: Appointed, inviter: Actor | undefined): void | Promise<void> {
  const { jid, before, affiliation, reason, change } = one
  if (change === undefined) return
  // §9.5: who was not affiliated, and may enter now.
  const isNew = before === 'none' && affiliation !== 'outcast' && room.config.isMembersOnly
  if (isNew && inviter !== undefined && one.present.length === 0) sendInvitation(room, Jid.parse(jid), inviter, { reason })
  return announceAbsent(room, change)
}
