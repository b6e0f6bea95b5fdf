/** How a room is: what its owners can set (XEP-0045 §16.5.3). */
import { ROLES, type Role } from './standing.ts'

export const WHO_IS = ['moderators', 'anyone'] as const
export const ALLOW_PM = ['anyone', 'participants', 'moderators', 'none'] as const

export interface RoomConfig {
  /** For people; '' for none. */
  readonly name: string
  readonly description: string
  readonly language: string
  /** The XMPP URI of a node that belongs to the room. */
  readonly pubsub: string
  /** It can be found; else it is hidden. */
  readonly isPublic: boolean
  readonly isMembersOnly: boolean
  /** It stays when the last occupant leaves. */
  readonly isPersistent: boolean
  /** Only who has voice may speak. */
  readonly isModerated: boolean
  /** '' for none. */
  readonly password: string
  /** `'none'`: as many as the service allows. */
  readonly maxUsers: number | 'none'
  /** Who may see real addresses. */
  readonly whois: (typeof WHO_IS)[number]
  /** Who may send private messages. */
  readonly allowPm: (typeof ALLOW_PM)[number]
  /** Those whose presence is told to all. */
  readonly presenceBroadcast: readonly Role[]
  /** Those who may have the member list; admins may always. */
  readonly getMemberList: readonly Role[]
  /** Participants may change the subject, too. */
  readonly changeSubject: boolean
  /** Participants may invite, too; to a members-only room members may. */
  readonly allowInvites: boolean
  /** Messages are archived (XEP-0313), for members or for everybody who may enter. */
  readonly archive: boolean
  /** How many messages of before are shown to somebody who enters, at most. */
  readonly maxHistory: number
  /** XEP-0500: seconds between two messages of one person; 0: it is off. */
  readonly slowMode: number
  /** XEP-0433: others may search for it. */
  readonly isSearchable: boolean
}

/** What is not stored of a room is as it is here. So nothing here ever changes: databases out there rely on it. */
export const INITIAL: RoomConfig = Object.freeze({
  name: '',
  description: '',
  language: '',
  pubsub: '',
  isPublic: false,
  isMembersOnly: true,
  isPersistent: false,
  isModerated: false,
  password: '',
  maxUsers: 'none',
  whois: 'anyone',
  allowPm: 'anyone',
  presenceBroadcast: ROLES,
  getMemberList: ROLES,
  changeSubject: false,
  allowInvites: false,
  archive: true,
  maxHistory: 20,
  slowMode: 0,
  isSearchable: false,
})

/** A new room, unless the setting `newRooms` says otherwise: for those who are invited, who know each other, and sealed. */
export const USUAL_PRIVATE: RoomConfig = INITIAL

/** A new room where the setting is `public`: open to all, semi-anonymous, and nothing is kept of what is said. */
export const USUAL_PUBLIC: RoomConfig = Object.freeze({
  ...INITIAL,
  isPublic: true,
  isMembersOnly: false,
  whois: 'moderators',
  archive: false,
})

/** Whether only those may know of it who may enter: what is kept of it is sealed. */
export const isPrivate = ({ isMembersOnly, isPublic }: RoomConfig): boolean => isMembersOnly || !isPublic

/** Whether what is said is archived: only what stays is. */
export const isLogged = ({ archive, isPersistent }: RoomConfig): boolean => archive && isPersistent

/** Whether from now on others may enter than those who could: what was said, and what was talked about, is not for them. */
export const opens = (before: RoomConfig, after: RoomConfig): boolean =>
  !after.isMembersOnly && (before.isMembersOnly || (before.password !== '' && after.password === ''))

/** What differs from `INITIAL`; the password not, which stands in the clear nowhere. */
export function writeConfig({ password: _, ...config }: RoomConfig): Partial<RoomConfig> {
  const initial: Readonly<Record<string, unknown>> = { ...INITIAL }
  const isOther = ([key, value]: [string, unknown]): boolean => JSON.stringify(value) !== JSON.stringify(initial[key])
  return Object.fromEntries(Object.entries(config).filter(isOther))
}

export const readConfig = (written: Partial<RoomConfig>): RoomConfig => ({ ...INITIAL, ...written })
