import type { Element } from '../../xml/element.ts'
import { clean } from './clean.ts'
import type { Context } from './context.ts'
import { MucUser } from './namespaces.ts'
import type { Visit } from './occupant.ts'
import type { Room } from './room.ts'

/** XEP-0045 §7.14: a client leaves. What it says at last goes to the others, unless it is too large: nobody stays for that. */
export function exit({ settings }: Context, room: Room, visit: Visit, stanza: Element): void | Promise<void> {
  // §10.1.3: its owner goes before he has said how it shall be.
  if (room.isLocked && room.occupants.clients === 1) return room.empty(MucUser('destroy'))
  const said = stanza.inner.length > settings.presence ? [] : clean(stanza, room.jid)
  return room.leave(visit.occupant, {}, said, [visit])
}
