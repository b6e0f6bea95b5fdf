// XEP-0060 §7.2: delete an item from a node; §8.5: purge all node items

import type { Element } from '../../xml/element.ts'
import { StanzaError } from '../../xmpp/error.ts'
import type { Jid } from '../../xmpp/jid.ts'
import { may, must, refusalOf } from './access.ts'
import { changeOf, commit } from './change.ts'
import type { Context } from './context.ts'
import { purgeEvent, retractEvent } from './events.ts'
import { readItemId, readNodeId } from './ids.ts'
import { PubSub, PubSubOwner } from './namespaces.ts'
import type { Node } from './node.ts'
import type { Place } from './place.ts'
import { refusal, unsupported } from './refusal.ts'

export async function answerRetract(context: Context, place: Place, from: Jid, pubsub: Element): Promise<void> {
  const request = pubsub.child(PubSub, 'retract')!
  const name = readNodeId(request)
  const ids = request.all(PubSub, 'item').map(readItemId)
  if (ids.length === 0) throw refusal('bad-request', 'item-required')
  const { notify } = request.attrs
  await retract(context, place, from, name, ids, notify === 'true' || notify === '1')
}

/** Removes all of the items, or none (§12.8), and tells subscribers if that is wished or the node says so. */
export async function retract(
  context: Context,
  place: Place,
  from: Jid,
  name: string,
  ids: readonly string[],
  isToNotify: boolean,
): Promise<void> {
  place.mustNotHurry(from)
  const node = place.node(name, from)
  const standing = place.standingOf(node, from)
  // Whoever may publish nothing has nothing of his own there.
  if (refusalOf('publish', standing, node.config) !== undefined) must('retract', standing, node.config)
  if (!node.config.persistItems) throw unsupported('persistent-items')
  const wanted = new Set(ids)
  const heads = (await place.rows(node).heads(node, place.clock.now())).filter(({ id }) => wanted.has(id))
  if (heads.length < wanted.size) throw new StanzaError('item-not-found')
  // §4.1: of what others have published only owners remove something.
  if (!may('retract', standing, node.config) && heads.some(({ publisher }) => publisher !== String(from.bare)))
    throw new StanzaError('forbidden')
  const retracted = [...wanted]
  const events = isToNotify || node.config.notifyRetract ? [retractEvent(node, retracted)] : []
  const change = await changeOf(place, { node, by: from, heads }, { retracted }, ...events)
  await commit(context, place, [change, ...(await context.alongside(place, change))])
}

export async function answerPurge(context: Context, place: Place, from: Jid, pubsub: Element): Promise<void> {
  place.mustNotHurry(from)
  const node = place.nodeFor('own', readNodeId(pubsub.child(PubSubOwner, 'purge')!), from)
  if (!node.config.persistItems) throw unsupported('persistent-items')
  await purge(context, place, node, from)
}

/** One notification for all (§8.5.2). */
async function purge(context: Context, place: Place, node: Node, from: Jid): Promise<void> {
  const heads = await place.rows(node).heads(node, 0)
  const events = node.config.notifyRetract ? [purgeEvent(node)] : []
  const change = await changeOf(place, { node, by: from, heads }, { retracted: heads.map(({ id }) => id) }, ...events)
  await commit(context, place, [change, ...(await context.alongside(place, change))])
}
