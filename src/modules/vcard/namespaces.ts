import { type Element, namespace } from '../../xml/element.ts'

/** XEP-0054. */
export const Temp = namespace('vcard-temp')
/** XEP-0292, RFC 6351. */
export const V4 = namespace('urn:ietf:params:xml:ns:vcard-4.0')

/** All text within, of whatever depth; without it a property says nothing. */
export const hasText = (element: Element): boolean =>
  element.children.some(child => (typeof child === 'string' ? child.trim() !== '' : hasText(child)))

export const childrenOf = (element: Element, ns: { uri: string }): Element[] => element.elements().filter(child => child.ns === ns.uri)

/** The text of the first child of that name; undefined where there is none. */
export const textOf = (element: Element, ns: typeof Temp, name: string): string | undefined => element.child(ns, name)?.text.trim()
