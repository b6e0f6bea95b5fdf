import type { Target } from '../../net/dial/targets.ts'
import type { Dns } from '../../net/dns/dns.ts'
import { isOnion } from '../../net/dns/name.ts'
import type { Socket } from '../../net/socket.ts'
import { judge, type Verdict } from '../../net/trust/belief.ts'
import { type Tlsa, usableTlsa } from '../../net/trust/dane.ts'
import type { TrustAnchors } from '../../net/trust/path.ts'
import type { Posh } from '../../net/trust/posh.ts'
import type { Why } from './parcel.ts'

/**
 * How it is known that the other side is the domain's server: by its certificate, by what DNS or the web say of that, by the
 * address of an onion service, or because the operator says so.
 */
export type Belief = 'pkix' | 'dane' | 'posh' | 'onion' | 'pin' | 'exception'

export type Judgement = { readonly isBelieved: true; readonly by: Belief } | { readonly isBelieved: false; readonly why: Why }

/** Whether the certificate that came over the socket is one for the domain. Never rejects. */
export type Judge = (socket: Socket, domain: string) => Promise<Judgement>

/** How a connection to a domain is made. Rejects with a `Failure`. */
export type Dial = (local: string, remote: string) => Promise<Socket>

/** A domain that was looked for, and the place that it was found at. */
export interface Called {
  readonly domain: string
  readonly target: Target
}

export interface Grounds {
  readonly anchors: TrustAnchors
  readonly dns: Dns
  /** Asks the web, where the settings allow that. */
  readonly posh: Posh | undefined
  /** Hashes of certificates that the operator believes in, by domain (A-labels). */
  readonly pins: ReadonlyMap<string, readonly Buffer[]>
  /** Domains that the operator believes without a certificate. */
  isException(domain: string): boolean
  /** Whom a connection was opened to, and where it goes, if we have opened it. */
  calledOn(socket: Socket): Called | undefined
}

type Distrust = Extract<Verdict, { isBelieved: false }>['why']

const WHY: Readonly<Partial<Record<Distrust, Why>>> = {
  expired: 'its certificate has expired',
  'not-yet-valid': 'its certificate is not valid yet',
  'wrong-name': 'its certificate names another domain',
}

/** Judges by all that may make us believe, the strongest first (RFC 6120 §13.7.2, RFC 7673, RFC 7711). */
export function judgeBy(grounds: Grounds): Judge {
  return async (socket, domain) => {
    const called = grounds.calledOn(socket)
    // On one connection several domains may be claimed. What led to the place speaks for the domain that was looked for alone.
    const target = called?.domain === domain ? called.target : undefined
    // Whoever answers at the address of an onion service has its key: the address is the hash of it.
    if (target?.host === domain && isOnion(domain)) return { isBelieved: true, by: 'onion' }
    const shown = socket.tls?.shown() ?? []
    const { anchors, posh, pins: exceptions } = grounds
    const tlsa = target?.isAuthentic ? await tlsaOf(grounds.dns, target) : []
    if (tlsa === undefined) return { isBelieved: false, why: 'DNS gave no answer' }
    let verdict = judge(shown, domain, { anchors, tlsa, target: target?.host, exceptions })
    // RFC 7673 §4.2: where DNS has told which certificates are good, nobody else is asked.
    const mayAsk = posh !== undefined && usableTlsa(tlsa).length === 0 && (called !== undefined || !posh.isBusy)
    if (!verdict.isBelieved && mayAsk && (verdict.why === 'untrusted' || verdict.why === 'wrong-name'))
      verdict = judge(shown, domain, { anchors, posh: await posh.fingerprints(domain) })
    if (verdict.isBelieved) {
      // On a connection of ours OpenSSL has looked, too, and whether it is a server's: two must agree.
      const isDoubted = verdict.by === 'pkix' && called !== undefined && socket.tls?.isVerified !== true
      if (!isDoubted) return { isBelieved: true, by: verdict.by === 'exception' ? 'pin' : verdict.by }
    }
    if (grounds.isException(domain)) return { isBelieved: true, by: 'exception' }
    return { isBelieved: false, why: (verdict.isBelieved ? undefined : WHY[verdict.why]) ?? 'its certificate is not believed' }
  }
}

/** The records that DNSSEC vouches for; undefined if nobody knows whether there are any, which is no reason to go without. */
async function tlsaOf(dns: Dns, { host, port }: Target): Promise<readonly Tlsa[] | undefined> {
  try {
    const { records, isAuthentic } = await dns.tlsa(`_${port}._tcp.${host}`)
    return isAuthentic ? records : []
  } catch {
    return undefined
  }
}
