// XEP-0280: Message Carbons

import type { Account } from '../core/account.ts'
import { defineModule, xep } from '../core/module.ts'
import {
  type Incoming,
  messageIn,
  messageOut,
  messageUndelivered,
  type Outgoing,
  presenceBroadcast,
  presenceIn,
  presenceOut,
} from '../core/points.ts'
import type { Session } from '../core/session.ts'
import { count } from '../lib/settings.ts'
import { type Element, namespace } from '../xml/element.ts'
import { forwardedElement } from '../xmpp/forward.ts'
import { isNoCopy, isNoStore } from '../xmpp/hints.ts'
import type { Jid } from '../xmpp/jid.ts'
import { Client } from '../xmpp/stanza.ts'
import { retention } from './retention/retention.ts'
import { stanzaIdElement } from './stanza-id.ts'

export const Carbons = namespace<'enable' | 'disable' | 'sent' | 'received' | 'private'>('urn:xmpp:carbons:2')
const Muc = namespace<'x'>('http://jabber.org/protocol/muc')
const MucUser = namespace<'x' | 'invite' | 'status'>('http://jabber.org/protocol/muc#user')

const RULES = 'urn:xmpp:carbons:rules:0'
/** Payloads by which a message belongs to a conversation although it has no body (§6.1): receipts, chat states, markers, invitations. */
const CONVERSATIONAL = new Set([
  'urn:xmpp:receipts',
  'http://jabber.org/protocol/chatstates',
  'urn:xmpp:chat-markers:0',
  'jabber:x:conference',
])
/** Longer ids are not remembered; their errors reach the device that sent the message, as they do without carbons. */
const LONGEST_ID = 256

export const carbons = defineModule({
  name: 'carbons',
  about: 'All devices of an account see both sides of its conversations.',
  xeps: [xep(280, '1.0.1')],
  features: [Carbons.uri, RULES],
  accountFeatures: [Carbons.uri, RULES],
  needs: { retention },
  settings: {
    rooms: count(
      1000,
      { min: 1 },
      'How many rooms of a session are remembered, to copy its private messages only to devices in the same room.',
    ),
    remembered: count(100, {}, 'How many messages of an account are remembered, to copy the errors that answer them.'),
  },

  setup({ iq, needs, on, stream, settings, track }) {
    const enabled = new WeakSet<Session>()
    /** Those that have said whether they take messages. */
    const introduced = new WeakSet<Session>()
    /** The last copy that waits until its message is in the archive; those after it wait too, so that order is kept. */
    const delayed = new WeakMap<Account, Promise<void>>()
    const rooms = new WeakMap<Session, Set<string>>()
    const answerable = new WeakMap<Account, Set<string>>()

    iq.self.set(Carbons, 'enable', ({ session }) => enable(session))
    iq.self.set(Carbons, 'disable', ({ session }) => void enabled.delete(session))
    stream.inline(Carbons, 'enable', enable)
    on(messageIn.change, removeForgedCopies)
    on(messageOut.copy, copySent)
    on(messageIn.copy, copyReceived)
    on(presenceBroadcast, function introduce({ session }) {
      introduced.add(session)
    })
    on(presenceOut.after, noteJoining)
    on(presenceIn.copy, noteLeaving)
    // A copy that nobody takes is not worth the disk: the message itself has arrived, or is kept.
    on(messageUndelivered, function dropCopies({ stanza }) {
      return isCopy(stanza) ? 'kept' : undefined
    })

    function enable(session: Session): void {
      enabled.add(session)
    }

    /** §11: clients believe in copies, so nobody but the account's own server may make one. */
    function removeForgedCopies(envelope: Incoming): void {
      if (isCopy(envelope.stanza)) envelope.stanza = envelope.stanza.without(child => child.ns === Carbons.uri && child.name !== 'private')
    }

    function copySent({ account, archived, session, stanza, to }: Outgoing): void {
      // What the account sends to itself is copied as received.
      if (account.sessions.size < 2 || to.bare.equals(account.jid) || isCopy(stanza) || !isEligible(account, stanza, to)) return
      remember(account, stanza, to)
      const isPrivate = isPrivateInRoom(session, stanza, to)
      const isMeant = (other: Session): boolean => other !== session && (!isPrivate || isIn(other, to))
      // XEP-0313 §3.4: with its id in the archive, where nobody else sees it.
      const named = archived && stanza.add(stanzaIdElement(account, archived.id))
      inOrder(account, archived?.safe, isSafe => copy('sent', account, isSafe && named !== undefined ? named : stanza, isMeant))
    }

    /** Copies now, or when the message is in the archive and those before it are copied. */
    function inOrder(account: Account, safe: Promise<void> | undefined, copy: (isSafe: boolean) => void): void {
      const before = delayed.get(account)
      if (safe === undefined && before === undefined) {
        copy(true)
        return
      }
      const copied = Promise.allSettled([safe, before]).then(([{ status }]) => {
        copy(status === 'fulfilled')
        if (delayed.get(account) === copied) delayed.delete(account)
      })
      delayed.set(account, copied)
      track(copied)
    }

    function copyReceived({ account, stanza, from, targets }: Incoming): void {
      const { size } = account.sessions
      if ((size < 2 && targets.length === size) || !isEligible(account, stanza, from)) return
      remember(account, stanza, from)
      const isPrivate = isPrivateOfRoom(account, stanza, from)
      // The room itself sends private messages to all devices that are in it; an error goes to one of them.
      if (isPrivate && stanza.attrs['type'] !== 'error') return
      // A client that is still to send presence, as behind XEP-0386, gets with it what waits by then: the message itself.
      const willCome = targets.length === 0 && waits(account, stanza)
      const isMeant = (session: Session): boolean =>
        !targets.includes(session) &&
        !session.jid.equals(from) &&
        (!isPrivate || isIn(session, from)) &&
        (!willCome || introduced.has(session))
      inOrder(account, undefined, () => copy('received', account, stanza, isMeant))
    }

    /** Of a message that no session takes: whether it is kept until one does. */
    function waits(account: Account, stanza: Element): boolean {
      const { type = 'normal' } = stanza.attrs
      return (type === 'chat' || type === 'normal') && !isNoStore(stanza) && needs.retention.classOf(account, 'spool') !== undefined
    }

    function copy(direction: 'sent' | 'received', account: Account, stanza: Element, isMeant: (session: Session) => boolean): void {
      let message: Element | undefined
      for (const session of account.sessions.values()) {
        if (!enabled.has(session) || !isMeant(session)) continue
        message ??= Client(
          'message',
          { from: String(account.jid), type: stanza.attrs['type'] },
          Carbons(direction, {}, forwardedElement(stanza)),
        )
        // Nobody answers for a copy: the message is safe when those have it to whom it was sent.
        session.send(message.with({ to: String(session.jid) }))
      }
    }

    /** The rules of §6.1, all of which are announced. */
    function isEligible(account: Account, message: Element, other: Jid): boolean {
      const { type, id } = message.attrs
      if (type === 'error') return id !== undefined && answerable.get(account)?.has(keyOf(id, other)) === true
      if (type === 'groupchat' || message.child(Carbons, 'private') !== undefined || isNoCopy(message)) return false
      return type === 'chat' || (type !== 'headline' && message.child(Client, 'body') !== undefined) || isConversational(message)
    }

    /** An error that answers the message will be copied as the message was (§6.1). */
    function remember(account: Account, { attrs: { id, type } }: Element, other: Jid): void {
      if (id !== undefined && id.length <= LONGEST_ID && type !== 'error') keep(answerable, account, keyOf(id, other), settings.remembered)
    }

    function isPrivateInRoom(session: Session, message: Element, to: Jid): boolean {
      return to.resource !== '' && !isInvitation(message) && (message.child(MucUser, 'x') !== undefined || isIn(session, to))
    }

    function isPrivateOfRoom(account: Account, message: Element, from: Jid): boolean {
      if (from.resource === '' || isInvitation(message)) return false
      return message.child(MucUser, 'x') !== undefined || account.sessions.values().some(session => isIn(session, from))
    }

    function isIn(session: Session, occupant: Jid): boolean {
      return rooms.get(session)?.has(String(occupant.bare)) === true
    }

    /** Only what the device itself did counts: others must not make an ordinary conversation look like that of a room. */
    function noteJoining({ session, stanza, to }: Outgoing): void {
      const { type } = stanza.attrs
      if (type === 'unavailable') rooms.get(session)?.delete(String(to.bare))
      else if (type === undefined && stanza.child(Muc, 'x') !== undefined) keep(rooms, session, String(to.bare), settings.rooms)
    }

    /** The room did not let it in, or it is not in any more (XEP-0045 §7.2 and §7.14). */
    function noteLeaving({ stanza, from, targets }: Incoming): void {
      const { type } = stanza.attrs
      if (type !== 'error' && !(type === 'unavailable' && isGone(stanza.child(MucUser, 'x')))) return
      for (const session of targets) rooms.get(session)?.delete(String(from.bare))
    }
  },
})

/** Whether the message is, or claims to be, a copy of another one. */
export function isCopy(message: Element): boolean {
  return message.child(Carbons, 'sent') !== undefined || message.child(Carbons, 'received') !== undefined
}

function isConversational(message: Element): boolean {
  return message.children.some(child => typeof child !== 'string' && CONVERSATIONAL.has(child.ns)) || isInvitation(message)
}

/** A mediated invitation (XEP-0045 §7.8.2). */
function isInvitation(message: Element): boolean {
  return message.child(MucUser, 'x')?.child(MucUser, 'invite') !== undefined
}

/** Status 110: the presence is one’s own; 303: it comes back under another nick (XEP-0045 §7.6). */
function isGone(x: Element | undefined): boolean {
  const codes = x?.all(MucUser, 'status').map(status => status.attrs['code']) ?? []
  return codes.includes('110') && !codes.includes('303')
}

/** An error may come from the bare address although the message went to a full one, and the other way round. */
const keyOf = (id: string, other: Jid): string => `${other.bare} ${id}`

/** Adds to the owner's set; the oldest make room. */
function keep<Owner extends object>(sets: WeakMap<Owner, Set<string>>, owner: Owner, value: string, most: number): void {
  const set = sets.get(owner) ?? new Set()
  sets.set(owner, set)
  set.add(value)
  if (set.size > most) for (const oldest of set) return void set.delete(oldest)
}
