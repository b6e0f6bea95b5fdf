// XEP-0060 §5.6: retrieve subscriptions; §5.7: retrieve affiliations

import type { Element } from '../../xml/element.ts'
import type { Jid } from '../../xmpp/jid.ts'
import type { Context } from './context.ts'
import { readNodeId } from './ids.ts'
import { PubSub } from './namespaces.ts'
import type { Node } from './node.ts'
import type { Place } from './place.ts'
import { subscriptionElement } from './subscribe.ts'
import { isOver } from './subscription.ts'

/** One's own, by whatever client; of one node if it is named. */
export async function answerOwnSubscriptions(_: Context, place: Place, from: Jid, pubsub: Element): Promise<Element> {
  const request = pubsub.child(PubSub, 'subscriptions')!
  const found = [...nodesIn(place, from, request)].flatMap(node =>
    node.subscriptions
      .of(String(from.bare))
      .filter(subscription => !isOver(subscription, place.clock.now()))
      .map(({ jid, state }) => subscriptionElement(node, jid, state)),
  )
  return PubSub('pubsub', {}, PubSub('subscriptions', { node: request.attrs['node'] }, ...found))
}

export async function answerOwnAffiliations(_: Context, place: Place, from: Jid, pubsub: Element): Promise<Element> {
  const request = pubsub.child(PubSub, 'affiliations')!
  const found = [...nodesIn(place, from, request)].flatMap(node => {
    const { affiliation } = place.standingOf(node, from)
    return affiliation === 'none' ? [] : [PubSub('affiliation', { node: node.name, affiliation })]
  })
  return PubSub('pubsub', {}, PubSub('affiliations', { node: request.attrs['node'] }, ...found))
}

function nodesIn(place: Place, from: Jid, request: Element): Iterable<Node> {
  if (request.attrs['node'] !== undefined) return [place.node(readNodeId(request), from)]
  return place.nodes(from)
}
