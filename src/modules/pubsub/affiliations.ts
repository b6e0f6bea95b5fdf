// XEP-0060 §8.9: manage affiliations

import type { Element } from '../../xml/element.ts'
import { StanzaError } from '../../xmpp/error.ts'
import { Jid } from '../../xmpp/jid.ts'
import { AFFILIATIONS, type Affiliation } from './access.ts'
import type { Context } from './context.ts'
import { affiliationEvent } from './events.ts'
import { readNodeId } from './ids.ts'
import { PubSubOwner } from './namespaces.ts'
import type { Node } from './node.ts'
import type { Place } from './place.ts'
import { reviewSubscriptions } from './subscription-changes.ts'

/** §4.1: what an owner may make of whom. An owner resigns, and is not deposed. */
const TRANSITIONS: Readonly<Record<Affiliation, readonly Affiliation[]>> = {
  outcast: ['none', 'member', 'publisher', 'publish-only', 'owner'],
  none: ['outcast', 'member', 'publisher', 'publish-only', 'owner'],
  member: ['outcast', 'none', 'publisher', 'publish-only', 'owner'],
  publisher: ['outcast', 'none', 'publish-only', 'owner'],
  'publish-only': ['outcast', 'none', 'publisher', 'owner'],
  owner: ['none'],
}

export async function answerAffiliations(_: Context, place: Place, from: Jid, pubsub: Element): Promise<Element> {
  const node = place.nodeFor('own', readNodeId(pubsub.child(PubSubOwner, 'affiliations')!), from)
  const own = place.kind === 'account' ? [affiliationElement(String(place.jid), 'owner')] : []
  const others = [...node.affiliations].map(([jid, affiliation]) => affiliationElement(jid, affiliation))
  return listElement(node, [...own, ...others])
}

/** Each change that is allowed is made; if others are not, the error says how it is with those (§8.9.2.4). */
export async function answerSetAffiliations(context: Context, place: Place, from: Jid, pubsub: Element): Promise<void> {
  place.mustNotHurry(from)
  const request = pubsub.child(PubSubOwner, 'affiliations')!
  const node = place.nodeFor('own', readNodeId(request), from)
  const wishes = request.all(PubSubOwner, 'affiliation').map(readWish)
  if (new Set(wishes.map(({ jid }) => String(jid))).size < wishes.length) throw new StanzaError('bad-request', 'somebody is there twice')
  const refused: Element[] = []
  for (const { jid, affiliation } of wishes) {
    const before = affiliationOf(place, node, jid)
    if (affiliation === undefined || affiliation === before) continue
    if (isAllowed(place, node, from, jid, before, affiliation)) await setAffiliation(context, place, node, jid, affiliation)
    else refused.push(affiliationElement(String(jid), before))
  }
  if (refused.length > 0) throw new StanzaError('not-acceptable', '', { payload: listElement(node, refused) })
}

function isAllowed(place: Place, node: Node, from: Jid, jid: Jid, before: Affiliation, affiliation: Affiliation): boolean {
  if (place.isOwn(jid) || !TRANSITIONS[before].includes(affiliation)) return false
  if (place.affiliations >= place.limits.affiliations && before === 'none') return false
  // XEP-0163 §2.2: an account's nodes are its owner's.
  if (affiliation === 'owner') return place.kind === 'service'
  return before !== 'owner' || (jid.equals(from.bare) && [...place.ownersOf(node)].length > 1)
}

async function setAffiliation(context: Context, place: Place, node: Node, jid: Jid, affiliation: Affiliation): Promise<void> {
  await place.change(async db => {
    if (affiliation === 'none') node.affiliations.delete(String(jid))
    else node.affiliations.set(String(jid), affiliation)
    await place.rows(node, db).setAffiliation(node, String(jid), affiliation)
    await place.reconfigure(node, node.config, db)
  })
  // Who is banned need not hear of it before he asks.
  if (affiliation !== 'outcast') context.notifier.tellOne(place, node, affiliationEvent(node, String(jid), affiliation), String(jid))
  await reviewSubscriptions(context, place, node, jid)
}

const affiliationOf = (place: Place, node: Node, jid: Jid): Affiliation =>
  place.isOwn(jid) ? 'owner' : (node.affiliations.get(String(jid)) ?? 'none')

/** An affiliation is of a bare address (§4.1). One that is not said stays as it is. */
function readWish({ attrs: { jid = '', affiliation } }: Element): { jid: Jid; affiliation: Affiliation | undefined } {
  const known = AFFILIATIONS.find(each => each === affiliation)
  if (affiliation !== undefined && known === undefined) throw new StanzaError('bad-request', 'there is no such affiliation')
  return { jid: Jid.parse(jid).bare, affiliation: known }
}

const affiliationElement = (jid: string, affiliation: Affiliation): Element => PubSubOwner('affiliation', { jid, affiliation })

const listElement = (node: Node, entries: readonly Element[]): Element =>
  PubSubOwner('pubsub', {}, PubSubOwner('affiliations', { node: node.name }, ...entries))
