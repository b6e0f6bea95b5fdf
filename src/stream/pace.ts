import type { PeerKey, Peers } from '../net/peer-key.ts'

/** From so many failures of a network on, each further one is answered later (0, 1, 2, 4 … 30 s). */
const FREE_FAILURES = 3
const LONGEST_DELAY = 30_000
/** From so many on, the network is turned away until it calms down. */
const MOST_FAILURES = 40
/** Answers that wait at a time, so that waiting itself cannot be used up. */
const MOST_WAITING = 1000

/** Slows down those who guess, by network and without locking anybody's account (RFC 6120 §13.12). */
export class Pace {
  readonly #peers: Peers
  #waiting = 0

  constructor(peers: Peers) {
    this.#peers = peers
  }

  mayTry(peer: PeerKey): boolean {
    return peer.isShared || this.#peers.failuresOf(peer) < MOST_FAILURES
  }

  /** Counts a failure; done when it may be answered. */
  async failed(peer: PeerKey): Promise<void> {
    this.#peers.countFailure(peer)
    const surplus = this.#peers.failuresOf(peer) - FREE_FAILURES
    if (peer.isShared || surplus <= 0 || this.#waiting >= MOST_WAITING) return
    this.#waiting++
    await new Promise<void>(resolve => setTimeout(resolve, Math.min(LONGEST_DELAY, 500 * 2 ** Math.min(surplus, 6))).unref())
    this.#waiting--
  }
}
