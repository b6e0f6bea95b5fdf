import { type Element, namespace } from '../xml/element.ts'
import { readDateTime, writeDateTime } from './date-time.ts'
import type { Jid } from './jid.ts'

/** Delayed Delivery (XEP-0203). */
export const Delay = namespace<'delay'>('urn:xmpp:delay')

/** Says that the stanza was first sent at that moment, in ms, and which entity held it back. */
export function delayElement(at: number, from?: Jid): Element {
  return Delay('delay', { stamp: writeDateTime(at), from: from?.toString() })
}

/** The stanza, with what `by` says of it: it came at that moment, in ms. If it says that already, it was earlier, and stays. */
export function delayed(stanza: Element, at: number, by: Jid): Element {
  return readDelay(stanza, by) === undefined ? stanza.add(delayElement(at, by)) : stanza
}

/**
 * The moment in ms at which a stanza says it was first sent. With `by`, only what that entity says counts, since anyone
 * may add a delay. Undefined where nothing valid is said.
 */
export function readDelay(stanza: Element, by?: Jid): number | undefined {
  for (const delay of stanza.all(Delay, 'delay')) {
    if (by === undefined || delay.attrs['from'] === by.toString()) return readDateTime(delay.attrs['stamp'] ?? '')
  }
  return undefined
}
