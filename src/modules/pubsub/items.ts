// XEP-0060 §6.5: retrieve items from a node

import type { Element } from '../../xml/element.ts'
import { StanzaError } from '../../xmpp/error.ts'
import type { Jid } from '../../xmpp/jid.ts'
import { type Page, pageElement, pageOf, Rsm, readPage } from '../../xmpp/rsm.ts'
import type { Context } from './context.ts'
import { answeredItem } from './events.ts'
import { readItemId, readNodeId } from './ids.ts'
import { PubSub } from './namespaces.ts'
import type { Item, ItemHead, Node } from './node.ts'
import type { Place } from './place.ts'
import { unsupported } from './refusal.ts'

/** So many bytes of payloads are in an answer; what is beyond is for the next page. One item is there in any case. */
const LARGEST_ANSWER = 1_048_576

/** The items asked for, or all; the oldest first. */
export async function answerItems(_: Context, place: Place, from: Jid, pubsub: Element): Promise<Element> {
  const request = pubsub.child(PubSub, 'items')!
  const node = place.nodeFor('retrieve', readNodeId(request), from)
  if (!node.config.persistItems) return answerLast(node)
  const wanted = request.all(PubSub, 'item').map(readItemId)
  const heads = await place.rows(node).heads(node, place.clock.now())
  const { ids, page } = wanted.length > 0 ? only(wanted, heads) : choose(place, pubsub, heads)
  const items = await read(place, node, ids)
  const answer = PubSub('pubsub', {}, PubSub('items', { node: node.name }, ...items.map(item => answeredItem(node, item))))
  return page === undefined ? answer : answer.add(pageElement(page))
}

/** §6.5.5: a node that keeps nothing may still know its last item. */
function answerLast(node: Node): Element {
  if (node.latest === undefined) throw unsupported('persistent-items')
  return PubSub('pubsub', {}, PubSub('items', { node: node.name }, answeredItem(node, node.latest)))
}

/** The item published last. */
export const readLast = async (place: Place, node: Node): Promise<Item | undefined> =>
  node.config.persistItems ? place.rows(node).newest(node, place.clock.now()) : node.latest

/** The items of those ids that are there, the oldest first. */
export const read = (place: Place, node: Node, ids: readonly string[]): Promise<Item[]> =>
  ids.length === 0 ? Promise.resolve([]) : place.rows(node).items(node, ids, place.clock.now())

interface Chosen {
  readonly ids: readonly string[]
  readonly page?: Page | undefined
}

/** §6.5.8: those that are named. */
function only(wanted: readonly string[], heads: readonly ItemHead[]): Chosen {
  const names = new Set(wanted)
  const found = heads.filter(({ id }) => names.has(id))
  return newest(found, found.length)
}

function choose({ limits }: Place, pubsub: Element, heads: readonly ItemHead[]): Chosen {
  const { max_items: most } = pubsub.child(PubSub, 'items')!.attrs
  if (pubsub.child(Rsm, 'set') === undefined) return newest(heads, most === undefined ? heads.length : readMost(most))
  const request = readPage(pubsub, limits.items)
  const { items, page } = pageOf(heads, ({ id }) => id, request)
  const cut = request.before === undefined ? fitting(items) : fitting(items.toReversed()).reverse()
  if (cut.length === items.length) return { ids: cut.map(({ id }) => id), page }
  const index = request.before === undefined ? page.index! : page.index! + items.length - cut.length
  return { ids: cut.map(({ id }) => id), page: { ...page, first: cut[0]!.id, last: cut.at(-1)!.id, index } }
}

/** §6.5.7: the most recent ones; §6.5.4: where that is too much, it is said that there are more. */
function newest(heads: readonly ItemHead[], most: number): Chosen {
  const wanted = most >= heads.length ? heads : heads.slice(heads.length - most)
  const cut = fitting(wanted.toReversed()).reverse()
  const ids = cut.map(({ id }) => id)
  if (cut.length === wanted.length) return { ids }
  return { ids, page: { first: ids[0], last: ids.at(-1), index: heads.length - cut.length, count: heads.length } }
}

/** As many from the start as fit into one answer. */
function fitting(heads: readonly ItemHead[]): ItemHead[] {
  let left = LARGEST_ANSWER
  const end = heads.findIndex(({ size }, i) => (left -= size) < 0 && i > 0)
  return heads.slice(0, end === -1 ? heads.length : end)
}

function readMost(text: string): number {
  if (!/^[1-9]\d{0,14}$/.test(text)) throw new StanzaError('bad-request', 'max_items is not a number')
  return Number(text)
}
