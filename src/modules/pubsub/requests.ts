/** Which request is whose: XEP-0060 by the element that says what is wanted. */
import type { Element } from '../../xml/element.ts'
import { StanzaError } from '../../xmpp/error.ts'
import type { Jid } from '../../xmpp/jid.ts'
import type { Context } from './context.ts'
import { answerItems } from './items.ts'
import type { Place } from './place.ts'
import { answerPublish } from './publish.ts'
import { answerPurge, answerRetract } from './retract.ts'

type Answer = (context: Context, place: Place, from: Jid, pubsub: Element) => Promise<Element | void>
type Answers = Readonly<Record<string, Answer>>

/** By namespace and type of request. */
export const GET: Answers = {
  items: (_, place, from, pubsub) => answerItems(place, from, pubsub),
}
export const SET: Answers = {
  publish: answerPublish,
  retract: answerRetract,
}
export const OWNER_GET: Answers = {}
export const OWNER_SET: Answers = {
  purge: answerPurge,
}

/** In the place's turn. */
export async function answer(answers: Answers, context: Context, place: Place, from: Jid, pubsub: Element): Promise<Element | void> {
  const name = pubsub.elements().find(child => child.ns === pubsub.ns)?.name ?? ''
  const respond = Object.hasOwn(answers, name) ? answers[name] : undefined
  if (respond === undefined) throw new StanzaError('feature-not-implemented')
  await place.load()
  return respond(context, place, from, pubsub)
}
