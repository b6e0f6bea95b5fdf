// XEP-0060 §6.1: subscribe to a node; §6.2: unsubscribe from a node

import type { Element } from '../../xml/element.ts'
import { StanzaError } from '../../xmpp/error.ts'
import { Forms } from '../../xmpp/forms.ts'
import { Jid } from '../../xmpp/jid.ts'
import { refusalOf } from './access.ts'
import { askOwners } from './authorization.ts'
import type { Context } from './context.ts'
import { readNodeId } from './ids.ts'
import { PubSub } from './namespaces.ts'
import type { Node } from './node.ts'
import type { Place } from './place.ts'
import { refusal, unsupported } from './refusal.ts'
import { isOver, type Subscription, type SubscriptionOptions, USUAL_OPTIONS } from './subscription.ts'
import { setSubscription, tellOwners, welcome } from './subscription-changes.ts'
import { optionsForm, readOptionsForm } from './subscription-form.ts'

/** So many clients of one entity may be subscribed to a node, each by its full address. */
const MOST_OF_ONE = 20

export async function answerSubscribe(context: Context, place: Place, from: Jid, pubsub: Element): Promise<Element> {
  place.mustNotHurry(from)
  const request = pubsub.child(PubSub, 'subscribe')!
  const jid = ownAddress(request, from, refusal('bad-request', 'invalid-jid'))
  const node = place.node(readNodeId(request), from)
  const known = subscriptionOf(place, node, jid)
  if (known?.state === 'pending') throw refusal('not-authorized', 'pending-subscription')
  const wanted = readOptions(place, pubsub, known?.options ?? USUAL_OPTIONS)
  const { state, options } = await (known === undefined ? subscribe(context, place, node, jid, wanted) : choose(place, node, known, wanted))
  const answer = PubSub('pubsub', {}, subscriptionElement(node, String(jid), state, true))
  // §6.3.7: what has become of the options.
  return wanted === undefined ? answer : answer.add(PubSub('options', {}, optionsForm(options, place.kind, 'result')))
}

/** Of that address; one that is over is none any more. */
export function subscriptionOf({ clock }: Place, { subscriptions }: Node, jid: Jid): Subscription | undefined {
  const known = subscriptions.get(String(jid))
  return known !== undefined && isOver(known, clock.now()) ? undefined : known
}

/** §6.1.6: who is subscribed already is not subscribed again, but may choose other options, such as a later end (§12.18). */
async function choose(
  place: Place,
  node: Node,
  known: Subscription,
  options: SubscriptionOptions | undefined,
): Promise<Pick<Subscription, 'state' | 'options'>> {
  if (options === undefined) return known
  await setSubscription(place, node, known.jid, { ...known, options })
  return { ...known, options }
}

async function subscribe(
  context: Context,
  place: Place,
  node: Node,
  jid: Jid,
  options: SubscriptionOptions | undefined,
): Promise<Pick<Subscription, 'state' | 'options'>> {
  const standing = place.standingOf(node, jid)
  const verdict = refusalOf('subscribe', standing, node.config)
  if (verdict instanceof StanzaError) throw verdict
  if (!node.config.subscribe) throw unsupported('subscribe')
  // XEP-0060 §9.1.1: the owner of an account is subscribed to all that is there.
  if (place.isOwn(jid)) return { state: 'subscribed', options: USUAL_OPTIONS }
  mustHaveRoom(place, node, jid)
  const usual: SubscriptionOptions = node.config.tempsub ? { ...USUAL_OPTIONS, expire: 'presence' } : USUAL_OPTIONS
  const state = verdict === 'pending' ? 'pending' : 'subscribed'
  const subscription: Subscription = { jid: String(jid), state, options: options ?? usual }
  await setSubscription(place, node, String(jid), subscription)
  if (state === 'pending') askOwners(context, place, node, subscription)
  else await welcome(context, place, node, subscription)
  return subscription
}

export async function answerUnsubscribe(context: Context, place: Place, from: Jid, pubsub: Element): Promise<Element> {
  place.mustNotHurry(from)
  const request = pubsub.child(PubSub, 'unsubscribe')!
  const node = place.node(readNodeId(request), from)
  const jid = String(ownAddress(request, from, new StanzaError('forbidden')))
  if (!node.subscriptions.has(jid)) throw refusal('unexpected-request', 'not-subscribed', '', 'cancel')
  await setSubscription(place, node, jid, undefined)
  tellOwners(context, place, node, jid, 'none')
  return PubSub('pubsub', {}, subscriptionElement(node, jid, 'none'))
}

/** The address that is to be subscribed or is: one's own (§6.1.3.1, §6.2.3.3), by whatever client. */
export function ownAddress({ attrs: { jid: text = '' } }: Element, from: Jid, refused: StanzaError): Jid {
  if (text === '') throw refusal('bad-request', 'jid-required')
  const jid = Jid.parse(text)
  if (!jid.bare.equals(from.bare)) throw refused
  return jid
}

/** §6.1.3.10. */
function mustHaveRoom(place: Place, node: Node, jid: Jid): void {
  const ofOne = node.subscriptions.of(String(jid.bare)).length
  if (place.subscriptions >= place.limits.subscriptions || (!jid.isBare && ofOne >= MOST_OF_ONE))
    throw refusal('policy-violation', 'too-many-subscriptions', '', 'wait')
}

/** §6.3.7: options in a request to subscribe have neither node nor address, and come after it. */
function readOptions(place: Place, pubsub: Element, before: SubscriptionOptions): SubscriptionOptions | undefined {
  const options = pubsub.child(PubSub, 'options')
  if (options === undefined) return undefined
  const isMisplaced = pubsub.elements().indexOf(options) < pubsub.elements().findIndex(each => each.is(PubSub, 'subscribe'))
  if (isMisplaced || 'node' in options.attrs || 'jid' in options.attrs)
    throw new StanzaError('bad-request', 'options come after what they are of')
  return readOptionsForm(options.child(Forms, 'x'), before, place.kind, place.clock.now())
}

/** §6.1.5: whoever has just subscribed is told that there are options. */
export function subscriptionElement(node: Node, jid: string, subscription: Subscription['state'] | 'none', isNew = false): Element {
  const hint = isNew && subscription === 'subscribed' ? [PubSub('subscribe-options')] : []
  return PubSub('subscription', { node: node.name, jid, subscription }, ...hint)
}
