/** Who may do what in a room: XEP-0045 §5.1.1 (roles), §5.2.1 (affiliations) and what a room's configuration makes of them, as one table. */
import { StanzaError } from '../../xmpp/error.ts'
import type { RoomConfig } from './config.ts'
import { type Affiliation, compare, ROLES, type Role, type Standing } from './standing.ts'

/** Whoever is in the room in one of those roles, or has that affiliation or a higher one. */
interface Allowed {
  readonly roles?: readonly Role[]
  readonly affiliation?: Affiliation
}

const EVERYBODY: Allowed = { affiliation: 'outcast' }
const NOBODY: Allowed = {}
const OCCUPANTS: Allowed = { roles: ROLES }
const VOICE: Allowed = { roles: ['moderator', 'participant'] }
const MODERATORS: Allowed = { roles: ['moderator'] }
const NOT_BANNED: Allowed = { affiliation: 'none' }
const MEMBERS: Allowed = { affiliation: 'member' }
const ADMINS: Allowed = { affiliation: 'admin' }
const OWNERS: Allowed = { affiliation: 'owner' }

const mayEnter = ({ isMembersOnly }: RoomConfig): Allowed => (isMembersOnly ? MEMBERS : NOT_BANNED)
const BY_ALLOW_PM: Readonly<Record<RoomConfig['allowPm'], Allowed>> = {
  anyone: OCCUPANTS,
  participants: VOICE,
  moderators: MODERATORS,
  none: NOBODY,
}

/** §9.5, §10.5, §10.8: where addresses are open, members see who else is one, also from outside; elsewhere at most moderators. */
function mayList({ whois, getMemberList: roles }: RoomConfig): Allowed {
  if (whois === 'anyone') return roles.length === 0 ? ADMINS : { roles, affiliation: 'member' }
  return roles.includes('moderator') ? { ...MODERATORS, ...ADMINS } : ADMINS
}

/** Nobody who is banned may anything but what everybody may. */
const RIGHTS = {
  /** That there is such a room. Hidden, it is there for those alone who may enter. */
  know: config => (config.isPublic ? EVERYBODY : { ...mayEnter(config), ...OCCUPANTS }),
  enter: mayEnter,
  /** §7.2.9: when there are as many as there may be. */
  enterFull: () => ADMINS,
  /** XEP-0313: without a password only those who are in, or affiliated. */
  readArchive: config => ({ ...(config.password === '' ? mayEnter(config) : MEMBERS), ...OCCUPANTS }),

  speak: () => VOICE,
  /** XEP-0500 §4: without waiting. */
  speakFast: () => ADMINS,
  changeSubject: ({ changeSubject }) => (changeSubject ? VOICE : MODERATORS),
  sendPrivately: ({ allowPm }) => BY_ALLOW_PM[allowPm],
  /** Requests to other occupants. */
  ask: () => OCCUPANTS,
  changeNick: () => OCCUPANTS,
  changePresence: () => OCCUPANTS,
  /** His presence is told to all. */
  bePresent: ({ presenceBroadcast }) => ({ roles: presenceBroadcast }),
  seeAddresses: ({ whois }) => (whois === 'anyone' ? OCCUPANTS : MODERATORS),
  /** From outside. */
  seeOccupants: () => OCCUPANTS,
  /** §7.8.2, §9.5: to a members-only room an invitation makes a member. */
  invite: ({ isMembersOnly, allowInvites }) => (isMembersOnly ? (allowInvites ? MEMBERS : ADMINS) : { ...OCCUPANTS, ...ADMINS }),
  register: () => NOT_BANNED,
  requestVoice: () => OCCUPANTS,

  approveVoice: () => MODERATORS,
  /** XEP-0425: messages of others. */
  moderate: () => MODERATORS,
  listVoice: () => MODERATORS,
  listModerators: () => ADMINS,
  listMembers: mayList,
  listAdmins: config => (config.whois === 'anyone' ? mayList(config) : OWNERS),
  listOwners: config => (config.whois === 'anyone' ? mayList(config) : OWNERS),
  listOutcasts: () => ADMINS,
  approveRegistration: () => ADMINS,
  /** XEP-0317. */
  listHats: config => ({ ...mayEnter(config), ...OCCUPANTS }),
  changeHats: () => ADMINS,
  configure: () => OWNERS,
  /** XEP-0486. */
  changeAvatar: () => OWNERS,
  destroy: () => OWNERS,
} as const satisfies Readonly<Record<string, (config: RoomConfig) => Allowed>>

export type Action = keyof typeof RIGHTS
export const ACTIONS = Object.keys(RIGHTS) as Action[]

const forbidden = (): StanzaError => new StanzaError('forbidden')
const notAllowed = (): StanzaError => new StanzaError('not-allowed')

/** §7.4, §7.5: who is not in the room. */
const ofOccupants = ({ role }: Standing): StanzaError => (role === 'none' ? new StanzaError('not-acceptable') : forbidden())

/** What is said where there is none is said of one that somebody must not know of. */
export const noSuchRoom = (): StanzaError => new StanzaError('item-not-found', 'there is no such room')

/** What the XEP names for it; else forbidden. */
const REFUSALS: Partial<Readonly<Record<Action, (standing: Standing) => StanzaError>>> = {
  know: () => noSuchRoom(),
  // §7.2.7, §7.2.6
  enter: ({ affiliation }) => (affiliation === 'outcast' ? forbidden() : new StanzaError('registration-required')),
  // §7.2.9
  enterFull: () => new StanzaError('service-unavailable', '', { type: 'wait' }),
  speak: ofOccupants,
  speakFast: () => new StanzaError('policy-violation', '', { type: 'wait' }),
  changeSubject: ofOccupants,
  sendPrivately: ofOccupants,
  ask: ofOccupants,
  changeNick: ofOccupants,
  changePresence: ofOccupants,
  // §7.10
  register: notAllowed,
}

export function may(action: Action, { role, affiliation }: Standing, config: RoomConfig): boolean {
  const allowed: Allowed = RIGHTS[action](config)
  if (allowed.affiliation !== undefined && compare(affiliation, allowed.affiliation) >= 0) return true
  return role !== 'none' && affiliation !== 'outcast' && allowed.roles?.includes(role) === true
}

/** Undefined where it is allowed; else the error that the XEP names for it. */
export const refusalOf = (action: Action, standing: Standing, config: RoomConfig): StanzaError | undefined =>
  may(action, standing, config) ? undefined : (REFUSALS[action] ?? forbidden)(standing)

/** Throws the StanzaError. */
export function must(action: Action, standing: Standing, config: RoomConfig): void {
  const refused = refusalOf(action, standing, config)
  if (refused !== undefined) throw refused
}

const isAdmin = (affiliation: Affiliation): boolean => affiliation === 'admin' || affiliation === 'owner'

/** Whether an occupant may be given that role, `'none'` for being kicked (§8.2 to §8.5, §9.6 to §9.8). */
export function refusalOfRole(actor: Standing, target: Standing, to: Role | 'none', isSelf = false): StanzaError | undefined {
  if (actor.role !== 'moderator' || actor.affiliation === 'outcast') return forbidden()
  if (to === target.role) return undefined
  if (isSelf && to === 'none') return new StanzaError('conflict')
  // §8.2: nor by anybody who has less to say, whatever the role.
  if (to === 'none')
    return compare(target.affiliation, actor.affiliation) > 0 || (target.role === 'moderator' && !isAdmin(actor.affiliation))
      ? notAllowed()
      : undefined
  if (to === 'moderator') return isAdmin(actor.affiliation) ? undefined : forbidden()
  // §8.4, §9.7: admins and owners keep voice and the role of moderators.
  if (target.role !== 'visitor' && isAdmin(target.affiliation)) return notAllowed()
  if (target.role === 'moderator') return isSelf || isAdmin(actor.affiliation) ? undefined : forbidden()
  // §8.4: nor at the level of the moderator.
  return to === 'visitor' && compare(target.affiliation, actor.affiliation) >= 0 ? notAllowed() : undefined
}

/** Whether somebody who has the affiliation `from` may be given `to` (§9.1 to §9.5, §10.3 to §10.8). */
export function refusalOfAffiliation(
  actor: Affiliation,
  from: Affiliation,
  to: Affiliation,
  who: { readonly isSelf?: boolean; readonly isLastOwner?: boolean } = {},
): StanzaError | undefined {
  if (!isAdmin(actor)) return forbidden()
  // §9.1, §10.4
  if (who.isSelf === true && to === 'outcast') return new StanzaError('conflict')
  if (actor !== 'owner' && (isAdmin(from) || isAdmin(to))) return to === 'outcast' ? notAllowed() : forbidden()
  if (who.isLastOwner === true && to !== 'owner') return new StanzaError('conflict')
  return undefined
}
