import type { Shape, Table } from '../lib/settings.ts'
import type { Db, Migration } from '../storage/db.ts'
import type { Element, Namespace } from '../xml/element.ts'
import type { StreamError } from '../xmpp/error.ts'
import type { Jid } from '../xmpp/jid.ts'
import type { Account, Accounts } from './account.ts'
import type { AccountLife, CredentialsOf } from './account-life.ts'
import type { AccountStore } from './account-store.ts'
import type { Clock } from './clock.ts'
import type { Discovery } from './discovery.ts'
import type { Hooks } from './hooks.ts'
import type { Keys } from './keys.ts'
import type { Log } from './log.ts'
import type { SealedDocuments } from './sealed-documents.ts'
import type { SealedRows } from './sealed-rows.ts'
import type { ServerBoxes } from './server-boxes.ts'
import type { Service, ServiceHandlers } from './service.ts'
import type { Session } from './session.ts'
import type { StreamRegistry, UnboundStream } from './stream-registry.ts'
import type { Tokens } from './tokens.ts'

/** How the operator runs the server, as far as it is the users' business. What may change meanwhile is as it is now. */
export interface Arrangements {
  /** Clients may show their passwords when they log in (PLAIN). */
  readonly showsPasswords: boolean
  /** Where the secrets are without which nothing opens that is kept for a limited time. */
  readonly secrets: 'file' | 'memory'
}

/** What a module is given for one host. It has nothing else: no globals, no other way in. */
export interface Host<Settings = {}, Needs = {}> {
  readonly domain: string
  readonly jid: Jid
  readonly settings: Settings
  readonly needs: Needs
  readonly db: Db
  /** The accounts in memory: islands with their sessions and turns. */
  readonly accounts: Accounts
  /** The accounts on disk: create, remove, list, credentials. */
  readonly store: AccountStore
  /** To which things are sealed, and what opens them. */
  readonly keys: Keys
  readonly documents: SealedDocuments
  readonly rows: SealedRows
  /** To seal what belongs to no account, and must be known while nobody is there. */
  readonly boxes: ServerBoxes
  /** By which clients log in without their password. */
  readonly tokens: Tokens
  readonly on: Hooks['on']
  readonly hooks: Hooks
  readonly iq: IqTables
  readonly discovery: Discovery
  readonly stream: StreamRegistry
  readonly clock: Clock
  readonly log: Log
  readonly arrangements: Arrangements
  /** Hands a stanza with `from` and `to` to the router, in the name of the account or the host. */
  send(stanza: Element): void
  /** Work that nobody waits for, but that shall be done before the server stops. */
  track(work: Promise<unknown>): void
  /** From now on stanzas to that domain are for a service of the module. */
  serve(domain: string, handlers: ServiceHandlers): Service
  /** Ends a session in its account's turn, with an error if one is given. */
  end(session: Session, error?: StreamError): void
  readonly credentialsOf: CredentialsOf
  readonly life: AccountLife
}

/** An IQ of type get or set, with its one payload. */
export interface Request {
  readonly from: Jid
  readonly to: Jid
  readonly payload: Element
  readonly iq: Element
}
/** A request to an account by somebody, in the account's turn. */
export interface AccountRequest extends Request {
  readonly account: Account
}
/** A request of a client to its own account, in the account's turn. */
export interface OwnRequest extends AccountRequest {
  readonly session: Session
}
/** A request of a client that has not logged in yet (XEP-0077, XEP-0445). */
export interface StreamRequest {
  readonly stream: UnboundStream
  readonly payload: Element
  readonly iq: Element
}

/** The payload of the result, or nothing for an empty result. Throw a StanzaError to refuse. */
export type Answer = Element | void | Promise<Element | void>

export interface IqTable<Asked> {
  get<Name extends string>(ns: Namespace<Name>, name: Name, answer: (request: Asked) => Answer): void
  set<Name extends string>(ns: Namespace<Name>, name: Name, answer: (request: Asked) => Answer): void
}

/** Who is asked: the sender's own account, an account of someone else, the host itself, or a stream before login. */
export interface IqTables {
  readonly self: IqTable<OwnRequest>
  readonly account: IqTable<AccountRequest>
  readonly host: IqTable<Request>
  readonly stream: IqTable<StreamRequest>
}

/** What of a XEP is done; for docs/xeps.md and the DOAP file (XEP-0453). */
export interface Xep {
  readonly number: number
  readonly version: string
  readonly status: 'complete' | 'partial'
  readonly note: string | undefined
}

export const xep = (number: number, version: string, status: Xep['status'] = 'complete', note?: string): Xep => ({
  number,
  version,
  status,
  note,
})

export interface Module<Api = unknown> {
  readonly name: string
  readonly about: string
  readonly xeps: readonly Xep[]
  readonly features?: readonly string[]
  readonly accountFeatures?: readonly string[]
  readonly settings?: Shape
  readonly needs?: Readonly<Record<string, Module>>
  readonly migrations?: readonly Migration[]
  // biome-ignore lint/suspicious/noExplicitAny: as below
  addressOf?(domain: string, settings: any): string | undefined
  // biome-ignore lint/suspicious/noExplicitAny: defineModule checks the types of settings and needs
  setup(host: Host<any, any>): Api
}

type ApiOf<M> = M extends Module<infer Api> ? Api : never

/** Declares a module. The types of its settings and of what it needs flow into `setup`. */
export function defineModule<Api = void, Settings extends Shape = {}, Needs extends Record<string, Module> = {}>(module: {
  /** The name in the configuration and in the log. */
  name: string
  /** One sentence for docs/xeps.md. */
  about: string
  xeps: readonly Xep[]
  /** What service discovery says of this host while the module is on (XEP-0030). */
  features?: readonly string[]
  /** The same of every account of the host. */
  accountFeatures?: readonly string[]
  settings?: Settings
  needs?: Needs
  /** Numbered by position; only ever appended. */
  migrations?: readonly Migration[]
  /** The domain beside that of the host at which it serves something; certificates should carry it, too. */
  addressOf?(domain: string, settings: Table<Settings>): string | undefined
  setup(host: Host<Table<Settings>, { [K in keyof Needs]: ApiOf<Needs[K]> }>): Api
}): Module<Api> {
  return module
}
