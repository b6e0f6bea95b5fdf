import { connect, isIP, isIPv6, type Socket } from 'node:net'
import { type Dns, DnsError } from '../dns/dns.ts'
import type { AddressPolicy } from './address-policy.ts'
import { DialError, type DialFailure } from './dial-error.ts'
import { opened } from './opened.ts'
import { Race } from './race.ts'
import { connectBySocks, type SocksProxy } from './socks.ts'
import type { Target } from './targets.ts'

export { DialError, type DialFailure, NotOffered } from './dial-error.ts'

/** RFC 8305 §5, "Connection Attempt Delay". */
const DELAY = 250
/** How long the addresses of a target have before the next target is tried beside them. */
const PATIENCE = 5_000
/** Nobody can have us knock at more doors of one target. */
const MOST_ADDRESSES = 6
/** Nor of all targets together. */
const MOST_ATTEMPTS = 16

export interface DialOptions {
  readonly dns: Dns
  readonly policy: AddressPolicy
  /** For all together, in ms. */
  readonly timeout: number
  /** Ends it with the signal's reason. */
  readonly signal?: AbortSignal | undefined
  /** Connects by way of this proxy, which gets the names of the targets: nobody asks DNS. */
  readonly socks?: SocksProxy | undefined
}

/** An open connection, which nobody has read from: it is paused, and has no handlers but one that ignores errors. */
export interface Dialed {
  readonly socket: Socket
  readonly target: Target
}

/**
 * Connects to the first of the targets that can be reached, in their order (XEP-0495 §4.1: what the domain prefers comes first), and of
 * its addresses to the fastest (RFC 8305). Throws `DialError`: of several reasons the one that came nearest to a connection.
 */
export function dial(targets: readonly Target[], options: DialOptions): Promise<Dialed> {
  const race = new Race<Target>(options.timeout, options.signal)
  const run = options.socks ? runBySocks(race, targets, options.socks, options) : runDirectly(race, targets, options)
  run.then(
    failures => race.lose(new DialError(nearest(failures))),
    error => race.lose(error),
  )
  return race.outcome
}

async function runDirectly(race: Race<Target>, targets: readonly Target[], { dns, policy }: DialOptions): Promise<DialFailure[]> {
  const failures: DialFailure[] = []
  let attempts = 0
  for (const target of targets) {
    if (race.isOver) return failures
    if (attempts >= MOST_ATTEMPTS) break
    const addresses = await addressesOf(dns, target)
    if (addresses === undefined) failures.push('dns')
    else if (addresses.length === 0) failures.push('not-found')
    for (const address of interleaved(addresses ?? []).slice(0, Math.min(MOST_ADDRESSES, MOST_ATTEMPTS - attempts))) {
      if (!policy.allows(address)) {
        failures.push('refused-network')
        continue
      }
      if (race.isOver) return failures
      attempts++
      failures.push('unreachable')
      race.enter(target, signal => connectTo(address, target.port, signal))
      await race.change(DELAY)
    }
    await race.allFailed(PATIENCE)
  }
  await race.allFailed()
  return failures
}

/** One after the other, each for its share of the time: a way through a proxy is long, and several at once show nothing. */
async function runBySocks(
  race: Race<Target>,
  targets: readonly Target[],
  proxy: SocksProxy,
  { policy, timeout }: DialOptions,
): Promise<DialFailure[]> {
  const failures: DialFailure[] = []
  for (const target of targets) {
    if (race.isOver) return failures
    if (isIP(target.host) && !policy.allows(target.host)) {
      failures.push('refused-network')
      continue
    }
    failures.push('unreachable')
    race.enter(target, signal => connectBySocks(proxy, target, signal))
    await race.allFailed(timeout / targets.length)
  }
  await race.allFailed()
  return failures
}

/** None if there are none, `undefined` if that cannot be found out. */
async function addressesOf(dns: Dns, { host }: Target): Promise<readonly string[] | undefined> {
  if (isIP(host)) return [host]
  try {
    return (await dns.addresses(host)).records
  } catch (error) {
    if (error instanceof DnsError) return undefined
    throw error
  }
}

/** RFC 8305 §4: the families take turns, beginning with IPv6. */
function interleaved(addresses: readonly string[]): string[] {
  const ipv6 = addresses.filter(isIPv6)
  const ipv4 = addresses.filter(address => !isIPv6(address))
  const turns = Array.from({ length: Math.max(ipv6.length, ipv4.length) }, (_, i) => [ipv6[i], ipv4[i]])
  return turns.flat().filter(address => address !== undefined)
}

function connectTo(host: string, port: number, signal: AbortSignal): Promise<Socket> {
  return opened(connect({ host, port, noDelay: true, autoSelectFamily: false }), signal)
}

function nearest(failures: readonly DialFailure[]): DialFailure {
  return (['unreachable', 'refused-network', 'dns'] as const).find(kind => failures.includes(kind)) ?? 'not-found'
}
