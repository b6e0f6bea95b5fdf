/** What subscribers are told (XEP-0060 §7.1.2.1, §7.2.2.1, §8.2.5.3, §8.4.2, §8.5.2, §12.16). */
import { type Element, namespace } from '../../xml/element.ts'
import { parseElement } from '../../xml/parser.ts'
import type { Jid } from '../../xmpp/jid.ts'
import { PubSub, PubSubEvent } from './namespaces.ts'
import type { Item, Node } from './node.ts'

const Addresses = namespace<'addresses' | 'address'>('http://jabber.org/protocol/address')

const event = (child: Element): Element => PubSubEvent('event', {}, child)

/** §7.1.2.3: who has published is said by the service alone, and only where the node says so. */
function publisherOf({ config, creator }: Node, { publisher }: Pick<Item, 'publisher'>): string | undefined {
  if (config.itemReply === 'publisher') return publisher
  return config.itemReply === 'owner' ? creator : undefined
}

/** As it stands in an answer; in a notification it has the payload only if the node says so. */
function itemElement(
  make: (attrs: Record<string, string | undefined>, ...payload: Element[]) => Element,
  node: Node,
  item: Item,
  isFull: boolean,
): Element {
  const attrs = { id: item.id, publisher: publisherOf(node, item) }
  return isFull && item.payload !== '' ? make(attrs, parseElement(item.payload)) : make(attrs)
}

/** §6.5.3. */
export const answeredItem = (node: Node, item: Item): Element =>
  itemElement((attrs, ...payload) => PubSub('item', attrs, ...payload), node, item, true)

/** §4.3: of a node that neither keeps items nor tells what is in them there is nothing but the event. */
export function itemsEvent(node: Node, items: readonly Item[]): Element {
  const { persistItems, deliverPayloads } = node.config
  const told = persistItems || deliverPayloads ? items : []
  const elements = told.map(item => itemElement((attrs, ...payload) => PubSubEvent('item', attrs, ...payload), node, item, deliverPayloads))
  return event(PubSubEvent('items', { node: node.name }, ...elements))
}

export const retractEvent = (node: Node, ids: readonly string[]): Element =>
  event(PubSubEvent('items', { node: node.name }, ...ids.map(id => PubSubEvent('retract', { id }))))

export const purgeEvent = (node: Node): Element => event(PubSubEvent('purge', { node: node.name }))

export const deleteEvent = (node: Node, uri?: string): Element =>
  event(PubSubEvent('delete', { node: node.name }, ...(uri === undefined ? [] : [PubSubEvent('redirect', { uri })])))

/** With the form where notifications have payloads. */
export const configurationEvent = (node: Node, form: Element): Element =>
  event(PubSubEvent('configuration', { node: node.name }, ...(node.config.deliverPayloads ? [form] : [])))

export const subscriptionEvent = (node: Node, jid: string, subscription: 'none' | 'pending' | 'subscribed', expiry?: string): Element =>
  event(PubSubEvent('subscription', { node: node.name, jid, subscription, expiry }))

export const affiliationEvent = (node: Node, jid: string, affiliation: string): Element =>
  PubSub('pubsub', {}, PubSub('affiliations', { node: node.name }, PubSub('affiliation', { jid, affiliation })))

/** XEP-0163 §4.3.1: which client has published. */
export const replyTo = (client: Jid): Element => Addresses('addresses', {}, Addresses('address', { type: 'replyto', jid: String(client) }))
