// XEP-0060 §8.9: manage affiliations

import type { Db } from '../../storage/db.ts'
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
import { reviewed, type SubscriptionChange, tellSubscriptions, writeSubscriptions } from './subscription-changes.ts'

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

/** Each change that is allowed is made, all in one; if others are not, the error says how it is with those (§8.9.2.4). */
export async function answerSetAffiliations(context: Context, place: Place, from: Jid, pubsub: Element): Promise<void> {
  const request = pubsub.child(PubSubOwner, 'affiliations')!
  const wishes = request.all(PubSubOwner, 'affiliation').map(readWish)
  place.mustNotHurry(from, wishes.length)
  const node = place.nodeFor('own', readNodeId(request), from)
  if (new Set(wishes.map(({ jid }) => String(jid))).size < wishes.length) throw new StanzaError('bad-request', 'somebody is there twice')
  const { refused, told, reviews } = await place.change(db => setAffiliations(place, node, from, wishes, db))
  for (const { jid, affiliation } of told) context.notifier.tellOne(place, node, affiliationEvent(node, jid, affiliation), jid)
  await tellSubscriptions(context, place, node, reviews)
  if (refused.length > 0) throw new StanzaError('not-acceptable', '', { payload: listElement(node, refused) })
}

interface Wish {
  readonly jid: Jid
  readonly affiliation: Affiliation | undefined
}

interface Outcome {
  /** How it is with those of whom what was wished is not allowed. */
  readonly refused: readonly Element[]
  readonly told: readonly { readonly jid: string; readonly affiliation: Affiliation }[]
  readonly reviews: readonly SubscriptionChange[]
}

async function setAffiliations(place: Place, node: Node, from: Jid, wishes: readonly Wish[], db: Db): Promise<Outcome> {
  const rows = place.rows(node, db)
  const made: { jid: string; affiliation: Affiliation; isSubscribed: boolean }[] = []
  const refused: Element[] = []
  for (const { jid: whose, affiliation } of wishes) {
    const jid = String(whose)
    const before = affiliationOf(place, node, whose)
    if (affiliation === undefined || affiliation === before) continue
    if (!isAllowed(place, node, from, whose, before, affiliation)) {
      refused.push(affiliationElement(jid, before))
      continue
    }
    made.push({ jid, affiliation, isSubscribed: place.standingOf(node, whose).isSubscribed })
    if (affiliation === 'none') node.affiliations.delete(jid)
    else node.affiliations.set(jid, affiliation)
    await rows.setAffiliation(node, jid, affiliation)
  }
  if (made.length > 0) await place.reconfigure(node, node.config, db)
  const reviews = made.flatMap(({ jid }) => reviewed(place, node, node.subscriptions.of(jid)))
  await writeSubscriptions(place, node, reviews, db)
  // §8.9.4 has it that all are told: so anybody could have it written to anybody. Who is banned need not hear of it before he asks.
  const told = made.filter(({ affiliation, isSubscribed }) => isSubscribed && affiliation !== 'outcast')
  return { refused, told, reviews }
}

function isAllowed(place: Place, node: Node, from: Jid, jid: Jid, before: Affiliation, affiliation: Affiliation): boolean {
  if (place.isOwn(jid) || !TRANSITIONS[before].includes(affiliation)) return false
  if (before === 'none' && !place.hasRoomForAffiliation(node)) return false
  // XEP-0163 §2.2: an account's nodes are its owner's.
  if (affiliation === 'owner') return place.kind === 'service'
  return before !== 'owner' || (jid.equals(from.bare) && [...place.ownersOf(node)].length > 1)
}

const affiliationOf = (place: Place, node: Node, jid: Jid): Affiliation =>
  place.isOwn(jid) ? 'owner' : (node.affiliations.get(String(jid)) ?? 'none')

/** An affiliation is of a bare address (§4.1). One that is not said stays as it is. */
function readWish({ attrs: { jid = '', affiliation } }: Element): Wish {
  const known = AFFILIATIONS.find(each => each === affiliation)
  if (affiliation !== undefined && known === undefined) throw new StanzaError('bad-request', 'there is no such affiliation')
  return { jid: Jid.parse(jid).bare, affiliation: known }
}

const affiliationElement = (jid: string, affiliation: Affiliation): Element => PubSubOwner('affiliation', { jid, affiliation })

const listElement = (node: Node, entries: readonly Element[]): Element =>
  PubSubOwner('pubsub', {}, PubSubOwner('affiliations', { node: node.name }, ...entries))
