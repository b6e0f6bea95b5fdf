import type { Log } from '../../core/log.ts'
import type { Peers } from '../../net/peer-key.ts'
import type { Socket } from '../../net/socket.ts'
import { StreamError } from '../../xmpp/error.ts'
import { readAddress } from '../address.ts'
import { OldSession, Sm } from '../namespaces.ts'
import { Shaper } from '../shaper.ts'
import { Connection } from './connection.ts'
import { Pace } from './pace.ts'
import type { ServedHost, StreamSettings } from './settings.ts'

/** One timer for all connections ticks this often, ms. */
const TICK = 1000

/** All client connections of the process: finds their host, and watches those that are slow, silent or too loud. */
export class ClientStreams {
  /** May be replaced while running; what streams have begun with stays. */
  settings: StreamSettings
  readonly pace: Pace
  readonly log: Log
  tick = 0
  /** Called for each connection that is gone. */
  onLeft: () => void = () => {}
  readonly #hosts = new Map<string, ServedHost>()
  readonly #unbound = new Map<Connection, number>()
  readonly #bound = new Set<Connection>()
  readonly #shaper = new Shaper()
  readonly #timer: NodeJS.Timeout

  constructor(settings: StreamSettings, peers: Peers, log: Log) {
    this.settings = settings
    this.pace = new Pace(peers)
    this.log = log
    this.#timer = setInterval(() => this.onTick(), TICK).unref()
  }

  serve(served: ServedHost): void {
    const { host } = served
    this.#hosts.set(host.domain, served)
    // RFC 3921 §3: a request without effect, which old clients wait for the answer of.
    const { self, host: own } = host.answers.tables('stream')
    self.set(OldSession, 'session', () => undefined)
    own.set(OldSession, 'session', () => undefined)
  }

  /** Named in a header when nobody knows whom the client meant. */
  get anyDomain(): string {
    return this.#hosts.keys().next().value ?? ''
  }

  served(to: string): ServedHost | undefined {
    return this.#hosts.get(to) ?? this.#hosts.get(readAddress(to)?.domain ?? '')
  }

  /** A client has connected. */
  accept(socket: Socket): void {
    this.#unbound.set(new Connection(this, socket), this.tick + Math.ceil(this.settings.timeToBind / TICK))
  }

  bound(connection: Connection): void {
    this.#unbound.delete(connection)
    this.#bound.add(connection)
  }

  left(connection: Connection): void {
    this.#unbound.delete(connection)
    this.#bound.delete(connection)
    this.#shaper.forget(connection)
    this.onLeft()
  }

  get counts(): { unbound: number; bound: number } {
    return { unbound: this.#unbound.size, bound: this.#bound.size }
  }

  /** Counts what a client sends; one that sends too much is not read from until the next tick. */
  shape(connection: Connection, bytes: number): void {
    this.#shaper.count(connection, bytes, this.settings)
  }

  /** Ends all streams that have no session; those with one end with their host. */
  close(): void {
    clearInterval(this.#timer)
    for (const connection of [...this.#unbound.keys()]) connection.close(new StreamError('system-shutdown'))
  }

  /** Once a second. */
  onTick(): void {
    this.tick++
    for (const [connection, deadline] of this.#unbound) {
      if (deadline > this.tick) break // they stand in the order in which they came
      connection.close(new StreamError('connection-timeout'))
    }
    this.#shaper.replenish(this.settings)
    if (this.tick % 15 === 0) for (const connection of this.#bound) this.#askForLife(connection)
  }

  /** RFC 6120 §4.6: a silent client is asked, where it can be; and a broken connection shows itself when it is written to. */
  #askForLife(connection: Connection): void {
    const silent = (this.tick - connection.heardAt) * TICK
    const { idleAfter, answerWithin } = this.settings
    if (silent < idleAfter) return
    if (connection.management === undefined) {
      connection.heardAt = this.tick
      connection.poke()
    } else if (!connection.isAsked) {
      connection.isAsked = true
      connection.sendElement(Sm('r'))
    } else if (silent > idleAfter + answerWithin) connection.giveUp()
  }
}
