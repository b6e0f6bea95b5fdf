import { then } from '../../core/host.ts'
import { randomId } from '../../lib/random.ts'
import type { Element } from '../../xml/element.ts'
import { ownCopy } from '../../xml/parser.ts'
import { StanzaError } from '../../xmpp/error.ts'
import { isNoStore, isStore } from '../../xmpp/hints.ts'
import type { Jid } from '../../xmpp/jid.ts'
import { Client } from '../../xmpp/stanza.ts'
import { must } from './access.ts'
import { clean } from './clean.ts'
import type { Context } from './context.ts'
import { StanzaIds } from './namespaces.ts'
import type { Visit } from './occupant.ts'
import { type Speech, speechChecked, speechKept, speechSaid } from './points.ts'
import type { Room } from './room.ts'
import { isSubject, lateSubject, subjectSize } from './subject.ts'
import { Retraction } from './tombstone.ts'

/** An occupant says something to all, or changes the subject (XEP-0045 §7.4, §8.1). */
export function speak(context: Context, room: Room, visit: Visit, stanza: Element): void | Promise<void> {
  const { hooks, settings } = context
  const { occupant } = visit
  const standing = room.standingOf(visit.jid)
  const isAboutSubject = isSubject(stanza)
  must(isAboutSubject ? 'changeSubject' : 'speak', standing, room.config)
  if (isAboutSubject && subjectSize(stanza) > settings.subject) throw new StanzaError('policy-violation', 'this subject is too long')
  context.limits.message(room, occupant, room.occupants.clients)
  const { id = randomId(12), 'xml:lang': lang } = stanza.attrs
  const attrs = { type: 'groupchat', id, 'xml:lang': lang, from: String(occupant.jid) }
  const speech: Speech = {
    room,
    visit,
    stanza: Client('message', attrs, ...clean(stanza, room.jid), occupant.id),
    id: randomId(12),
    at: context.clock.now(),
  }
  return then(hooks.run(speechChecked, speech), verdict => {
    if (verdict === 'drop') return
    const kept = then(hooks.run(speechKept, speech), () => (isAboutSubject ? setSubject(context, room, speech) : undefined))
    return then(kept, () => say(context, speech))
  })
}

/** To all, and to those who come later. */
export function say(context: Context, speech: Speech): void | Promise<void> {
  const { room, visit } = speech
  return then(tellAll(room, visit.occupant.jid, speech), () => context.hooks.tell(speechSaid, speech, context.failed))
}

/** The same of whoever it is, such as the room itself. */
export const tellAll = (room: Room, from: Jid, said: Pick<Speech, 'stanza' | 'id' | 'at'>): void | Promise<void> =>
  room.giveAll(remember(room, from, said), from)

/** Those who come later shall hear it. Gives it with its id. */
export function remember(room: Room, from: Jid, { stanza, id, at }: Pick<Speech, 'stanza' | 'id' | 'at'>): Element {
  const told = id === undefined ? stanza : stanza.add(StanzaIds('stanza-id', { id, by: String(room.jid) }))
  if (belongsToHistory(told)) room.history.add({ from, id, at, stanza: told }, room.config.maxHistory)
  return told
}

const setSubject = (context: Context, room: Room, { stanza, at }: Speech): void | Promise<void> =>
  context.rooms.change(room, state => {
    state.subject = ownCopy(lateSubject(room.jid, stanza, at))
  })

const belongsToHistory = (stanza: Element): boolean =>
  !isNoStore(stanza) && (stanza.child(Client, 'body') !== undefined || stanza.child(Retraction, 'retract') !== undefined || isStore(stanza))
