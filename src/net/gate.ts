import type { PeerKey, Peers } from './peer-key.ts'

/** How many connections may be open at a time. */
export interface ConnectionLimits {
  readonly total: number
  /** From one network (IPv4 /24, IPv6 /56). Does not bind local programs, behind which many people may be. */
  readonly perNetwork: number
}

/** Says who may connect; shared by all listeners of the process. */
export class Gate {
  readonly peers: Peers
  readonly #limits: ConnectionLimits
  #connections = 0

  constructor(peers: Peers, limits: ConnectionLimits) {
    this.peers = peers
    this.#limits = limits
  }

  get connections(): number {
    return this.#connections
  }

  /** The newcomer's key, or `undefined` when it must be turned away. Who was let in must `leave` once. */
  enter(address: string | undefined): PeerKey | undefined {
    const key = this.#connections >= this.#limits.total ? undefined : this.#count(address)
    if (key !== undefined) this.#connections++
    return key
  }

  /** It has turned out where one that was let in comes from: its new key, or `undefined` when it must be turned away. */
  exchange(former: PeerKey, address: string): PeerKey | undefined {
    const key = this.#count(address)
    if (key !== undefined) this.peers.closed(former)
    return key
  }

  #count(address: string | undefined): PeerKey | undefined {
    const key = this.peers.keyOf(address)
    if (!key.isShared && this.peers.openOf(key) >= this.#limits.perNetwork) return undefined
    this.peers.opened(key)
    return key
  }

  leave(key: PeerKey): void {
    this.peers.closed(key)
    this.#connections--
  }
}
