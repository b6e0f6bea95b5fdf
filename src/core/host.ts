import { readSetting, table } from '../lib/settings.ts'
import { openShredMemory, type ShredStore } from '../seal/shred-store.ts'
import type { Db } from '../storage/db.ts'
import type { Element } from '../xml/element.ts'
import { StanzaError, StreamError } from '../xmpp/error.ts'
import { Jid } from '../xmpp/jid.ts'
import { Accounts } from './account.ts'
import { AccountLife, type CredentialsOf } from './account-life.ts'
import { AccountStore } from './account-store.ts'
import { type Clock, systemClock } from './clock.ts'
import type { Custody } from './custody.ts'
import { Delivery } from './delivery.ts'
import { newDiscovery } from './discovery.ts'
import { Hooks } from './hooks.ts'
import { IqAnswers } from './iq-answers.ts'
import { type KeyHold, Keys, type Proof } from './keys.ts'
import { type Log, silentLog } from './log.ts'
import type { Arrangements, Host, Module } from './module.ts'
import {
  accountLocked,
  type Flow,
  hostClosed,
  hostClosing,
  iqOut,
  messageOut,
  type Outgoing,
  presenceBroadcast,
  presenceOut,
  presenceShaped,
  secretsDestroyed,
  sessionBound,
  sessionEnded,
  sessionSuspended,
  subscriptionOut,
} from './points.ts'
import { addresses, type Destination, type Router } from './router.ts'
import { SealedDocuments } from './sealed-documents.ts'
import { SealedRows } from './sealed-rows.ts'
import { ServerBoxes } from './server-boxes.ts'
import { Service } from './service.ts'
import { Session, type Transport } from './session.ts'
import { StreamRegistry } from './stream-registry.ts'
import { type TokenSettings, Tokens } from './tokens.ts'
import { UnderWay } from './under-way.ts'

export interface HostOptions {
  /** The settings of each module, already read; those of a module that is missing are the usual ones. */
  readonly settings?: Readonly<Record<string, unknown>>
  readonly log?: Log
  readonly clock?: Clock
  /** How many sessions an account may have at a time. */
  readonly sessionsPerAccount?: number
  readonly tokens?: TokenSettings
  /** What is stored of a password; without it nobody can choose one. */
  readonly credentialsOf?: CredentialsOf
  /** Without it, what is sealed for a limited time is lost with the process. */
  readonly shred?: ShredStore
  readonly arrangements?: Arrangements
}

export const SUBSCRIPTION_TYPES: ReadonlySet<string | undefined> = new Set(['subscribe', 'subscribed', 'unsubscribe', 'unsubscribed'])

/** One domain: its modules, its accounts, and the way that stanzas take. */
export class LocalHost implements Destination {
  readonly domain: string
  readonly jid: Jid
  readonly hooks = new Hooks()
  readonly discovery = newDiscovery()
  readonly stream = new StreamRegistry()
  readonly answers = new IqAnswers()
  readonly accounts: Accounts
  readonly life: AccountLife
  readonly store: AccountStore
  readonly keys: Keys
  readonly documents: SealedDocuments
  readonly rows: SealedRows
  readonly boxes: ServerBoxes
  readonly tokens: Tokens
  readonly db: Db
  readonly clock: Clock
  readonly log: Log
  readonly arrangements: Arrangements
  readonly #router: Router
  readonly #delivery: Delivery
  readonly #apis = new Map<Module, unknown>()
  readonly #sessionsPerAccount: number
  readonly #credentialsOf: CredentialsOf
  #isClosing = false

  constructor(domain: string, modules: readonly Module[], db: Db, router: Router, options: HostOptions = {}) {
    this.domain = domain
    this.jid = Jid.of('', domain)
    this.db = db
    this.#router = router
    this.log = options.log ?? silentLog
    this.clock = options.clock ?? systemClock
    this.arrangements = options.arrangements ?? { showsPasswords: false, secrets: 'memory' }
    this.#sessionsPerAccount = options.sessionsPerAccount ?? 10
    this.#credentialsOf = options.credentialsOf ?? (() => Promise.reject(new StanzaError('not-allowed')))
    this.store = new AccountStore(db)
    this.keys = new Keys(db, options.shred ?? openShredMemory(), this.log)
    this.documents = new SealedDocuments(db, this.keys, this.log)
    this.rows = new SealedRows(db, this.keys, this.log)
    this.boxes = new ServerBoxes(this.keys, this.store, this.arrangements, this.log)
    this.hooks.on(accountLocked, account => this.rows.forget(account))
    this.hooks.on(secretsDestroyed, () => this.keys.shredDoomed())
    this.life = new AccountLife(this, router, this.#credentialsOf)
    this.accounts = new Accounts(domain, account => this.life.load(account))
    this.tokens = new Tokens(this, options.tokens ?? { days: 14, clients: 20 })
    this.#delivery = new Delivery(this, router)
    // Before the services of its modules: it is what the server is called.
    router.add(domain, this)
    for (const module of modules) this.#setUp(module, options.settings?.[module.name])
  }

  /** What a module's `setup` returned; for those outside the modules, such as commands. */
  apiOf<Api>(module: Module<Api>): Api {
    if (!this.#apis.has(module)) throw new Error(`${module.name} is not among the modules of this host`)
    return this.#apis.get(module) as Api
  }

  /**
   * Binds a resource (RFC 6120 §7). A session of the same resource is ended with `conflict` (§7.7.2.2), and so are those that wait
   * for the same client (XEP-0386 §3.2): it did not resume them. One that is connected may be another device, restored from a backup.
   * Throws a StanzaError if the account has too many sessions or is gone.
   */
  bind(name: string, resource: string, transport: Transport, client?: string): Promise<Session> {
    const account = this.accounts.of(name)
    return this.track(
      Promise.resolve(
        account.turn.take(() => {
          if (!account.exists) throw new StanzaError('not-allowed', 'this account does not exist any more')
          const jid = account.jid.withResource(resource)
          const former = account.sessions.get(jid.resource)
          const ended = [...account.sessions.values()].filter(session => session === former || isLeftBy(session, client))
          if (former === undefined && account.sessions.size - ended.length >= this.#sessionsPerAccount)
            throw new StanzaError('resource-constraint', 'too many sessions')
          return then(this.#endAll(ended, new StreamError('conflict')), () => {
            const session = new Session(account, jid, transport)
            session.client = client
            account.add(session)
            return then(this.hooks.tell(sessionBound, session, this.failed), () => session)
          })
        }),
      ),
    )
  }

  /** The owner has logged in: as long as the hold is not released, what is sealed for the account can be read. Wipes the proof. */
  async authenticated(name: string, proof: Proof): Promise<KeyHold> {
    const account = this.accounts.of(name)
    return account.turn.take(() => this.keys.hold(account, proof, () => void this.hooks.tell(accountLocked, account, this.failed)))
  }

  /** Ends a session: its stream is closed, with an error if one is given, and modules are told in the account's turn. */
  end(session: Session, error?: StreamError): void {
    const pending = session.account.turn.take(() => this.#end(session, error))
    if (pending instanceof Promise) this.#router.track(pending)
  }

  /** One after the other. */
  #endAll([session, ...others]: readonly Session[], error: StreamError): void | Promise<void> {
    return session && then(this.#end(session, error), () => this.#endAll(others, error))
  }

  #end(session: Session, error: StreamError | undefined): void | Promise<void> {
    if (session.isEnded) return
    session.isEnded = true
    session.transport.close(error)
    return this.leave(session)
  }

  /** The session is over, though its stream may still be open. */
  leave(session: Session): void | Promise<void> {
    session.isEnded = true
    session.account.remove(session)
    return this.hooks.tell(sessionEnded, session, this.failed)
  }

  /**
   * Takes one stanza from a session. The next one may come when this returns, or when the promise is done; the caller
   * waits for it, so order is kept (RFC 6120 §10.1).
   */
  receive(session: Session, element: Element, custody?: Custody): void | Promise<void> {
    const pending = session.account.turn.take(() => this.#dispatch(session, element, custody))
    if (pending instanceof Promise) this.#router.track(pending)
    const { underWay } = session
    return underWay === undefined ? pending : then(pending, () => underWay.fewer())
  }

  /** To an account or the host, from anywhere. */
  deliver(stanza: Element, from: Jid, to: Jid, custody: Custody | undefined): void | Promise<void> {
    return this.#delivery.deliver(stanza, from, to, custody)
  }

  /** Into the router, with the addresses that the stanza has. */
  send(stanza: Element): void {
    const { from, to } = addresses(stanza)
    this.#router.route(stanza, from, to)
  }

  /** A message that came at that moment and that a session did not acknowledge goes another way: to other sessions, to the disk, or back as an error. */
  redeliver(session: Session, stanza: Element, custody: Custody | undefined, at: number): void {
    const { from, to } = addresses(stanza)
    this.#delivery.redeliver(session, stanza, from, to, custody, at)
  }

  /** The same where no more is left of it than an outline: it fails. */
  giveUp(session: Session, outline: Element, custody: Custody | undefined): void {
    const { from, to } = addresses(outline)
    this.#delivery.redeliver(session, outline, from, to, custody, undefined)
  }

  /** Before any host of the server closes: what follows for their users is no leaving of theirs. */
  async prepareToClose(): Promise<void> {
    if (this.#isClosing) return
    this.#isClosing = true
    await this.hooks.tell(hostClosing, undefined, this.failed)
  }

  /** Ends all streams; done when all that was under way is done. */
  async close(error: StreamError): Promise<void> {
    await this.prepareToClose()
    for (const account of this.accounts.online()) {
      for (const session of [...account.sessions.values()]) {
        const suspended = session.transport.suspend?.(error)
        if (suspended === undefined) this.end(session, error)
        else {
          const told = account.turn.take(() => this.hooks.tell(sessionSuspended, session, this.failed))
          this.#router.track(Promise.all([suspended, told]))
        }
      }
    }
    await this.#router.idle()
    await this.hooks.tell(hostClosed, undefined, this.failed)
  }

  readonly failed = (owner: string, error: unknown): void => {
    void owner
    this.log.fault('handler.failed', error)
  }

  /** What was thrown, as what may be told: of our own failures the sender learns nothing. */
  asStanzaError(thrown: unknown): StanzaError {
    if (thrown instanceof StanzaError) return thrown
    if (thrown instanceof Error && thrown.name === 'StorageError') return new StanzaError('resource-constraint', '', { cause: thrown })
    this.log.fault('stanza.refused', thrown)
    return new StanzaError('internal-server-error')
  }

  #dispatch(session: Session, element: Element, custody: Custody | undefined): void | Promise<void> {
    // What a client sent behind the removal of its account must leave nothing to the next one of that name.
    if (!session.account.exists) return
    const own = session.account.jid
    let to: Jid
    try {
      to = element.attrs['to'] === undefined ? own : Jid.parse(element.attrs['to'])
    } catch (error) {
      this.#router.refuse(element.with({ from: String(session.jid) }), session.jid, this.jid, this.asStanzaError(error))
      return
    }
    if (element.name === 'presence' && element.attrs['to'] === undefined) {
      const stanza = element.with({ from: String(session.jid) })
      return this.#guard(stanza, session.jid, own, () => this.#broadcast(session, stanza))
    }
    const isSubscription = element.name === 'presence' && SUBSCRIPTION_TYPES.has(element.attrs['type'])
    const from = isSubscription ? own : session.jid // RFC 6121 §3.1.2: subscriptions are between bare addresses
    if (isSubscription) to = to.bare
    const stanza = element.with({ from: String(from), to: String(to) })
    const envelope: Outgoing = { stanza, from, to, account: session.account, session, custody }
    return this.#guard(stanza, session.jid, to, () => this.#passOut(envelope, isSubscription, custody))
  }

  #broadcast(session: Session, stanza: Element): void | Promise<void> {
    const { type } = stanza.attrs
    if (type !== undefined && type !== 'unavailable') throw new StanzaError('bad-request', 'presence of this type needs an address')
    const event = { session, stanza }
    return then(this.hooks.run(presenceShaped, event), () => then(this.hooks.run(presenceBroadcast, event), () => undefined))
  }

  #passOut(envelope: Outgoing, isSubscription: boolean, custody: Custody | undefined): void | Promise<void> {
    const flow = OUT[envelope.stanza.name]
    if (flow === undefined) throw new StanzaError('bad-request', 'not a stanza')
    return then(passAll(this.hooks, flow, envelope), dropped => {
      if (dropped === 'drop') return
      const decided = isSubscription ? this.hooks.run(subscriptionOut, envelope) : undefined
      return then(decided, verdict => {
        if (verdict === 'drop') return
        const routed = this.#router.route(envelope.stanza, envelope.from, envelope.to, custody)
        if (routed instanceof Promise) (envelope.session.underWay ??= new UnderWay()).add(routed)
        return this.hooks.tell(flow.after, envelope, this.failed)
      })
    })
  }

  /** An error anywhere on the way refuses the stanza: a check that cannot be made has not been passed. */
  #guard(stanza: Element, from: Jid, to: Jid, work: () => void | Promise<void>): void | Promise<void> {
    try {
      const pending = work()
      if (pending instanceof Promise) return pending.catch(error => this.#router.refuse(stanza, from, to, this.asStanzaError(error)))
    } catch (error) {
      this.#router.refuse(stanza, from, to, this.asStanzaError(error))
    }
  }

  /** The host does not close before it is done. */
  track<T>(work: Promise<T>): Promise<T> {
    this.#router.track(work)
    return work
  }

  #setUp(module: Module, given: unknown): void {
    const needs = Object.fromEntries(
      Object.entries(module.needs ?? {}).map(([key, needed]) => {
        if (!this.#apis.has(needed)) throw new Error(`${module.name} needs ${needed.name}, which must come before it in modules/index.ts`)
        return [key, this.#apis.get(needed)]
      }),
    )
    for (const feature of module.features ?? []) this.discovery.host.features.add(feature)
    for (const feature of module.accountFeatures ?? []) this.discovery.account.features.add(feature)
    const host: Host = {
      domain: this.domain,
      jid: this.jid,
      settings: given ?? readSetting(table(module.settings ?? {}), undefined),
      needs,
      db: this.db,
      accounts: this.accounts,
      store: this.store,
      keys: this.keys,
      documents: this.documents,
      rows: this.rows,
      boxes: this.boxes,
      tokens: this.tokens,
      on: (point, handler) => this.hooks.on(point, handler, module.name),
      hooks: this.hooks,
      iq: this.answers.tables(module.name),
      discovery: this.discovery,
      stream: this.stream,
      clock: this.clock,
      log: this.log,
      arrangements: this.arrangements,
      send: stanza => this.send(stanza),
      track: work => void this.track(work),
      end: (session, error) => this.end(session, error),
      serve: (domain, handlers) => {
        const service = new Service(module.name, this.#router, handlers, thrown => this.asStanzaError(thrown))
        this.#router.add(domain, service)
        return service
      },
      credentialsOf: (name, password) => this.#credentialsOf(name, password),
      life: this.life,
    }
    this.#apis.set(module, module.setup(host))
  }
}

const OUT: Readonly<Record<string, Flow<Outgoing>>> = { message: messageOut, presence: presenceOut, iq: iqOut }

/** It waits for that client to come back. */
const isLeftBy = ({ client, transport }: Session, by: string | undefined): boolean =>
  client !== undefined && client === by && transport.isAway === true

/** Goes on at once with a value, or later with what a promise gives. */
export function then<T, R>(value: T | Promise<T>, next: (value: T) => R | Promise<R>): R | Promise<R> {
  return value instanceof Promise ? value.then(next) : next(value)
}

/** Passes `check`, `change`, `store` and `copy`, without waiting while no handler does. */
export function passAll<Event>(hooks: Hooks, flow: Flow<Event>, event: Event): 'drop' | void | Promise<'drop' | void> {
  return then(hooks.run(flow.check, event), verdict => {
    if (verdict === 'drop') return 'drop'
    return then(hooks.run(flow.change, event), () =>
      then(hooks.run(flow.store, event), () => then(hooks.run(flow.copy, event), () => undefined)),
    )
  })
}
