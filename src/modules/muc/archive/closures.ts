import type { RoomConfig } from '../config.ts'

/** What keeps out whoever is no member, or does not know the password. */
export type Closure = 'members' | 'password'
export const CLOSURES: readonly Closure[] = ['members', 'password']

/** Behind which is said what is said now. */
export const closuresOf = ({ isMembersOnly, password }: RoomConfig): Closure[] => [
  ...(isMembersOnly ? ['members' as const] : []),
  ...(password === '' ? [] : ['password' as const]),
]

/** What was said behind those is not for all who may enter now. */
export const closedIn = ({ isMembersOnly, password }: RoomConfig): readonly Closure[] =>
  isMembersOnly ? [] : password === '' ? CLOSURES : ['members']
