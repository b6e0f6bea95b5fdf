// XEP-0486: MUC Avatars

import { type Element, namespace } from '../../xml/element.ts'
import { StanzaError } from '../../xmpp/error.ts'
import { readPhoto } from '../avatar/avatar.ts'

/** vcard-temp (XEP-0054), as far as it is about rooms. */
export const Card = namespace<'vCard' | 'PHOTO'>('vcard-temp')

/** A room's card, and the hashes of all photos in it (§5.1). */
export interface RoomCard {
  readonly card: Element
  readonly hashes: readonly string[]
}

/** §3.2: what an owner publishes; undefined for an empty card, which takes the former one away. Throws the StanzaError. */
export function readCard(card: Element, largest: number): RoomCard | undefined {
  if (card.elements().length === 0) return undefined
  if (Buffer.byteLength(String(card)) > largest) throw new StanzaError('policy-violation', 'this card is too large')
  return { card, hashes: card.all(Card, 'PHOTO').flatMap(photo => readPhoto(photo)?.id ?? []) }
}
