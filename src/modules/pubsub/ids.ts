import type { Element } from '../../xml/element.ts'
import { StanzaError } from '../../xmpp/error.ts'
import { opaqueString } from '../../xmpp/precis/profiles.ts'
import { refusal } from './refusal.ts'

/** Characters that a name of a node or an item may have. */
const LONGEST = 512

/** The node that an element names, as it was said: any text that could be a resource (§4.6.2). Throws bad-request. */
export function readNodeId({ attrs: { node = '' } }: Element): string {
  if (node === '') throw refusal('bad-request', 'nodeid-required')
  return mustBeName(node)
}

/** Throws bad-request. */
export function readItemId({ attrs: { id = '' } }: Element): string {
  if (id === '') throw refusal('bad-request', 'item-required')
  return mustBeName(id)
}

/** Gives it back. Throws bad-request. */
export function mustBeName(text: string): string {
  if (text.length > LONGEST || opaqueString(text) === undefined)
    throw new StanzaError('bad-request', 'this name is too long, or holds what no name may')
  return text
}
