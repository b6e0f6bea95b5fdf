// XEP-0060 §7.1: publish an item to a node

import { randomUUID } from 'node:crypto'
import type { Element } from '../../xml/element.ts'
import { StanzaError } from '../../xmpp/error.ts'
import { Forms } from '../../xmpp/forms.ts'
import type { Jid } from '../../xmpp/jid.ts'
import { changeOf, commit, type NewItem } from './change.ts'
import { type Preconditions, readPreconditions } from './config-form.ts'
import type { Context } from './context.ts'
import { createNode } from './create.ts'
import { itemsEvent } from './events.ts'
import { readItemId, readNodeId } from './ids.ts'
import { PubSub } from './namespaces.ts'
import type { Item } from './node.ts'
import type { NodeConfig } from './node-config.ts'
import type { Place } from './place.ts'
import { refusal } from './refusal.ts'

/** What is to be published. */
export interface Publication {
  readonly node: string
  readonly items: readonly NewItem[]
  readonly preconditions: Preconditions | undefined
}

/** The answer says which ids the items have (§7.1.2). */
export async function answerPublish(context: Context, place: Place, from: Jid, pubsub: Element): Promise<Element> {
  const publication = readPublication(place, pubsub)
  const published = await publish(context, place, from, publication)
  const items = published.map(({ id }) => PubSub('item', { id }))
  return PubSub('pubsub', {}, PubSub('publish', { node: publication.node }, ...items))
}

function readPublication({ kind, limits }: Place, pubsub: Element): Publication {
  const publish = pubsub.child(PubSub, 'publish')!
  const options = pubsub.child(PubSub, 'publish-options')
  return {
    node: readNodeId(publish),
    items: publish.all(PubSub, 'item').map(readItem),
    preconditions: options && readPreconditions(options.child(Forms, 'x'), kind, limits),
  }
}

function readItem(item: Element): NewItem {
  const [payload, ...more] = item.elements()
  if (more.length > 0) throw refusal('bad-request', 'invalid-payload')
  return { id: item.attrs['id'] === undefined ? randomUUID() : readItemId(item), payload }
}

/** Publishes, and tells subscribers. Gives the items as they are kept. Throws what §7.1.3 says. */
export async function publish(
  context: Context,
  place: Place,
  from: Jid,
  { node: name, items: wanted, preconditions }: Publication,
): Promise<readonly Item[]> {
  place.mustNotHurry(from, wanted.length)
  const found = place.find(name) === undefined && place.autoCreates(from) ? undefined : place.nodeFor('publish', name, from)
  if (found !== undefined) preconditions?.check(found.config)
  const usual = place.usual(name)
  const config = found?.config ?? preconditions?.applyTo(usual) ?? usual
  mustMatch(config, wanted)
  const node = found ?? createNode(place, name, config, from)
  const events = wanted.length === 0 ? [itemsEvent(node, [])] : []
  const change = await changeOf(place, { node, isNew: found === undefined, by: from }, { publish: wanted }, ...events)
  await commit(context, place, [change, ...(await context.alongside(place, change))])
  return change.items
}

/** §7.1.3.6. */
function mustMatch({ persistItems, deliverPayloads }: NodeConfig, items: readonly NewItem[]): void {
  if (!persistItems && !deliverPayloads) {
    if (items.length > 0) throw refusal('bad-request', 'item-forbidden')
    return
  }
  if (items.length === 0) throw refusal('bad-request', 'item-required')
  if (deliverPayloads && items.some(({ payload }) => payload === undefined)) throw refusal('bad-request', 'payload-required')
  if (new Set(items.map(({ id }) => id)).size < items.length) throw new StanzaError('bad-request', 'an item is there twice')
}
