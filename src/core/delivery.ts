import type { Element } from '../xml/element.ts'
import { StanzaError } from '../xmpp/error.ts'
import type { Jid } from '../xmpp/jid.ts'
import { result } from '../xmpp/stanza.ts'
import type { Account } from './account.ts'
import type { Custody } from './custody.ts'
import { type LocalHost, SUBSCRIPTION_TYPES, then } from './host.ts'
import { payloadOf } from './iq-answers.ts'
import { type Flow, type Incoming, iqIn, messageIn, messageUndelivered, presenceIn, presenceProbed, subscriptionIn } from './points.ts'
import type { Router } from './router.ts'
import type { Session } from './session.ts'

const NOBODY: readonly Session[] = []

/** The last part of a stanza's way: to the host, to an account, to its sessions (RFC 6121 §8). */
export class Delivery {
  readonly #host: LocalHost
  readonly #router: Router

  constructor(host: LocalHost, router: Router) {
    this.#host = host
    this.#router = router
  }

  deliver(stanza: Element, from: Jid, to: Jid, custody: Custody | undefined): void {
    if (to.local === '') return this.#watch(stanza, from, to, custody, () => this.#toHost(stanza, from, to))
    const account = this.#host.accounts.of(to.local)
    this.#watch(stanza, from, to, custody, () =>
      account.turn.take(() => this.#toAccount({ stanza, from, to, account, targets: NOBODY, custody })),
    )
  }

  /** What a session did not acknowledge: messages go to the account's other sessions or are kept, requests fail (XEP-0198 §5). */
  redeliver(session: Session, stanza: Element, from: Jid, to: Jid, custody: Custody | undefined): void {
    const { type } = stanza.attrs
    const { account } = session
    this.#watch(stanza, from, to, custody, () =>
      account.turn.take(() => {
        if (stanza.name === 'iq' && (type === 'get' || type === 'set')) throw new StanzaError('service-unavailable')
        if (stanza.name !== 'message' || type === 'error' || type === 'headline') return
        if (type === 'groupchat') throw new StanzaError('service-unavailable')
        const envelope: Incoming = { stanza, from, to, account, targets: mostAvailable(account), custody }
        for (const target of envelope.targets) target.send(stanza, custody)
        if (envelope.targets.length === 0) return this.#keep(envelope)
      }),
    )
  }

  /** Answers what fails, and answers for the message until all is done for it. */
  #watch(stanza: Element, from: Jid, to: Jid, custody: Custody | undefined, work: () => void | Promise<void>): void {
    custody?.hold()
    const refuse = (error: unknown): void => this.#router.refuse(stanza, from, to, this.#host.asStanzaError(error))
    try {
      const pending = work()
      if (pending instanceof Promise) {
        this.#router.track(pending.catch(refuse).finally(() => custody?.release()))
        return
      }
    } catch (error) {
      refuse(error)
    }
    custody?.release()
  }

  #toHost(stanza: Element, from: Jid, to: Jid): void | Promise<void> {
    const { type } = stanza.attrs
    if (stanza.name !== 'iq' || (type !== 'get' && type !== 'set')) return
    if (to.resource !== '') throw new StanzaError('service-unavailable')
    const payload = payloadOf(stanza)
    return then(this.#host.answers.answer('host', { from, to, payload, iq: stanza }), answer =>
      this.#router.route(result(stanza, answer ?? undefined), to, from),
    )
  }

  #toAccount(envelope: Incoming): void | Promise<void> {
    const { account, stanza } = envelope
    if (account.trouble !== undefined) throw account.trouble
    if (!account.exists) {
      // RFC 6121 §8.5.1 allows silence: a stranger must not learn which accounts exist.
      if (stanza.name === 'iq') throw new StanzaError('service-unavailable')
      return
    }
    if (stanza.name === 'message') return this.#message(envelope)
    if (stanza.name === 'iq') return this.#iq(envelope)
    return this.#presence(envelope)
  }

  #message(envelope: Incoming): void | Promise<void> {
    return this.#pass(messageIn, envelope, () => {
      const { account, stanza, to, custody } = envelope
      const { type } = stanza.attrs
      envelope.targets = targetsOf(account, to, type)
      for (const session of envelope.targets) session.send(envelope.stanza, custody)
      const copied = this.#host.hooks.run(messageIn.copy, envelope)
      return then(copied, () => (envelope.targets.length === 0 ? this.#unclaimed(envelope) : undefined))
    })
  }

  /** RFC 6121 §8.5.2 and §8.5.3: what becomes of a message that no session takes. */
  #unclaimed(envelope: Incoming): void | Promise<void> {
    const { type } = envelope.stanza.attrs
    if (type === 'error' || type === 'headline') return
    if (type === 'groupchat') throw new StanzaError('service-unavailable')
    return this.#keep(envelope)
  }

  #keep({ account, stanza }: Incoming): void | Promise<void> {
    return then(this.#host.hooks.run(messageUndelivered, { account, stanza, position: undefined }), verdict => {
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
      else if (type === undefined || type === 'unavailable') envelope.targets = [...account.available()]
      for (const session of envelope.targets) session.send(envelope.stanza)
      return this.#host.hooks.run(presenceIn.copy, envelope) as void | Promise<void>
    })
  }

  #iq(envelope: Incoming): void | Promise<void> {
    const { account, stanza, to, from } = envelope
    const isRequest = stanza.attrs['type'] === 'get' || stanza.attrs['type'] === 'set'
    return this.#pass(iqIn, envelope, () => {
      if (to.resource !== '') {
        const session = account.sessions.get(to.resource)
        if (session !== undefined) session.send(envelope.stanza)
        else if (isRequest) throw new StanzaError('service-unavailable')
        return
      }
      if (!isRequest) return
      const payload = payloadOf(stanza)
      const isOwn = from.local === account.name && from.domain === to.domain
      const session = isOwn ? account.sessions.get(from.resource) : undefined
      if (isOwn && session === undefined) return
      const answered = this.#host.answers.answer(isOwn ? 'self' : 'account', { from, to, payload, iq: stanza, account, session })
      return then(answered, answer => this.#router.route(result(stanza, answer ?? undefined), to, from))
    })
  }

  #pass(flow: Flow<Incoming>, envelope: Incoming, deliver: () => void | Promise<void>): void | Promise<void> {
    const { hooks } = this.#host
    return then(hooks.run(flow.check, envelope), verdict => {
      if (verdict === 'drop') return
      return then(hooks.run(flow.change, envelope), () =>
        then(hooks.run(flow.store, envelope), () => then(deliver(), () => hooks.tell(flow.after, envelope, this.#host.failed))),
      )
    })
  }
}

const one = (session: Session | undefined): readonly Session[] => (session === undefined ? NOBODY : [session])

/** RFC 6121 §8.5.2.1.1, §8.5.3.1 and §8.5.3.2.1. */
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
