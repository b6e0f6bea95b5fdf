// XEP-0163: Personal Eventing Protocol, and XEP-0060: Publish-Subscribe, of which every account is a service

import type { Account } from '../../core/account.ts'
import { type AccountRequest, defineModule, xep } from '../../core/module.ts'
import { accountRemoved, point, presenceBroadcast, presenceIn, secretsDestroyed, sessionEnded } from '../../core/points.ts'
import { count, size } from '../../lib/settings.ts'
import type { Element } from '../../xml/element.ts'
import type { Jid } from '../../xmpp/jid.ts'
import { blocking } from '../blocking/blocking.ts'
import { caps, interestsLearned } from '../caps/caps.ts'
import { roster } from '../roster/roster.ts'
import { AccountPlace } from './account-place.ts'
import type { Context } from './context.ts'
import { Eventing } from './eventing.ts'
import { ACCOUNT_FEATURES } from './features.ts'
import { Listeners } from './listeners.ts'
import { PubSub, PubSubOwner } from './namespaces.ts'
import { Notifier } from './notifier.ts'
import { type Pep, type PublishedItem, parsed, pepOf } from './pep.ts'
import type { Place } from './place.ts'
import { answer, GET, OWNER_GET, OWNER_SET, SET } from './requests.ts'
import { migrations, removeAll, removeExpired } from './rows.ts'

export type { NodeConfig } from './node-config.ts'
export type { Pep, PublishedItem } from './pep.ts'

interface Happened {
  readonly account: Account
  readonly node: string
  /** Whose request it was: a client of the owner, or another publisher; the account itself if it was another module. */
  readonly by: Jid
}

/**
 * In the account's turn, when items of one of its nodes are safe on disk and subscribers have been told: handlers may publish and retract
 * by `Pep`. The order of the items is that of their publication.
 */
export const itemPublished = point<Happened & { readonly items: readonly PublishedItem[] }>('pubsub.published')
/** The same, when items are gone: retracted, purged, with their node, or to make room for those that `itemPublished` has told of before. */
export const itemRetracted = point<Happened & { readonly ids: readonly string[] }>('pubsub.retracted')

export const pubsub = defineModule({
  name: 'pubsub',
  about: 'Clients keep at the account what contacts or their own devices shall know, and hear of changes.',
  xeps: [xep(163, '1.2.2')],
  accountFeatures: ACCOUNT_FEATURES,
  needs: { blocking, caps, roster },
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

  setup({ clock, db, discovery, hooks, iq, needs, on, send, settings }): Pep {
    discovery.account.identities.push({ category: 'pubsub', type: 'pep' })
    const listeners = new Listeners()
    const notifier = new Notifier(send)
    const places = new WeakMap<Account, AccountPlace>()
    const around = { roster: needs.roster, isBlocked: needs.blocking.isBlocked, listeners }
    const eventing = new Eventing({ caps: needs.caps, roster: needs.roster, listeners, notifier, placeOf })
    const context: Context = {
      notifier,
      async published(place, node, items, by) {
        const account = accountOf(place)
        if (account !== undefined) await hooks.run(itemPublished, { account, node: node.name, items: items.map(parsed), by })
      },
      async removed(place, node, ids, by) {
        const account = accountOf(place)
        if (account !== undefined) await hooks.run(itemRetracted, { account, node: node.name, ids, by })
      },
    }

    async function placeOf(account: Account): Promise<AccountPlace> {
      const place = places.get(account) ?? new AccountPlace(account, around, db, clock, settings)
      places.set(account, place)
      await place.load()
      return place
    }

    for (const table of [iq.self, iq.account]) {
      const by =
        (answers: typeof GET) =>
        async ({ account, from, payload }: AccountRequest): Promise<Element | void> =>
          answer(answers, context, await placeOf(account), from, payload)
      table.get(PubSub, 'pubsub', by(GET))
      table.set(PubSub, 'pubsub', by(SET))
      table.get(PubSubOwner, 'pubsub', by(OWNER_GET))
      table.set(PubSubOwner, 'pubsub', by(OWNER_SET))
    }

    on(presenceBroadcast, function followOwn({ session, stanza }) {
      return eventing.ownPresence(session, stanza)
    })
    on(sessionEnded, function forgetOwn(session) {
      listeners.removeOwn(session)
    })
    on(presenceIn.after, function followOthers(envelope) {
      return eventing.presence(envelope)
    })
    on(interestsLearned, function tellWhatIsThere({ account, client, interests }) {
      return eventing.learned(account, client, interests)
    })
    on(accountRemoved, function removeNodes({ account, db: inner }) {
      return removeAll(inner, account)
    })
    on(secretsDestroyed, function removeOldItems() {
      return removeExpired(db, clock.now())
    })

    return pepOf(context, placeOf)
  },
})

const accountOf = (place: Place): Account | undefined => (place instanceof AccountPlace ? place.account : undefined)
