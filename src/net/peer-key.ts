import { hash, randomBytes } from 'node:crypto'
import { isIPv4, isIPv6 } from 'node:net'
import { Sketch } from './sketch.ts'

const ROTATED_EVERY = 3_600_000
const HALVED_EVERY = 300_000
const IPV4_MAPPED = /^::ffff:(?=\d+\.)/i

/**
 * Where a connection comes from, as hashes of its network (IPv4 /24, IPv6 /56) under keys that exist in memory only.
 * Nobody can read an address out of it, and after two hours not even we could compute it again.
 */
export interface PeerKey {
  /** Hash under a key as old as this process, to count connections which are open. */
  readonly open: number
  /** Hashes under the key of the hour in which the connection came, and the one before. */
  readonly current: number
  readonly previous: number
  readonly epoch: number
  /** Local programs, that is: proxies, Tor, UNIX sockets. They stand for many people; never punish them as one. */
  readonly isShared: boolean
}

/** Makes peer keys, and counts by them in fixed memory. Nothing is ever written, and all is forgotten on restart. */
export class Peers {
  readonly #now: () => number
  readonly #openKey = newKey()
  readonly #open = new Sketch()
  #currentKey = newKey()
  #previousKey = newKey()
  /** Of local programs, until keys change. */
  #shared: PeerKey | undefined
  #currentFailures = new Sketch()
  #previousFailures = new Sketch()
  #epoch = 0
  #rotatedAt: number
  #halvedAt: number

  /** `now` gives ms and never goes back. */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now
    this.#rotatedAt = this.#halvedAt = now()
  }

  /** `undefined` for a transport without addresses. */
  keyOf(address: string | undefined): PeerKey {
    this.#age()
    const network = networkOf(address)
    if (network !== SHARED) return this.#make(network)
    this.#shared ??= this.#make(SHARED)
    return this.#shared
  }

  #make(network: string): PeerKey {
    return {
      open: keyedHash(this.#openKey, network),
      current: keyedHash(this.#currentKey, network),
      previous: keyedHash(this.#previousKey, network),
      epoch: this.#epoch,
      isShared: network === SHARED,
    }
  }

  opened(key: PeerKey): void {
    this.#open.add(key.open, 1)
  }

  closed(key: PeerKey): void {
    this.#open.add(key.open, -1)
  }

  /** How many connections from this network are open; may be too high, never too low. */
  openOf(key: PeerKey): number {
    return this.#open.estimate(key.open)
  }

  countFailure(key: PeerKey): void {
    this.#age()
    if (key.epoch === this.#epoch) this.#currentFailures.add(key.current, 1)
    else if (key.epoch === this.#epoch - 1) this.#previousFailures.add(key.current, 1)
  }

  /** Failures from this network in the last ten minutes or so; those of five minutes ago count half. */
  failuresOf(key: PeerKey): number {
    this.#age()
    if (key.epoch === this.#epoch) return this.#currentFailures.estimate(key.current) + this.#previousFailures.estimate(key.previous)
    return key.epoch === this.#epoch - 1 ? this.#previousFailures.estimate(key.current) : 0
  }

  #age(): void {
    const now = this.#now()
    const halvings = Math.floor((now - this.#halvedAt) / HALVED_EVERY)
    this.#halvedAt += halvings * HALVED_EVERY
    // After sixteen halvings every count is zero.
    for (let i = 0; i < Math.min(halvings, 16); i++) {
      this.#currentFailures.decay()
      this.#previousFailures.decay()
    }
    if (now - this.#rotatedAt < ROTATED_EVERY) return
    const isStale = now - this.#rotatedAt >= 2 * ROTATED_EVERY
    this.#previousKey = isStale ? newKey() : this.#currentKey
    this.#previousFailures = isStale ? new Sketch() : this.#currentFailures
    this.#currentKey = newKey()
    this.#currentFailures = new Sketch()
    this.#shared = undefined
    this.#epoch += isStale ? 2 : 1
    this.#rotatedAt = now
  }
}

const SHARED = 'shared'

const newKey = (): string => randomBytes(32).toString('latin1')

/** The key stands first and four bytes are all that is told: a plain hash is enough, and a fifth of the cost of an HMAC. */
function keyedHash(key: string, network: string): number {
  return Number.parseInt(hash('sha256', key + network, 'hex').slice(0, 8), 16)
}

function networkOf(address: string | undefined): string {
  const plain = address?.replace(IPV4_MAPPED, '') ?? ''
  if (isIPv4(plain)) return plain.startsWith('127.') ? SHARED : plain.slice(0, plain.lastIndexOf('.'))
  if (!isIPv6(plain) || plain === '::1') return SHARED
  const [head = '', tail] = plain.split('%', 1)[0]!.split('::')
  const groups = head === '' ? [] : head.split(':')
  // What `::` stands for: the groups that are missing, of eight; an IPv4 tail takes the room of two.
  const after = tail ? tail.split(':') : []
  const width = after.length + (after.at(-1)?.includes('.') ? 1 : 0)
  const full = tail === undefined ? groups : [...groups, ...Array<string>(8 - groups.length - width).fill('0'), ...after]
  const [a, b, c, d] = full.map(group => Number.parseInt(group, 16))
  return [a, b, c, d! >>> 8].join(':')
}
