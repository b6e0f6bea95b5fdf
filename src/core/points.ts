/** Extension points: the places where modules may take part. A point is a value, so its types travel with it. */
import type { SealedAccount } from '../seal/account.ts'
import type { Db } from '../storage/db.ts'
import type { Element } from '../xml/element.ts'
import type { Envelope } from '../xmpp/stanza.ts'
import type { Account } from './account.ts'
import type { Custody } from './custody.ts'
import type { Position, Session } from './session.ts'

export interface Point<Event, Verdict extends string = never> {
  readonly name: string
  /** No other point has it. A stanza passes half a dozen points: to find handlers in a list is faster than by the point itself. */
  readonly index: number
  readonly of?: (event: Event) => Verdict
}

let points = 0

export const point = <Event, Verdict extends string = never>(name: string): Point<Event, Verdict> => ({ name, index: points++ })

/** A stanza that a session of the account sends. */
export interface Outgoing extends Envelope {
  readonly account: Account
  readonly session: Session
  /** As of what comes in. */
  readonly custody: Custody | undefined
  /** The id that the message has in the sender's archive; it may be told when the message is safe there. */
  archived?: { readonly id: string; readonly safe: Promise<void> }
}

/** A stanza to the account, in the account's turn. */
export interface Incoming extends Envelope {
  readonly account: Account
  /** The sessions that get it; known from `copy` on. */
  targets: readonly Session[]
  /** Whoever keeps or passes on the message answers for it here (DESIGN law 7). */
  readonly custody: Custody | undefined
}

/** A stanza passes these points in this order. Only `check` may stop it: return `'drop'`, or throw a StanzaError. */
export interface Flow<Event> {
  /** May it pass? Blocking, limits, roles. */
  readonly check: Point<Event, 'drop'>
  /** What must be altered? Ids, delays, stripping. */
  readonly change: Point<Event>
  /** Who keeps it before it is delivered? */
  readonly store: Point<Event>
  /** Who else gets it? */
  readonly copy: Point<Event>
  /** Who wants to know? Nothing can be refused any more. */
  readonly after: Point<Event>
}

const flow = <Event>(name: string): Flow<Event> => ({
  check: point(`${name}.check`),
  change: point(`${name}.change`),
  store: point(`${name}.store`),
  copy: point(`${name}.copy`),
  after: point(`${name}.after`),
})

/** Stanzas from a session of this host, before they are routed. Presence here is directed presence and subscriptions. */
export const messageOut = flow<Outgoing>('message.out')
export const presenceOut = flow<Outgoing>('presence.out')
export const iqOut = flow<Outgoing>('iq.out')
/** Stanzas to an account of this host, before they are delivered or answered. */
export const messageIn = flow<Incoming>('message.in')
export const presenceIn = flow<Incoming>('presence.in')
export const iqIn = flow<Incoming>('iq.in')

/** Presence without `to`: what the session says to all who may see it (RFC 6121 §4.2, §4.4, §4.5). */
export const presenceBroadcast = point<{ readonly session: Session; readonly stanza: Element }>('presence.broadcast')
/** The same before anybody hears it: what must be altered in it? */
export const presenceShaped = point<{ readonly session: Session; stanza: Element }>('presence.shaped')
/** Presence of type subscribe, subscribed, unsubscribe or unsubscribed; `'drop'` ends its way here (RFC 6121 App. A). */
export const subscriptionOut = point<Outgoing, 'drop'>('subscription.out')
export const subscriptionIn = point<Incoming, 'drop'>('subscription.in')
/** Somebody asks for the account's presence (RFC 6121 §4.3). */
export const presenceProbed = point<Incoming>('presence.probed')

/**
 * No session takes the message: who keeps it until one comes? `'kept'` once it is safe on disk.
 * `position` says where it stands in the stream of a session that has not acknowledged it. Of a message that was sealed and cannot be
 * opened, `stanza` is an outline, which nobody can keep: `'kept'` then says that its sender need not be told.
 */
export const messageUndelivered = point<
  {
    readonly account: Account
    readonly stanza: Element
    readonly position: Position | undefined
    /** When it came, in ms, if that was not just now. */
    readonly at?: number
    readonly isOutline?: boolean
  },
  'kept'
>('message.undelivered')
/**
 * A session is about to get a message: must it wait behind others that are still to come to that session (RFC 6120 §10.1)?
 * `'kept'` once it is safe on disk, from where it will come in its turn.
 */
export const messageBehind = point<
  {
    readonly account: Account
    readonly session: Session
    readonly stanza: Element
    /** As above. */
    readonly at?: number | undefined
  },
  'kept'
>('message.behind')
/** A client has acknowledged all stanzas of a stream up to a position: what was kept of them may go (XEP-0198 §4). */
export const messagesAcknowledged = point<{ readonly account: Account; readonly position: Position }>('messages.acknowledged')

/** A session was sent messages of its account's archive, which have these ids there (XEP-0313); in the account's turn. */
export const archiveShown = point<{ readonly session: Session; readonly ids: readonly string[] }>('archive.shown')

/** In the account's first turn: modules read what they need to answer at once later. */
export const accountLoaded = point<Account>('account.loaded')
/** Nobody is there any more who could open what is sealed for the account: what was opened of it must be forgotten. */
export const accountLocked = point<Account>('account.locked')
/** A change of the account in one transaction; `afterwards` runs once that is safe on disk. */
interface Change {
  readonly account: Account
  readonly db: Db
  afterwards(work: () => void): void
}

/** The owner has a new password, and the account a new key: what shall stay readable is sealed to it. The former keys are still open. */
export const accountRekeyed = point<Change & { readonly now: SealedAccount }>('account.rekeyed')
/** Someone else gave the account a new password. `isLost`: what was sealed for it opens never again, and goes; else a code opens it. */
export const accountReset = point<Change & { readonly isLost: boolean }>('account.reset')
/** In the account's turn: a recovery code has opened what a reset had locked; what was opened before may not be all any more. */
export const accountRegained = point<Account>('account.regained')
/** The time of some secrets is over, and they are destroyed: what they opened must be forgotten, and its rows may go. */
export const secretsDestroyed = point<void>('secrets.destroyed')
export const accountCreated = point<{ readonly account: string; readonly db: Db }>('account.created')
/** All that modules hold of the account goes, in one transaction; `afterwards` runs once that is safe on disk. */
export const accountRemoved = point<{
  readonly account: string
  readonly db: Db
  afterwards(work: () => void): void
}>('account.removed')

/** A client that has just logged in to the account says what it is (XEP-0388 §2.2). `client` is what it is known as. */
export const clientNamed = point<{
  readonly account: Account
  readonly client: string
  readonly software: string | undefined
  readonly device: string | undefined
}>('client.named')

/** The server is about to stop: sessions that end from now on end for that alone. */
export const hostClosing = point<void>('host.closing')
/** The host stops, and all that was under way in it is done: secrets that are in memory must be overwritten. */
export const hostClosed = point<void>('host.closed')

export const sessionBound = point<Session>('session.bound')
/** The client is back on another connection (XEP-0198 §5), and has been sent what it had not acknowledged. */
export const sessionResumed = point<Session>('session.resumed')
/** The client has been away for a while, and nobody may be there to open what is sealed: what waits for it in memory is sealed too. */
export const sessionHibernated = point<Session>('session.hibernated')
/** The server stops while the client could still come back (XEP-0198 §5): for others the session is over, its client will say what it has got. */
export const sessionSuspended = point<Session>('session.suspended')
/** The session is over; it is no longer among the account's sessions, its last presence still stands in it. */
export const sessionEnded = point<Session>('session.ended')
