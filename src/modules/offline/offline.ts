// XEP-0160: Best Practices for Handling Offline Messages

import type { Account } from '../../core/account.ts'
import { defineModule, xep } from '../../core/module.ts'
import {
  accountLoaded,
  accountRemoved,
  messageBehind,
  messagesAcknowledged,
  messageUndelivered,
  presenceBroadcast,
  sessionEnded,
} from '../../core/points.ts'
import { count, duration, size } from '../../lib/settings.ts'
import { type Element, namespace } from '../../xml/element.ts'
import { Delay } from '../../xmpp/delay.ts'
import { Hints, isNoStore, isStore } from '../../xmpp/hints.ts'
import { Jid } from '../../xmpp/jid.ts'
import { Client } from '../../xmpp/stanza.ts'
import { roster } from '../roster/roster.ts'
import { Backlogs } from './backlogs.ts'
import { migrations, OfflineStore } from './store.ts'

const ChatStates = namespace('http://jabber.org/protocol/chatstates')
const StanzaIds = namespace('urn:xmpp:sid:0')

const SWEEP_EVERY = 6 * 60 * 60_000

export const offline = defineModule({
  name: 'offline',
  about: 'Keeps messages for those who are away, until a client has them.',
  xeps: [xep(160, '1.0.1'), xep(203, '2.0')],
  features: ['msgoffline'],
  needs: { roster },
  settings: {
    messages: count(
      1000,
      { min: 1, max: 1_000_000 },
      'How many messages may wait for an account; those of strangers take a quarter of it at most.',
    ),
    bytes: size('20MiB', 'How large they may be together; those of strangers a quarter of it.', { min: 262_144 }),
    keepFor: duration('7d', 'How long a message waits; then it is removed.'),
  },
  migrations,

  setup(host) {
    const { accounts, clock, db, log, needs, on, settings } = host
    const store = new OfflineStore(db)
    const backlogs = new Backlogs(host, store)

    on(accountLoaded, function countMessages(account) {
      return backlogs.load(account)
    })
    on(accountRemoved, function removeMessages({ account, db }) {
      return new OfflineStore(db).removeAll(account)
    })

    on(messageUndelivered, function keepForLater({ account, stanza, position }) {
      if (isOfTheMoment(stanza)) return 'kept' // XEP-0160 §3 does not want it stored, and its sender need not hear of it
      if (!account.exists) return
      if (isNoStore(stanza)) return position !== undefined || mayKnow(account, stanza) ? undefined : 'kept'
      return backlogs.keep(account, stanza, isFromStranger(account, stanza), position)
    })

    // What cannot or need not be kept goes past: late, it would be of no use, or be lost.
    on(messageBehind, function waitInLine({ account, session, stanza }) {
      if (!backlogs.isBehind(session) || !isToBeKept(stanza) || isOfTheMoment(stanza) || isNoStore(stanza)) return
      return backlogs.keepBehind(account, stanza, isFromStranger(account, stanza)).catch(error => log.fault('offline.behind', error))
    })

    on(presenceBroadcast, function deliverKept({ session }) {
      // It has been told to others already: that the disk fails must not refuse the presence.
      return backlogs.appear(session)?.catch(error => log.fault('offline.deliver', error))
    })
    on(messagesAcknowledged, function removeDelivered({ account, position }) {
      return backlogs.acknowledge(account, position)
    })
    on(sessionEnded, function handOn(session) {
      return backlogs.hand(session)
    })

    /** A refusal says that nobody is there just now: that is for those who may know it. */
    function mayKnow(account: Account, { attrs: { from = '' } }: Element): boolean {
      const sender = Jid.parse(from)
      return sender.bare.equals(account.jid) || needs.roster.isSubscriber(account, sender)
    }

    function isFromStranger(account: Account, { attrs: { from = '' } }: Element): boolean {
      const sender = Jid.parse(from)
      const isOwn = sender.bare.equals(account.jid) || sender.bare.equals(host.jid)
      return !isOwn && !needs.roster.knows(account, sender) && !needs.roster.isSubscriber(account, sender)
    }

    async function sweep(): Promise<void> {
      for (const name of await store.accountsWithOlder(clock.now() - settings.keepFor)) {
        const account = accounts.of(name)
        await account.turn.take(() => backlogs.expire(account))
      }
    }
    clock.after(SWEEP_EVERY, function sweepAgain() {
      sweep().catch(error => log.fault('offline.sweep', error))
      clock.after(SWEEP_EVERY, sweepAgain)
    })
  },
})

/** What RFC 6121 §8.5.2.2.1 keeps when nobody is there. */
const isToBeKept = ({ attrs: { type = 'normal' } }: Element): boolean => type === 'chat' || type === 'normal'

/** It says no more than what the sender is doing now (XEP-0160 §3), unless it asks to be kept (XEP-0334 §4.4). */
function isOfTheMoment(message: Element): boolean {
  return !isStore(message) && message.elements().every(child => ASIDE.has(child.ns) || child.is(Client, 'thread'))
}

/** Chat states, and what says nothing without the content that it is about. */
const ASIDE: ReadonlySet<string> = new Set([ChatStates.uri, StanzaIds.uri, Hints.uri, Delay.uri])
