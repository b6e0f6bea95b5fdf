// XEP-0060 §8.1: create a node

import { randomUUID } from 'node:crypto'
import type { Element } from '../../xml/element.ts'
import { StanzaError } from '../../xmpp/error.ts'
import { Forms } from '../../xmpp/forms.ts'
import type { Jid } from '../../xmpp/jid.ts'
import { readConfigForm } from './config-form.ts'
import type { Context } from './context.ts'
import { dayOf } from './day.ts'
import { readNodeId } from './ids.ts'
import { PubSub } from './namespaces.ts'
import { Node } from './node.ts'
import type { NodeConfig } from './node-config.ts'
import type { Place } from './place.ts'

/** The answer says the name, which the creator may have left to us (§8.1.1: instant nodes). */
export async function answerCreate(_: Context, place: Place, from: Jid, pubsub: Element): Promise<Element> {
  const create = pubsub.child(PubSub, 'create')!
  place.mustCreate(from)
  const name = create.attrs['node'] === undefined ? randomUUID() : readNodeId(create)
  if (place.find(name) !== undefined) throw new StanzaError('conflict', 'there is such a node')
  const node = createNode(place, name, readConfigure(place, name, pubsub), from)
  await place.change(db => place.add(node, db))
  return PubSub('pubsub', {}, PubSub('create', { node: name }))
}

/** §8.1.3: how it is to be is said behind it, without naming it again. */
function readConfigure(place: Place, name: string, pubsub: Element): NodeConfig {
  const usual = place.usual(name)
  const configure = pubsub.child(PubSub, 'configure')
  if (configure === undefined) return usual
  const elements = pubsub.elements()
  const isMisplaced = elements.indexOf(configure) < elements.findIndex(each => each.is(PubSub, 'create'))
  if (isMisplaced || 'node' in configure.attrs) throw new StanzaError('bad-request', 'a configuration comes after what it is of')
  const x = configure.child(Forms, 'x')
  return x === undefined ? usual : (readConfigForm(x, usual, place.kind, place.limits) ?? usual)
}

/** A node that is nowhere yet. */
export function createNode(place: Place, name: string, config: NodeConfig, creator: Jid): Node {
  const bare = String(creator.bare)
  const affiliations = new Map(place.isOwn(creator) ? [] : [[bare, 'owner'] as const])
  return new Node({ name, config, creator: bare, createdAt: dayOf(place.clock.now()), affiliations })
}
