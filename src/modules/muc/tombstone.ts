// XEP-0424: Message Retraction, XEP-0425: Moderated Message Retraction

import { type Element, namespace } from '../../xml/element.ts'
import { writeDateTime } from '../../xmpp/date-time.ts'
import { StanzaError } from '../../xmpp/error.ts'
import type { Jid } from '../../xmpp/jid.ts'
import { Client } from '../../xmpp/stanza.ts'
import { OccupantIds, StanzaIds } from './namespaces.ts'

export const Retraction = namespace<'retract' | 'retracted' | 'reason'>('urn:xmpp:message-retract:1')
export const Moderation = namespace<'moderate' | 'moderated' | 'reason'>('urn:xmpp:message-moderate:1')

/** Why, by whom and when a message is not there any more. */
export interface TakenBack {
  /** The id of the message that has taken it back. */
  readonly by: string
  /** In ms. */
  readonly at: number
  /** Of the moderator, where it was not the author: `<moderated/>`, and the reason if there is one. */
  readonly moderated?: readonly Element[]
}

/** XEP-0424 §4, XEP-0425 §5: what stands where the message was. Only who has written it stays, and its ids. */
export function tombstone(message: Element, { by, at, moderated = [] }: TakenBack, room: Jid): Element {
  const { from, type, id } = message.attrs
  const isKept = (child: Element): boolean =>
    child.is(OccupantIds, 'occupant-id') || (child.is(StanzaIds, 'stanza-id') && child.attrs['by'] === String(room))
  const kept = message.elements().filter(isKept)
  return Client('message', { from, type, id }, ...kept, Retraction('retracted', { id: by, stamp: writeDateTime(at) }, ...moderated))
}

/** Nothing is left that could be taken back, or it takes back something itself (XEP-0424 §5). */
export const isUnretractable = (message: Element): boolean =>
  message.child(Retraction, 'retract') !== undefined || message.child(Retraction, 'retracted') !== undefined

/** The occupant id of who has written a message, as the room says it (XEP-0421). */
export const authorOf = (message: Element): string | undefined => message.child(OccupantIds, 'occupant-id')?.attrs['id']

/** XEP-0425 §6: nobody but the room says that something was moderated, nor that it is gone. */
export function mustNotPretend(message: Element): void {
  const isForged = (child: Element): boolean => child.ns === Moderation.uri || child.is(Retraction, 'retracted')
  const retract = message.child(Retraction, 'retract')
  if (message.elements().some(isForged) || retract?.elements().some(isForged) === true)
    throw new StanzaError('forbidden', 'only the room says that a message was moderated')
}

/** What a moderator asks for: which message is to go, and why. */
export interface ModerationRequest {
  readonly id: string
  readonly reason: string | undefined
}

/** XEP-0425 §4. Throws the StanzaError. */
export function readModeration(moderate: Element, longestReason: number): ModerationRequest {
  const { id } = moderate.attrs
  if (id === undefined || id === '') throw new StanzaError('bad-request', 'which message is meant?')
  if (moderate.child(Retraction, 'retract') === undefined) throw new StanzaError('feature-not-implemented', 'messages can be taken back')
  const reason = moderate.child(Moderation, 'reason')?.text || undefined
  if (reason !== undefined && Buffer.byteLength(reason) > longestReason)
    throw new StanzaError('policy-violation', 'this reason is too long')
  return { id, reason }
}

/** Who has moderated a message, and why: within what takes it back, and within what stands in its place. */
export function moderatedBy(occupant: { readonly jid: Jid; readonly id: Element }, reason: string | undefined): Element[] {
  const moderated = Moderation('moderated', { by: String(occupant.jid) }, occupant.id)
  return reason === undefined ? [moderated] : [moderated, Retraction('reason', {}, reason)]
}

/** XEP-0425 §4.1: what the room says to all. */
export const moderationMessage = (room: Jid, id: string, target: string, moderated: readonly Element[]): Element =>
  Client('message', { from: String(room), type: 'groupchat', id }, Retraction('retract', { id: target }, ...moderated))
