import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'

/** A TCP way to a port of this machine that can fail as ways do. */
export class Cable implements AsyncDisposable {
  readonly #server: Server
  readonly #pairs = new Set<readonly [Socket, Socket]>()
  #isDeaf = false

  private constructor(target: number) {
    this.#server = createServer(near => this.#join(near, connect(target, '127.0.0.1')))
  }

  static async to(target: number): Promise<Cable> {
    const cable = new Cable(target)
    cable.#server.listen(0, '127.0.0.1')
    await once(cable.#server, 'listening')
    return cable
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  /** From now on what either side says is lost, and neither notices. */
  deafen(): void {
    this.#isDeaf = true
  }

  /** Breaks what is connected. New connections work. */
  cut(): void {
    this.#isDeaf = false
    for (const [near, far] of this.#pairs) {
      near.resetAndDestroy()
      far.resetAndDestroy()
    }
    this.#pairs.clear()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.cut()
    this.#server.close()
  }

  #join(near: Socket, far: Socket): void {
    const pair = [near, far] as const
    this.#pairs.add(pair)
    for (const [from, to] of [pair, [far, near] as const]) {
      from.setNoDelay(true)
      from.on('data', bytes => this.#isDeaf || to.write(bytes))
      from.on('end', () => to.end())
      from.on('error', () => to.destroy())
      from.on('close', () => this.#pairs.delete(pair))
    }
  }
}
