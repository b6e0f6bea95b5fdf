import type { HostPort } from '../host-port.ts'
import { type Answer, DnsCache } from './cache.ts'
import type { RecordTypes, SrvRecord, TlsaRecord } from './message.ts'
import { dnsName, isOnion } from './name.ts'
import { parseDnsServer, systemDnsServers } from './servers.ts'
import { ask, DnsError, isOnLoopback } from './transport.ts'

export type { Answer } from './cache.ts'
export type { SrvRecord, TlsaRecord } from './message.ts'
export { DnsError } from './transport.ts'

const TIMEOUT = 2_000
const ROUNDS = 2
const AT_ONCE = 256
const MOST_WAITING = 1_000

export interface DnsOptions {
  /** `ip`, `ip:port` or `[v6]:port`; those of the system if there are none. */
  readonly servers?: readonly string[] | undefined
  /** How many ms each server has for its answer, each time it is asked. */
  readonly timeout?: number
  /** Gives ms and never goes back. */
  readonly now?: () => number
  /** How many answers are kept. */
  readonly most?: number
}

/**
 * Asks DNS servers what Node's resolver cannot: how long an answer holds, and whether it was validated. Answers are kept as long
 * as they say, from 5 seconds to an hour, and up to an hour longer while no server answers. All methods throw `DnsError`.
 */
export class Dns {
  readonly #isOfSystem: boolean
  readonly #timeout: number
  readonly #cache: DnsCache
  readonly #underWay = new Map<string, Promise<Answer<unknown>>>()
  readonly #waiting: (() => void)[] = []
  #servers: readonly HostPort[]
  #asking = 0

  /** Throws an `Error` whose message is a sentence for the operator. */
  constructor({ servers = [], timeout = TIMEOUT, now = () => performance.now(), most = 4_096 }: DnsOptions = {}) {
    this.#isOfSystem = servers.length === 0
    this.#servers = this.#isOfSystem ? systemDnsServers() : servers.map(serverOf)
    this.#timeout = timeout
    this.#cache = new DnsCache(most, now)
  }

  /** RFC 2782. `name` is whole: `_xmpp-server._tcp.there.example`. */
  srv(name: string): Promise<Answer<SrvRecord>> {
    return this.#answer('SRV', name)
  }

  /** RFC 6698. `name` is whole: `_5269._tcp.there.example`. */
  tlsa(name: string): Promise<Answer<TlsaRecord>> {
    return this.#answer('TLSA', name)
  }

  /** IPv6 addresses, then IPv4 addresses, each in the order of the answer. One family is enough if the other is not to be had. */
  async addresses(name: string): Promise<Answer<string>> {
    const asked = await Promise.allSettled([this.#answer('AAAA', name), this.#answer('A', name)])
    const answers = asked.filter(result => result.status === 'fulfilled').map(({ value }) => value)
    const records = answers.flatMap(answer => answer.records)
    const failed = asked.find(result => result.status === 'rejected')
    if (failed !== undefined && records.length === 0) throw failed.reason
    return { records, isAuthentic: answers.every(answer => answer.isAuthentic) }
  }

  async #answer<T extends keyof RecordTypes>(type: T, written: string): Promise<Answer<RecordTypes[T]>> {
    const name = dnsName(written)
    if (name === undefined || isOnion(name)) throw new DnsError('failed')
    const key = `${type} ${name}`
    const known = this.#cache.fresh(key) ?? this.#underWay.get(key)
    if (known !== undefined) return known as Promise<Answer<RecordTypes[T]>>
    if (this.#underWay.size >= MOST_WAITING) throw new DnsError('failed')
    const answer = this.#find(key, type, name).finally(() => this.#underWay.delete(key))
    this.#underWay.set(key, answer)
    return answer
  }

  async #find<T extends keyof RecordTypes>(key: string, type: T, name: string): Promise<Answer<RecordTypes[T]>> {
    await this.#enter()
    try {
      const { ttl, ...answer } = await this.#askServers(type, name)
      this.#cache.keep(key, answer, ttl)
      return answer
    } catch (error) {
      const stale = this.#cache.stale(key)
      if (stale === undefined) throw error
      return stale as Answer<RecordTypes[T]>
    } finally {
      this.#leave()
    }
  }

  /** One after the other, and those once more who were silent. */
  async #askServers<T extends keyof RecordTypes>(type: T, name: string) {
    let kind: DnsError['kind'] = 'timeout'
    let left = this.#servers
    for (let round = 0; round < ROUNDS; round++) {
      const silent: HostPort[] = []
      for (const server of left) {
        try {
          const { records, ttl, isValidated } = await ask(server, type, name, this.#timeout)
          this.#prefer(server)
          return { records, ttl, isAuthentic: isValidated && isOnLoopback(server) }
        } catch (error) {
          if (!(error instanceof DnsError)) throw error
          if (error.kind === 'timeout') silent.push(server)
          else kind = 'failed'
        }
      }
      left = silent
    }
    // The network may have changed under us.
    if (this.#isOfSystem) this.#servers = systemDnsServers()
    throw new DnsError(kind)
  }

  /** Whoever answers is asked first from now on, so that a dead server costs time only once. */
  #prefer(server: HostPort): void {
    if (this.#servers[0] !== server && this.#servers.includes(server)) {
      this.#servers = [server, ...this.#servers.filter(other => other !== server)]
    }
  }

  async #enter(): Promise<void> {
    if (this.#asking++ >= AT_ONCE) await new Promise<void>(resolve => this.#waiting.push(resolve))
  }

  #leave(): void {
    this.#asking--
    this.#waiting.shift()?.()
  }
}

function serverOf(text: string): HostPort {
  const server = parseDnsServer(text)
  if (server === undefined) throw new Error(`"${text}" is no DNS server; write an address such as "127.0.0.1" or "[::1]:53".`)
  return server
}
