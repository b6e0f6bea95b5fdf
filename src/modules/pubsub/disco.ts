// XEP-0060 §5.2 to §5.5: discover nodes, what they are, and what is in them

import type { Element } from '../../xml/element.ts'
import { writeDateTime } from '../../xmpp/date-time.ts'
import type { Info, Item } from '../../xmpp/disco.ts'
import { StanzaError } from '../../xmpp/error.ts'
import { type Field, formElement } from '../../xmpp/forms.ts'
import type { Jid } from '../../xmpp/jid.ts'
import { may, refusalOf } from './access.ts'
import { CONFIG_FIELDS, valuesOf } from './config-fields.ts'
import { META_DATA, PubSub } from './namespaces.ts'
import type { Node } from './node.ts'
import type { Place } from './place.ts'

/** XEP-0163 §6.2: MUST NOT name nodes to which somebody may not subscribe, and which he may not read. */
export const discoverNodes = (place: Place, from: Jid): Item[] =>
  place
    .nodes(from)
    .filter(node => isFor(place, node, from))
    .map(({ name, config: { title } }) => ({ jid: String(place.jid), node: name, ...(title !== '' && { name: title }) }))

/** Whether he may read it, or subscribe, be it that an owner must say yes. */
function isFor(place: Place, node: Node, from: Jid): boolean {
  const standing = place.standingOf(node, from)
  return may('retrieve', standing, node.config) || !(refusalOf('subscribe', standing, node.config) instanceof StanzaError)
}

/** Undefined where there is nothing that somebody may know of. For whom the node is not, he learns no more than that it is there. */
export function discoverNode(place: Place, name: string, from: Jid): Info | undefined {
  const node = place.find(name)
  if (node === undefined || !place.knows(node, from)) return undefined
  const identity = { category: 'pubsub', type: 'leaf' }
  const features = [PubSub.uri]
  if (!isFor(place, node, from)) return { identities: [identity], features, forms: [] }
  const { title } = node.config
  return { identities: [{ ...identity, ...(title !== '' && { name: title }) }], features, forms: [metaData(place, node)] }
}

/** §5.5: items have the id as their name, and no node. */
export async function discoverItems(place: Place, name: string, from: Jid): Promise<Item[] | undefined> {
  const node = place.find(name)
  if (node === undefined || !place.knows(node, from)) return undefined
  if (!node.config.persistItems || !may('retrieve', place.standingOf(node, from), node.config)) return []
  const heads = await place.rows(node).heads(node, place.clock.now())
  return heads.map(({ id }) => ({ jid: String(place.jid), name: id }))
}

/** Of what can be configured that which describes the node to others (§16.4.3). */
const DESCRIBING: ReadonlySet<string> = new Set(
  ['access_model', 'contact', 'description', 'language', 'max_items', 'publish_model', 'title', 'type'].map(name => `pubsub#${name}`),
)

function metaData(place: Place, node: Node): Element {
  const set = CONFIG_FIELDS.filter(({ name }) => DESCRIBING.has(name)).map(
    (each): Field => ({ var: each.name, type: each.codec.type, label: each.label, values: valuesOf(each, node.config) }),
  )
  const subscribers = [...node.subscriptions.values()].filter(({ state }) => state === 'subscribed').length
  const publishers = [...node.affiliations].filter(([, affiliation]) => affiliation === 'publisher').map(([jid]) => jid)
  const known: Field[] = [
    { var: 'pubsub#creator', type: 'jid-single', label: 'Who made it', values: [node.creator] },
    { var: 'pubsub#creation_date', type: 'text-single', label: 'The day on which it was made', values: [writeDateTime(node.createdAt)] },
    { var: 'pubsub#owner', type: 'jid-multi', label: 'Its owners', values: [...place.ownersOf(node)] },
    { var: 'pubsub#publisher', type: 'jid-multi', label: 'Who else may publish', values: publishers },
    { var: 'pubsub#num_subscribers', type: 'text-single', label: 'How many are subscribed', values: [String(subscribers)] },
  ]
  return formElement('result', META_DATA, [...set.filter(({ values = [] }) => values.length > 0), ...known])
}
