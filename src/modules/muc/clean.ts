/** What somebody says who is in a room, without what the room alone may say (XEP-0045 §17.3, XEP-0421 §4, XEP-0359 §6). */
import type { Child, Element } from '../../xml/element.ts'
import { ownCopy } from '../../xml/parser.ts'
import { Delay } from '../../xmpp/delay.ts'
import { Jid } from '../../xmpp/jid.ts'
import { Client } from '../../xmpp/stanza.ts'
import { HatsNs } from './hats.ts'
import { Muc, MucUser, OccupantIds, StanzaIds } from './namespaces.ts'

/** Always of the room, whatever their name. */
const OF_ROOMS: ReadonlySet<string> = new Set([
  Muc.uri,
  MucUser.uri,
  OccupantIds.uri,
  HatsNs.uri,
  'http://jabber.org/protocol/muc#admin',
  'http://jabber.org/protocol/muc#owner',
])
/** Who first said it and when: of the room where these name the room, or an occupant. */
const LATE: ReadonlySet<string> = new Set([Delay.uri, 'jabber:x:delay'])
/** §7.2.13: rooms say there whose message it was. */
const ADDRESSES = 'http://jabber.org/protocol/address'

/** The children that may go through the room. */
export function clean(stanza: Element, room: Jid): Child[] {
  return stanza.children.filter(child => typeof child === 'string' || !isForged(child, room))
}

/** The same of a presence, to be kept. */
export const cleanPresence = (presence: Element, room: Jid): readonly Child[] =>
  ownCopy(Client('presence', {}, ...clean(presence, room))).children

function isForged(child: Element, room: Jid): boolean {
  const { ns, name, attrs } = child
  if (ns === 'jabber:client') return name === 'error'
  if (OF_ROOMS.has(ns)) return true
  if (ns === StanzaIds.uri) return name === 'stanza-id' && isOf(attrs['by'], room)
  if (LATE.has(ns)) return isOf(attrs['from'], room)
  return ns === ADDRESSES && child.elements().some(({ attrs }) => attrs['type'] === 'ofrom')
}

/** Addresses are compared as addresses, so that no other spelling passes. What is no address claims nothing. */
function isOf(text: string | undefined, room: Jid): boolean {
  if (text === undefined) return false
  try {
    return Jid.parse(text).bare.equals(room)
  } catch {
    return false
  }
}
