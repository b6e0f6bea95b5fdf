import { StanzaError } from '../../xmpp/error.ts'
import type { Jid } from '../../xmpp/jid.ts'
import type { Context } from './context.ts'
import type { Room } from './room.ts'
import type { Venue } from './rooms.ts'

/** XEP-0045 §10.1.1: a room where there was none. It is locked until its owner has said how it shall be. */
export function create(context: Context, venue: Venue, from: Jid): Promise<Room> {
  if (!context.mayCreate(from)) throw new StanzaError('not-allowed', 'there is no such room, and you may not make one')
  // One after the other: of many that are made at once each would else be the last that there may be.
  return Promise.resolve(context.rooms.making.take(() => make(context, venue, String(from.bare))))
}

async function make({ rooms, settings, usual }: Context, venue: Venue, creator: string): Promise<Room> {
  const { ofHis, all } = await rooms.count(creator)
  if (ofHis >= settings.roomsPerUser || all >= settings.rooms) throw new StanzaError('resource-constraint', 'there are too many rooms')
  const room = venue.open(await rooms.rows.create(venue.name, creator, usual))
  room.isLocked = true
  return room
}
