// XEP-0060 §8.2: configure a node; §8.3: request default node configuration options

import type { Element } from '../../xml/element.ts'
import { Forms } from '../../xmpp/forms.ts'
import type { Jid } from '../../xmpp/jid.ts'
import { changeOf, growthBy, tellAll, write } from './change.ts'
import { configForm, readConfigForm } from './config-form.ts'
import type { Context } from './context.ts'
import { configurationEvent } from './events.ts'
import { readNodeId } from './ids.ts'
import { PubSubOwner } from './namespaces.ts'
import type { ItemHead, Node } from './node.ts'
import type { NodeConfig } from './node-config.ts'
import type { Place } from './place.ts'
import { unsupported } from './refusal.ts'
import { reviewed, tellSubscriptions, writeSubscriptions } from './subscription-changes.ts'

export async function answerConfiguration(_: Context, place: Place, from: Jid, pubsub: Element): Promise<Element> {
  const node = place.nodeFor('own', readNodeId(pubsub.child(PubSubOwner, 'configure')!), from)
  return PubSubOwner('pubsub', {}, PubSubOwner('configure', { node: node.name }, configForm(node.config, place.kind)))
}

export async function answerConfigure(context: Context, place: Place, from: Jid, pubsub: Element): Promise<void> {
  const request = pubsub.child(PubSubOwner, 'configure')!
  const node = place.nodeFor('own', readNodeId(request), from)
  const config = readConfigForm(request.child(Forms, 'x'), node.config, place.kind, place.limits)
  if (config !== undefined) await configure(context, place, node, config, from)
}

/** What goes by the new configuration goes at once: items, subscriptions. */
export async function configure(context: Context, place: Place, node: Node, config: NodeConfig, by: Jid): Promise<void> {
  place.mustNotHurry(by)
  const before = node.config
  const heads = await surplusOf(place, node, config)
  const removed = heads.map(({ id }) => id)
  const change = await changeOf(place, { node, by, heads }, { retracted: removed })
  const also = removed.length === 0 ? [] : await context.alongside(place, change)
  const reviews = await place.change(async db => {
    if (removed.length > 0) await place.rows(node, db).removeItems(node, removed)
    await place.reconfigure(node, config, db)
    const changes = reviewed(place, node, node.subscriptions.values())
    await writeSubscriptions(place, node, changes, db)
    await write(place, also, db)
    return changes
  })
  place.grow(node.creator, growthBy([change, ...also]))
  if (config.persistItems) node.latest = undefined
  if (config.notifyConfig) await context.notifier.tell(place, node, configurationEvent(node, configForm(config, place.kind, 'result')))
  await tellSubscriptions(context, place, node, reviews)
  await context.configured(place, node, before)
  if (removed.length > 0) await context.removed(place, node, removed, by)
  await tellAll(context, place, also)
}

async function surplusOf(place: Place, node: Node, { persistItems, maxItems }: NodeConfig): Promise<ItemHead[]> {
  if (!node.config.persistItems) return []
  const heads = await place.rows(node).heads(node, 0)
  const most = persistItems ? (maxItems === 'max' ? place.limits.items : maxItems) : 0
  return heads.slice(0, Math.max(0, heads.length - most))
}

/** §8.3: of a new node. */
export async function answerDefaultConfiguration(_: Context, place: Place, _from: Jid, pubsub: Element): Promise<Element> {
  const { type = 'leaf' } = pubsub.child(PubSubOwner, 'default')!.attrs
  if (type !== 'leaf') throw unsupported('collections')
  return PubSubOwner('pubsub', {}, PubSubOwner('default', {}, configForm(place.usual(''), place.kind)))
}
