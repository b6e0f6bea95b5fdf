// XEP-0160: Best Practices for Handling Offline Messages

import type { Account } from '../../core/account.ts'
import { defineModule, xep } from '../../core/module.ts'
import {
  accountLoaded,
  accountReset,
  archiveShown,
  messageBehind,
  messagesAcknowledged,
  messageUndelivered,
  presenceBroadcast,
  secretsDestroyed,
  sessionEnded,
  sessionResumed,
  sessionSuspended,
} from '../../core/points.ts'
import { count, size } from '../../lib/settings.ts'
import { type Element, namespace } from '../../xml/element.ts'
import { Delay } from '../../xmpp/delay.ts'
import { StanzaError } from '../../xmpp/error.ts'
import { Hints, isNoStore, isStore } from '../../xmpp/hints.ts'
import { Jid } from '../../xmpp/jid.ts'
import { Client, errorTo } from '../../xmpp/stanza.ts'
import { retention, retentionChanged } from '../retention/retention.ts'
import { roster } from '../roster/roster.ts'
import { stanzaIdOf } from '../stanza-id.ts'
import { Backlogs, type Keeping } from './backlogs.ts'
import { Receivers } from './receivers.ts'
import { migrations, Spool } from './spool.ts'

const ChatStates = namespace('http://jabber.org/protocol/chatstates')
const StanzaIds = namespace('urn:xmpp:sid:0')

const DAY = 86_400_000

export const offline = defineModule({
  name: 'offline',
  about: 'Keeps messages for those who are away, until a client has them.',
  xeps: [xep(160, '1.0.1'), xep(203, '2.0')],
  features: ['msgoffline'],
  needs: { retention, roster },
  settings: {
    messages: count(
      1000,
      { min: 1, max: 1_000_000 },
      'How many messages may wait for an account; those of strangers take a quarter of it at most.',
    ),
    bytes: size('20MiB', 'How large they may be together; those of strangers a quarter of it.', { min: 262_144 }),
  },
  migrations,

  setup(host) {
    const { clock, keys, log, needs, on, send } = host
    const spool = new Spool(host)
    const backlogs = new Backlogs(host, spool)
    const receivers = new Receivers(host, backlogs)
    /** Those who have chosen that nothing is kept, and of whom something is. */
    const leaving = new WeakSet<Account>()

    on(accountLoaded, function countMessages(account) {
      return backlogs.load(account)
    })
    on(accountReset, async function removeLost({ account, db, afterwards, isLost }) {
      if (!isLost) return
      await spool.empty(account, db, afterwards)
      afterwards(() => backlogs.forget(account))
    })

    on(messageUndelivered, function keepForLater({ account, stanza, position, at, isOutline }) {
      const how = howToKeep(account, stanza, at)
      // What is in the archive has not failed, though no device may be sent it any more.
      const isSafe = position === undefined && stanzaIdOf(stanza, account) !== undefined
      if (isOutline) return isSafe || (how === undefined && !mayKnow(account, stanza)) ? 'kept' : undefined
      if (isOfTheMoment(stanza)) return 'kept' // XEP-0160 §3 does not want it stored, and its sender need not hear of it
      if (!account.exists) return
      if (how === undefined) return position !== undefined || mayKnow(account, stanza) ? undefined : 'kept'
      return backlogs.keep(account, stanza, how, position).then(kept => kept ?? (isSafe ? 'kept' : undefined))
    })

    // What cannot or need not be kept goes past: late, it would be of no use, or be lost.
    on(messageBehind, function waitInLine({ account, session, stanza, at }) {
      if (!receivers.isBehind(session) || !isToBeKept(stanza) || isOfTheMoment(stanza)) return
      const how = howToKeep(account, stanza, at)
      return how && receivers.keepBehind(account, stanza, how).catch(error => log.fault('offline.behind', error))
    })

    on(presenceBroadcast, function deliverKept({ session }) {
      // It has been told to others already: that the disk fails must not refuse the presence.
      return receivers.appear(session)?.catch(error => log.fault('offline.deliver', error))
    })
    // What it could not be sent while nobody was there to open it.
    on(sessionResumed, function deliverRest(session) {
      return receivers.deliver(session)
    })
    on(archiveShown, function leaveOutShown({ session, ids }) {
      return receivers.show(session, ids)
    })
    on(messagesAcknowledged, function removeDelivered({ account, position }) {
      return receivers.acknowledge(account, position)
    })
    on(sessionEnded, async function handOn(session) {
      await receivers.take(session)
      await receivers.hand(session)
      if (classOf(session.account) === undefined) await giveBack(session.account)
    })
    on(sessionSuspended, function removeTaken(session) {
      return receivers.take(session)
    })
    on(retentionChanged, async function keepNoLonger({ account }) {
      const cls = classOf(account)
      // The number of a class that is shorter is that of its days. What is younger goes with its week.
      if (cls !== undefined) return backlogs.removeOlder(account, clock.now() - cls * DAY)
      leaving.add(account)
      await giveBack(account)
    })
    on(secretsDestroyed, function removeDead() {
      return spool.expire()
    })

    const classOf = (account: Account) => needs.retention.classOf(account, 'spool')

    /** Its owner wants nothing kept: those who sent what waits are told. Where nobody is there who could open it, it goes all the same. */
    async function giveBack(account: Account): Promise<void> {
      for (const message of await backlogs.giveUp(account)) {
        if (mayKnow(account, message)) send(errorTo(message, new StanzaError('service-unavailable').toElement()))
      }
      if (!leaving.has(account) || !backlogs.of(account).isEmpty) return
      leaving.delete(account)
      // A copy of what was on disk shall not open any more.
      await keys.shredAll(account, async () => {}, 'all')
    }

    /** Undefined for what is delivered at once or not at all: its sender wants it so, or its recipient. */
    function howToKeep(account: Account, stanza: Element, at = clock.now()): Keeping | undefined {
      const cls = isNoStore(stanza) ? undefined : classOf(account)
      return cls && { class: cls, at, isFromStranger: needs.roster.isStranger(account, Jid.parse(stanza.attrs['from'] ?? '')) }
    }

    /** A refusal says that nobody is there just now: that is for those who may know it. */
    function mayKnow(account: Account, { attrs: { from = '' } }: Element): boolean {
      const sender = Jid.parse(from)
      return sender.bare.equals(account.jid) || needs.roster.isSubscriber(account, sender)
    }
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
