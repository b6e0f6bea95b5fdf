import { setTimeout as wait } from 'node:timers/promises'
import { Client } from './client.ts'
import type { Server } from './server.ts'

/** How it went for the innocent, in ms. */
export interface Experience {
  readonly sent: number
  readonly arrived: number
  /** How many came before one that was sent earlier. */
  readonly disordered: number
  readonly median: number
  readonly worst: number
}

/** Two who talk while others misbehave. Whatever happens, they must not be cut off. */
export class Innocents implements AsyncDisposable {
  readonly #one: Client
  readonly #other: Client
  readonly #sentAt = new Map<string, number>()
  #waits: number[] = []
  #sent = 0
  #latest = 0
  #disordered = 0

  private constructor(one: Client, other: Client) {
    this.#one = one
    this.#other = other
    other.onStanza = ({ name, attrs: { id = '' } }) => {
      const at = this.#sentAt.get(id)
      if (name !== 'message' || at === undefined) return
      this.#sentAt.delete(id)
      const n = Number(id.slice(1))
      if (n < this.#latest) this.#disordered++
      this.#latest = n
      this.#waits.push(performance.now() - at)
    }
  }

  /** On one server, or the other on another one. */
  static async meet(server: Server, one: string, other: string, elsewhere = server): Promise<Innocents> {
    return new Innocents(await Client.online(server.login(one), 'desk', true), await Client.online(elsewhere.login(other), 'desk', true))
  }

  get areConnected(): boolean {
    return !this.#one.isClosed && !this.#other.isClosed
  }

  /** They talk while the work is done; gives how it went once all that they said has arrived, or ten seconds later. */
  async during(work: () => Promise<unknown>): Promise<Experience> {
    this.#waits = []
    this.#sentAt.clear()
    this.#disordered = 0
    const before = this.#sent
    const talking = setInterval(() => this.#talk(), 20)
    try {
      await work()
    } finally {
      clearInterval(talking)
    }
    for (let i = 0; i < 500 && this.#sentAt.size > 0; i++) await wait(20)
    const waits = this.#waits.sort((a, b) => a - b)
    const [arrived, disordered] = [waits.length, this.#disordered]
    return { sent: this.#sent - before, arrived, disordered, median: waits[waits.length >> 1] ?? NaN, worst: waits.at(-1) ?? NaN }
  }

  #talk(): void {
    const id = `i${++this.#sent}`
    this.#sentAt.set(id, performance.now())
    const [bare] = this.#other.jid.split('/')
    this.#one.send(`<message type="chat" id="${id}" to="${bare}"><body>hello</body></message>`)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([this.#one.leave(), this.#other.leave()])
  }
}
