import type { Element } from '../../xml/element.ts'
import { hasText, Temp, V4 } from './namespaces.ts'
import { PROPERTIES, type Property } from './properties.ts'

const byTemp = new Map(PROPERTIES.map(property => [property.temp, property]))
const byV4 = new Map<string, Property[]>()
for (const property of PROPERTIES) byV4.set(property.v4, [...(byV4.get(property.v4) ?? []), property])

/**
 * A card of vcard-temp as vCard4 (XEP-0292 §9). What the new format has no words for stands in it as it was, in its own namespace
 * (RFC 6351 §5 allows that); what `former` had and the old one has no words for stays.
 */
export function toV4(card: Element, former?: Element): Element {
  const said = card.elements().flatMap(element => asV4(element) ?? [])
  const kept = propertiesOf(former).filter(element => element.ns === V4.uri && hasText(element) && asTemp(element) === undefined)
  const all = [...said, ...kept]
  // RFC 6350 §6.2.1: there must be one.
  if (all.length > 0 && !all.some(element => element.is(V4, 'fn'))) all.unshift(V4('fn', {}, V4('text')))
  return V4('vcard', {}, ...all)
}

/** A vCard4 as vcard-temp: what that has words for. */
export function toTemp(card: Element): Element {
  return Temp('vCard', {}, ...propertiesOf(card).flatMap(element => asTemp(element) ?? []))
}

function asV4(element: Element): Element | undefined {
  if (element.ns === V4.uri || element.is(Temp, 'VERSION')) return undefined
  const property = element.ns === Temp.uri ? byTemp.get(element.name) : undefined
  if (property === undefined) return element
  // XEP-0153 §4.3: a photo of a type, but without anything in it, is none.
  return hasText(element.without(child => child.is(Temp, 'TYPE'))) ? (property.toV4(element) ?? element) : undefined
}

function asTemp(element: Element): Element | undefined {
  if (element.ns !== V4.uri) return element
  if (!hasText(element)) return undefined
  for (const property of byV4.get(element.name) ?? []) {
    const temp = property.toTemp(element)
    if (temp !== undefined) return temp
  }
  return undefined
}

/** RFC 6351 §5.2: a group holds properties too. */
function propertiesOf(card: Element | undefined): Element[] {
  return (card?.elements() ?? []).flatMap(element => (element.is(V4, 'group') ? element.elements() : element))
}
