/** Federation as the settings want it: how domains are found, connected to and believed. */
import { readFileSync } from 'node:fs'
import { isIPv6, type LookupFunction } from 'node:net'
import type { Config } from './admin/config.ts'
import { EX_CONFIG, OperatorError } from './admin/operator-error.ts'
import { systemClock } from './core/clock.ts'
import type { Log } from './core/log.ts'
import type { Router } from './core/router.ts'
import type { Certificates } from './net/certificates.ts'
import { AddressPolicy } from './net/dial/address-policy.ts'
import { Callers } from './net/dial/callers.ts'
import { Dns } from './net/dns/dns.ts'
import { isOnion } from './net/dns/name.ts'
import { asciiDomain } from './net/domain-name.ts'
import type { Peers } from './net/peer-key.ts'
import { TrustAnchors } from './net/trust/path.ts'
import { httpsGetter, Posh } from './net/trust/posh.ts'
import { judgeBy } from './stream/s2s/belief.ts'
import { Dialer } from './stream/s2s/dialer.ts'
import { Federation } from './stream/s2s/federation.ts'
import type { ServerStreamSettings } from './stream/s2s/settings.ts'

/** Bytes that may wait for a server that does not read. */
const OUTPUT_BUFFER = 8 * 2 ** 20

export interface Surroundings {
  readonly router: Router
  readonly certificates: Certificates
  readonly peers: Peers
  readonly log: Log
}

/** Makes the router send to other domains. */
export function federate(config: Config, { router, certificates, peers, log }: Surroundings): Federation {
  const { s2s, hosts } = config
  const authorities = authoritiesOf(config)
  const dns = new Dns({ ...(s2s.dns.length > 0 && { servers: [...s2s.dns] }) })
  const policy = new AddressPolicy(s2s.networks)
  const proxy = s2s.tor === 'off' ? undefined : { ...s2s.proxy, isForAll: s2s.tor === 'all' }
  const dialer = new Dialer({ dns, policy, callers: new Callers(certificates, peers), overrides: s2s.servers, proxy })
  const closed = new Set(hosts.filter(({ federation }) => !federation).map(({ domain }) => domain))
  const federation: Federation = new Federation({
    router,
    clock: systemClock,
    log,
    settings: serverStreamSettings(config),
    dial: (local, remote) => dialer.dial(local, remote),
    judge: judgeBy({
      anchors: new TrustAnchors(undefined, authorities),
      dns,
      // By way of Tor no web site can be asked without telling DNS whom we talk with.
      posh: s2s.posh && s2s.tor !== 'all' ? new Posh({ get: httpsGetter({ lookup: lookupBy(dns, policy), authorities }) }) : undefined,
      pins: new Map(Object.entries(s2s.pins).map(([domain, pins]) => [asciiDomain(domain) ?? domain, pins])),
      isException: domain => federation.settings.isException(domain),
      calledOn: socket => dialer.calledOn(socket),
    }),
    isOpen: domain => !closed.has(domain),
  })
  return federation
}

/** The authorities that the settings add, as PEM. Throws an OperatorError for a file that cannot be used. */
export function authoritiesOf({ s2s: { authorities } }: Config): string[] {
  if (authorities === undefined) return []
  try {
    const pem = readFileSync(authorities, 'utf8')
    new TrustAnchors([pem])
    return [pem]
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    throw new OperatorError(
      `s2s.authorities: ${authorities} ${code === undefined ? 'holds no certificates' : `cannot be read (${code})`}`,
      EX_CONFIG,
    )
  }
}

export function serverStreamSettings({ s2s, limits: { before, after } }: Config): ServerStreamSettings {
  const { allow, block, mechanisms } = s2s
  return {
    xmlBefore: { bytes: before.bytes, elements: before.elements, depth: before.depth, attributes: 32 },
    xmlAfter: { bytes: s2s.bytes, elements: after.elements, depth: after.depth, attributes: 64 },
    timeToAuthenticate: before.time,
    idleAfter: s2s.idle,
    silentAfter: 300_000,
    answerWithin: 60_000,
    outputBuffer: OUTPUT_BUFFER,
    bytesPerSecond: s2s.rate,
    burst: s2s.burst,
    queue: { stanzas: 1000, bytes: 5 * 2 ** 20, age: 60_000 },
    window: { stanzas: 10_000, bytes: OUTPUT_BUFFER / 2 },
    mechanisms: { external: mechanisms.includes('external'), dialback: mechanisms.includes('dialback') },
    isAllowed: domain => !block.includes(domain) && (allow.length === 0 || allow.includes(domain)),
    isException: domain => s2s.exceptions.includes(domain),
    isApart: domain => s2s.tor === 'all' || (s2s.tor === 'onions' && isOnion(domain)),
  }
}

/** Where a name leads, for HTTPS, if one may go there. */
function lookupBy(dns: Dns, policy: AddressPolicy): LookupFunction {
  return (name, _options, done) => {
    dns.addresses(name).then(
      ({ records }) => {
        const address = records.find(record => policy.allows(record))
        if (address === undefined) done(new Error('There is no address that may be connected to.'), '')
        else done(null, [{ address, family: isIPv6(address) ? 6 : 4 }])
      },
      (error: Error) => done(error, ''),
    )
  }
}
