// XEP-0060 §7.1: publish an item to a node

import { randomUUID } from 'node:crypto'
import type { Element } from '../../xml/element.ts'
import { StanzaError } from '../../xmpp/error.ts'
import { Forms } from '../../xmpp/forms.ts'
import type { Jid } from '../../xmpp/jid.ts'
import { type Preconditions, readPreconditions } from './config-form.ts'
import type { Context } from './context.ts'
import { createNode } from './create.ts'
import { dayOf } from './day.ts'
import { itemsEvent, retractEvent } from './events.ts'
import { readItemId, readNodeId } from './ids.ts'
import { PubSub } from './namespaces.ts'
import { type Item, type ItemHead, type Node, sizeOf } from './node.ts'
import type { NodeConfig } from './node-config.ts'
import type { Place } from './place.ts'
import { refusal } from './refusal.ts'

const LARGEST_REMEMBERED = 16_384

/** What is to be published. */
export interface Publication {
  readonly node: string
  readonly items: readonly NewItem[]
  readonly preconditions: Preconditions | undefined
}
export interface NewItem {
  readonly id: string
  readonly payload: Element | undefined
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
): Promise<Item[]> {
  place.mustNotHurry(from)
  const found = place.find(name) === undefined && place.autoCreates(from) ? undefined : place.nodeFor('publish', name, from)
  if (found !== undefined) preconditions?.check(found.config)
  const usual = place.usual(name)
  const config = found?.config ?? preconditions?.applyTo(usual) ?? usual
  mustMatch(config, wanted)
  const items = wanted.map(item => makeItem(place, config, item, from))
  const fresh = found === undefined ? createNode(place, name, config, from) : undefined
  const node = found ?? fresh!
  const removed = config.persistItems ? await keep(place, node, fresh !== undefined, items) : await create(place, fresh)
  if (!config.persistItems) node.latest = rememberable(items.at(-1))
  await context.notifier.tell(place, node, itemsEvent(node, items), from)
  // A new item of a node that has one alone stands for the old one (§12.19).
  if (removed.length > 0 && config.maxItems !== 1 && config.notifyRetract && config.whenFull === 'retract-oldest')
    await context.notifier.tell(place, node, retractEvent(node, removed), from)
  await context.published(place, node, items, from)
  if (removed.length > 0) await context.removed(place, node, removed, from)
  return items
}

/** What a node that keeps nothing knows of its last item: in memory there is room for small ones. */
const rememberable = (item: Item | undefined): Item | undefined =>
  item === undefined || item.payload.length <= LARGEST_REMEMBERED ? item : undefined

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

function makeItem({ limits, clock }: Place, { maxPayloadSize, itemExpire }: NodeConfig, { id, payload }: NewItem, from: Jid): Item {
  const xml = payload === undefined ? '' : String(payload)
  const largest = maxPayloadSize === 'max' ? limits.payload : Math.min(maxPayloadSize, limits.payload)
  if (Buffer.byteLength(xml) > largest) throw refusal('not-acceptable', 'payload-too-big')
  const now = clock.now()
  const expiresAt = itemExpire === 'max' ? undefined : now + itemExpire * 1000
  return { id, publisher: String(from.bare), at: dayOf(now), expiresAt, payload: xml }
}

async function create(place: Place, fresh: Node | undefined): Promise<readonly string[]> {
  if (fresh !== undefined) await place.change(db => place.add(fresh, db))
  return []
}

/** Gives the ids of items that had to go for them (§7.1.2.5, §12.8). */
async function keep(place: Place, node: Node, isNew: boolean, items: readonly Item[]): Promise<readonly string[]> {
  const heads = isNew ? [] : await place.rows(node).heads(node, place.clock.now())
  const surplus = surplusOf(place, node, heads, items)
  const gone = new Set([...surplus, ...items.map(({ id }) => id)])
  const more = items.reduce((sum, { payload }) => sum + payload.length, 0) - sizeOf(heads.filter(({ id }) => gone.has(id)))
  await place.mustHaveRoom(more)
  await place.change(async db => {
    if (isNew) await place.add(node, db)
    const rows = place.rows(node, db)
    if (surplus.length > 0) await rows.removeItems(node, surplus)
    await rows.putItems(node, items)
  })
  place.grow(more)
  return surplus
}

function surplusOf(
  { limits }: Place,
  { config: { maxItems, whenFull } }: Node,
  heads: readonly ItemHead[],
  items: readonly Item[],
): string[] {
  const most = maxItems === 'max' ? limits.items : Math.min(maxItems, limits.items)
  if (items.length > most) throw refusal('not-allowed', 'max-items-exceeded')
  const replaced = new Set(items.map(({ id }) => id))
  const others = heads.filter(({ id }) => !replaced.has(id))
  const surplus = others.slice(0, Math.max(0, others.length + items.length - most)).map(({ id }) => id)
  if (surplus.length > 0 && whenFull === 'reject') throw refusal('conflict', 'node-full')
  return surplus
}
