import type { Element } from '../../xml/element.ts'
import { clean } from './clean.ts'
import type { Visit } from './occupant.ts'
import type { Room } from './room.ts'

/** XEP-0045 §7.14: a client leaves. What it says at last goes to the others. */
export function exit(room: Room, visit: Visit, stanza: Element): void | Promise<void> {
  return room.leave(visit.occupant, {}, clean(stanza, room.jid), [visit])
}
