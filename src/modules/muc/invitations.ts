/** Invitations that the room passes on (XEP-0045 §7.8.2, §9.5), and what is answered to them. */

import { randomId } from '../../lib/random.ts'
import { Recent } from '../../lib/recent.ts'
import type { Element } from '../../xml/element.ts'
import { Jid } from '../../xmpp/jid.ts'
import { Client } from '../../xmpp/stanza.ts'
import type { Actor } from './affiliate.ts'
import { MucUser } from './namespaces.ts'
import type { Room } from './room.ts'

/** So many that nobody has declined are remembered of a room. */
const MOST = 200

/** By room, then by whom was invited and who is said to have done it: who has. */
const sent = new WeakMap<Room, Recent<string, Jid>>()

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

export function sendInvitation(room: Room, to: Jid, by: Actor, { id = randomId(12), reason, thread }: Details): void {
  const shown = shownOf(room, by)
  const known = sent.get(room) ?? new Recent<string, Jid>(MOST)
  sent.set(room, known)
  known.set(keyOf(to, shown), by.jid)
  const inside = [
    ...(reason === undefined || reason === '' ? [] : [MucUser('reason', {}, reason)]),
    ...(thread === undefined ? [] : [thread]),
  ]
  const { password } = room.config
  const x = MucUser('x', {}, MucUser('invite', { from: shown }, ...inside), ...(password === '' ? [] : [MucUser('password', {}, password)]))
  room.send(Client('message', { id }, x), to)
}

/** Tells who has invited that it was declined. Who was not invited says nothing to anybody: a room is no way to strangers. */
export function decline(room: Room, from: Jid, decline: Element, id: string | undefined): void {
  const to = Jid.parse(decline.attrs['to'] ?? '')
  const known = sent.get(room)
  const key = [to, to.bare].map(each => keyOf(from, String(each))).find(each => known?.get(each) !== undefined)
  if (known === undefined || key === undefined) return
  const inviter = known.get(key)!
  known.delete(key)
  const reason = decline.child(MucUser, 'reason')
  const x = MucUser('x', {}, MucUser('decline', { from: String(from.bare) }, ...(reason === undefined ? [] : [reason])))
  room.send(Client('message', { id: id ?? randomId(12) }, x), inviter)
}
