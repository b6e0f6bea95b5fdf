/** Looks at what a server needs: settings, data folder, certificates, ports, store. */
import { readFile, stat, statfs } from 'node:fs/promises'
import { createServer } from 'node:net'
import { dirname, isAbsolute, relative } from 'node:path'
import { formatBytes } from '../lib/bytes.ts'
import type { Config } from './config.ts'
import type { Program, Setup } from './context.ts'
import { type Endpoint, formatEndpoint } from './endpoint.ts'
import { OperatorError } from './operator-error.ts'
import { askServer, type Reply } from './socket.ts'

export interface Finding {
  readonly level: 'fine' | 'warning' | 'problem'
  readonly sentence: string
  /** What to do about it. */
  readonly action?: string
}

const fine = (sentence: string): Finding => ({ level: 'fine', sentence })
const warning = (sentence: string, action: string): Finding => ({ level: 'warning', sentence, action })
const problem = (sentence: string, action: string): Finding => ({ level: 'problem', sentence, action })

const LITTLE_SPACE = 1024 ** 3
const NO_SPACE = 100 * 1024 ** 2

/** Everything that can be seen from here, in the order in which a start would meet it. */
export async function checkAll(setup: Setup): Promise<Finding[]> {
  const program = await setup.loadProgram()
  const config = await setup.loadConfig().catch(asFinding('Correct the settings file.'))
  if ('level' in config) return [config]
  const running = await askServer(config.data, { command: ['status'], input: {} }).catch(() => undefined)
  return [
    fine(
      setup.file === undefined
        ? 'There is no settings file; the usual settings serve localhost alone.'
        : `The settings in ${setup.file} can be used.`,
    ),
    ...(await settingsFile(config)),
    ...registration(config),
    ...components(config),
    ...otherServers(config),
    await folder('data', config.data),
    ...(await secrets(config)),
    ...swap(await readFile('/proc/swaps', 'utf8').catch(() => '')),
    await space(config.data),
    ...(await certificates(program, config)),
    ...(await ports(config, running !== undefined)),
    ...(running === undefined ? [await store(program, config)] : [fine('A server runs and answers.'), ...clock(running)]),
  ]
}

function registration({ hosts }: Config): Finding[] {
  const open = hosts.filter(({ domain, modules }) => modules['registration']?.['mode'] === 'open' && domain !== 'localhost')
  if (open.length === 0) return []
  return [
    warning(
      'Everyone may make accounts here; servers like that are found and used by spammers.',
      'Set modules.registration.mode = "invite".',
    ),
  ]
}

async function settingsFile({ file, store, component }: Config): Promise<Finding[]> {
  const mode = file === undefined ? 0 : (await stat(file)).mode
  if ((mode & 0o007) === 0) return []
  const secrets = [
    ...(store.url === undefined ? [] : ['the way into the database']),
    ...(Object.keys(component).length === 0 ? [] : ['the secrets of components']),
  ]
  return secrets.map(what => problem(`Everyone on this machine can read ${what} in the settings file.`, `chmod o= ${file}`))
}

/** What components say and are sent is not encrypted. */
function components({ listen }: Config): Finding[] {
  return listen.component
    .filter(({ address }) => !address.startsWith('127.') && address !== '::1')
    .map(endpoint =>
      warning(
        `Components come to ${formatEndpoint(endpoint)} without encryption.`,
        'Let nobody else into that network, or listen on 127.0.0.1 and let components come through a tunnel.',
      ),
    )
}

/** Whom the settings believe without a proof, by name: so that nobody forgets it. */
function otherServers({ s2s: { exceptions, pins } }: Config): Finding[] {
  return [
    ...exceptions.map(domain =>
      warning(
        `${domain} is believed without a certificate: whoever is on the way to it can be it.`,
        'Take it out of s2s.exceptions, or name the hash of its certificate under s2s.pins.',
      ),
    ),
    ...Object.keys(pins).map(domain => fine(`${domain} is believed by the certificate that s2s.pins names.`)),
  ]
}

/** The server has seen its clock jump far ahead, or was not running for days. */
function clock(reply: Reply): Finding[] {
  const status = 'outcome' in reply ? (reply.outcome.data as Record<string, number>) : {}
  if (status['expiry_halted'] !== 1) return []
  return [
    problem(
      'The clock is more than two days ahead of when the server last ran; so that a wrong clock destroys nothing, messages are kept beyond their time.',
      'Look whether the clock is right, then: conexizan clock confirm',
    ),
  ]
}

async function folder(setting: 'data' | 'seal.secrets', path: string): Promise<Finding> {
  const name = setting === 'data' ? `data folder ${path}` : `folder of secrets ${path}`
  const found = await stat(path).catch(() => undefined)
  if (found === undefined) return fine(`The ${name} will be made at the first start.`)
  if (!found.isDirectory()) return problem(`${path} is not a folder.`, `Name another one as ${setting} in the settings.`)
  const me = process.getuid?.()
  if (me !== undefined && found.uid !== me)
    return problem(`The ${name} belongs to another user.`, 'Run as that user, or give the folder to this one with chown.')
  if ((found.mode & 0o077) !== 0) return problem(`Others on this machine can open the ${name}.`, `chmod 700 ${path}`)
  return fine(`The ${name} is closed to others.`)
}

/** Whoever gets a copy of the secrets together with the data has what should be destroyed in time. */
async function secrets({ data, seal }: Config): Promise<Finding[]> {
  if (seal.level === 'memory')
    return [fine('Messages are kept only until the server stops: the secrets that open them are in memory alone.')]
  const path = relative(data, seal.secrets)
  const isInside = !path.startsWith('..') && !isAbsolute(path)
  if (!isInside) return [await folder('seal.secrets', seal.secrets)]
  return [
    warning(
      `The secrets in ${seal.secrets} are inside the data folder: with a copy of it goes what should be destroyed in time.`,
      'Name a folder elsewhere as seal.secrets, and take it into no backup.',
    ),
  ]
}

/** Where the system writes memory that it needs otherwise, as /proc/swaps says it; what is compressed in memory is none. */
export function swap(swaps: string): Finding[] {
  const places = swaps
    .split('\n')
    .slice(1)
    .flatMap(line => line.split(/\s+/, 1))
    .filter(place => place !== '' && !place.startsWith('/dev/zram'))
  return places.map(place =>
    warning(
      `Memory may be written to ${place}, with the keys of those who are connected.`,
      'Turn it off, encrypt it with a key that is new at each start, or keep the server out of it (systemd: MemorySwapMax=0).',
    ),
  )
}

async function space(data: string): Promise<Finding> {
  const existing = (await stat(data).catch(() => undefined)) ? data : dirname(data)
  const disk = await statfs(existing).catch(() => undefined)
  if (disk === undefined) return warning(`The free space for ${data} cannot be seen.`, `Look whether ${dirname(data)} exists.`)
  const free = disk.bavail * disk.bsize
  const sentence = `${formatBytes(free)} are free for ${data}.`
  if (free < NO_SPACE) return problem(sentence, 'Make room: without it nothing can be stored.')
  return free < LITTLE_SPACE ? warning(sentence, 'Make room soon.') : fine(sentence)
}

async function certificates(program: Program, config: Config): Promise<Finding[]> {
  const { problems, gaps } = await program.checkCertificates(config).catch(error => {
    if (error instanceof OperatorError) return { problems: [error.message], gaps: [] }
    throw error
  })
  return [
    ...(problems.length === 0 ? [fine('The certificates can be used.')] : []),
    ...problems.map(sentence => problem(sentence, 'Name a certificate and key that fit under tls.certificate, or the host’s own.')),
    ...(config.hosts.some(({ federation }) => federation) ? gaps.map(gap) : []),
  ]
}

/** Users of this server can use the service without, and those of others perhaps not. */
const gap = (name: string): Finding =>
  warning(
    `No certificate carries ${name}: users of some other servers cannot use what is there.`,
    'Have the name put into the certificate, beside that of the domain.',
  )

async function ports({ listen }: Config, isRunning: boolean): Promise<Finding[]> {
  const endpoints = Object.values(listen).flat()
  const findings = await Promise.all(endpoints.map(endpoint => port(endpoint, isRunning)))
  return findings.filter(finding => finding !== undefined)
}

/** A port is free if it can be listened on; while our server runs it must be taken. */
async function port(endpoint: Endpoint, isRunning: boolean): Promise<Finding | undefined> {
  if (endpoint.port === 0) return undefined
  const where = formatEndpoint(endpoint)
  const code = await tryListen(endpoint)
  if (code === undefined)
    return isRunning
      ? warning(`The server runs, but does not listen on ${where}.`, 'Restart it: the settings may have changed.')
      : fine(`${where} is free.`)
  if (code === 'EADDRINUSE') {
    return isRunning
      ? fine(`${where} is in use, by the server that runs.`)
      : problem(
          `Another program uses ${where}.`,
          `See which with: ss -ltnp 'sport = :${endpoint.port}'; stop it, or name another port under listen.`,
        )
  }
  if (code === 'EACCES') return problem(`This user may not listen on ${where}.`, 'Ports below 1024 take the right CAP_NET_BIND_SERVICE.')
  if (code === 'EADDRNOTAVAIL' || code === 'EAFNOSUPPORT')
    return warning(`This machine does not have the address ${endpoint.address}.`, 'Correct listen.addresses.')
  return problem(`${where} cannot be used (${code}).`, 'Name another one under listen.')
}

function tryListen({ address, port }: Endpoint): Promise<string | undefined> {
  const server = createServer()
  return new Promise(resolve => {
    server.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message))
    server.listen({ host: address, port, exclusive: true, ipv6Only: true }, () => server.close(() => resolve(undefined)))
  })
}

async function store(program: Program, config: Config): Promise<Finding> {
  try {
    await using _store = await program.openStore(config)
    return fine('The store can be opened.')
  } catch (error) {
    return asFinding('Correct the settings under store, or restore a backup.')(error)
  }
}

const asFinding =
  (action: string) =>
  (error: unknown): Finding => {
    if (error instanceof OperatorError) return problem(error.message, action)
    throw error
  }
