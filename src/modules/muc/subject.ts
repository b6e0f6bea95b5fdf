import type { Element } from '../../xml/element.ts'
import { Delay, delayElement, readDelay } from '../../xmpp/delay.ts'
import { Jid } from '../../xmpp/jid.ts'
import { Client } from '../../xmpp/stanza.ts'

/** Whether the message says what is being talked about: nothing else may be in it that people read (XEP-0045 §8.1). */
export const isSubject = (message: Element): boolean =>
  message.child(Client, 'subject') !== undefined &&
  message.child(Client, 'body') === undefined &&
  message.child(Client, 'thread') === undefined

/** How much it says, in characters. */
export const subjectSize = (message: Element): number => message.all(Client, 'subject').reduce((all, { inner }) => all + inner.length, 0)

/** §7.2.15: a subject that was told to all, for those who come later. */
export const lateSubject = (room: Jid, told: Element, at: number): Element =>
  told.without(child => !child.is(Client, 'subject') && child.name !== 'occupant-id').add(delayElement(at, room))

/** The same where there was never one. */
export const noSubject = (room: Jid): Element => Client('message', { type: 'groupchat', from: String(room) }, Client('subject'))

const DAY = 86_400_000

/** The same with the day on which it was set, and not the moment. */
export function datedByDay(subject: Element): Element {
  const at = readDelay(subject)
  const undated = subject.without(child => child.is(Delay, 'delay'))
  return at === undefined ? undated : undated.add(delayElement(at - (at % DAY), Jid.parse(subject.attrs['from'] ?? '').bare))
}
