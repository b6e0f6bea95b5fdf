import { isIP } from 'node:net'
import type { Answer, Dns, SrvRecord } from '../dns/dns.ts'
import { dnsName, isOnion } from '../dns/name.ts'
import { parseHostPort } from '../host-port.ts'
import { DialError, NotOffered } from './dial-error.ts'
import { inSrvOrder } from './srv-order.ts'

/** Where a server may be reached. */
export interface Target {
  /** A name as DNS has it, or an IP address without brackets. */
  readonly host: string
  readonly port: number
  /** `tls` begins with TLS (XEP-0368), `tcp` has STARTTLS. */
  readonly kind: 'tcp' | 'tls'
  /** Whether DNSSEC vouches that this is a server of the domain. */
  readonly isAuthentic: boolean
}

/** RFC 6120 §14.7. */
const PORT = 5269
/** Whoever has more servers than this is reached at these, too; and nobody can have us knock at very many doors. */
const MOST = 8

/** Where the operator says that a domain is, instead of DNS: `host:port`, or `tls:host:port`, by domain. */
export type Overrides = Readonly<Record<string, string>>

/** Reads `host`, `host:port` or `tls:host:port`; `undefined` if it is none of these. */
export function parseTarget(text: string): Target | undefined {
  const isTls = text.startsWith('tls:')
  const place = parseHostPort(isTls ? text.slice(4) : text, PORT)
  const host = place && (isIP(place.host) ? place.host : dnsName(place.host))
  if (place === undefined || host === undefined) return undefined
  return { host, port: place.port, kind: isTls ? 'tls' : 'tcp', isAuthentic: false }
}

/**
 * RFC 6120 §3.2: where the servers of `domain` listen for other servers, in the order in which to try them. Throws `DialError`:
 * `dns` when DNS fails or `domain` is no name, `NotOffered` when the domain says that it has no such service.
 */
export async function findTargets(
  dns: Dns,
  domain: string,
  { overrides = {} }: { readonly overrides?: Overrides } = {},
): Promise<Target[]> {
  const host = hostOf(domain)
  const written = writtenTarget(domain, overrides)
  if (written !== undefined) return [written]
  // RFC 6120 §3.2.2 for addresses, RFC 7686 §2 for onion services: DNS is not asked.
  if (isIP(host) || isOnion(host)) return [{ host, port: PORT, kind: 'tcp', isAuthentic: false }]
  return askForTargets(dns, host)
}

/** Where a server is whose name a proxy resolves: nobody asks DNS. Throws `DialError` if `domain` is no name. */
export function targetByName(domain: string, overrides: Overrides): Target {
  return writtenTarget(domain, overrides) ?? { host: hostOf(domain), port: PORT, kind: 'tcp', isAuthentic: false }
}

function writtenTarget(domain: string, overrides: Overrides): Target | undefined {
  const host = hostOf(domain)
  const override = Object.entries(overrides).find(([name]) => nameOf(name) === host)?.[1]
  return override === undefined ? undefined : overridden(override)
}

function hostOf(domain: string): string {
  const host = nameOf(domain)
  if (host === undefined) throw new DialError('dns')
  return host
}

/** The domain as DNS has it; of an IP address (RFC 7622 §3.2) the brackets fall. */
function nameOf(domain: string): string | undefined {
  const literal = domain.replace(/^\[(.*)\]$/, '$1')
  return isIP(literal) ? literal.toLowerCase() : dnsName(domain)
}

function overridden(text: string): Target {
  const target = parseTarget(text)
  if (target === undefined) throw new DialError('dns')
  return target
}

async function askForTargets(dns: Dns, host: string): Promise<Target[]> {
  const asked = await Promise.allSettled([dns.srv(`_xmpp-server._tcp.${host}`), dns.srv(`_xmpps-server._tcp.${host}`)])
  const [tcp, tls] = asked.map(result => (result.status === 'fulfilled' ? result.value : undefined))
  const records = [...offers(tcp, 'tcp'), ...offers(tls, 'tls')]
  const offered = records.filter(({ target }) => target !== '.')
  if (offered.length > 0) {
    // XEP-0368 §3: both kinds are mixed as if they were one.
    return inSrvOrder(offered)
      .slice(0, MOST)
      .map(({ target, port, kind, isAuthentic }) => ({ host: target, port, kind, isAuthentic }))
  }
  // RFC 6120 §3.2.1: the domain's own address counts when there are no records, not when nobody knows whether there are.
  const failed = asked.find(result => result.status === 'rejected')
  if (failed !== undefined) throw new DialError('dns', { cause: failed.reason })
  // XEP-0368 §5: if either service is said not to be there, the domain knows of SRV, and its own address does not count.
  if (records.length > 0) throw new NotOffered()
  return [{ host, port: PORT, kind: 'tcp', isAuthentic: tcp!.isAuthentic && tls!.isAuthentic }]
}

function offers<K extends Target['kind']>(answer: Answer<SrvRecord> | undefined, kind: K) {
  return (answer?.records ?? []).map(record => ({ ...record, kind, isAuthentic: answer!.isAuthentic }))
}
