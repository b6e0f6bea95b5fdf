/** Invitations that the room passes on (XEP-0045 §7.8.2, §9.5), and what is answered to them. */

import { randomId } from '../../lib/random.ts'
import { Recent } from '../../lib/recent.ts'
import type { Element } from '../../xml/element.ts'
import { StanzaError } from '../../xmpp/error.ts'
import { Jid } from '../../xmpp/jid.ts'
import { Client } from '../../xmpp/stanza.ts'
import type { Actor } from './affiliate.ts'
import { MucUser } from './namespaces.ts'
import type { Room } from './room.ts'
import { compare } from './standing.ts'

/** So many that nobody has declined are remembered of a room. */
const MOST = 200

interface Invitation {
  readonly by: Jid
  readonly id: string
}

/** By room, then by whom was invited and who is said to have done it. */
const sent = new WeakMap<Room, Recent<string, Invitation>>()
/** By room, then by whom was invited, the last one. */
const last = new WeakMap<Room, Recent<string, Invitation>>()

function recall<Value>(all: WeakMap<Room, Recent<string, Value>>, room: Room): Recent<string, Value> {
  const known = all.get(room) ?? new Recent<string, Value>(MOST)
  all.set(room, known)
  return known
}

const keyOf = (invitee: Jid, shown: string): string => `${invitee.bare} ${shown}`

/** What stands in the invitation beside who it is from. */
export interface Details {
  readonly id?: string | undefined
  readonly reason?: string | undefined
  /** §7.9: it goes on with what two have begun. */
  readonly thread?: Element | undefined
}

/** §17.4: in a room that hides addresses the one who invites is known as an occupant only. */
function shownOf({ config, jid }: Room, { jid: by, nick }: Actor): string {
  if (config.whois === 'anyone') return String(by.bare)
  return String(nick === undefined ? jid : jid.withResource(nick))
}

/** Who has entered with the present one knows it, and admins let people in. */
const mayTellPassword = (room: Room, { jid }: Actor): boolean =>
  compare(room.affiliations.of(jid), 'admin') >= 0 || room.occupants.visit(jid)?.knowsPassword === true

export function sendInvitation(room: Room, to: Jid, by: Actor, { id = randomId(12), reason, thread }: Details): void {
  const shown = shownOf(room, by)
  const invitation = { by: by.jid, id }
  recall(sent, room).set(keyOf(to, shown), invitation)
  recall(last, room).set(String(to.bare), invitation)
  const inside = [
    ...(reason === undefined || reason === '' ? [] : [MucUser('reason', {}, reason)]),
    ...(thread === undefined ? [] : [thread]),
  ]
  const password = mayTellPassword(room, by) ? room.config.password : ''
  const x = MucUser('x', {}, MucUser('invite', { from: shown }, ...inside), ...(password === '' ? [] : [MucUser('password', {}, password)]))
  room.send(Client('message', { id }, x), to)
}

/** Tells who has invited that it was declined. Who was not invited says nothing to anybody: a room is no way to strangers. */
export function decline(room: Room, from: Jid, decline: Element, id: string | undefined): void {
  const to = Jid.parse(decline.attrs['to'] ?? '')
  const known = sent.get(room)
  const key = [to, to.bare].map(each => keyOf(from, String(each))).find(each => known?.get(each) !== undefined)
  if (known === undefined || key === undefined) return
  const { by } = known.get(key)!
  known.delete(key)
  const reason = decline.child(MucUser, 'reason')
  const x = MucUser('x', {}, MucUser('decline', { from: String(from.bare) }, ...(reason === undefined ? [] : [reason])))
  room.send(Client('message', { id: id ?? randomId(12) }, x), by)
}

/** §7.8.2: an invitation came back: who has invited hears that there is nobody to whom it could go. */
export function invitationFailed(room: Room, from: Jid, id: string): void {
  const known = last.get(room)
  const invitation = known?.get(String(from.bare))
  if (known === undefined || invitation === undefined || invitation.id !== id) return
  known.delete(String(from.bare))
  const x = MucUser('x', {}, MucUser('invite', { to: String(from.bare) }))
  const error = new StanzaError('item-not-found', 'whoever was invited cannot be reached')
  room.send(Client('message', { type: 'error', id }, x, error.toElement()), invitation.by)
}
