// XEP-0060 §8.8: manage subscriptions

import type { Element } from '../../xml/element.ts'
import { StanzaError } from '../../xmpp/error.ts'
import { Jid } from '../../xmpp/jid.ts'
import type { Context } from './context.ts'
import { readNodeId } from './ids.ts'
import { PubSubOwner } from './namespaces.ts'
import type { Node } from './node.ts'
import type { Place } from './place.ts'
import { isCurrent } from './subscription.ts'
import { changeSubscriptions, ended, granted, type SubscriptionChange } from './subscription-changes.ts'

/** §8.8.1.2: those that wait for approval are not among them. */
export async function answerSubscriptions(_: Context, place: Place, from: Jid, pubsub: Element): Promise<Element> {
  const node = place.nodeFor('own', readNodeId(pubsub.child(PubSubOwner, 'subscriptions')!), from)
  const now = place.clock.now()
  const subscribed = [...node.subscriptions.values()].filter(each => isCurrent(each, now))
  return listElement(
    node,
    subscribed.map(({ jid, state }) => subscriptionElement(jid, state)),
  )
}

/**
 * Each change that is possible is made; if others are not, the error says how it is with those (§8.8.2.4). An owner ends subscriptions and
 * approves of requests; nobody is subscribed who has not asked for it.
 */
export async function answerSetSubscriptions(context: Context, place: Place, from: Jid, pubsub: Element): Promise<void> {
  const request = pubsub.child(PubSubOwner, 'subscriptions')!
  const wishes = request.all(PubSubOwner, 'subscription').map(readWish)
  place.mustNotHurry(from, wishes.length)
  const node = place.nodeFor('own', readNodeId(request), from)
  if (new Set(wishes.map(({ jid }) => jid)).size < wishes.length) throw new StanzaError('bad-request', 'somebody is there twice')
  const changes: SubscriptionChange[] = []
  const refused: Element[] = []
  for (const { jid, wanted } of wishes) {
    const before = node.subscriptions.get(jid)
    const state = before?.state ?? 'none'
    if (wanted === undefined || wanted === state) continue
    if (before !== undefined && wanted === 'none') changes.push(ended(before))
    else if (before?.state === 'pending' && wanted === 'subscribed') changes.push(granted(before))
    else refused.push(subscriptionElement(jid, state))
  }
  await changeSubscriptions(context, place, node, changes)
  if (refused.length > 0) throw new StanzaError('not-acceptable', '', { payload: listElement(node, refused) })
}

const readWish = ({ attrs: { jid = '', subscription } }: Element): { jid: string; wanted: string | undefined } => ({
  jid: String(Jid.parse(jid)),
  wanted: subscription,
})

const subscriptionElement = (jid: string, subscription: string): Element => PubSubOwner('subscription', { jid, subscription })

const listElement = (node: Node, entries: readonly Element[]): Element =>
  PubSubOwner('pubsub', {}, PubSubOwner('subscriptions', { node: node.name }, ...entries))
