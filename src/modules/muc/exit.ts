import type { Element } from '../../xml/element.ts'
import { clean } from './clean.ts'
import type { Context } from './context.ts'
import type { Visit } from './occupant.ts'
import type { Room } from './room.ts'

/** XEP-0045 §7.14: a client leaves. What it says at last goes to the others, unless it is too large: nobody stays for that. */
export function exit({ settings }: Context, room: Room, visit: Visit, stanza: Element): void | Promise<void> {
  const said = stanza.inner.length > settings.presence ? [] : clean(stanza, room.jid)
  return room.leave(visit.occupant, {}, said, [visit])
}
