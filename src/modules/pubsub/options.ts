// XEP-0060 §6.3: configure subscription options; §6.4: request default subscription configuration options

import type { Element } from '../../xml/element.ts'
import { StanzaError } from '../../xmpp/error.ts'
import { Forms } from '../../xmpp/forms.ts'
import type { Jid } from '../../xmpp/jid.ts'
import type { Context } from './context.ts'
import { readNodeId } from './ids.ts'
import { PubSub } from './namespaces.ts'
import type { Node } from './node.ts'
import type { Place } from './place.ts'
import { refusal } from './refusal.ts'
import { ownAddress, subscriptionOf } from './subscribe.ts'
import { type Subscription, USUAL_OPTIONS } from './subscription.ts'
import { setSubscription } from './subscription-changes.ts'
import { optionsForm, readOptionsForm } from './subscription-form.ts'

export async function answerOptions(_: Context, place: Place, from: Jid, pubsub: Element): Promise<Element> {
  const { node, subscription } = subscriptionIn(place, from, pubsub)
  const attrs = { node: node.name, jid: subscription.jid }
  return PubSub('pubsub', {}, PubSub('options', attrs, optionsForm(subscription.options, place.kind)))
}

export async function answerSetOptions(_: Context, place: Place, from: Jid, pubsub: Element): Promise<void> {
  place.mustNotHurry(from)
  const { node, subscription } = subscriptionIn(place, from, pubsub)
  const x = pubsub.child(PubSub, 'options')!.child(Forms, 'x')
  const options = readOptionsForm(x, subscription.options, place.kind, place.clock.now())
  await setSubscription(place, node, subscription.jid, { ...subscription, options })
}

function subscriptionIn(place: Place, from: Jid, pubsub: Element): { node: Node; subscription: Subscription } {
  const request = pubsub.child(PubSub, 'options')!
  const node = place.node(readNodeId(request), from)
  const jid = ownAddress(request, from, new StanzaError('forbidden'))
  const subscription = subscriptionOf(place, node, jid)
  if (subscription === undefined) throw refusal('unexpected-request', 'not-subscribed', '', 'modify')
  return { node, subscription }
}

/** Of the node, if one is named; they are the same for all. */
export async function answerDefaultOptions(_: Context, place: Place, from: Jid, pubsub: Element): Promise<Element> {
  const request = pubsub.child(PubSub, 'default')!
  const node = request.attrs['node'] === undefined ? undefined : place.node(readNodeId(request), from)
  return PubSub('pubsub', {}, PubSub('default', { node: node?.name }, optionsForm(USUAL_OPTIONS, place.kind)))
}
