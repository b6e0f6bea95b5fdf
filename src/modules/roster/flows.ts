import type { Account } from '../../core/account.ts'
import type { Host } from '../../core/module.ts'
import { type Incoming, type Outgoing, presenceOut, subscriptionIn, subscriptionOut } from '../../core/points.ts'
import type { Element } from '../../xml/element.ts'
import { StanzaError } from '../../xmpp/error.ts'
import type { Jid } from '../../xmpp/jid.ts'
import { Client } from '../../xmpp/stanza.ts'
import { type Item, isSame } from './item.ts'
import { subscriberGained, subscriberLost } from './points.ts'
import type { Rosters } from './rosters.ts'
import { inbound, isPendingIn, outbound, type Step, type SubscriptionType, seesUser } from './subscription.ts'

export interface FlowLimits {
  readonly contacts: number
  readonly requests: number
  readonly longestRequest: number
}

/** Presence subscriptions on their way out and in (RFC 6121 §3 and App. A). */
export function keepSubscriptions({ on, hooks, send, settings }: Host<FlowLimits>, rosters: Rosters): void {
  /** What is left to do once the stanza has been routed. */
  const afterwards = new WeakMap<Outgoing, () => unknown>()

  on(subscriptionOut, async function askOrAnswer(envelope) {
    const { account, stanza, to } = envelope
    if (to.equals(account.jid)) throw new StanzaError('not-allowed', 'an account always sees its own presence')
    const type = stanza.attrs['type'] as SubscriptionType
    const before = rosters.item(account, to)
    const { passes, state } = outbound(type, before.state)
    const item: Item = {
      ...before,
      state,
      isApproved: approval(before, type, passes),
      isListed: before.isListed || type === 'subscribe' || type === 'subscribed',
      request: isPendingIn(state) ? before.request : undefined,
    }
    if (item.isListed && !before.isListed && rosters.listed(account) >= settings.contacts) {
      throw new StanzaError('resource-constraint', 'the roster is full')
    }
    const isSeen = !isSame(item, before) && (await rosters.save(account, item))
    // RFC 6121 §3.2.2: unavailable presence goes first, while the contact is still subscribed.
    if (seesUser(before.state) && !seesUser(state)) await hooks.run(subscriberLost, { account, contact: to })
    const finish = (): unknown => {
      if (isSeen) rosters.push(account, item)
      if (!seesUser(before.state) && seesUser(state)) return hooks.run(subscriberGained, { account, contact: to })
    }
    if (passes) {
      afterwards.set(envelope, finish)
      return
    }
    finish()
    return 'drop'
  })

  on(presenceOut.after, function finishSubscription(envelope) {
    return afterwards.get(envelope)?.() as void | Promise<void>
  })

  on(subscriptionIn, async function hearRequestOrAnswer(envelope) {
    const { account, stanza, from, to } = envelope
    const type = stanza.attrs['type'] as SubscriptionType
    const contact = from.bare
    if (contact.equals(account.jid)) return 'drop'
    // RFC 6121 §8.5.3.2.2: at a resource that is not there only a request is heard.
    if (to.resource !== '' && type !== 'subscribe' && !account.sessions.has(to.resource)) return 'drop'
    const before = rosters.item(account, contact)
    const { passes, state, reply } = answer(type, before)
    // A request that finds no room is not answered: an error would tell a stranger that the account exists.
    if (isPendingIn(state) && before.request === undefined && rosters.requests(account) >= settings.requests) return 'drop'
    const stamped = stanza.with({ from: String(contact), to: String(account.jid) })
    const item: Item = {
      ...before,
      state,
      isApproved: before.isApproved && !seesUser(state),
      request: isPendingIn(state) ? (before.request ?? storable(stamped)) : undefined,
    }
    const isSeen = !isSame(item, before) && (await rosters.save(account, item))
    if (passes) deliver(account, type, envelope, stamped)
    if (isSeen) rosters.push(account, item)
    if (seesUser(before.state) && !seesUser(state)) await hooks.run(subscriberLost, { account, contact })
    if (reply !== undefined)
      send(Client('presence', { type: reply, id: stanza.attrs['id'], from: String(account.jid), to: String(contact) }))
    // Who is subscribed and asks has lost sight of that, and so of the user's presence.
    if (reply === 'subscribed') await hooks.run(subscriberGained, { account, contact })
  })

  /** RFC 6121 §3.1.3: requests to all available resources; §3.1.6, §3.2.3, §3.3.3: the rest to the interested ones. */
  function deliver(account: Account, type: SubscriptionType, envelope: Incoming, stamped: Element): void {
    envelope.targets = [...(type === 'subscribe' ? account.available() : rosters.interested(account))]
    for (const session of envelope.targets) session.send(stamped)
  }

  function storable(request: Element): string {
    const whole = String(request)
    return whole.length <= settings.longestRequest ? whole : String(request.without(() => true))
  }
}

/** RFC 6121 §3.4.2: an approval of what was not asked for is kept for when it is; `unsubscribed` takes it back. */
function approval(before: Item, type: SubscriptionType, passes: boolean): boolean {
  if (type === 'unsubscribed') return false
  return before.isApproved || (type === 'subscribed' && !passes && !seesUser(before.state))
}

/** The step that an incoming stanza makes; a request that was approved beforehand is granted at once (RFC 6121 §3.4.2). */
function answer(type: SubscriptionType, { state, isApproved }: Item): Step {
  const step = inbound(type, state)
  if (type !== 'subscribe' || !isApproved || !isPendingIn(step.state)) return step
  return { passes: false, state: outbound('subscribed', step.state).state, reply: 'subscribed' }
}

/** What a contact is told when the account lets go of it: the end of what was there (RFC 6121 §2.5.2). */
export function farewells(state: Item['state']): SubscriptionType[] {
  const types: SubscriptionType[] = []
  if (outbound('unsubscribe', state).state !== state) types.push('unsubscribe')
  if (seesUser(state)) types.push('unsubscribed')
  return types
}

/** A subscription stanza between bare addresses. */
export const subscriptionStanza = (type: SubscriptionType, from: Jid, contact: string): Element =>
  Client('presence', { type, from: String(from), to: contact })
