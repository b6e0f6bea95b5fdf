/** What follows when somebody is subscribed, or gains or loses access: XEP-0060 §8.6, §8.7.4, §12.2, §12.16; XEP-0163 §7.1. */
import { StanzaError } from '../../xmpp/error.ts'
import { Jid } from '../../xmpp/jid.ts'
import { refusalOf } from './access.ts'
import type { Context } from './context.ts'
import { subscriptionEvent } from './events.ts'
import { readLast } from './items.ts'
import type { Node } from './node.ts'
import type { Place } from './place.ts'
import type { Subscription } from './subscription.ts'

/** In memory and on disk; undefined ends it. */
export async function setSubscription(place: Place, node: Node, jid: string, subscription: Subscription | undefined): Promise<void> {
  await place.change(db => {
    if (subscription === undefined) node.subscriptions.delete(jid)
    else node.subscriptions.set(jid, subscription)
    return place.rows(node, db).setSubscription(node, jid, subscription)
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
  for (const owner of place.ownersOf(node)) notifier.tellOne(place, node, subscriptionEvent(node, jid, state), owner)
}

/** A request to subscribe is granted; the subscriber is told. */
export async function approve(context: Context, place: Place, node: Node, pending: Subscription): Promise<void> {
  const subscription: Subscription = { ...pending, state: 'subscribed' }
  await setSubscription(place, node, pending.jid, subscription)
  context.notifier.tellOne(place, node, subscriptionEvent(node, pending.jid, 'subscribed'), pending.jid)
  await welcome(context, place, node, subscription)
}

/** A subscription ends, or a request to subscribe is denied; the subscriber is told. */
export async function cancelSubscription(context: Context, place: Place, node: Node, { jid }: Subscription): Promise<void> {
  await setSubscription(place, node, jid, undefined)
  context.notifier.tellOne(place, node, subscriptionEvent(node, jid, 'none'), jid)
  tellOwners(context, place, node, jid, 'none')
}

/**
 * Looks at subscriptions anew, of one bare address or all: those that are not allowed any more end (XEP-0163 §7.1: MUST), requests that
 * need no approval any more are granted, those that are not allowed any more are denied.
 */
export async function reviewSubscriptions(context: Context, place: Place, node: Node, of?: Jid): Promise<void> {
  for (const subscription of [...node.subscriptions.values()]) {
    const jid = Jid.parse(subscription.jid)
    if (of !== undefined && !jid.bare.equals(of.bare)) continue
    const verdict = refusalOf('subscribe', place.standingOf(node, jid), node.config)
    if (verdict instanceof StanzaError) await cancelSubscription(context, place, node, subscription)
    else if (subscription.state === 'pending' && verdict === undefined) await approve(context, place, node, subscription)
  }
}

/** §12.4: a client is not available any more; `others` are those of its bare address that are. */
export function endTemporary(context: Context, place: Place, client: Jid, others: Iterable<unknown>): void | Promise<void> {
  const isLast = [...others].length === 0
  const ended = [...place.all()].flatMap(node =>
    (isLast ? [client, client.bare] : [client]).flatMap(jid => {
      const subscription = node.subscriptions.get(String(jid))
      return subscription?.options.expire === 'presence' ? [{ node, subscription }] : []
    }),
  )
  return ended.length === 0 ? undefined : endAll(context, place, ended)
}

async function endAll(context: Context, place: Place, ended: readonly { node: Node; subscription: Subscription }[]): Promise<void> {
  for (const { node, subscription } of ended) {
    await setSubscription(place, node, subscription.jid, undefined)
    tellOwners(context, place, node, subscription.jid, 'none')
  }
}
