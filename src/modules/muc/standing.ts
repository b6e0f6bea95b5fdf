/** What somebody is in a room: for a visit (XEP-0045 §5.1), and for good (§5.2). */

/** From the one that may most. No role: `'none'`. */
export const ROLES = ['moderator', 'participant', 'visitor'] as const
export type Role = (typeof ROLES)[number]

/** From the one that may most. */
export const AFFILIATIONS = ['owner', 'admin', 'member', 'none', 'outcast'] as const
export type Affiliation = (typeof AFFILIATIONS)[number]

export interface Standing {
  readonly affiliation: Affiliation
  /** `'none'` of somebody who is not in the room. */
  readonly role: Role | 'none'
}

export const isRole = (text: string | undefined): text is Role | 'none' => text === 'none' || ROLES.includes(text as Role)
export const isAffiliation = (text: string | undefined): text is Affiliation => AFFILIATIONS.includes(text as Affiliation)

/** Above zero where `a` is higher than `b`, 0 where they are the same. */
export const compare = (a: Affiliation, b: Affiliation): number => AFFILIATIONS.indexOf(b) - AFFILIATIONS.indexOf(a)

/** §5.1.2: the role of somebody who enters, or whose affiliation has changed to this one. Outcasts never enter. */
export function usualRole(affiliation: Affiliation, { isModerated }: { readonly isModerated: boolean }): Role {
  if (affiliation === 'owner' || affiliation === 'admin') return 'moderator'
  return affiliation === 'member' || !isModerated ? 'participant' : 'visitor'
}

/** §5.1.3, §5.2.2: the role of somebody in the room whose affiliation has changed. What he was given for this visit he keeps. */
export function roleAfter(role: Role, from: Affiliation, to: Affiliation, config: { readonly isModerated: boolean }): Role {
  if (to === 'owner' || to === 'admin' || from === 'owner' || from === 'admin') return usualRole(to, config)
  return to === 'member' && role === 'visitor' ? 'participant' : role
}
