import type { Config, ModuleShapes } from './config.ts'

/** The accounts of one domain. Names are the part before the @; a name that is not allowed is an OperatorError. */
export interface AccountsContext {
  /** False if the name is taken. */
  create(name: string, password: string): Promise<boolean>
  list(): AsyncIterable<string> | Iterable<string> | Promise<readonly string[]>
  /** Undefined if there is no such account. `isLost`: what was kept for it opens never again; else its owner has a code that opens it. */
  setPassword(name: string, password: string): Promise<{ readonly isLost: boolean } | undefined>
  /** Removes the account and all that is stored for it. False if there is no such account. */
  remove(name: string): Promise<boolean>
  exists(name: string): Promise<boolean>
}

export interface Invitation {
  readonly token: string
  /** `xmpp:example.org?register;preauth=…` (XEP-0401). */
  readonly uri: string
  /** ms since epoch. */
  readonly expiresAt: number
}

export interface InvitesContext {
  create(options: { readonly name?: string | undefined; readonly lifetime?: number | undefined }): Promise<Invitation>
}

/** How long messages are kept, for each user of one domain. */
export interface RetentionContext {
  /** What a user may have, in the order of how much is kept. */
  readonly possible: readonly string[]
  /** Undefined if there is no such account. */
  of(name: string): Promise<string | undefined>
  /** False if there is no such account. `choice` is one of the possible ones. */
  choose(name: string, choice: string): Promise<boolean>
}

/** What commands work on: the store alone, or a server that runs. */
export interface Context {
  readonly config: Config
  hosts(): readonly string[]
  accounts(domain: string): AccountsContext
  invites(domain: string): InvitesContext
  retention(domain: string): RetentionContext
  /** The operator says that the clock is right; then secrets are destroyed whose time is over. */
  confirmClock(): Promise<void>
  /** The handlers of each extension point, in their order. */
  hooks(): readonly string[]
}

/** One other domain: its connections, what waits for it, and why it cannot be reached. */
export interface Acquaintance {
  readonly domain: string
  readonly connections: readonly {
    readonly direction: 'in' | 'out' | 'both'
    readonly proof: string
    readonly tls: string | undefined
    readonly unacknowledged: number
  }[]
  readonly waiting: number
  readonly failure: string | undefined
}

/** Other servers. What is told of them is written nowhere. */
export interface FederationContext {
  list(): readonly Acquaintance[]
  /** False if there was no connection. */
  close(domain: string): boolean
  /** Undefined if an answer came, else why there is none. */
  ping(domain: string): Promise<string | undefined>
}

export interface ServerContext extends Context {
  readonly federation: FederationContext
  /** Numbers of the running server; never who. */
  status(): Readonly<Record<string, number>>
  /** Begins to stop: ends streams and closes the store. */
  stop(): void
  /** The same, to be started anew at once; what is in memory alone is handed over. Throws an OperatorError where there is no need for it. */
  restart(): void
}

/** A server that runs in this process. */
export interface RunningServer {
  /** What the operator should know now, such as where it listens. */
  readonly notes: readonly string[]
  /** Resolves with the exit code when it has stopped. */
  readonly stopped: Promise<number>
}

/** What only the program as a whole can do. */
export interface Program {
  readonly modules: ModuleShapes
  /** Opens the store without serving. Throws an OperatorError with EX_CONFIG if it cannot be read. */
  openStore(config: Config): Promise<Context & AsyncDisposable>
  /** Serves until SIGTERM or SIGINT; `reload` reads the settings anew, for SIGHUP. */
  serve(config: Config, reload: () => Promise<Config>): Promise<RunningServer>
  /** What is wrong with certificates, in sentences; and the addresses of services that none carries. */
  checkCertificates(config: Config): Promise<{ readonly problems: readonly string[]; readonly gaps: readonly string[] }>
}

/** What commands have that need neither store nor server. */
export interface Setup {
  /** The settings file that is used; undefined for the usual settings. */
  readonly file: string | undefined
  loadConfig(): Promise<Config>
  loadProgram(): Promise<Program>
  /** Tells a person at the terminal; not part of the result. */
  tell(sentence: string): void
}
