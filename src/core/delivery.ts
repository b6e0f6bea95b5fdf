import type { Element } from '../xml/element.ts'
import { delayed } from '../xmpp/delay.ts'
import { StanzaError } from '../xmpp/error.ts'
import type { Jid } from '../xmpp/jid.ts'
import { Client, result } from '../xmpp/stanza.ts'
import type { Account } from './account.ts'
import { Custody } from './custody.ts'
import { type LocalHost, SUBSCRIPTION_TYPES, then } from './host.ts'
import { mustBeIq, payloadOf } from './iq-answers.ts'
import {
  type Flow,
  type Incoming,
  iqIn,
  messageBehind,
  messageIn,
  messageUndelivered,
  presenceIn,
  presenceProbed,
  subscriptionIn,
} from './points.ts'
import type { Router } from './router.ts'
import type { Session } from './session.ts'

/** RFC 6121 §4.7.1. */
const PRESENCE_TYPES: ReadonlySet<string> = new Set([
  'error',
  'probe',
  'subscribe',
  'subscribed',
  'unavailable',
  'unsubscribe',
  'unsubscribed',
])

const NOBODY: readonly Session[] = []

/** The last part of a stanza's way: to the host, to an account, to its sessions (RFC 6121 §8). */
export class Delivery {
  readonly #host: LocalHost
  readonly #router: Router
  readonly #asStanzaError: (thrown: unknown) => StanzaError

  constructor(host: LocalHost, router: Router) {
    this.#host = host
    this.#router = router
    this.#asStanzaError = thrown => host.asStanzaError(thrown)
  }

  deliver(stanza: Element, from: Jid, to: Jid, custody: Custody | undefined): void | Promise<void> {
    return this.#router.attend(stanza, from, to, custody, this.#asStanzaError, () => {
      if (to.local === '') return this.#toHost(stanza, from, to)
      const account = this.#host.accounts.of(to.local)
      return account.turn.take(() => this.#toAccount({ stanza, from, to, account, targets: NOBODY, custody }))
    })
  }

  /**
   * What came at that moment, and a session did not acknowledge: messages go to the account's other sessions or are kept, requests fail
   * (XEP-0198 §5). Of an outline that is not known.
   */
  redeliver(session: Session, stanza: Element, from: Jid, to: Jid, custody: Custody | undefined, at: number | undefined): void {
    const { type } = stanza.attrs
    const { account } = session
    this.#router.attend(stanza, from, to, custody, this.#asStanzaError, () =>
      // First: what waits for its turn since was sent later (RFC 6120 §10.1).
      account.turn.takeFirst(() => {
        if (custody?.isSafe) return // it is on disk, or another session has acknowledged it
        if (stanza.name === 'iq' && (type === 'get' || type === 'set')) throw new StanzaError('service-unavailable')
        if (stanza.name !== 'message' || type === 'error' || type === 'headline') return
        if (type === 'groupchat') throw new StanzaError('service-unavailable')
        if (from.equals(account.jid)) return // what the account itself says to one session, such as a copy, is for no other
        if (at === undefined) return this.#keep(account, { stanza, isOutline: true })
        const late = delayed(stanza, at, this.#host.jid)
        const envelope: Incoming = { stanza: late, from, to, account, targets: mostAvailable(account), custody }
        if (envelope.targets.length === 0) return this.#keep(account, { stanza, at })
        return this.#give(envelope, custody, at)
      }),
    )
  }

  #toHost(stanza: Element, from: Jid, to: Jid): void | Promise<void> {
    if (stanza.name === 'message') throw new StanzaError('service-unavailable')
    if (stanza.name !== 'iq') return
    mustBeIq(stanza)
    if (!isRequest(stanza)) return
    if (to.resource !== '') throw new StanzaError('service-unavailable')
    const payload = payloadOf(stanza)
    return then(this.#host.answers.answer('host', { from, to, payload, iq: stanza }), answer => this.#answer(stanza, from, to, answer))
  }

  #toAccount(envelope: Incoming): void | Promise<void> {
    const { account, stanza } = envelope
    if (account.trouble !== undefined) throw account.trouble
    // Before it is asked whether there is such an account, so that the answer does not tell.
    mustBeStanza(envelope)
    if (!account.exists) return this.#toNobody(envelope)
    if (stanza.name === 'message') return this.#message(envelope)
    if (stanza.name === 'iq') return this.#iq(envelope)
    return this.#presence(envelope)
  }

  /**
   * There is no such account. A stranger must not learn that: the answer is that of an account whose owner is away,
   * which RFC 6121 §8.5.1 and §4.3.2 allow.
   */
  #toNobody({ stanza, from, to, account }: Incoming): void {
    const { type, id } = stanza.attrs
    if ((stanza.name === 'iq' && isRequest(stanza)) || (stanza.name === 'message' && unclaimed(to, type) === 'refuse'))
      throw new StanzaError('service-unavailable')
    if (stanza.name !== 'presence' || type !== 'probe') return
    const attrs = { type: 'unsubscribed', id, from: String(account.jid), to: String(from) }
    this.#router.route(Client('presence', attrs), account.jid, from)
  }

  #message(envelope: Incoming): void | Promise<void> {
    const { account, to, custody } = envelope
    const { type } = envelope.stanza.attrs
    const choose = (): void => {
      envelope.targets = targetsOf(account, to, type)
      // Before anyone stores it: what its sender is told has failed must not turn up in an archive.
      if (envelope.targets.length === 0 && unclaimed(to, type) === 'refuse') throw new StanzaError('service-unavailable')
    }
    const deliver = (): void | Promise<void> => {
      // Of several sessions, the last one that has not acknowledged it must know whether the others have.
      const shared = custody ?? (envelope.targets.length > 1 ? new Custody() : undefined)
      return then(this.#give(envelope, shared), () => {
        const copied = this.#host.hooks.run(messageIn.copy, envelope)
        return then(copied, () =>
          envelope.targets.length === 0 && unclaimed(to, type) === 'keep' ? this.#keep(account, { stanza: envelope.stanza }) : undefined,
        )
      })
    }
    return this.#pass(messageIn, envelope, deliver, choose)
  }

  /** To each session at once, unless it has to wait there behind what was kept before. */
  #give({ account, stanza, targets }: Incoming, custody: Custody | undefined, at?: number): void | Promise<void> {
    let waiting: Promise<void>[] | undefined
    for (const session of targets) {
      const verdict = this.#host.hooks.run(messageBehind, { account, session, stanza, at })
      if (verdict === undefined) session.send(stanza, custody)
      else if (verdict instanceof Promise) (waiting ??= []).push(verdict.then(kept => (kept ? undefined : session.send(stanza, custody))))
    }
    return waiting && Promise.all(waiting).then(() => {})
  }

  #keep(account: Account, message: { stanza: Element; at?: number; isOutline?: true }): void | Promise<void> {
    return then(this.#host.hooks.run(messageUndelivered, { account, position: undefined, ...message }), verdict => {
      if (verdict !== 'kept') throw new StanzaError('service-unavailable')
    })
  }

  #presence(envelope: Incoming): void | Promise<void> {
    const { account, stanza, to } = envelope
    const { type } = stanza.attrs
    return this.#pass(presenceIn, envelope, () => {
      if (SUBSCRIPTION_TYPES.has(type)) return then(this.#host.hooks.run(subscriptionIn, envelope), () => undefined)
      if (type === 'probe') return this.#host.hooks.run(presenceProbed, envelope) as void | Promise<void>
      if (to.resource !== '') envelope.targets = one(account.sessions.get(to.resource))
      else envelope.targets = [...account.available()]
      for (const session of envelope.targets) session.send(envelope.stanza)
      return this.#host.hooks.run(presenceIn.copy, envelope) as void | Promise<void>
    })
  }

  #iq(envelope: Incoming): void | Promise<void> {
    const { account, stanza, to, from } = envelope
    const needsAnswer = isRequest(stanza)
    return this.#pass(iqIn, envelope, () => {
      if (to.resource !== '') {
        const session = account.sessions.get(to.resource)
        if (session !== undefined) session.send(envelope.stanza)
        else if (needsAnswer) throw new StanzaError('service-unavailable')
        return
      }
      if (!needsAnswer) return
      const payload = payloadOf(stanza)
      const isOwn = from.local === account.name && from.domain === to.domain
      const session = isOwn ? account.sessions.get(from.resource) : undefined
      if (isOwn && session === undefined) return
      const answered = this.#host.answers.answer(isOwn ? 'self' : 'account', { from, to, payload, iq: stanza, account, session })
      return then(answered, answer => this.#answer(stanza, from, to, answer))
    })
  }

  /** The answer goes its own way: to wait for it here, in the account's turn, could be to wait for the end of this very turn. */
  #answer(request: Element, from: Jid, to: Jid, answer: Element | void): void {
    this.#router.route(result(request, answer ?? undefined), to, from)
  }

  /** `choose` runs once the checks are passed: it is the last to refuse the stanza. */
  #pass(flow: Flow<Incoming>, envelope: Incoming, deliver: () => void | Promise<void>, choose?: () => void): void | Promise<void> {
    const { hooks } = this.#host
    return then(hooks.run(flow.check, envelope), verdict => {
      if (verdict === 'drop') return
      choose?.()
      return then(hooks.run(flow.change, envelope), () =>
        then(hooks.run(flow.store, envelope), () => then(deliver(), () => hooks.tell(flow.after, envelope, this.#host.failed))),
      )
    })
  }
}

const one = (session: Session | undefined): readonly Session[] => (session === undefined ? NOBODY : [session])

const isRequest = ({ attrs: { type } }: Element): boolean => type === 'get' || type === 'set'

/** Throws `bad-request` for a stanza that cannot be one to an account, whichever it is. */
function mustBeStanza({ stanza, to }: Incoming): void {
  const { type } = stanza.attrs
  if (stanza.name === 'presence' && type !== undefined && !PRESENCE_TYPES.has(type))
    throw new StanzaError('bad-request', 'there is no presence of this type')
  if (stanza.name !== 'iq') return
  mustBeIq(stanza)
  if (to.isBare && isRequest(stanza)) payloadOf(stanza)
}

/** What becomes of a message that no session takes (RFC 6121 §8.5.2.2.1 and §8.5.3.2.1, Table 1). */
function unclaimed(to: Jid, type: string | undefined): 'keep' | 'ignore' | 'refuse' {
  if (type === 'error' || type === 'headline') return 'ignore'
  if (type === 'groupchat') return 'refuse'
  // To one resource that is not there, a chat message may go another way; any other may not.
  return type === 'chat' || to.isBare ? 'keep' : 'refuse'
}

/** RFC 6121 §8.5.2.1.1, §8.5.3.1 and §8.5.3.2.1: who takes a message. */
function targetsOf(account: Account, to: Jid, type: string | undefined): readonly Session[] {
  if (to.resource !== '') {
    const match = account.sessions.get(to.resource)
    if (match !== undefined) return [match]
    return type === 'chat' ? mostAvailable(account) : NOBODY
  }
  if (type === 'groupchat' || type === 'error') return NOBODY
  if (type === 'headline') return [...account.available()].filter(session => session.priority >= 0)
  return mostAvailable(account)
}

/** The available sessions of the highest priority that is not negative. */
export function mostAvailable(account: Account): readonly Session[] {
  let best: Session[] | undefined
  let highest = 0
  for (const session of account.available()) {
    if (session.priority < highest) continue
    if (best === undefined || session.priority > highest) best = []
    highest = session.priority
    best.push(session)
  }
  return best ?? NOBODY
}
