import { setTimeout as wait } from 'node:timers/promises'
import { xml } from '../canary/day.ts'
import { Client } from '../faults/client.ts'
import type { Server } from '../faults/server.ts'
import type { Random } from '../fuzz/random.ts'

/**
 * Each has so many friends to write to. Of two dozen people most pairs are friends then: with few, it is chance where in the
 * table friends happen to lie, and an attack that learns nothing looks as if it did in one run of twelve.
 */
const FRIENDS = 8
/** So many messages may be on their way. */
const AHEAD = 8

/** People who write to their friends, one conversation after the other. */
export class Town {
  readonly names: readonly string[]
  readonly #clients: readonly Client[]
  readonly #chance: Random
  #heard = 0
  #sent = 0

  private constructor(names: readonly string[], clients: readonly Client[], chance: Random) {
    this.names = names
    this.#clients = clients
    this.#chance = chance
    for (const client of clients) client.onStanza = ({ name }) => void (name === 'message' && this.#heard++)
  }

  /** The server runs, and has the accounts. */
  static async of(server: Server, names: readonly string[], chance: Random): Promise<Town> {
    const clients = await Promise.all(names.map(name => Client.online(server.login(name), 'here', true)))
    return new Town(names, clients, chance)
  }

  /** So many messages, each with an id of its own; done when all have come. */
  async talk(messages: number): Promise<void> {
    const chance = this.#chance
    let [one, other] = this.#someone()
    for (let i = 0; i < messages; i++) {
      if (chance.once(4)) [one, other] = this.#someone()
      else [one, other] = [other, one]
      const body = 'x'.repeat(20 + chance.below(300))
      this.#clients[one]!.send(
        xml`<message type="chat" id="m${String(this.#sent++)}" to="${this.#clients[other]!.jid}"><body>${body}</body></message>`,
      )
      while (this.#sent - this.#heard > AHEAD) await wait(1)
    }
    while (this.#heard < this.#sent) await wait(10)
  }

  async leave(): Promise<void> {
    await Promise.all(this.#clients.map(client => client.leave()))
  }

  #someone(): [number, number] {
    const { length } = this.names
    const one = this.#chance.below(length)
    return [one, (one + 1 + this.#chance.below(FRIENDS) * 3) % length]
  }
}
