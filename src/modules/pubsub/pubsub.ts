// XEP-0163: Personal Eventing Protocol, and XEP-0060: Publish-Subscribe, of which every account is a service

import type { Account } from '../../core/account.ts'
import { type AccountRequest, defineModule, xep } from '../../core/module.ts'
import {
  accountLocked,
  accountRegained,
  accountRemoved,
  accountReset,
  messageIn,
  point,
  presenceBroadcast,
  presenceIn,
  secretsDestroyed,
  sessionEnded,
  sessionSuspended,
} from '../../core/points.ts'
import type { Session } from '../../core/session.ts'
import { count, size } from '../../lib/settings.ts'
import type { Jid } from '../../xmpp/jid.ts'
import { blocking, blockListChanged } from '../blocking/blocking.ts'
import { caps, interestsLearned } from '../caps/caps.ts'
import { commands } from '../commands/commands.ts'
import { discovery } from '../discovery.ts'
import { contactMoved, roster, subscriberGained, subscriberLost } from '../roster/roster.ts'
import { AccountPlace } from './account-place.ts'
import { readAuthorization, takeAuthorization } from './authorization.ts'
import { takeBounce } from './bounce.ts'
import { changesOf } from './change.ts'
import type { Context } from './context.ts'
import { discoverItems, discoverNode, discoverNodes } from './disco.ts'
import { Eventing } from './eventing.ts'
import { ACCOUNT_FEATURES } from './features.ts'
import { Fleeting } from './fleeting.ts'
import { Listeners } from './listeners.ts'
import type { NodeConfig } from './node-config.ts'
import { Notifier } from './notifier.ts'
import { getPending } from './pending-command.ts'
import { type Follow, type Pep, type PublishedItem, parsed, pepOf } from './pep.ts'
import type { Place } from './place.ts'
import { answer, REQUESTS } from './requests.ts'
import { hasTemporary, migrations, removeAll, removeExpired } from './rows.ts'
import { endTemporary } from './subscription-changes.ts'

export type { NodeChange } from './change.ts'
export type { NodeConfig } from './node-config.ts'
export type { ClientChange, Pep, PublishedItem } from './pep.ts'

interface Happened {
  readonly account: Account
  readonly node: string
  /** Whose request it was: a client of the owner, or another publisher; the account itself if it was another module. */
  readonly by: Jid
}

/**
 * In the account's turn, when items of one of its nodes are safe on disk and subscribers have been told: handlers may publish and retract
 * by `Pep`. What they throw is logged, and refuses nothing. The order of the items is that of their publication.
 */
export const itemPublished = point<Happened & { readonly items: readonly PublishedItem[] }>('pubsub.published')
/** The same, when items are gone: retracted, purged, with their node, or to make room for those that `itemPublished` has told of before. */
export const itemRetracted = point<Happened & { readonly ids: readonly string[] }>('pubsub.retracted')

/** The same, when a node is configured in another way, such as for other readers. */
export const nodeConfigured = point<{ readonly account: Account; readonly node: string }>('pubsub.configured')

/** In the account's turn, before anything is done with its nodes: they have just been read, private ones if the account is open. */
export const nodesRead = point<Account>('pubsub.read')

export const pubsub = defineModule({
  name: 'pubsub',
  about: 'Clients keep at the account what contacts or their own devices shall know, and hear of changes.',
  xeps: [xep(163, '1.2.2')],
  accountFeatures: ACCOUNT_FEATURES,
  needs: { blocking, caps, commands, discovery, roster },
  settings: {
    nodes: count(200, { min: 1, max: 10_000 }, 'How many nodes an account may have.'),
    items: count(1000, { min: 1, max: 100_000 }, 'How many items a node may have.'),
    payload: size('256KiB', 'How large an item may be.', { min: 1024 }),
    bytes: size('10MiB', 'How large all items of an account may be together.', { min: 4096 }),
    subscriptions: count(1000, { min: 1, max: 100_000 }, 'How many subscriptions there may be to the nodes of an account.'),
    affiliations: count(1000, { min: 1, max: 100_000 }, 'How many affiliations of others there may be with the nodes of an account.'),
    changes: count(600, { min: 1 }, 'How often in a minute something may be changed of which contacts are notified.'),
  },
  migrations,

  setup({ clock, db, discovery: described, hooks, iq, log, needs, on, rows, send, settings }): Pep {
    described.account.identities.push({ category: 'pubsub', type: 'pep' })
    const listeners = new Listeners()
    const notifier = new Notifier(send)
    const fleeting = new Fleeting(log)
    const places = new WeakMap<Account, AccountPlace>()
    /** Whose nodes were not asked for yet, and have no subscribers that stay for as long as they are available. */
    const withoutTemporary = new WeakSet<Account>()
    const usual = new Map<string, Partial<NodeConfig>>()
    const around = { roster: needs.roster, isBlocked: needs.blocking.isBlocked, listeners, sealed: rows, usual }
    const eventing = new Eventing({ caps: needs.caps, roster: needs.roster, listeners, notifier, placeOf }, clock)
    const follows = new Map<string, Follow>()
    const failed = (_: string, error: unknown): void => log.fault('pubsub.told', error)
    const context: Context = {
      notifier,
      async alongside(place, { node, items, retracted, surplus }) {
        const account = accountOf(place)
        const follow = follows.get(node.name)
        if (account === undefined || follow === undefined) return []
        const changes = await follow(account, { published: items.map(parsed), retracted: [...retracted, ...surplus] })
        return changesOf(place, changes, account.jid)
      },
      async published(place, node, items, by) {
        const account = accountOf(place)
        if (account === undefined) return
        fleeting.published(account, node, items, by)
        await hooks.tell(itemPublished, { account, node: node.name, items: items.map(parsed), by }, failed)
      },
      async configured(place, node, before) {
        const account = accountOf(place)
        if (account === undefined) return
        await eventing.nodeConfigured(account, node, before)
        await hooks.tell(nodeConfigured, { account, node: node.name }, failed)
      },
      async removed(place, node, ids, by) {
        const account = accountOf(place)
        if (account !== undefined) await hooks.tell(itemRetracted, { account, node: node.name, ids, by }, failed)
      },
    }

    async function placeOf(account: Account): Promise<AccountPlace> {
      const place = places.get(account) ?? new AccountPlace(account, around, db, clock, settings)
      places.set(account, place)
      if (await place.load()) {
        await fleeting.sweep(context, place)
        await hooks.tell(nodesRead, account, failed)
      }
      return place
    }

    for (const table of [iq.self, iq.account]) {
      for (const { ns, type, answers } of REQUESTS) {
        table[type](ns, 'pubsub', async ({ account, from, payload }: AccountRequest) =>
          answer(answers, context, await placeOf(account), from, payload),
        )
      }
    }

    needs.discovery.account.nodes.push({
      info: async (node, { account, from }) => discoverNode(await placeOf(account), node, from),
      items: async (node, { account, from }) => discoverItems(await placeOf(account), node, from),
    })
    needs.discovery.account.items.push(async ({ account, from }) => discoverNodes(await placeOf(account), from))

    needs.commands.add(getPending(context, ({ account }) => placeOf(account)))
    // XEP-0060 §8.6: the owner answers to the account itself; no device shall be shown that.
    on(messageIn.check, function takeAnswer({ account, stanza, from, to }) {
      if (!to.isBare) return
      if (stanza.attrs['type'] === 'error') {
        // Before something was sent nothing can come back.
        const known = places.get(account)
        return known && takeBounce(context, known, stanza, from)
      }
      const form = from.bare.equals(account.jid) ? readAuthorization(stanza) : undefined
      return (
        form &&
        placeOf(account)
          .then(place => takeAuthorization(context, place, from, form))
          .then(() => 'drop' as const)
      )
    })

    on(presenceBroadcast, function followOwn({ session, stanza }) {
      const followed = eventing.ownPresence(session, stanza)
      return stanza.attrs['type'] === 'unavailable' ? left(session) : followed
    })
    for (const point of [sessionEnded, sessionSuspended]) {
      on(point, function forgetOwn(session) {
        listeners.removeOwn(session)
        return left(session)
      })
    }
    on(presenceIn.after, function followOthers(envelope) {
      const { account, stanza, from } = envelope
      const followed = eventing.presence(envelope)
      return stanza.attrs['type'] === 'unavailable' ? endOfPresence(account, from) : followed
    })
    function endOfPresence(account: Account, client: Jid): void | Promise<void> {
      const end = (place: AccountPlace): void | Promise<void> =>
        endTemporary(context, place, client, listeners.of(account, String(client.bare)))
      const known = places.get(account)
      if (known !== undefined) return end(known)
      if (withoutTemporary.has(account)) return
      return hasTemporary(db, account.name).then(async isSo => {
        if (isSo) return end(await placeOf(account))
        withoutTemporary.add(account)
      })
    }
    on(subscriberGained, function tellSubscriber({ account, contact }) {
      return eventing.contactChanged(context, account, contact, { seesPresence: false })
    })
    on(subscriberLost, function endSubscriptions({ account, contact }) {
      return eventing.contactChanged(context, account, contact, { seesPresence: true })
    })
    on(contactMoved, function reviewContact({ account, contact, former }) {
      return eventing.contactChanged(context, account, contact, { groups: former })
    })
    on(blockListChanged, function forgetBlocked({ account, isNewlyBlocked }) {
      // Of their presence nothing is heard any more, not even that they are gone.
      for (const { jid } of [...listeners.others(account)]) if (isNewlyBlocked(jid)) listeners.remove(account, jid)
    })
    on(interestsLearned, function tellWhatIsThere({ account, client, interests }) {
      return eventing.learned(account, client, interests)
    })
    const left = (session: Session): void | Promise<void> => fleeting.left(context, () => placeOf(session.account), session)

    on(accountLocked, function forgetPrivate(account) {
      // What is under way for it has read what would be overwritten.
      return account.turn.take(() => places.get(account)?.lock())
    })
    on(accountRegained, function readAnew(account) {
      places.get(account)?.lock()
    })
    on(accountReset, function forgetLost({ account, afterwards }) {
      afterwards(() => places.get(account)?.forget())
    })
    on(accountRemoved, function removeNodes({ account, db: inner }) {
      return removeAll(inner, account)
    })
    on(secretsDestroyed, function removeOldItems() {
      return removeExpired(db, clock.now())
    })

    return pepOf(context, placeOf, { follows, usual })
  },
})

const accountOf = (place: Place): Account | undefined => (place instanceof AccountPlace ? place.account : undefined)
