import type { Log } from '../../core/log.ts'
import type { Router } from '../../core/router.ts'
import { randomId } from '../../lib/random.ts'
import type { PeerKey, Peers } from '../../net/peer-key.ts'
import type { Socket } from '../../net/socket.ts'
import { StreamError } from '../../xmpp/error.ts'
import { Component } from './component.ts'
import { ComponentConnection } from './connection.ts'
import { isHandshake } from './handshake.ts'
import { type ComponentSettings, TICK } from './settings.ts'

/** From so many failures on, a network is turned away until it calms down. */
const MOST_FAILURES = 40

/** All components of the process (XEP-0114), and the connections of those that are there or say so. */
export class ComponentStreams {
  /** May be replaced while running; what streams have begun with stays. */
  settings: ComponentSettings
  readonly log: Log
  tick = 0
  readonly #router: Router
  readonly #peers: Peers
  readonly #components = new Map<string, Component>()
  /** Those that have not shaken hands, with the tick until which they may. */
  readonly #unshaken = new Map<ComponentConnection, number>()
  readonly #shaken = new Set<ComponentConnection>()
  readonly #timer: NodeJS.Timeout
  /** Of components that do not exist. */
  readonly #anySecret = randomId(24)
  #refusals = 0

  constructor(settings: ComponentSettings, router: Router, peers: Peers, log: Log) {
    this.settings = settings
    this.log = log
    this.#router = router
    this.#peers = peers
    this.#timer = setInterval(() => this.onTick(), TICK).unref()
  }

  /** From now on, what is addressed to the domain goes to the component that knows the secret. */
  serve(domain: string, secret: string): void {
    const component = new Component(domain, secret, this.#router)
    this.#components.set(component.jid.domain, component)
    this.#router.add(component.jid.domain, component)
  }

  get connected(): number {
    return this.#shaken.size
  }

  /** Something has connected. */
  accept(socket: Socket): void {
    if (!socket.peer.isShared && this.#peers.failuresOf(socket.peer) >= MOST_FAILURES) socket.destroy()
    else this.#unshaken.set(new ComponentConnection(this, socket), this.tick + Math.ceil(this.settings.timeToShake / TICK))
  }

  /** The component of the domain, if the handshake shows its secret. One that does not exist is looked at like a wrong secret. */
  proven(domain: string, id: string, handshake: string): Component | undefined {
    const component = this.#components.get(domain)
    const isRight = isHandshake(handshake, id, component?.secret ?? this.#anySecret)
    return isRight ? component : undefined
  }

  refused(peer: PeerKey): void {
    this.#peers.countFailure(peer)
    this.#refusals++
  }

  shaken(connection: ComponentConnection): void {
    this.#unshaken.delete(connection)
    this.#shaken.add(connection)
    this.log.info('component.connected')
  }

  left(connection: ComponentConnection): void {
    this.#unshaken.delete(connection)
    if (this.#shaken.delete(connection)) this.log.info('component.left')
  }

  /** Ends all streams. */
  close(): void {
    clearInterval(this.#timer)
    for (const connection of [...this.#unshaken.keys(), ...this.#shaken]) connection.close(new StreamError('system-shutdown'))
  }

  /** Once a second. */
  onTick(): void {
    this.tick++
    // One line a second, however many try.
    if (this.#refusals > 0) this.log.warn('component.refused', { times: this.#refusals })
    this.#refusals = 0
    for (const [connection, deadline] of this.#unshaken) {
      if (deadline > this.tick) break // they stand in the order in which they came
      connection.close(new StreamError('connection-timeout'))
    }
    for (const connection of this.#shaken) connection.onTick()
  }
}
