/** The hosts of a configuration: their stores, modules and credentials; for serving and for commands alike. */
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { domainToASCII } from 'node:url'
import type { Config, HostConfig } from './admin/config.ts'
import type { AccountsContext, Context, InvitesContext, RetentionContext } from './admin/context.ts'
import { EX_CONFIG, OperatorError } from './admin/operator-error.ts'
import { migrations as coreMigrations } from './core/account-store.ts'
import { systemClock } from './core/clock.ts'
import { Expiry } from './core/expiry.ts'
import { type HostOptions, LocalHost } from './core/host.ts'
import type { NewCredential } from './core/keys.ts'
import type { Log } from './core/log.ts'
import type { Arrangements } from './core/module.ts'
import { Router } from './core/router.ts'
import { inherited, isKept } from './keeper.ts'
import { discovery } from './modules/discovery.ts'
import { modules } from './modules/index.ts'
import { invites } from './modules/invites/invites.ts'
import { type Choice, retention } from './modules/retention/retention.ts'
import { deriveCredential } from './sasl/credential.ts'
import { type CredentialSource, saltFor } from './sasl/credential-source.ts'
import type { ScramHash } from './sasl/scram-hash.ts'
import { SealError } from './seal/seal-error.ts'
import { openShredFile, openShredMemory, type ShredStore } from './seal/shred-store.ts'
import { StorageError, type Store } from './storage/db.ts'
import { StanzaError } from './xmpp/error.ts'
import { isAccountName } from './xmpp/precis/account-name.ts'
import { opaqueString, usernameCaseMapped } from './xmpp/precis/profiles.ts'

/** What is served, and what it stands on. */
export interface Hosts {
  readonly router: Router
  readonly servings: readonly Serving[]
  /** Of all domains. */
  readonly shred: ShredStore
  /** For whoever changes something about it. */
  readonly arrangements: { -readonly [Key in keyof Arrangements]: Arrangements[Key] }
  readonly expiry: Expiry
  close(): Promise<void>
}

/** One domain with what it stands on. */
export interface Serving {
  readonly host: LocalHost
  readonly store: Store
  readonly credentials: CredentialSource
}

const MIGRATIONS = [
  { owner: 'core', steps: coreMigrations },
  ...modules.map(module => ({ owner: module.name, steps: module.migrations ?? [] })),
]

/** Opens the stores and sets the hosts up. Throws an OperatorError with EX_CONFIG for one that cannot be used. */
export async function openHosts(config: Config, log: Log): Promise<Hosts> {
  await mkdir(config.data, { recursive: true, mode: 0o700 })
  // Where SQLite needs a file that has no name, it is not in a folder of all.
  process.env['SQLITE_TMPDIR'] ??= config.data
  const router = new Router()
  const servings: Serving[] = []
  const shred = await openShred(config)
  const arrangements = { showsPasswords: config.auth.plain, secrets: config.seal.level }
  let expiry: Expiry | undefined
  const close = async (): Promise<void> => {
    await expiry?.stop()
    await Promise.all(servings.map(({ store }) => store.close()))
    await shred.close()
  }
  try {
    for (const host of config.hosts) servings.push(await openHost(config, host, router, { shred, arrangements, log }))
    for (const { host } of servings) await host.keys.shredDoomed()
  } catch (error) {
    await close()
    throw error instanceof StorageError ? new OperatorError(error.message, EX_CONFIG) : error
  }
  expiry = new Expiry(
    shred,
    servings.map(({ host }) => host),
    systemClock,
    log,
  )
  return { router, servings, shred, arrangements, expiry, close }
}

async function openShred({ seal: { level, secrets } }: Config): Promise<ShredStore> {
  if (level === 'memory') return openShredMemory(isKept() ? inherited() : undefined)
  try {
    await mkdir(secrets, { recursive: true, mode: 0o700 })
    return await openShredFile(join(secrets, 'shred'))
  } catch (error) {
    if (error instanceof SealError) throw new OperatorError(error.message, EX_CONFIG)
    throw new OperatorError(
      `${secrets} cannot be used (${(error as NodeJS.ErrnoException).code}); name another folder under seal.secrets`,
      EX_CONFIG,
    )
  }
}

/** Each component stands among the items of the host that it is below of, the nearest one (XEP-0030 §4). */
export function listComponents(components: readonly string[], servings: readonly Serving[]): void {
  for (const jid of components) {
    const above = servings.filter(({ host }) => jid.endsWith(`.${host.domain}`))
    const nearest = above.sort((a, b) => b.host.domain.length - a.host.domain.length)[0]
    nearest?.host.apiOf(discovery).host.items.push(() => [{ jid }])
  }
}

/** Where else than at its own domain the host serves something. */
export function servicesOf({ domain, modules: settings }: HostConfig): string[] {
  return modules.flatMap(module => module.addressOf?.(domain, settings[module.name]) ?? [])
}

async function openHost(
  config: Config,
  { domain, modules: settings }: HostConfig,
  router: Router,
  common: Required<Pick<HostOptions, 'shred' | 'arrangements' | 'log'>>,
): Promise<Serving> {
  const store = await openStore(config, domain)
  const credentialsOf = (name: string, password: string): Promise<NewCredential[]> => makeCredentials(config, source, name, password)
  const host = new LocalHost(domain, modules, store, router, {
    settings,
    sessionsPerAccount: config.limits.sessions,
    tokens: config.auth.tokens,
    credentialsOf,
    ...common,
  })
  const source: CredentialSource = {
    find: (name, hash) => host.store.anyCredential(name, hash) as ReturnType<CredentialSource['find']>,
    iterationsInUse: () => host.store.iterationsInUse(),
    fakeSaltKey: await host.store.hostSecret('salt'),
    iterations: config.auth.iterations,
  }
  return { host, store, credentials: source }
}

async function openStore({ data, store }: Config, domain: string): Promise<Store> {
  const ascii = domainToASCII(domain)
  if (store.engine === 'postgres') {
    const { openPostgres } = await import('./storage/postgres.ts')
    return openPostgres(store.url!, ascii, MIGRATIONS)
  }
  const { openSqlite } = await import('./storage/sqlite.ts')
  return openSqlite(join(data, `${ascii}.sqlite`), MIGRATIONS)
}

/** The verifiers of a password, one for each hash that clients may use, with their ClientKeys. */
async function makeCredentials({ auth }: Config, source: CredentialSource, name: string, password: string): Promise<NewCredential[]> {
  const hashes: ScramHash[] = auth.sha1 ? ['SHA-512', 'SHA-256', 'SHA-1'] : ['SHA-512', 'SHA-256']
  const prepared = opaqueString(password)
  if (prepared === undefined) throw new OperatorError('this password has characters that cannot be typed everywhere')
  // The salt that strangers are shown for the name: whether an account exists, and since when, cannot be seen from it.
  return Promise.all(hashes.map(hash => deriveCredential(prepared, hash, auth.iterations, saltFor(source, name, hash))))
}

/** What commands may do with the hosts. */
export function contextOf(config: Config, { servings, expiry }: Hosts): Context {
  const of = (domain: string): Serving => {
    const found = servings.find(({ host }) => host.domain === domain)
    if (found === undefined) throw new OperatorError(`${domain} is not served here`)
    return found
  }
  return {
    config,
    hosts: () => servings.map(({ host }) => host.domain),
    accounts: domain => accountsOf(config, of(domain)),
    invites: domain => invitesOf(of(domain)),
    retention: domain => retentionOf(of(domain)),
    confirmClock: () => expiry.confirmClock(),
    hooks: () => servings[0]?.host.hooks.describe() ?? [],
  }
}

function accountsOf(config: Config, { host, credentials }: Serving): AccountsContext {
  const known = (name: string): string => usernameCaseMapped(name) ?? name
  return {
    async create(name, password) {
      if (!isAccountName(name)) throw new OperatorError(`${name} cannot be the name of an account: use a to z, 0 to 9, and . _ - inside`)
      return host.life.create(name, await makeCredentials(config, credentials, name, password))
    },
    list: () => host.store.list(),
    setPassword: (name, password) => host.life.resetPassword(known(name), password),
    remove: name => host.life.remove(known(name)),
    exists: name => host.store.exists(known(name)),
  }
}

function invitesOf({ host }: Serving): InvitesContext {
  return {
    async create({ name, lifetime }) {
      try {
        return await host.apiOf(invites).create({ account: name, isForAccount: true, expiresIn: lifetime })
      } catch (error) {
        throw error instanceof StanzaError ? new OperatorError(error.message) : error
      }
    },
  }
}

function retentionOf({ host }: Serving): RetentionContext {
  const { of, choose, possible } = host.apiOf(retention)
  const known = (name: string): string => usernameCaseMapped(name) ?? name
  return { possible, of: name => of(known(name)), choose: (name, choice) => choose(known(name), choice as Choice) }
}
