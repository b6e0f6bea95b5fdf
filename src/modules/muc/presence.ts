/** What a room says of its occupants (XEP-0045 §7.2.2, §7.14, §8.2, §10.9). */
import type { Child, Element } from '../../xml/element.ts'
import { Client } from '../../xmpp/stanza.ts'
import { MucUser } from './namespaces.ts'
import type { Occupant, Shown } from './occupant.ts'
import type { Affiliation, Role } from './standing.ts'

/** §16.6.2: what a status code says. */
export type StatusCode =
  | 100
  | 101
  | 102
  | 103
  | 104
  | 110
  | 170
  | 171
  | 172
  | 173
  | 174
  | 201
  | 210
  | 301
  | 303
  | 307
  | 321
  | 322
  | 332
  | 333

/** What happens to an occupant, beside what he is now. */
export interface Happening {
  /** For all who see it. */
  readonly codes?: readonly StatusCode[]
  /** For the occupant alone. */
  readonly ownCodes?: readonly StatusCode[]
  /** §8.2: the nick of who has done it. */
  readonly actor?: string | undefined
  readonly reason?: string | undefined
  /** §7.6: the nick that he has from now on. */
  readonly nick?: string
  /** §10.9. */
  readonly destroy?: Element
  /** XEP-0463: between which versions that is. */
  readonly mav?: Element | undefined
  /** XEP-0463: which version the occupant knows. */
  readonly ownMav?: Element | undefined
}

/** The one `<x/>` of a presence. */
export function userElement(
  item: { affiliation: Affiliation; role: Role | 'none'; jid?: string | undefined; nick?: string | undefined },
  { actor, reason, destroy, mav, codes = [] }: Happening = {},
  ...own: readonly StatusCode[]
): Element {
  const details: Element[] = []
  if (actor !== undefined) details.push(MucUser('actor', { nick: actor }))
  if (reason !== undefined && reason !== '') details.push(MucUser('reason', {}, reason))
  const children = [MucUser('item', { ...item }, ...details)]
  if (destroy !== undefined) children.push(destroy)
  if (mav !== undefined) children.unshift(mav)
  for (const code of [...own, ...codes]) children.push(MucUser('status', { code: String(code) }))
  return MucUser('x', {}, ...children)
}

/** Somebody's presence, around what he says himself. */
export const presenceFrom = (occupant: Occupant, type: 'unavailable' | undefined, said: readonly Child[], x: Element): Element =>
  Client(
    'presence',
    { from: String(occupant.jid), type },
    ...said,
    x,
    occupant.id,
    ...(occupant.hats === undefined || type !== undefined ? [] : [occupant.hats]),
  )

/** What those are sent who enter: the occupant as he is. */
export function shownOf(occupant: Occupant, affiliation: Affiliation): Shown {
  const { role, latest, shown } = occupant
  if (shown?.affiliation === affiliation && shown.role === role) return shown
  const make = (jid?: string): Element => presenceFrom(occupant, undefined, latest?.presence ?? [], userElement({ affiliation, role, jid }))
  occupant.shown = { affiliation, role, open: make(latest?.to), veiled: make() }
  return occupant.shown
}
