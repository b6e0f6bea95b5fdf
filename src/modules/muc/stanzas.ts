import { then } from '../../core/host.ts'
import type { Rest } from '../../core/service.ts'
import type { Element } from '../../xml/element.ts'
import { StanzaError } from '../../xmpp/error.ts'
import type { Jid } from '../../xmpp/jid.ts'
import type { Context } from './context.ts'
import { change, enter, notThere, returned } from './enter.ts'
import { exit } from './exit.ts'
import { takeFailure } from './failures.ts'
import { takeMessage } from './messages.ts'
import { Muc } from './namespaces.ts'
import { takeIq } from './requests.ts'
import type { Venue } from './rooms.ts'

/** Whatever comes to a room, to one of its occupants, or to where there is none. In its turn. What is refused is so by the room. */
export function takeStanza(context: Context, venue: Venue, stanza: Element, from: Jid, to: Jid): Rest | Promise<Rest> {
  const by = { by: String(venue.jid) }
  return then(
    refusing(by, () => take(context, venue, stanza, from, to)),
    rest => rest && (() => refusing(by, rest)),
  )
}

function take(context: Context, venue: Venue, stanza: Element, from: Jid, to: Jid): Rest | Promise<Rest> {
  const visit = venue.room?.occupants.visit(from)
  const isFailure = stanza.attrs['type'] === 'error'
  if (context.isClosing && (isFailure || stanza.attrs['type'] === 'unavailable')) return
  if (!isFailure) visit?.heard(context.clock.now())
  if (stanza.name === 'iq') return takeIq(context, venue.room, stanza, from, to)
  if (isFailure) return venue.room && takeFailure(venue.room, stanza, from, to)
  return stanza.name === 'message' ? takeMessage(context, venue.room, stanza, from, to) : takePresence(context, venue, stanza, from, to)
}

function takePresence(context: Context, venue: Venue, stanza: Element, from: Jid, to: Jid): void | Promise<void> {
  const { room } = venue
  const { type } = stanza.attrs
  const visit = room?.occupants.visit(from)
  // §17.3: silently, where he is not in the room.
  if (type === 'unavailable') return room && visit && exit(context, room, visit, stanza)
  // §17.3: a probe is no request to enter, or to leave.
  if (type !== undefined) return
  // §7.2.1
  if (to.isBare) throw new StanzaError('jid-malformed', 'a nick is needed')
  const x = stanza.child(Muc, 'x')
  // Each who enters is told to all: those who want to may be many, and the server would not stop before.
  if (context.isClosing && x !== undefined) throw new StanzaError('service-unavailable', 'the server is about to stop', { type: 'wait' })
  // §7.2.5 to §7.2.10, §7.6: who may not enter, or not have that nick, finds the mark of rooms beside the error.
  return refusing({ payload: Muc('x') }, () => {
    if (room === undefined || visit === undefined)
      return x === undefined ? notThere(context, from, to) : enter(context, venue, stanza, x, from, to)
    return x === undefined ? change(context, room, visit, stanza, to) : returned(context, room, visit, stanza, x, to)
  })
}

/** Errors say that as well. */
function refusing<T>(more: Parameters<StanzaError['with']>[0], work: () => T | Promise<T>): T | Promise<T> {
  const fail = (thrown: unknown): never => {
    throw thrown instanceof StanzaError ? thrown.with(more) : thrown
  }
  try {
    const pending = work()
    return pending instanceof Promise ? pending.catch(fail) : pending
  } catch (thrown) {
    return fail(thrown)
  }
}
