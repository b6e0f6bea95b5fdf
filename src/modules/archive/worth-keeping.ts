import { type Element, namespace } from '../../xml/element.ts'
import { isNoPermanentStore, isStore } from '../../xmpp/hints.ts'
import { Client } from '../../xmpp/stanza.ts'

const Retract = namespace<'retract'>('urn:xmpp:message-retract:1')
const Correction = namespace<'replace'>('urn:xmpp:message-correct:0')
const MucUser = namespace<'x' | 'invite' | 'decline'>('http://jabber.org/protocol/muc#user')

/** By their namespaces and names: what belongs to a conversation although it has no body. */
const CONVERSATIONAL: ReadonlySet<string> = new Set([
  // XEP-0184 §5.2
  'urn:xmpp:receipts received',
  // XEP-0333 §4
  'urn:xmpp:chat-markers:0 received',
  'urn:xmpp:chat-markers:0 displayed',
  'urn:xmpp:chat-markers:0 acknowledged',
  // XEP-0444 §4
  'urn:xmpp:reactions:0 reactions',
  // XEP-0424 §5
  'urn:xmpp:message-retract:1 retract',
  // XEP-0308
  'urn:xmpp:message-correct:0 replace',
  // XEP-0384, of both kinds that are in use, and XEP-0373
  'urn:xmpp:omemo:2 encrypted',
  'eu.siacs.conversations.axolotl encrypted',
  'urn:xmpp:openpgp:0 openpgp',
  // XEP-0249
  'jabber:x:conference x',
])

/**
 * Whether a message belongs into the archives of its sender and its recipient (XEP-0313 §6.1.1). Rooms have archives of their own, and
 * an error is no part of a conversation.
 */
export function isWorthKeeping(message: Element): boolean {
  const { type } = message.attrs
  if (type === 'error' || type === 'groupchat' || type === 'headline') return false
  return isConversation(message) || (isInvitation(message) && !isNoPermanentStore(message))
}

/** Whether a message belongs to a conversation, be it in a room, and may be kept. */
export function isConversation(message: Element): boolean {
  if (isNoPermanentStore(message)) return false
  if (message.child(Client, 'body') !== undefined || isStore(message)) return true
  return message.children.some(child => typeof child !== 'string' && CONVERSATIONAL.has(`${child.ns} ${child.name}`))
}

/** The id of the message that this one takes back (XEP-0424 §3). */
export const retractedId = (message: Element): string | undefined => message.child(Retract, 'retract')?.attrs['id']

/** The id of the message that this one corrects (XEP-0308 §3). */
export const correctedId = (message: Element): string | undefined => message.child(Correction, 'replace')?.attrs['id']

/** It is of one in a room: the next one there may have the same address (XEP-0045 §7.5). */
export const isPrivateInRoom = (message: Element): boolean => message.child(MucUser, 'x') !== undefined && !isInvitation(message)

/** A mediated invitation, or the answer that it is declined (XEP-0045 §7.8.2). */
function isInvitation(message: Element): boolean {
  const x = message.child(MucUser, 'x')
  return x?.child(MucUser, 'invite') !== undefined || x?.child(MucUser, 'decline') !== undefined
}
