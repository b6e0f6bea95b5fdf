import { type Element, namespace } from '../xml/element.ts'
import type { Jid } from './jid.ts'

export const Client = namespace<'message' | 'presence' | 'iq' | 'body' | 'subject' | 'thread' | 'show' | 'status' | 'priority' | 'error'>(
  'jabber:client',
)

/** A stanza on its way, with its addresses parsed once. A `change` handler replaces `stanza`; nobody mutates it. */
export interface Envelope {
  stanza: Element
  readonly from: Jid
  readonly to: Jid
}

/** The result to an IQ request, around its payload. */
export function result(iq: Element, payload?: Element): Element {
  const attrs = { type: 'result', id: iq.attrs['id'], to: iq.attrs['from'], from: iq.attrs['to'] }
  return payload === undefined ? Client('iq', attrs) : Client('iq', attrs, payload)
}

/** An answer to any stanza that says what went wrong (RFC 6120 §8.3.1), with what goes beside the error. */
export function errorTo(stanza: Element, error: Element, payload?: Element): Element {
  const { id, from: to, to: from } = stanza.attrs
  return Client(stanza.name as 'message', { type: 'error', id, to, from }, ...(payload === undefined ? [] : [payload]), error)
}
