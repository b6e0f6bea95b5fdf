import { createHmac } from 'node:crypto'
import { randomBytes } from '../../lib/random.ts'
import type { PeerKey, Peers } from '../../net/peer-key.ts'
import { Sketch } from '../../net/sketch.ts'
import { WaitingRoom } from './waiting-room.ts'

/** From so many failures of a network, or of an account, on, each further answer comes later. */
const FREE_FAILURES = 3
const LONGEST_DELAY = 30_000
/** Those who know the password wait too, so not too long. */
const LONGEST_ACCOUNT_DELAY = 8_000
/** From so many on, the network is turned away until it calms down. */
const MOST_FAILURES = 40
/** Answers that wait at a time, so that waiting itself cannot be used up. */
const MOST_WAITING = 1000
const HALVED_EVERY = 300_000

/**
 * Slows down those who guess, without locking anybody's account (RFC 6120 §13.12): by network; and by account, for those
 * who come from everywhere. Accounts are hashed under a key that exists in memory only, whether there is such an account or not.
 */
export class Pace {
  readonly #peers: Peers
  readonly #now: () => number
  readonly #key = randomBytes(32)
  /** Of accounts, in fixed memory; there only while there are failures. */
  #failures: Sketch | undefined
  #halvedAt: number
  readonly #waiting = new WaitingRoom(MOST_WAITING)

  /** `now` gives ms and never goes back. */
  constructor(peers: Peers, now: () => number = () => performance.now()) {
    this.#peers = peers
    this.#now = now
    this.#halvedAt = now()
  }

  mayTry(peer: PeerKey): boolean {
    return peer.isShared || this.#peers.failuresOf(peer) < MOST_FAILURES
  }

  /** Counts a failure; how long its answer waits, in ms. */
  failed(peer: PeerKey, account: string | undefined): number {
    this.#peers.countFailure(peer)
    if (account !== undefined) this.#countFailure(account)
    return peer.isShared ? 0 : delay(this.#peers.failuresOf(peer), LONGEST_DELAY)
  }

  /** How long the next answer about the account waits, be it yes or no: who learns "no" by not waiting need not wait. In ms. */
  delayOf(account: string): number {
    this.#age()
    return this.#failures === undefined ? 0 : delay(this.#failures.estimate(this.#hash(account)), LONGEST_ACCOUNT_DELAY)
  }

  /**
   * Waits so long; false if it could not, because too many do. Networks share the room for it fairly; those who come by way
   * of a program on this machine share it by the account that they name, whether there is such an account or not.
   */
  wait(ms: number, peer: PeerKey, account: string | undefined): Promise<boolean> {
    return this.#waiting.wait(ms, peer.isShared ? `account ${this.#hash(account ?? '')}` : `network ${peer.open}`)
  }

  #countFailure(account: string): void {
    this.#age()
    this.#failures ??= new Sketch()
    this.#failures.add(this.#hash(account), 1)
  }

  #age(): void {
    const halvings = Math.floor((this.#now() - this.#halvedAt) / HALVED_EVERY)
    this.#halvedAt += halvings * HALVED_EVERY
    // After sixteen halvings every count is zero.
    if (halvings >= 16) this.#failures = undefined
    for (let i = 0; i < halvings && this.#failures !== undefined; i++) this.#failures.decay()
  }

  #hash(account: string): number {
    return createHmac('sha256', this.#key).update(account).digest().readInt32LE()
  }
}

/** 1, 2, 4 … seconds. */
function delay(failures: number, longest: number): number {
  const surplus = failures - FREE_FAILURES
  return surplus <= 0 ? 0 : Math.min(longest, 500 * 2 ** Math.min(surplus, 6))
}
