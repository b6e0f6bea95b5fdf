/** Requests to a room, or through it to an occupant (XEP-0045 §17.4, XEP-0410). */
import { then } from '../../core/host.ts'
import { mustBeIq, payloadOf } from '../../core/iq-answers.ts'
import type { Rest } from '../../core/service.ts'
import { randomId } from '../../lib/random.ts'
import { Element } from '../../xml/element.ts'
import { DiscoInfo, DiscoItems } from '../../xmpp/disco.ts'
import { isCondition, StanzaError } from '../../xmpp/error.ts'
import type { Jid } from '../../xmpp/jid.ts'
import { Client, result } from '../../xmpp/stanza.ts'
import { may, must, noSuchRoom } from './access.ts'
import type { Context } from './context.ts'
import { Ping } from './namespaces.ts'
import type { Visit } from './occupant.ts'
import type { Room } from './room.ts'

/** The account answers for it, not a client (XEP-0054 §3). */
const OF_ACCOUNTS: ReadonlySet<string> = new Set(['vcard-temp'])

export function takeIq(context: Context, room: Room | undefined, stanza: Element, from: Jid, to: Jid): Rest | Promise<Rest> {
  mustBeIq(stanza)
  const { type } = stanza.attrs
  if (type === 'result' || type === 'error') return room && answered(context, room, stanza, from, to)
  const payload = payloadOf(stanza)
  if (to.isBare) return ofRoom(context, room, stanza, payload, from, to)
  const visit = room?.occupants.visit(from)
  if (room === undefined || visit === undefined) throw notIn(payload)
  if (to.resource === visit.occupant.nick && payload.is(Ping, 'ping')) return context.route(result(stanza), to, from)
  ask(context, room, visit, stanza, payload, to)
}

/** §6.6; XEP-0410 §3.2. The same whether there is such a room or not. */
const notIn = ({ ns }: Element): StanzaError =>
  ns === DiscoInfo.uri || ns === DiscoItems.uri
    ? new StanzaError('bad-request', 'you are not in the room')
    : new StanzaError('not-acceptable', 'you are not in the room', { type: 'cancel' })

function ofRoom(context: Context, room: Room | undefined, stanza: Element, payload: Element, from: Jid, to: Jid): Rest | Promise<Rest> {
  if (room === undefined || !isKnown(room, from)) throw noSuchRoom()
  let tell: (() => void | Promise<void>) | undefined
  const afterwards = (work: () => void | Promise<void>): void => {
    tell = work
  }
  let longer: (() => Promise<Element>) | undefined
  const outside = (work: () => Promise<Element>): void => {
    longer = work
  }
  const reply = (payload: Element | void): void => context.route(result(stanza, payload ?? undefined), to, from)
  const answer = context.answers.answer('host', { room, from, to, payload, iq: stanza, afterwards, outside })
  return then(answer, (payload): Rest | Promise<Rest> => {
    if (longer !== undefined) return () => longer!().then(reply)
    reply(payload)
    return tell?.()
  })
}

/** §10.1.1: a room that is not open yet is there for its owner alone. */
const isKnown = (room: Room, from: Jid): boolean => {
  const standing = room.standingOf(from)
  return may('know', standing, room.config) && (!room.isLocked || standing.affiliation === 'owner')
}

/** It goes on from the occupant, under an id by which the answer is known. */
function ask(context: Context, room: Room, visit: Visit, stanza: Element, payload: Element, to: Jid): void {
  must('ask', room.standingOf(visit.jid), room.config)
  const other = room.occupants.named(to.resource)
  const latest = other?.latest
  if (latest === undefined) throw new StanzaError('item-not-found', 'there is nobody of this nick')
  context.limits.request(visit.to)
  const asked = OF_ACCOUNTS.has(payload.ns) ? latest.jid.bare : latest.jid
  const id = randomId(12)
  room.relays.asked(id, { by: visit, id: stanza.attrs['id'] ?? '', of: to, asked: String(asked) })
  const { jid } = visit.occupant
  context.route(Client('iq', { type: stanza.attrs['type'], id, from: String(jid), to: String(asked) }, payload), jid, asked)
}

/** Something comes back: the answer to what the room has asked itself, or an occupant through it. */
function answered(context: Context, room: Room, stanza: Element, from: Jid, to: Jid): void | Promise<void> {
  const { id = '', type } = stanza.attrs
  if (to.isBare) return room.ghosts.answered(from, stanza)
  const relayed = room.relays.answered(id, String(from))
  // Who has left meanwhile hears nothing any more.
  if (relayed === undefined || room.occupants.visit(relayed.by.jid) !== relayed.by) return
  const { by, of } = relayed
  const payload = type === 'error' ? stanza.elements().map(anonymous) : stanza.children
  const answer = Client('iq', { type, id: relayed.id, from: String(of), to: by.to }, ...payload)
  context.route(answer, of, by.jid)
}

/** §17.4: what says where an error comes from, or where somebody is now (RFC 6120 §8.3.3.5, §8.3.3.14), would tell who it is. */
export function anonymous(child: Element): Element {
  if (!child.is(Client, 'error')) return child
  const inside = child.elements().map(each => (isCondition(each) ? withoutText(each) : each))
  return Client('error', { ...child.attrs, by: undefined }, ...inside)
}

const withoutText = ({ ns, name, attrs }: Element): Element => new Element(ns, name, attrs, [])
