/** The settings file: read, checked, and turned into values that need no further look. */
import { readFile } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { parse, TomlError } from 'smol-toml'
import { formatPath, readSetting, SettingError, type Shape, type Table, table } from '../lib/settings.ts'
import { type HostPort, parseHostPort } from '../net/host-port.ts'
import { configShape, parseDomain } from './config-shape.ts'
import { type Endpoint, endpointsOf } from './endpoint.ts'
import { EX_CONFIG, OperatorError } from './operator-error.ts'

export interface CertificateFiles {
  readonly cert: string
  readonly key: string
}

export interface HostConfig {
  readonly domain: string
  /** The host's own, or the common one; without any, the server signs one itself. */
  readonly certificate: CertificateFiles | undefined
  /** Its users may talk with those of other servers. */
  readonly federation: boolean
  /** The settings of each module, read with the shape it declares; the host's own before the common ones. */
  readonly modules: Readonly<Record<string, Readonly<Record<string, unknown>>>>
}

type Written = Table<typeof configShape>

/** Tor's SOCKS port. */
const TOR_PORT = 9050

export interface Config extends Pick<Written, 'limits' | 'auth' | 'component' | 'web'> {
  /** Other servers; `authorities` is an absolute path, `proxy` a place. */
  readonly s2s: Omit<Written['s2s'], 'proxy'> & { readonly proxy: HostPort }
  /** The file the settings are from; undefined without one. */
  readonly file: string | undefined
  /** Absolute. */
  readonly data: string
  readonly hosts: readonly HostConfig[]
  readonly listen: Readonly<Record<'c2s' | 'c2sTls' | 's2s' | 's2sTls' | 'https' | 'http' | 'component', readonly Endpoint[]>>
  readonly tls: { readonly oldest: '1.2' | '1.3' }
  readonly store: { readonly engine: 'sqlite' | 'postgres'; readonly url: string | undefined }
  /** `secrets` is absolute. */
  readonly seal: { readonly level: 'file' | 'memory'; readonly secrets: string }
}

/** The shapes of the settings that modules declare, by the module's name. */
export type ModuleShapes = Readonly<Record<string, Shape>>

/** Reads the settings file. Throws an OperatorError that names file, place and problem. */
export async function loadConfig(file: string, modules: ModuleShapes): Promise<Config> {
  const source = await readFile(file, 'utf8').catch(error => {
    throw new OperatorError(`${file}: cannot be read (${error.code})`, EX_CONFIG)
  })
  try {
    return readConfig(parse(source), modules, resolve(file))
  } catch (error) {
    if (error instanceof TomlError) throw new OperatorError(describeTomlError(file, error), EX_CONFIG)
    if (!(error instanceof SettingError)) throw error
    throw new OperatorError(error.problems.map(problem => `${file}: ${problem}`).join('\n'), EX_CONFIG)
  }
}

/** The settings for a first try: this machine alone, no questions. */
export function defaultConfig(modules: ModuleShapes, data = './data'): Config {
  const listen = { addresses: ['127.0.0.1', '::1'], s2s: false, s2sTls: false }
  return readConfig({ data, host: { localhost: { federation: false } }, listen }, modules)
}

/** Checks settings that are parsed already; paths in them are relative to the file. Throws a SettingError. */
export function readConfig(raw: unknown, modules: ModuleShapes, file?: string): Config {
  const { data, hosts, host, listen, component, s2s, tls, store, seal, modules: common, ...rest } = readSetting(table(configShape), raw)
  const folder = file === undefined ? process.cwd() : dirname(file)
  const absolute = (files: CertificateFiles | undefined): CertificateFiles | undefined =>
    files && { cert: resolve(folder, files.cert), key: resolve(folder, files.key) }
  readModules([common], modules, ['modules'])

  const domains = [...new Set([...hosts, ...Object.keys(host)])]
  if (domains.length === 0) throw new SettingError(['hosts: must name at least one domain, such as hosts = ["example.org"]'])
  checkDomains('host', host)
  checkDomains('component', component)
  const served = domains.find(domain => Object.hasOwn(component, domain))
  if (served !== undefined)
    throw new SettingError([
      `${formatPath(['component', served])}: is served as a host; a component has a domain of its own, such as "irc.${served}"`,
    ])
  checkDomains('s2s.pins', s2s.pins)
  checkDomains('s2s.servers', s2s.servers)
  const proxy = parseHostPort(s2s.proxy, TOR_PORT)
  if (proxy === undefined) throw new SettingError(['s2s.proxy: must be "host:port"'])
  if (store.engine === 'postgres' && store.url === undefined)
    throw new SettingError(['store.url: is missing, for the engine is "postgres"'])
  if (store.engine === 'sqlite' && store.url !== undefined) throw new SettingError(['store.url: has no meaning for the engine "sqlite"'])

  const { addresses } = listen
  return {
    ...rest,
    component,
    s2s: { ...s2s, proxy, authorities: s2s.authorities && resolve(folder, s2s.authorities) },
    file,
    data: resolve(folder, data),
    hosts: domains.map(domain => ({
      domain,
      certificate: absolute(host[domain]?.certificate ?? tls.certificate),
      federation: host[domain]?.federation ?? true,
      modules: readModules([common, host[domain]?.modules ?? {}], modules, ['host', domain, 'modules']),
    })),
    listen: {
      c2s: endpointsOf(listen.c2s, addresses),
      c2sTls: endpointsOf(listen.c2sTls, addresses),
      s2s: endpointsOf(listen.s2s, addresses),
      s2sTls: endpointsOf(listen.s2sTls, addresses),
      https: endpointsOf(listen.https, addresses),
      http: endpointsOf(listen.http, addresses),
      component: Object.keys(component).length > 0 ? endpointsOf(listen.component, ['127.0.0.1']) : [],
    },
    tls: { oldest: tls.oldest },
    store: { engine: store.engine, url: store.url },
    seal: { level: seal.level, secrets: resolve(folder, seal.secrets ?? `${data}-secrets`) },
  }
}

/** Tables by domain: a domain has one name only, or it could stand there twice. */
function checkDomains(setting: string, tables: object): void {
  for (const name of Object.keys(tables)) {
    const domain = parseDomain(name)
    if (domain !== name)
      throw new SettingError([
        `${formatPath([...setting.split('.'), name])}: must be ${domain ? `written as "${domain}"` : 'a domain name'}`,
      ])
  }
}

type Tables = Readonly<Record<string, unknown>>

/** Lays tables of module settings over each other, the later over the earlier, and reads the result for every module there is. */
function readModules(layers: readonly Tables[], shapes: ModuleShapes, path: readonly string[]): HostConfig['modules'] {
  const known = Object.keys(shapes)
  const stranger = layers.flatMap(Object.keys).find(name => !known.includes(name))
  if (stranger !== undefined)
    throw new SettingError([`${formatPath([...path, stranger])}: is not a module; there are: ${known.join(', ')}`])
  return Object.fromEntries(
    known.map(name => {
      const written = layers.map(layer => layer[name]).filter(settings => settings !== undefined)
      const merged = written.every(isTable) ? Object.assign({}, ...written) : written.find(settings => !isTable(settings))
      return [name, readSetting(table(shapes[name]!), merged, [...path, name])]
    }),
  )
}

function isTable(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function describeTomlError(file: string, { line, column, message, codeblock }: TomlError): string {
  const [problem] = message.replace(/^Invalid TOML document: /, '').split('\n')
  return `${file}:${line}:${column}: ${problem}\n${codeblock.trimEnd()}`
}
