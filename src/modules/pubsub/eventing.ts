// XEP-0163 §4: receiving event notifications, and XEP-0060 §9.1 and §9.2

import type { Account } from '../../core/account.ts'
import type { Clock } from '../../core/clock.ts'
import type { Incoming } from '../../core/points.ts'
import type { Session } from '../../core/session.ts'
import { LimitedEach } from '../../lib/limited.ts'
import { type Element, namespace } from '../../xml/element.ts'
import type { Jid } from '../../xmpp/jid.ts'
import { Client } from '../../xmpp/stanza.ts'
import { type CapsApi, type Interests, NO_INTERESTS } from '../caps/caps.ts'
import type { RosterApi } from '../roster/roster.ts'
import { may, type Standing } from './access.ts'
import type { AccountPlace } from './account-place.ts'
import type { Context } from './context.ts'
import { readLast } from './items.ts'
import type { Listener, Listeners } from './listeners.ts'
import type { Node } from './node.ts'
import type { NodeConfig } from './node-config.ts'
import type { Notifier } from './notifier.ts'
import type { Receiver } from './place.ts'
import { reviewSubscriptions } from './subscription-changes.ts'

const MucUser = namespace<'x'>('http://jabber.org/protocol/muc#user')

interface Surroundings {
  readonly caps: CapsApi
  readonly roster: RosterApi
  readonly listeners: Listeners
  readonly notifier: Notifier
  /** Loaded. */
  placeOf(account: Account): Promise<AccountPlace>
}

/** So often in a minute the clients of one address are told what was published last: whoever comes and goes all the time costs little. */
const MOST_GREETINGS = 30
const MINUTE = 60_000
const MOST_REMEMBERED = 1000

/** Follows who is available and wants to hear of what, and tells those who come what was published last. In the account's turn. */
export class Eventing {
  readonly #around: Surroundings
  /** By account and bare address. */
  readonly #greetings: LimitedEach

  constructor(around: Surroundings, clock: Clock) {
    this.#around = around
    this.#greetings = new LimitedEach(MOST_GREETINGS, MINUTE, () => clock.now(), MOST_REMEMBERED)
  }

  /** A client of the account says that it is available, or is not any more. */
  ownPresence(session: Session, presence: Element): void | Promise<void> {
    const { caps, listeners } = this.#around
    if (presence.attrs['type'] === 'unavailable') return listeners.removeOwn(session)
    const interests = caps.interestsOf(session.account, session.jid, presence)
    if (interests !== undefined) return this.#ownInterests(session, interests)
    listeners.ask(session)
  }

  /** Somebody else's client, as far as the account may be told of it. */
  presence({ account, stanza, from, to }: Incoming): void | Promise<void> {
    const { listeners, roster } = this.#around
    const { type } = stanza.attrs
    if (from.isBare || from.bare.equals(account.jid)) return
    if (type === 'unavailable' || type === 'error') return listeners.remove(account, from)
    if (type !== undefined) return
    if (roster.isSubscriber(account, from)) return this.#available(account, from, stanza, false)
    // XEP-0060 §9.1.3: whoever has shown himself to the account; a room shows somebody to all who are in it.
    if (to.isBare && stanza.child(MucUser, 'x') === undefined) return this.#shared(account, from, stanza)
  }

  /** Who may know of no node must not learn from a question either that there is such an account. */
  async #shared(account: Account, from: Jid, stanza: Element): Promise<void> {
    const place = await this.#around.placeOf(account)
    if (place.isKnownTo(from)) await this.#available(account, from, stanza, true)
  }

  #available(account: Account, jid: Jid, stanza: Element, isSharer: boolean): void | Promise<void> {
    const { caps, listeners } = this.#around
    const show = stanza.child(Client, 'show')?.text ?? 'online'
    const listener = { jid, show, interests: listeners.get(account, jid)?.interests, isSharer }
    listeners.set(account, listener)
    const interests = caps.interestsOf(account, jid, stanza)
    return interests && this.#hears(account, listener, interests)
  }

  /** It is known what somebody else's client wants to hear. Of a stranger's that is kept which there is for him, so that it is not much. */
  #hears(account: Account, listener: Listener, interests: Interests): void | Promise<void> {
    if (!listener.isSharer) return this.#follows(account, listener, interests)
    return this.#around.placeOf(account).then(place => {
      const names = place.nodes(listener.jid).map(({ name }) => name)
      return this.#follows(account, listener, new Set(names.filter(name => interests.has(name))))
    })
  }

  #follows(account: Account, listener: Listener, interests: Interests): void | Promise<void> {
    this.#around.listeners.set(account, { ...listener, interests })
    return this.#tellLast(account, interests, listener.interests, { to: String(listener.jid) }, listener.jid)
  }

  /** A client that was asked has said of what it wants to hear. */
  learned(account: Account, client: Jid, interests: Interests): void | Promise<void> {
    const { listeners } = this.#around
    const session = client.bare.equals(account.jid) ? account.sessions.get(client.resource) : undefined
    if (session !== undefined) return session.isAvailable ? this.#ownInterests(session, interests) : undefined
    const listener = listeners.get(account, client)
    return listener && this.#hears(account, listener, interests)
  }

  /**
   * What a contact may read may be more now, or less (XEP-0163 §7.1): his subscriptions are looked at anew, and what his clients could not
   * hear before they hear now (XEP-0060 §12.2). `before` says what was otherwise.
   */
  async contactChanged(context: Context, account: Account, contact: Jid, before: Partial<Standing>): Promise<void> {
    const place = await this.#around.placeOf(account)
    for (const node of [...place.all()]) if (node.subscriptions.size > 0) await reviewSubscriptions(context, place, node, contact)
    for (const { jid, interests = NO_INTERESTS } of [...this.#around.listeners.of(account, String(contact.bare))]) {
      const gained = [...interests].filter(name => {
        const node = place.find(name)
        return node !== undefined && !may('retrieve', { ...place.standingOf(node, jid), ...before }, node.config)
      })
      await this.#tellLastOf(account, gained, { to: String(jid), seesPresence: true }, jid)
    }
  }

  /** The same when it is the node that has changed. */
  async nodeConfigured(account: Account, node: Node, before: NodeConfig): Promise<void> {
    const { listeners } = this.#around
    if (before.accessModel === node.config.accessModel && String(before.rosterGroups) === String(node.config.rosterGroups)) return
    const place = await this.#around.placeOf(account)
    for (const { jid, interests } of [...listeners.others(account)]) {
      if (!interests?.has(node.name) || may('retrieve', place.standingOf(node, jid), before)) continue
      await this.#tellLastOf(account, [node.name], { to: String(jid), seesPresence: true }, jid)
    }
  }

  #ownInterests(session: Session, interests: Interests): void | Promise<void> {
    const { listeners } = this.#around
    const known = listeners.ofOwn(session)
    const held = listeners.setOwn(session, interests).filter(({ node }) => interests.has(node))
    for (const { message } of held) session.send(message)
    // What it has just been told is the last item.
    const before = held.length === 0 ? known : new Set([...(known ?? []), ...held.map(({ node }) => node)])
    const receiver = { to: String(session.jid), deliver: (message: Element) => session.send(message) }
    return this.#tellLast(session.account, interests, before, receiver, session.jid)
  }

  /** XEP-0163 §4.3.4: the last item of each node, to a client that has not wanted to hear of it before. */
  #tellLast(
    account: Account,
    interests: Interests,
    before: Interests | undefined,
    receiver: Omit<Receiver, 'seesPresence'>,
    who: Jid,
  ): void | Promise<void> {
    const fresh = interests === before ? [] : [...interests].filter(node => !before?.has(node))
    return fresh.length === 0 ? undefined : this.#tellLastOf(account, fresh, { ...receiver, seesPresence: false }, who)
  }

  async #tellLastOf(account: Account, names: readonly string[], receiver: Receiver, who: Jid): Promise<void> {
    if (names.length === 0 || this.#greetings.isTooMuch(`${account.name} ${who.bare}`)) return
    const place = await this.#around.placeOf(account)
    for (const name of names) {
      const node = place.find(name)
      if (node === undefined || node.config.sendLast !== 'on_sub_and_presence' || !node.config.deliverNotifications) continue
      if (!may('retrieve', place.standingOf(node, who), node.config)) continue
      const item = await readLast(place, node)
      if (item !== undefined) this.#around.notifier.tellLast(place, node, item, receiver)
    }
  }
}
