import type { AddressPolicy } from '../../net/dial/address-policy.ts'
import type { Callers } from '../../net/dial/callers.ts'
import { DialError, type DialFailure, dial } from '../../net/dial/dial.ts'
import type { SocksProxy } from '../../net/dial/socks.ts'
import { findTargets, type Overrides, targetByName } from '../../net/dial/targets.ts'
import type { Dns } from '../../net/dns/dns.ts'
import { isOnion } from '../../net/dns/name.ts'
import type { Socket } from '../../net/socket.ts'
import type { Called } from './belief.ts'
import { failure, type Why } from './parcel.ts'

/** How long all tries to reach one domain may take together, ms. */
const DIAL_LIMIT = 30_000

export interface DialerOptions {
  readonly dns: Dns
  readonly policy: AddressPolicy
  readonly callers: Callers
  /** Where the operator says that a domain is. */
  readonly overrides: Overrides
  /** A SOCKS5 proxy, Tor's for example: for onion services, or for all domains. */
  readonly proxy: { readonly host: string; readonly port: number; readonly isForAll: boolean } | undefined
}

const WHY: Readonly<Record<DialFailure, Why>> = {
  'not-found': 'it does not exist',
  dns: 'DNS gave no answer',
  'not-offered': 'it offers no server-to-server service',
  'refused-network': 'its address is in a network that must not be connected to',
  unreachable: 'no connection could be made',
  timeout: 'no connection was made in time',
}

/** Finds the servers of domains and connects to them. */
export class Dialer {
  readonly #options: DialerOptions
  /** Whom the connections that there are were opened to. */
  readonly #called = new WeakMap<Socket, Called>()

  constructor(options: DialerOptions) {
    this.#options = options
  }

  /** Rejects with a `Failure`. */
  async dial(local: string, remote: string): Promise<Socket> {
    const { dns, policy, callers, proxy, overrides } = this.#options
    const isByProxy = proxy !== undefined && (proxy.isForAll || isOnion(remote))
    if (isOnion(remote) && !isByProxy) throw failure('it offers no server-to-server service')
    try {
      const targets = isByProxy ? [targetByName(remote, overrides)] : await findTargets(dns, remote, { overrides })
      // Two of our domains that talk to one of theirs must not be seen to be neighbours.
      const socks: SocksProxy | undefined = isByProxy ? { ...proxy, isolation: `${local} ${remote}` } : undefined
      const { socket: raw, target } = await dial(targets, { dns, policy, timeout: DIAL_LIMIT, socks })
      const socket = callers.socketOf(raw, { kind: target.kind, remote, local })
      this.#called.set(socket, { domain: remote, target })
      return socket
    } catch (error) {
      if (!(error instanceof DialError)) throw error
      throw failure(WHY[error.kind])
    }
  }

  /** Whom a connection that was dialled was opened to; undefined for others. */
  calledOn(socket: Socket): Called | undefined {
    return this.#called.get(socket)
  }
}
