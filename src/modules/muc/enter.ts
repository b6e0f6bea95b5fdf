/** Entering a room, once or again (XEP-0045 §7.2), and what is said of oneself later (§7.6, §7.7). */
import { hash, timingSafeEqual } from 'node:crypto'
import { then } from '../../core/host.ts'
import type { Element } from '../../xml/element.ts'
import { StanzaError } from '../../xmpp/error.ts'
import type { Jid } from '../../xmpp/jid.ts'
import { Client } from '../../xmpp/stanza.ts'
import { must } from './access.ts'
import { cleanPresence } from './clean.ts'
import { isLogged } from './config.ts'
import type { Context } from './context.ts'
import { create } from './create.ts'
import { readHistoryRequest } from './history.ts'
import { tellAffiliations, versionFor } from './mav.ts'
import { Muc, MucUser } from './namespaces.ts'
import { mustBeNick } from './nick.ts'
import type { Occupant, Visit } from './occupant.ts'
import type { Happening, StatusCode } from './presence.ts'
import type { Room } from './room.ts'
import type { Venue } from './rooms.ts'
import { noSubject } from './subject.ts'

/** So many admins and owners may enter a room that is full (§7.2.9). */
const SPARE = 20

/** §7.2.18: presence that is no request to enter, of somebody who takes himself to be in the room. */
export function notThere(context: Context, from: Jid, to: Jid): void {
  const item = MucUser('item', { affiliation: 'none', role: 'none' }, MucUser('reason', {}, 'You are not in the room.'))
  const x = MucUser('x', {}, item, ...[110, 307, 333].map(code => MucUser('status', { code: String(code) })))
  context.route(Client('presence', { type: 'unavailable', from: String(to), to: String(from) }, x), to, from)
}

/** Somebody wants to enter who is not in the room, or where there is none (§7.2, §10.1). */
export function enter(context: Context, venue: Venue, stanza: Element, x: Element, from: Jid, to: Jid): void | Promise<void> {
  mustBePresence(context, stanza)
  mustBeNick(to.resource)
  context.limits.join(String(from.bare))
  if (context.guests.visitsOf(from) >= context.settings.visits) throw new StanzaError('resource-constraint', 'you are in too many rooms')
  const { room } = venue
  if (room !== undefined) return admit(context, room, stanza, x, from, to)
  return create(context, venue, from).then(made => admit(context, made, stanza, x, from, to))
}

function admit(context: Context, room: Room, stanza: Element, x: Element, from: Jid, to: Jid): void | Promise<void> {
  mustBeLetIn(room, x, from)
  const holder = mustBeFree(room, from, to.resource)
  if (room.occupants.clientsOf(String(from.bare)) >= context.settings.clients)
    throw new StanzaError('resource-constraint', 'you are here with too many clients')
  if (holder === undefined) mustHaveSpace(context, room, from)
  const request = readHistoryRequest(x, from, context.clock.now(), room.config.maxHistory)
  context.limits.entry(room, from)
  const at = holder?.jid ?? room.jid.withResource(to.resource)
  const visit = room.admit(from, at, room.roleFor(from), cleanPresence(stanza, room.jid))
  visit.knowsPassword = room.config.password !== ''
  const rewritten: StatusCode[] = at.resource === to.resource ? [] : [210]
  const ownCodes = [...warnings(room), ...rewritten]
  tellAffiliations(room, visit, x)
  return then(room.showOthers(visit), () =>
    then(room.announce(visit.occupant, { ownCodes, ownMav: versionFor(room, visit) }, { by: { visit, id: stanza.attrs['id'] } }), () =>
      showPast(room, visit, request),
    ),
  )
}

/** What his client has to tell him of the room (§7.2.3, §7.2.12), and that it waits to be configured (§10.1.1). */
const warnings = ({ config, isLocked }: Room): StatusCode[] => [
  ...(config.whois === 'anyone' ? [100 as const] : []),
  ...(isLogged(config) ? [170 as const] : []),
  ...(isLocked ? [201 as const] : []),
]

/** §7.2.13 and §7.2.15. */
function showPast(room: Room, visit: Visit, request: Parameters<Room['history']['latest']>[0]): void {
  for (const { late, from } of room.history.latest(request)) room.give(late, from, visit)
  const { subject } = room.state
  room.give(subject ?? noSubject(room.jid), room.jid, visit)
}

/** §7.2.5 to §7.2.7, §7.2.10. */
function mustBeLetIn(room: Room, x: Element, from: Jid): void {
  const standing = room.standingOf(from)
  if (room.isLocked && standing.affiliation !== 'owner') throw new StanzaError('item-not-found', 'the room is not open yet')
  must('enter', standing, room.config)
  const { password } = room.config
  if (password !== '' && !isSame(x.child(Muc, 'password')?.text ?? '', password))
    throw new StanzaError('not-authorized', 'a password is needed')
}

/** The time does not tell how much of it is right. */
const isSame = (given: string, right: string): boolean => timingSafeEqual(hash('sha256', given, 'buffer'), hash('sha256', right, 'buffer'))

/** §7.2.8: nobody else has that nick, or it is reserved for him. Gives him who has it already, if he is the same. */
function mustBeFree(room: Room, from: Jid, nick: string): Occupant | undefined {
  const bare = String(from.bare)
  const reservedFor = room.affiliations.holderOf(nick)
  const holder = room.occupants.holding(nick)
  if ((reservedFor !== undefined && reservedFor !== bare) || (holder !== undefined && String(holder.bare) !== bare))
    throw new StanzaError('conflict', 'somebody else has this nick')
  return holder
}

/** §7.2.9. */
function mustHaveSpace({ settings }: Context, room: Room, from: Jid): void {
  const { maxUsers } = room.config
  const most = Math.min(maxUsers === 'none' ? settings.occupants : maxUsers, settings.occupants)
  const { size } = room.occupants
  if (size >= most) must('enterFull', room.standingOf(from), room.config)
  if (size >= most + SPARE) throw new StanzaError('service-unavailable', 'the room is full', { type: 'wait' })
}

/** §7.2.1, §17.3: he is in the room, and asks for all that somebody is told who enters. */
export function returned(context: Context, room: Room, visit: Visit, stanza: Element, x: Element, to: Jid): void | Promise<void> {
  context.limits.join(String(visit.occupant.bare))
  const request = readHistoryRequest(x, visit.jid, context.clock.now(), room.config.maxHistory)
  tellAffiliations(room, visit, x)
  const own = { ownCodes: warnings(room), ownMav: versionFor(room, visit) }
  return then(change(context, room, visit, stanza, to, { own, shows: () => room.showOthers(visit) }), () => showPast(room, visit, request))
}

/** What somebody is told who enters again. */
interface Again {
  readonly own: Happening
  /** Shows him the others. */
  readonly shows: () => void | Promise<void>
}

/** §7.6 and §7.7: another nick, or another presence. */
export function change(context: Context, room: Room, visit: Visit, stanza: Element, to: Jid, again?: Again): void | Promise<void> {
  const { limits } = context
  const { occupant, jid } = visit
  mustBePresence(context, stanza)
  const isRenamed = to.resource !== occupant.nick
  must(isRenamed ? 'changeNick' : 'changePresence', room.standingOf(jid), room.config)
  if (isRenamed) {
    mustBeFreeFor(room, occupant, jid, to.resource)
    limits.nick(room, jid)
  }
  if (again !== undefined) limits.entry(room, jid)
  else if (!isRenamed) limits.presence(room, jid)
  occupant.show(visit, cleanPresence(stanza, room.jid))
  const renamed = isRenamed ? room.rename(occupant, room.jid.withResource(to.resource)) : undefined
  return then(renamed, () => then(again?.shows(), () => room.announce(occupant, again?.own, { by: { visit, id: stanza.attrs['id'] } })))
}

function mustBeFreeFor(room: Room, occupant: Occupant, client: Jid, nick: string): void {
  mustBeNick(nick)
  const holder = mustBeFree(room, client, nick)
  // With another of his clients he has that nick already: two occupants of one person do not become one.
  if (holder !== undefined && holder !== occupant) throw new StanzaError('conflict', 'you have this nick already')
}

function mustBePresence({ settings }: Context, stanza: Element): void {
  if (stanza.inner.length > settings.presence) throw new StanzaError('policy-violation', 'this presence is too large')
}
