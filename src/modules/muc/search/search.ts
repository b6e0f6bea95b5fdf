// XEP-0433: Extended Channel Search

import type { Element } from '../../../xml/element.ts'
import { pageElement, pageOf } from '../../../xmpp/rsm.ts'
import type { RoomConfig } from '../config.ts'
import { foldedOf, NOBODY_IS_HIDDEN, SERVICE_TYPE, Search, type Wanted } from './form.ts'

/** A room that may be found. */
export interface Findable {
  readonly address: string
  readonly config: RoomConfig
  readonly occupants: number
}

/** §5.1: its owners have said so, and everybody can find it elsewhere as well. */
export const isFindable = ({ isPublic, isSearchable }: RoomConfig): boolean => isPublic && isSearchable

/** §4.2.2.1: a page of those that match. Throws item-not-found for a page that begins nowhere. */
export function resultElement(rooms: readonly Findable[], wanted: Wanted): Element {
  const found = wanted.isForOthers ? [] : rooms.filter(room => isFindable(room.config) && matches(room, wanted))
  found.sort(wanted.order === 'address' ? byAddress : (a, b) => b.occupants - a.occupants || byAddress(a, b))
  const { items, page } = pageOf(found, ({ address }) => address, wanted.page)
  return Search('result', {}, ...items.map(itemElement), pageElement(page))
}

const byAddress = (a: Findable, b: Findable): number => (a.address < b.address ? -1 : Number(a.address > b.address))

function matches({ address, config, occupants }: Findable, wanted: Wanted): boolean {
  if (occupants < wanted.fewestOccupants) return false
  const texts: string[] = []
  if (wanted.inName) texts.push(foldedOf(config.name))
  if (wanted.inDescription) texts.push(foldedOf(config.description))
  if (wanted.inAddress) texts.push(foldedOf(address))
  return wanted.terms.every(term => texts.some(text => text.includes(term)))
}

/** §5.2. */
function itemElement({ address, config, occupants }: Findable): Element {
  const children: Element[] = []
  if (config.name !== '') children.push(Search('name', {}, config.name))
  if (config.description !== '') children.push(Search('description', {}, config.description))
  if (config.language !== '') children.push(Search('language', {}, config.language))
  children.push(Search('nusers', {}, String(occupants)), Search('service-type', {}, SERVICE_TYPE))
  if (!config.isMembersOnly && config.password === '') children.push(Search('is-open'))
  children.push(Search('anonymity-mode', {}, config.whois === 'anyone' ? NOBODY_IS_HIDDEN : 'muc_semianonymous'))
  return Search('item', { address }, ...children)
}
