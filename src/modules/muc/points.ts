import { point } from '../../core/points.ts'
import type { Db } from '../../storage/db.ts'
import type { Element } from '../../xml/element.ts'
import type { Jid } from '../../xmpp/jid.ts'
import type { RoomConfig } from './config.ts'
import type { Occupant, Visit } from './occupant.ts'
import type { Room } from './room.ts'
import type { Lasting } from './rows.ts'

/** What an occupant says to all, in the room's turn. */
export interface Speech {
  readonly room: Room
  readonly visit: Visit
  /** As it goes to all, but for the id that the room gives it: from the occupant, and with nothing forged. */
  stanza: Element
  /** Its `<stanza-id/>` (XEP-0359): by which the archive knows it. Undefined where the room has one, and this does not go there. */
  id: string | undefined
  readonly at: number
}

/** May it be said? Throw a StanzaError, or say `'drop'` when something else was made of it. */
export const speechChecked = point<Speech, 'drop'>('muc.speech.check')
/** Who keeps it before it is said? All wait for a promise. */
export const speechKept = point<Speech>('muc.speech.store')
/** It was said. */
export const speechSaid = point<Speech>('muc.speech.after')

/** A message to the room itself that is not for all, such as an invitation: `'taken'` by who knows what to do with it. */
export const roomAddressed = point<{ readonly room: Room; readonly stanza: Element; readonly from: Jid }, 'taken'>('muc.addressed')

export const occupantEntered = point<{ readonly room: Room; readonly occupant: Occupant }>('muc.entered')
export const occupantLeft = point<{ readonly room: Room; readonly occupant: Occupant }>('muc.left')
/** It is known from now on, since it was found on disk. Whoever comes waits for a promise. */
export const roomLoaded = point<Room>('muc.loaded')
/** Its configuration is another one. */
export const roomConfigured = point<{ readonly room: Room; readonly before: RoomConfig }>('muc.configured')
/** Nothing of it is to stay on disk: in the transaction that destroys it. There may be another one of its name. */
export const roomRemoved = point<{ readonly state: Lasting; readonly db: Db; afterwards(work: () => void): void }>('muc.removed')
/** The room is no more. */
export const roomEnded = point<Room>('muc.ended')
