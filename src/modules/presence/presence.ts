// RFC 6121 §4: exchanging presence

import { randomBytes } from 'node:crypto'
import type { Account } from '../../core/account.ts'
import { defineModule } from '../../core/module.ts'
import {
  iqIn,
  type Outgoing,
  presenceBroadcast,
  presenceIn,
  presenceOut,
  presenceProbed,
  sessionEnded,
  sessionSuspended,
} from '../../core/points.ts'
import type { Session } from '../../core/session.ts'
import { count } from '../../lib/settings.ts'
import { type Element, namespace } from '../../xml/element.ts'
import { StanzaError } from '../../xmpp/error.ts'
import { Jid } from '../../xmpp/jid.ts'
import { Client } from '../../xmpp/stanza.ts'
import { blocking, blockListChanged } from '../blocking/blocking.ts'
import { roster, subscriberGained, subscriberLost } from '../roster/roster.ts'
import { DirectedPresence } from './directed.ts'

const MucUser = namespace<'x' | 'item' | 'status'>('http://jabber.org/protocol/muc#user')

export interface PresenceApi {
  /** The address may know that the session is there: a subscriber, the account itself, or one to whom the session sent presence. */
  isVisibleTo(session: Session, address: Jid): boolean
}

export const presence = defineModule({
  name: 'presence',
  about: 'Tells contacts who is available, and keeps it from everyone else.',
  xeps: [],
  settings: { directed: count(500, { min: 1, max: 100_000 }, 'To how many addresses beyond its contacts a session may send presence.') },
  needs: { blocking, roster },

  setup({ domain, needs, on, send, settings }): PresenceApi {
    const directed = new DirectedPresence()
    /** On all probes that the host sends, so that their failure is told from that of what a client has sent. */
    const probeId = randomBytes(8).toString('hex')

    on(presenceBroadcast, function tellContacts({ session, stanza }) {
      if (stanza.attrs['type'] === 'unavailable') becomeUnavailable(session, stanza)
      else becomeAvailable(session, stanza)
    })

    for (const point of [sessionEnded, sessionSuspended]) {
      on(point, function takeLeave(session) {
        tellUnavailable(session, unavailable(session))
      })
    }

    function becomeAvailable(session: Session, stanza: Element): void {
      const priority = readPriority(stanza)
      const isInitial = !session.isAvailable
      session.presence = stanza
      session.priority = priority
      const { account } = session
      for (const contact of unblocked(account, needs.roster.subscribers(account))) send(stanza.with({ to: contact }))
      tellOwn(account, stanza)
      if (isInitial) begin(session)
    }

    /** What a session is told when its presence session begins (RFC 6121 §4.2.2 and §3.1.3). */
    function begin(session: Session): void {
      const { account } = session
      const to = String(account.jid)
      for (const other of account.available()) if (other !== session) session.send(other.presence!.with({ to }))
      for (const contact of unblocked(account, needs.roster.subscriptions(account))) ask(session, contact)
      // RFC 6121 §3.1.2: a request may have been lost on its way to another server.
      for (const contact of unblocked(account, needs.roster.unanswered(account))) {
        if (Jid.parse(contact).domain !== domain) send(Client('presence', { type: 'subscribe', from: to, to: contact }))
      }
      for (const request of needs.roster.requests(account)) {
        if (!needs.blocking.isBlocked(account, Jid.parse(request.attrs['from']!))) session.send(request)
      }
    }

    /**
     * RFC 6121 §4.3: probes come from the bare address. Within this host, where no probe has to be sent at all, they
     * come from the full one, so that only the session which has just begun hears the answer.
     */
    function ask(session: Session, contact: string): void {
      const from = Jid.parse(contact).domain === domain ? session.jid : session.account.jid
      send(Client('presence', { type: 'probe', id: probeId, from: String(from), to: contact }))
    }

    /** XEP-0191 §3.3: who is blocked is told no presence. */
    function* unblocked(account: Account, contacts: Iterable<string>): Iterable<string> {
      for (const contact of contacts) if (!needs.blocking.isBlocked(account, Jid.parse(contact))) yield contact
    }

    function becomeUnavailable(session: Session, stanza: Element): void {
      tellUnavailable(session, stanza)
      // RFC 6121 §4.5.2: also to the one that said so.
      if (session.isAvailable) session.send(stanza.with({ to: String(session.account.jid) }))
      session.presence = undefined
      session.priority = 0
    }

    function tellUnavailable(session: Session, stanza: Element): void {
      const { account } = session
      if (session.isAvailable) {
        for (const contact of unblocked(account, needs.roster.subscribers(account))) send(stanza.with({ to: contact }))
        tellOwn(account, stanza, session)
      }
      for (const to of directed.takeAll(session)) send(stanza.with({ to }))
    }

    /** One element for all of them: it is serialised once. */
    function tellOwn(account: Account, stanza: Element, except?: Session): void {
      const addressed = stanza.with({ to: String(account.jid) })
      for (const other of account.available()) if (other !== except) other.send(addressed)
    }

    on(subscriberGained, function showToSubscriber({ account, contact }) {
      if (!needs.blocking.isBlocked(account, contact)) show(account, String(contact))
    })
    on(subscriberLost, function hideFromSubscriber({ account, contact }) {
      if (!needs.blocking.isBlocked(account, contact)) hide(account, String(contact))
    })
    on(blockListChanged, function hideOrShow({ account, isNewlyBlocked, isNewlyFree }) {
      for (const contact of needs.roster.subscribers(account)) {
        const jid = Jid.parse(contact)
        if (isNewlyBlocked(jid)) hide(account, contact)
        else if (isNewlyFree(jid)) show(account, contact)
      }
      for (const contact of needs.roster.subscriptions(account)) {
        if (isNewlyFree(Jid.parse(contact))) for (const session of account.available()) ask(session, contact)
      }
      for (const session of account.sessions.values()) {
        for (const to of directed.targets(session)) {
          if (!isNewlyBlocked(Jid.parse(to))) continue
          directed.remove(session, Jid.parse(to))
          send(unavailable(session, to))
        }
      }
    })

    function show(account: Account, to: string): void {
      for (const session of account.available()) send(session.presence!.with({ to }))
    }

    function hide(account: Account, to: string): void {
      for (const session of account.available()) send(unavailable(session, to))
    }

    on(presenceOut.check, function boundDirected(envelope) {
      const { session, to } = envelope
      if (isDirected(envelope) && !directed.has(session, to) && directed.count(session) >= settings.directed) {
        throw new StanzaError('resource-constraint', 'presence was sent to too many addresses')
      }
    })
    on(presenceOut.after, function noteDirected(envelope) {
      if (isDirected(envelope)) directed.add(envelope.session, envelope.to)
      else if (envelope.stanza.attrs['type'] === 'unavailable') directed.remove(envelope.session, envelope.to)
    })

    /** Available presence to one whom the broadcast of unavailable presence would not reach (RFC 6121 §4.6.3). */
    function isDirected({ account, session, stanza, to }: Outgoing): boolean {
      return stanza.attrs['type'] === undefined && !(session.isAvailable && needs.roster.isSubscriber(account, to))
    }

    // RFC 6121 §4.6.1: who becomes unavailable need not be told any more.
    on(presenceIn.after, function forgetDirected({ account, stanza, from, to }) {
      if (stanza.attrs['type'] !== 'unavailable') return
      const told = to.isBare ? account.sessions.values() : [account.sessions.get(to.resource)]
      const now = movedTo(stanza, from)
      for (const session of told) {
        if (session === undefined || !directed.has(session, from)) continue
        directed.remove(session, from)
        if (now !== undefined) directed.add(session, now)
      }
    })

    on(presenceIn.check, function dropFailedProbe({ stanza }) {
      if (stanza.attrs['type'] === 'error' && stanza.attrs['id'] === probeId) return 'drop'
    })

    on(presenceProbed, function answerProbe({ account, stanza, from, to }) {
      const answer = (presence: Element): void => send(presence.with({ to: String(from) }))
      const { id } = stanza.attrs
      const session = account.sessions.get(to.resource)
      if (from.bare.equals(account.jid) || needs.roster.isSubscriber(account, from)) {
        if (to.isBare) for (const { presence } of account.available()) answer(presence!)
        // RFC 6121 §4.3.2: of one resource no more than that it is there.
        else if (session?.isAvailable) answer(Client('presence', { id: session.presence!.attrs['id'], from: String(to) }))
        else answer(Client('presence', { type: 'unavailable', id, from: String(to) }))
        // Within this host silence says it too: a session that has just begun takes its contacts for unavailable.
        if (to.isBare && from.domain !== domain && isAway(account))
          answer(Client('presence', { type: 'unavailable', id, from: String(to) }))
        return
      }
      // RFC 6121 §4.6.6: mere presence, and only of the session that has shown itself.
      if (session !== undefined && directed.reaches(session, from)) answer(Client('presence', { id, from: String(to) }))
      else answer(Client('presence', { type: 'unsubscribed', id, from: String(account.jid) }))
    })

    // RFC 6121 §8.5.3.1: that a request is answered by a client would tell that it is there.
    on(iqIn.check, function hideSessions({ account, stanza, from, to }) {
      const { type } = stanza.attrs
      if (to.resource === '' || (type !== 'get' && type !== 'set')) return
      const session = account.sessions.get(to.resource)
      if (session === undefined || !isVisibleTo(session, from)) throw new StanzaError('service-unavailable')
    })

    function isVisibleTo(session: Session, address: Jid): boolean {
      const { account } = session
      if (address.local === '' && address.domain === domain) return true
      return address.bare.equals(account.jid) || needs.roster.isSubscriber(account, address) || directed.reaches(session, address)
    }

    return { isVisibleTo }
  },
})

const unavailable = (session: Session, to?: string): Element => Client('presence', { type: 'unavailable', from: String(session.jid), to })

/** XEP-0045 §7.6: where somebody is from now on who has another nick in a room, and has not left it. */
function movedTo(stanza: Element, from: Jid): Jid | undefined {
  const x = stanza.child(MucUser, 'x')
  const nick = x?.child(MucUser, 'item')?.attrs['nick']
  if (nick === undefined || x?.all(MucUser, 'status').every(({ attrs }) => attrs['code'] !== '303')) return undefined
  try {
    return from.withResource(nick)
  } catch {
    return undefined
  }
}

function isAway(account: Account): boolean {
  for (const _ of account.available()) return false
  return true
}

/** RFC 6121 §4.7.2.3: a whole number from −128 to 127; 0 where nothing is said. */
function readPriority(stanza: Element): number {
  const text = stanza.child(Client, 'priority')?.text.trim() ?? '0'
  const priority = /^[+-]?\d{1,3}$/.test(text) ? Number(text) : Number.NaN
  if (priority >= -128 && priority <= 127) return priority
  throw new StanzaError('bad-request', 'a priority is a whole number from -128 to 127')
}
