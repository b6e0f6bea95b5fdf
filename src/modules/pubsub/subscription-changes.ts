/** What follows when somebody is subscribed, or gains or loses access: XEP-0060 §8.6, §8.7.4, §12.2, §12.16; XEP-0163 §7.1. */
import { inSlices } from '../../lib/slices.ts'
import type { Db } from '../../storage/db.ts'
import { StanzaError } from '../../xmpp/error.ts'
import { Jid } from '../../xmpp/jid.ts'
import { refusalOf } from './access.ts'
import type { Context } from './context.ts'
import { subscriptionEvent } from './events.ts'
import { readLast } from './items.ts'
import type { Node } from './node.ts'
import { SLICE } from './notifier.ts'
import type { Place } from './place.ts'
import { isCurrent, type Subscription } from './subscription.ts'

/** `after` is undefined where it ends. */
export interface SubscriptionChange {
  readonly before: Subscription
  readonly after: Subscription | undefined
}

/** A request to subscribe is granted. */
export const granted = (pending: Subscription): SubscriptionChange => ({ before: pending, after: { ...pending, state: 'subscribed' } })

/** A subscription ends, or a request to subscribe is denied. */
export const ended = (before: Subscription): SubscriptionChange => ({ before, after: undefined })

/** In memory and on disk; undefined ends it. */
export async function setSubscription(place: Place, node: Node, jid: string, subscription: Subscription | undefined): Promise<void> {
  await place.change(db => write(place, node, jid, subscription, db))
}

async function write(place: Place, node: Node, jid: string, subscription: Subscription | undefined, db: Db): Promise<void> {
  if (subscription === undefined) node.subscriptions.delete(jid)
  else node.subscriptions.set(jid, subscription)
  await place.rows(node, db).setSubscription(node, jid, subscription)
}

/** Makes the changes: all, or none. Then those whose subscriptions they are hear of it. */
export async function changeSubscriptions(
  context: Context,
  place: Place,
  node: Node,
  changes: readonly SubscriptionChange[],
): Promise<void> {
  if (changes.length === 0) return
  await place.change(db => writeSubscriptions(place, node, changes, db))
  await tellSubscriptions(context, place, node, changes)
}

/** Within a change of the place. */
export async function writeSubscriptions(place: Place, node: Node, changes: readonly SubscriptionChange[], db: Db): Promise<void> {
  for (const { before, after } of changes) await write(place, node, before.jid, after, db)
}

/** Once it is safe on disk. */
export async function tellSubscriptions(context: Context, place: Place, node: Node, changes: readonly SubscriptionChange[]): Promise<void> {
  await inSlices(changes, SLICE, ({ before, after }) => {
    context.notifier.tellOne(place, node, subscriptionEvent(node, before.jid, after === undefined ? 'none' : 'subscribed'), before.jid)
    if (after === undefined) tellOwners(context, place, node, before.jid, 'none')
    else return welcome(context, place, node, after)
  })
}

/** Somebody is subscribed from now on. §6.1.7: the last item; and owners hear of it if they want to. */
export async function welcome(context: Context, place: Place, node: Node, { jid, options }: Subscription): Promise<void> {
  tellOwners(context, place, node, jid, 'subscribed')
  if (node.config.sendLast === 'never' || !node.config.deliverNotifications || !options.deliver) return
  const item = await readLast(place, node)
  if (item !== undefined) context.notifier.tellLast(place, node, item, { to: jid, seesPresence: false })
}

/** `pubsub#notify_sub`. */
export function tellOwners({ notifier }: Context, place: Place, node: Node, jid: string, state: 'none' | 'subscribed'): void {
  if (!node.config.notifySub) return
  for (const owner of askedOwners(place, node)) notifier.tellOne(place, node, subscriptionEvent(node, jid, state), owner)
}

/** Owners who have asked for it, as they have made the node or are subscribed to it: anybody can be made an owner of anything. */
export function* askedOwners(place: Place, node: Node): Iterable<string> {
  const now = place.clock.now()
  for (const owner of place.ownersOf(node)) {
    if (owner === node.creator || node.subscriptions.of(owner).some(each => isCurrent(each, now))) yield owner
  }
}

/**
 * Looks at subscriptions anew, of one bare address or all: those that are not allowed any more end (XEP-0163 §7.1: MUST), requests that
 * need no approval any more are granted, those that are not allowed any more are denied.
 */
export function reviewSubscriptions(context: Context, place: Place, node: Node, of: Jid): Promise<void> {
  return changeSubscriptions(context, place, node, reviewed(place, node, node.subscriptions.of(String(of.bare))))
}

/** What becomes of these subscriptions, as the node is now. */
export function reviewed(place: Place, node: Node, subscriptions: Iterable<Subscription>): SubscriptionChange[] {
  return [...subscriptions].flatMap(subscription => {
    const verdict = refusalOf('subscribe', place.standingOf(node, Jid.parse(subscription.jid)), node.config)
    if (verdict instanceof StanzaError) return [ended(subscription)]
    return subscription.state === 'pending' && verdict === undefined ? [granted(subscription)] : []
  })
}

/** §12.4: a client is not available any more; `others` are those of its bare address that are. */
export function endTemporary(context: Context, place: Place, client: Jid, others: Iterable<unknown>): void | Promise<void> {
  const isLast = [...others].length === 0
  return endAll(context, place, isLast ? [client, client.bare] : [client], ({ options }) => options.expire === 'presence')
}

/** Subscriptions of those addresses end, to whatever node; nobody is there to hear of it but owners. */
export function endAll(
  context: Context,
  place: Place,
  addresses: readonly Jid[],
  test: (subscription: Subscription) => boolean,
): void | Promise<void> {
  const found = [...place.all()].flatMap(node => {
    const theirs = addresses.flatMap(jid => node.subscriptions.get(String(jid)) ?? []).filter(test)
    return theirs.length === 0 ? [] : [{ node, changes: theirs.map(ended) }]
  })
  return found.length === 0 ? undefined : end(context, place, found)
}

async function end(
  context: Context,
  place: Place,
  found: readonly { readonly node: Node; readonly changes: readonly SubscriptionChange[] }[],
): Promise<void> {
  await place.change(async db => {
    for (const { node, changes } of found) await writeSubscriptions(place, node, changes, db)
  })
  for (const { node, changes } of found) for (const { before } of changes) tellOwners(context, place, node, before.jid, 'none')
}
