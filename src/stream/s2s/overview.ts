import type { Belief } from './belief.ts'
import type { Federation } from './federation.ts'
import type { Link } from './link.ts'

/** One connection, as the operator sees it. */
export interface Connected {
  /** Who may send over it. */
  readonly direction: 'in' | 'out' | 'both'
  /** How the other side has proved its domain: its certificate, or a key that its own server vouched for. */
  readonly proof: Belief | 'dialback'
  readonly tls: '1.2' | '1.3' | undefined
  /** Stanzas that the other side has not acknowledged. */
  readonly unacknowledged: number
}

/** One other domain, as it stands in memory; it is written nowhere. */
export interface Acquaintance {
  readonly domain: string
  readonly connections: readonly Connected[]
  /** Stanzas that wait for a connection. */
  readonly waiting: number
  /** Why the domain cannot be reached, if it cannot. */
  readonly failure: string | undefined
}

/** All domains that there is something to say of, by name. */
export function overview(federation: Federation): Acquaintance[] {
  return [...federation.peers]
    .map(({ domain, links, waiting, failure }) => ({
      domain,
      connections: [...links].map(link => describe(link, domain)),
      waiting,
      failure: failure?.why,
    }))
    .filter(({ connections, waiting, failure }) => connections.length > 0 || waiting > 0 || failure !== undefined)
    .sort((a, b) => (a.domain < b.domain ? -1 : 1))
}

function describe(link: Link, domain: string): Connected {
  const [sends, receives] = [link.proofs.allowsSomeOut(domain), link.proofs.allowsSomeIn(domain)]
  return {
    direction: sends && receives ? 'both' : sends ? 'out' : 'in',
    proof: link.isIncoming && !link.proofs.hasCertified(domain) ? 'dialback' : (link.belief ?? 'dialback'),
    tls: link.socket.tls?.version,
    unacknowledged: link.management.unacknowledged,
  }
}
