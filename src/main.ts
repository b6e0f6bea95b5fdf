/** The program: the only file, with serving.ts beside it, that knows all the others. */
import { setInterval } from 'node:timers'
import { domainToASCII } from 'node:url'
import { commands } from './admin/commands/index.ts'
import type { Config, ModuleShapes } from './admin/config.ts'
import type { Program, RunningServer, ServerContext } from './admin/context.ts'
import { formatEndpoint } from './admin/endpoint.ts'
import { EX_CONFIG, OperatorError } from './admin/operator-error.ts'
import { reloadable } from './admin/reload.ts'
import { openAdminSocket } from './admin/socket.ts'
import { type Log, openLog, silentLog } from './core/log.ts'
import { messageIn, sessionHibernated } from './core/points.ts'
import { authoritiesOf, federate, serverStreamSettings } from './federating.ts'
import { handOver, isKept, keep, RESTART } from './keeper.ts'
import { startForgetting } from './lib/forgetting.ts'
import { giveBackMemory } from './lib/spare-memory.ts'
import { modules } from './modules/index.ts'
import { Certificates } from './net/certificates.ts'
import { Gate } from './net/gate.ts'
import type { DomainLinks } from './net/host-meta.ts'
import { Http } from './net/http.ts'
import { Listeners } from './net/listeners.ts'
import { Peers } from './net/peer-key.ts'
import type { ShredMemory, ShredStore } from './seal/shred-store.ts'
import { contextOf, listComponents, openHosts, type Serving, servicesOf } from './serving.ts'
import { ClientStreams } from './stream/c2s/client-streams.ts'
import { ResumableStreams } from './stream/c2s/resumable-streams.ts'
import type { StreamSettings } from './stream/c2s/settings.ts'
import { ComponentStreams } from './stream/component/component-streams.ts'
import type { ComponentSettings } from './stream/component/settings.ts'
import { overview } from './stream/s2s/overview.ts'
import { keepUp } from './upkeep.ts'
import { StreamError } from './xmpp/error.ts'

/** Bytes that may wait for a client that does not read. */
const OUTPUT_BUFFER = 4 * 2 ** 20
/** The largest stanza of a component: it speaks for many, and lists what they have. */
const COMPONENT_BYTES = 512 * 1024
const RENEW_EVERY = 5 * 60_000
/** A stop that is not done by then is a crash. */
const STOP_WITHIN = 4_500

const CLOCK_AHEAD =
  'The clock is more than two days ahead of when the server last ran. So that a wrong clock destroys nothing, messages are kept beyond their time. If it is right: conexizan clock confirm'

export const program: Program = {
  modules: Object.fromEntries(modules.map(module => [module.name, module.settings ?? {}])) satisfies ModuleShapes,
  async checkCertificates(config) {
    const certificates = certificatesOf(config)
    return { problems: certificates.problems(), gaps: certificates.gaps() }
  },
  serve,

  async openStore(config) {
    const hosts = await openHosts(config, silentLog)
    return {
      ...contextOf(config, hosts),
      async [Symbol.asyncDispose]() {
        await hosts.router.idle()
        await hosts.close()
      },
    }
  },
}

async function serve(config: Config, reload: () => Promise<Config>): Promise<RunningServer> {
  const log = openLog(line => process.stderr.write(line))
  if (config.seal.level === 'memory' && !isKept()) return keep()
  const hosts = await openHosts(config, log)
  const { router, servings, shred, arrangements, expiry, close } = hosts
  if (shred.isNew) tell(await newSecrets(config, servings))
  expiry.onHalted = () => tell([CLOCK_AHEAD])
  void expiry.start()
  const certificates = certificatesOf(config)
  if (certificates.contextFor(undefined) === undefined) throw new OperatorError(certificates.errors.join('\n'), EX_CONFIG)

  const peers = new Peers()
  const gate = new Gate(peers, { total: config.limits.connections, perNetwork: config.limits.connectionsPerNetwork })
  const streams = new ClientStreams(streamSettings(config), peers, log)
  for (const { host, credentials } of servings) streams.serve({ host, credentials, streams: new ResumableStreams() })
  const components = new ComponentStreams(componentSettings(config), router, peers, log)
  for (const [domain, { secret }] of Object.entries(config.component)) components.serve(domain, secret)
  listComponents(Object.keys(config.component), servings)
  const federation = federate(config, { router, certificates, peers, log })

  let current = config
  const { promise: stopped, resolve: end } = Promise.withResolvers<number>()
  let isStopping = false
  const stop = async (code: 0 | typeof RESTART = 0): Promise<void> => {
    if (isStopping) return
    isStopping = true
    setTimeout(() => void giveUp(), STOP_WITHIN).unref()
    listeners.close()
    http.close()
    clearInterval(renewing)
    keepMemory()
    await federation.settle()
    for (const { host } of servings) await host.prepareToClose()
    for (const { host } of servings) await host.close(new StreamError('system-shutdown'))
    streams.close()
    components.close()
    await router.idle()
    await federation.settle() // contacts elsewhere hear who has gone
    federation.close()
    await admin.close()
    await endUpkeep()
    if (code === RESTART) await handOverSecrets(shred)
    await close()
    log.info('server.stopped')
    end(code)

    /** It takes too long: what would be lost with this process is handed over all the same. */
    async function giveUp(): Promise<void> {
      if (code === RESTART) await handOverSecrets(shred).catch(() => {})
      end(code === RESTART ? RESTART : 1)
    }
  }
  const context: ServerContext = {
    ...contextOf(config, hosts),
    status: () => ({
      sessions: streams.counts.bound,
      connections: gate.connections,
      memory_mib: Math.round(process.memoryUsage.rss() / 2 ** 20),
      expiry_halted: Number(expiry.isHalted),
    }),
    federation: {
      list: () => overview(federation),
      close: domain => federation.closeDomain(domain),
      ping: domain => federation.ping(domain),
    },
    stop: () => void stop(),
    restart() {
      if (config.seal.level === 'file') throw new OperatorError('restart it as it was started: its secrets are in a file, and stay there')
      void stop(RESTART)
    },
  }
  const admin = await openAdminSocket(config.data, commands, context, error => log.fault('admin.failed', error))

  const listeners = new Listeners({ certificates, gate })
  const accept = (socket: Parameters<ClientStreams['accept']>[0]): void => streams.accept(socket)
  const http = new Http({
    gate,
    links: webSocketLinks(config),
    onConnection: accept,
    largestFrame: config.limits.after.bytes,
    isForwarded: config.web.forwardedFor,
  })
  try {
    for (const { address, port } of config.listen.c2s)
      await listeners.open({ kind: 'tcp', role: 'client', address, port, onConnection: accept })
    for (const { address, port } of config.listen.c2sTls)
      await listeners.open({ kind: 'tls', role: 'client', address, port, onConnection: accept })
    for (const { address, port } of config.listen.s2s)
      await listeners.open({ kind: 'tcp', role: 'server', address, port, onConnection: socket => federation.accept(socket) })
    for (const { address, port } of config.listen.s2sTls)
      await listeners.open({ kind: 'tls', role: 'server', address, port, onConnection: socket => federation.accept(socket) })
    for (const { address, port } of config.listen.component)
      await listeners.open({ kind: 'tcp', role: 'component', address, port, onConnection: socket => components.accept(socket) })
    for (const { address, port } of config.listen.https) await http.open({ address, port }, certificates)
    for (const { address, port } of config.listen.http) await http.open({ address, port })
  } catch (error) {
    listeners.close()
    http.close()
    await admin.close()
    await close()
    throw new OperatorError((error as Error).message)
  }

  const endUpkeep = keepUp(
    servings.map(({ store }) => store),
    log,
  )
  const renewing = setInterval(() => tell(certificates.renew()), RENEW_EVERY)
  const keepMemory = giveBackMemory()
  const forgetting = startForgetting()
  streams.onLeft = () => forgetting?.soon()
  for (const { host } of servings) {
    // What has been sealed, as nobody is there.
    host.hooks.on(messageIn.after, function forgetMessage({ account }) {
      if (account.holds === 0) forgetting?.soon()
    })
    host.hooks.on(sessionHibernated, function forgetQueue() {
      forgetting?.soon()
    })
  }
  const onReload = async (): Promise<void> => {
    try {
      const now = await reload()
      const { changed, needsRestart } = reloadable(current, now)
      // Without a restart there are no verifiers for SCRAM-SHA-1, or some are missing.
      streams.settings = streamSettings({ ...now, auth: { ...now.auth, sha1: config.auth.sha1 } })
      arrangements.showsPasswords = now.auth.plain
      http.largestFrame = now.limits.after.bytes
      components.settings = componentSettings(now)
      federation.reload(serverStreamSettings(now))
      tell(certificates.reload())
      current = now
      tell(needsRestart.map(path => `${path} changes only with a restart.`))
      log.info('settings.read', { changed: changed.length, waiting: needsRestart.length })
    } catch (error) {
      tell([`The settings stay as they were: ${error instanceof OperatorError ? error.message : 'they cannot be read'}`])
    }
  }
  process.on('SIGTERM', () => void stop())
  process.on('SIGINT', () => (isStopping ? process.exit(1) : void stop()))
  process.on('SIGHUP', () => void onReload())
  guard(log)
  log.info('server.started', { hosts: servings.length })
  return { notes: notesOf(config), stopped }
}

async function handOverSecrets(shred: ShredStore): Promise<void> {
  if ('handOver' in shred) handOver(await (shred as ShredMemory).handOver())
}

/** What nobody caught must not print its message, which may quote data; the server goes on only after what is known to be harmless. */
function guard(log: Log): void {
  process.on('uncaughtException', error => {
    log.fault('server.crashed', error)
    process.exit(70)
  })
  process.on('unhandledRejection', error => log.fault('promise.forgotten', error))
}

/** Where there are accounts, what was kept for them is lost with the secrets: or their folder is elsewhere, and could still be put back. */
async function newSecrets({ seal: { level, secrets } }: Config, servings: readonly Serving[]): Promise<string[]> {
  const accounts = await Promise.all(servings.map(({ host }) => host.store.count()))
  if (level === 'memory' || accounts.every(count => count === 0)) return []
  return [
    `The secrets in ${secrets} are new ones: messages kept before cannot be read any more. If the folder was moved, stop the server and put it back.`,
  ]
}

/** Sentences for the operator. */
function tell(sentences: readonly string[]): void {
  for (const sentence of sentences) process.stderr.write(`${sentence}\n`)
}

function certificatesOf(config: Config): Certificates {
  const sources = config.hosts.map(host => ({
    domain: host.domain,
    names: servicesOf(host),
    ...(host.certificate && { files: host.certificate }),
  }))
  return new Certificates(sources, config.data, config.tls.oldest, authoritiesOf(config))
}

function streamSettings({ limits, auth }: Config): StreamSettings {
  const { before, after, rate, burst } = limits
  return {
    xmlBefore: { bytes: before.bytes, elements: before.elements, depth: before.depth, attributes: 32 },
    xmlAfter: { bytes: after.bytes, elements: after.elements, depth: after.depth, attributes: 64 },
    timeToBind: before.time,
    idleAfter: 300_000,
    answerWithin: 60_000,
    outputBuffer: OUTPUT_BUFFER,
    bytesPerSecond: rate,
    burst,
    management: { resumeFor: 600_000, queue: 1000, queueBytes: OUTPUT_BUFFER / 2 },
    mechanisms: { sha1: auth.sha1, plain: auth.plain },
  }
}

function componentSettings(config: Config): ComponentSettings {
  const { xmlBefore, xmlAfter, timeToBind, idleAfter, answerWithin, outputBuffer } = streamSettings(config)
  return {
    xmlBefore,
    xmlAfter: { ...xmlAfter, bytes: Math.max(xmlAfter.bytes, COMPONENT_BYTES) },
    timeToShake: timeToBind,
    idleAfter,
    aliveFor: answerWithin,
    outputBuffer,
    stuckFor: answerWithin,
  }
}

/** XEP-0156 §3, by domain. */
function webSocketLinks({ hosts, listen }: Config): DomainLinks {
  const { port } = listen.https[0] ?? { port: 443 }
  return new Map(
    hosts.map(({ domain }) => {
      const ascii = domainToASCII(domain)
      const href = `wss://${ascii}${port === 443 ? '' : `:${port}`}/xmpp-websocket`
      return [ascii, [{ rel: 'urn:xmpp:alt-connections:websocket', href }]]
    }),
  )
}

/** What runs where, and what to do first; at most eight lines. */
function notesOf(config: Config): string[] {
  const { listen, hosts } = config
  const places = (endpoints: Config['listen']['c2s']): string => endpoints.map(formatEndpoint).join(' and ')
  const waysOf = (tcp: Config['listen']['c2s'], tls: Config['listen']['c2s']): string =>
    [...(tcp.length > 0 ? [`${places(tcp)} (STARTTLS)`] : []), ...(tls.length > 0 ? [`${places(tls)} (TLS)`] : [])].join(', ')
  const isLocal = hosts.some(({ certificate }) => certificate === undefined)
  return [
    `Conexizan serves ${hosts.map(({ domain }) => domain).join(', ')}; its data is in ${config.data}`,
    `Clients: ${waysOf(listen.c2s, listen.c2sTls)}`,
    ...(listen.https.length > 0 ? [`WebSocket: ${[...webSocketLinks(config).values()].map(([link]) => link!.href).join(' and ')}`] : []),
    ...(listen.s2s.length + listen.s2sTls.length > 0 ? [`Other servers: ${waysOf(listen.s2s, listen.s2sTls)}`] : []),
    ...(listen.component.length > 0 ? [`Components: ${places(listen.component)}`] : []),
    ...(isLocal ? [`Let your client trust the certificate ${config.data}/ca/ca.crt`] : []),
    `Make an account: bin/conexizan user add NAME@${hosts[0]!.domain}`,
  ]
}
