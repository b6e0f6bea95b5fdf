import { Element, namespace } from '../xml/element.ts'
import { parseElement } from '../xml/parser.ts'
import { delayElement, readDelay } from './delay.ts'

/** Stanza Forwarding (XEP-0297). */
export const Forward = namespace<'forwarded'>('urn:xmpp:forward:0')

/** A stanza as it was, with the moment in ms at which the forwarding entity got it. */
export interface Forwarded {
  readonly stanza: Element
  readonly at: number | undefined
}

/** Wraps a stanza as it is: its own namespace, addresses and id stay. */
export function forwardedElement(stanza: Element, at?: number): Element {
  return at === undefined ? Forward('forwarded', {}, stanza) : Forward('forwarded', {}, delayElement(at), stanza)
}

/** The same of a stanza that is written already, which is not read for it. */
export function forwardedXml(xml: string, at: number): Element {
  const delay = delayElement(at)
  return Element.written(Forward.uri, 'forwarded', delay.toString(Forward.uri) + xml, () => [delay, parseElement(xml)])
}

/** What the element (a carbon, an archive's result, a message) forwards; undefined unless it is exactly one stanza. */
export function readForwarded(around: Element): Forwarded | undefined {
  const forwarded = around.child(Forward, 'forwarded')
  const stanzas = forwarded?.elements().filter(isStanza) ?? []
  const [stanza] = stanzas
  if (forwarded === undefined || stanza === undefined || stanzas.length > 1) return undefined
  return { stanza, at: readDelay(forwarded) }
}

function isStanza({ ns, name }: Element): boolean {
  return (ns === 'jabber:client' || ns === 'jabber:server') && (name === 'message' || name === 'presence' || name === 'iq')
}
