// RFC 6121 §2 and §3: the roster and presence subscriptions

import type { Account } from '../../core/account.ts'
import { defineModule, type OwnRequest } from '../../core/module.ts'
import { accountLoaded, accountRemoved, iqIn, iqOut } from '../../core/points.ts'
import { count } from '../../lib/settings.ts'
import { type Element, namespace } from '../../xml/element.ts'
import { parseElement } from '../../xml/parser.ts'
import { StanzaError } from '../../xmpp/error.ts'
import { Jid } from '../../xmpp/jid.ts'
import { farewells, keepSubscriptions, subscriptionStanza } from './flows.ts'
import { type Item, itemElement, Roster, readWish, stranger } from './item.ts'
import { contactMoved, subscriberGained, subscriberLost } from './points.ts'
import { Rosters } from './rosters.ts'
import { migrations, RosterStore } from './store.ts'
import { isPendingIn, isPendingOut, type Subscription, seesContact, seesUser, subscriptionIn } from './subscription.ts'

export { contactMoved, type Subscriber, subscriberGained, subscriberLost } from './points.ts'
export type { Subscription } from './subscription.ts'

const Versioning = namespace<'ver'>('urn:xmpp:features:rosterver')
const PreApproval = namespace<'sub'>('urn:xmpp:features:pre-approval')

export interface Contact {
  readonly jid: Jid
  readonly name: string
  readonly groups: readonly string[]
  readonly subscription: Subscription
}

/** Of accounts in memory; answers at once. Addresses may be full: what counts is their bare part. */
export interface RosterApi {
  subscriptionOf(account: Account, contact: Jid): Subscription
  /** The contact is in the roster, with a subscription or without. */
  knows(account: Account, contact: Jid): boolean
  /** The contact may see the account's presence. */
  isSubscriber(account: Account, contact: Jid): boolean
  /** Neither the user, nor the host, nor anybody in the roster or who may see the account's presence. */
  isStranger(account: Account, other: Jid): boolean
  /** The groups in which the contact is; none for who is no contact. */
  groupsOf(account: Account, contact: Jid): readonly string[]
  items(account: Account): Contact[]
  /** Bare addresses of those who may see the account's presence. */
  subscribers(account: Account): Iterable<string>
  /** Bare addresses of those whose presence the account may see. */
  subscriptions(account: Account): Iterable<string>
  /** Bare addresses of those who have not answered the account's request. */
  unanswered(account: Account): Iterable<string>
  /** The subscription requests that wait for the account's answer. */
  requests(account: Account): Element[]
  /** Makes the other a contact whom the account sees and who sees the account. In the account's turn; the other side is not told. */
  add(account: Account, contact: Jid, name?: string): Promise<void>
  /** Makes two accounts of this host each other's contacts, in the turn of each; not to be awaited in either's turn. */
  befriend(one: Account, other: Account): Promise<void>
}

export const roster = defineModule({
  name: 'roster',
  about: 'Contact lists, and who may see whose presence.',
  xeps: [],
  features: [Roster.uri],
  settings: {
    contacts: count(2000, { min: 1, max: 100_000 }, 'How many contacts an account may have.'),
    requests: count(100, { min: 1, max: 10_000 }, 'How many subscription requests may wait for an answer.'),
    longestRequest: count(
      4096,
      { min: 256 },
      'Characters of a subscription request that are kept; of a longer one only the addresses are.',
    ),
    longestName: count(1024, { min: 1 }, 'Characters that the name of a contact or of a group may have.'),
    groupsPerContact: count(50, { min: 1, max: 1000 }, 'How many groups a contact may be in.'),
  },
  migrations,

  setup(host): RosterApi {
    const { db, iq, on, stream } = host
    const store = new RosterStore(db)
    const rosters = new Rosters(store)

    stream.feature('authenticated', Versioning('ver'))
    stream.feature('authenticated', PreApproval('sub'))
    on(accountLoaded, function loadRoster(account) {
      return rosters.load(account)
    })
    on(accountRemoved, async function leaveContacts({ account, db, afterwards }) {
      const store = new RosterStore(db)
      const items = await store.items(account)
      await store.removeAll(account)
      afterwards(() => {
        const jid = Jid.of(account, host.domain)
        for (const item of items) for (const type of farewells(item.state)) host.send(subscriptionStanza(type, jid, item.jid))
      })
    })

    iq.self.get(Roster, 'query', function tellRoster({ account, session, payload }) {
      rosters.follow(session)
      const ver = rosters.version(account)
      if (payload.attrs['ver'] === ver) return // RFC 6121 §2.6.3: what the client has is the roster
      return Roster('query', { ver }, ...listed(account).map(itemElement))
    })
    iq.self.set(Roster, 'query', changeRoster)
    // RFC 6121 §2.3.3: only the account itself reads or changes its roster. Said before it is known whether there is such an account.
    on(iqOut.check, function refuseOthers({ account, stanza, to }) {
      const isOfAnother = to.isBare && to.local !== '' && !to.equals(account.jid)
      const { type } = stanza.attrs
      if (isOfAnother && (type === 'get' || type === 'set') && stanza.child(Roster, 'query') !== undefined)
        throw new StanzaError('forbidden')
    })
    // RFC 6121 §2.1.6: a roster push comes from the server alone, and never this way.
    on(iqIn.check, function refuseForgedPush({ stanza, to }) {
      if (to.resource !== '' && stanza.attrs['type'] === 'set' && stanza.child(Roster, 'query') !== undefined) {
        throw new StanzaError('service-unavailable')
      }
    })
    keepSubscriptions(host, rosters)

    const listed = (account: Account): Item[] => [...rosters.items(account)].filter(item => item.isListed)

    async function changeRoster({ account, payload }: OwnRequest): Promise<void> {
      const { jid, isRemoval, name, groups } = readWish(payload, host.settings)
      if (jid.equals(account.jid)) throw new StanzaError('not-allowed', 'an account is no contact of its own')
      const before = rosters.item(account, jid)
      if (isRemoval) return remove(account, jid, before)
      if (!before.isListed) mustHaveRoom(account)
      const item = { ...before, name, groups, isListed: true }
      await rosters.save(account, item)
      rosters.push(account, item)
      await tellMoved(account, before, item)
    }

    async function tellMoved(account: Account, { jid, groups: former }: Item, { groups }: Item): Promise<void> {
      if (new Set([...former, ...groups]).size === former.length && former.length === groups.length) return
      await host.hooks.run(contactMoved, { account, contact: Jid.parse(jid), former })
    }

    async function remove(account: Account, jid: Jid, before: Item): Promise<void> {
      if (!before.isListed) throw new StanzaError('item-not-found')
      // A request that waits for an answer goes on waiting.
      const request = isPendingIn(before.state) ? before.request : undefined
      const item: Item = { ...stranger(before.jid), state: request === undefined ? 'none' : 'none+in', request }
      await rosters.save(account, item)
      if (seesUser(before.state)) await host.hooks.run(subscriberLost, { account, contact: jid })
      for (const type of farewells(before.state)) host.send(subscriptionStanza(type, account.jid, before.jid))
      rosters.push(account, item)
      await tellMoved(account, before, item)
    }

    async function add(account: Account, contact: Jid, name = ''): Promise<void> {
      if (contact.bare.equals(account.jid)) return
      const before = rosters.item(account, contact.bare)
      if (!before.isListed) mustHaveRoom(account)
      const item: Item = { ...before, name: before.name || name, state: 'both', isListed: true, isApproved: false, request: undefined }
      await rosters.save(account, item)
      rosters.push(account, item)
      if (!seesUser(before.state)) await host.hooks.run(subscriberGained, { account, contact: contact.bare })
    }

    async function befriend(one: Account, other: Account): Promise<void> {
      for (const [account, contact] of [
        [one, other],
        [other, one],
      ] as const) {
        await account.turn.take(() => (account.exists ? add(account, contact.jid) : undefined))
      }
    }

    function mustHaveRoom(account: Account): void {
      if (rosters.listed(account) >= host.settings.contacts) throw new StanzaError('resource-constraint', 'the roster is full')
    }

    function* whose(account: Account, test: (state: Item['state']) => boolean): Iterable<string> {
      for (const item of rosters.items(account)) if (test(item.state)) yield item.jid
    }

    return {
      subscriptionOf: (account, contact) => subscriptionIn(rosters.item(account, contact.bare).state),
      knows: (account, contact) => rosters.item(account, contact.bare).isListed,
      isSubscriber: (account, contact) => seesUser(rosters.item(account, contact.bare).state),
      groupsOf: (account, contact) => rosters.item(account, contact.bare).groups,
      isStranger: (account, { bare }) => {
        const { isListed, state } = rosters.item(account, bare)
        return !isListed && !seesUser(state) && !bare.equals(account.jid) && !bare.equals(host.jid)
      },
      items: account =>
        listed(account).map(({ jid, name, groups, state }) => ({ jid: Jid.parse(jid), name, groups, subscription: subscriptionIn(state) })),
      subscribers: account => whose(account, seesUser),
      subscriptions: account => whose(account, seesContact),
      unanswered: account => whose(account, isPendingOut),
      requests: account =>
        [...rosters.items(account)].flatMap(({ request }) =>
          request === undefined ? [] : [parseElement(request, undefined, 'jabber:client')],
        ),
      add,
      befriend,
    }
  },
})
