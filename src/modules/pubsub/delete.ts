// XEP-0060 §8.4: delete a node

import type { Element } from '../../xml/element.ts'
import { StanzaError } from '../../xmpp/error.ts'
import type { Jid } from '../../xmpp/jid.ts'
import { changeOf, growthBy, tellAll, write } from './change.ts'
import type { Context } from './context.ts'
import { deleteEvent } from './events.ts'
import { readNodeId } from './ids.ts'
import { PubSubOwner } from './namespaces.ts'
import type { Node } from './node.ts'
import type { Place } from './place.ts'

const LONGEST_URI = 1000

export async function answerDelete(context: Context, place: Place, from: Jid, pubsub: Element): Promise<void> {
  place.mustNotHurry(from)
  const request = pubsub.child(PubSubOwner, 'delete')!
  const node = place.nodeFor('own', readNodeId(request), from)
  await remove(context, place, node, readRedirect(request), from)
}

/** With all that is in it. Who asks for it from then on is sent to `uri`, if there is one. */
export async function remove(context: Context, place: Place, node: Node, uri: string | undefined, by: Jid): Promise<void> {
  const heads = node.config.persistItems ? await place.rows(node).heads(node, 0) : []
  const ids = heads.map(({ id }) => id)
  const change = await changeOf(place, { node, by, heads }, { retracted: ids })
  const also = await context.alongside(place, change)
  await place.change(async db => {
    await place.remove(node, db, uri)
    await write(place, also, db)
  })
  place.grow(node.creator, growthBy([change, ...also]))
  // Who is subscribed is asked of the node itself, which is in memory still.
  if (node.config.notifyDelete) await context.notifier.tell(place, node, deleteEvent(node, uri))
  if (ids.length > 0) await context.removed(place, node, ids, by)
  await tellAll(context, place, also)
}

function readRedirect(request: Element): string | undefined {
  const uri = request.child(PubSubOwner, 'redirect')?.attrs['uri']
  if (uri === undefined) return undefined
  if (uri.length > LONGEST_URI || !URL.canParse(uri)) throw new StanzaError('bad-request', 'this is not where something can be')
  return uri
}
