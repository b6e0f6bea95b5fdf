/** Connections without number, from those who never say who they are. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { connect, type Socket } from 'node:net'
import { after, before, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { enterNetwork } from './network/isolation.ts'
import { messageOf } from './network/meeting.ts'
import { EVIL, Siege, toHere } from './network/siege.ts'
import { EXTERNAL, STARTTLS, Stranger } from './network/stranger.ts'
import { within } from './server.ts'

// For addresses that are not of the loopback interface.
const impossible = enterNetwork()

let siege: Siege
before(async () => {
  siege = await Siege.begin()
})
after(() => siege[Symbol.asyncDispose]())

const closeOf = (socket: Socket): Promise<void> => new Promise(resolve => void socket.once('close', () => resolve()))

const BOMBS = 2_000
/** What a server may keep of them, in MiB. */
const GROWTH = 100
const PER_NETWORK = 100
const NETWORKS = ['192.0.2.1', '198.51.100.1', '203.0.113.1', '198.18.0.1']

/** Many connections, each of which does one of the things that prove nothing. */
class Bomb {
  readonly #sockets: Socket[] = []
  readonly #closed: Promise<unknown>[] = []
  open = 0

  async drop(count: number, addresses: readonly (string | undefined)[]): Promise<void> {
    const ways = [
      '',
      Stranger.prototype.open(toHere(EVIL)),
      `${Stranger.prototype.open(toHere(EVIL))}${STARTTLS}`,
      `<?xml version='1.0'?>${' '.repeat(100)}`,
      '<stream:stream xmlns:stream="http://etherx.jabber.org/streams"',
    ]
    for (let at = 0; at < count; at++) {
      const localAddress = addresses[at % addresses.length]
      const direct = at % 10 === 9
      const socket = connect({
        host: '127.0.0.1',
        port: direct ? siege.here.ports.tls : siege.here.ports.tcp,
        ...(localAddress !== undefined && { localAddress }),
      })
      this.#sockets.push(socket.on('error', () => {}).resume())
      this.open++
      this.#closed.push(closeOf(socket).then(() => this.open--))
      socket.on('end', () => socket.destroy())
      if (!direct) socket.write(ways[at % ways.length]!)
      if (at % 100 === 99) await Promise.race([new Promise(resolve => socket.once('connect', resolve)), closeOf(socket)])
    }
  }

  /** As if they were alive. */
  tick(): void {
    for (const socket of this.#sockets) if (socket.writable) socket.write(' ')
  }

  get over(): Promise<unknown> {
    return Promise.all(this.#closed)
  }
}

test('connection bombs: those who never authenticate are bounded and go in time, and a server that does comes in meanwhile', async t => {
  const before = await siege.here.memory()
  const domain = 'honest.example'
  const comesIn = async (): Promise<void> => {
    const honest = await Stranger.calls(siege.here.ports.tcp)
    await honest.opens(toHere(domain), siege.scene.certify(domain))
    honest.send(EXTERNAL)
    await honest.hears('success')
    await honest.begins(toHere(domain))
    honest.send(messageOf(`a@${domain}`, siege.juliet.address, 'hello'))
    await siege.juliet.hears('message', { from: `a@${domain}`, body: 'hello' })
  }
  // From the loopback interface, behind which there may be a proxy for many.
  const near = new Bomb()
  await near.drop(BOMBS, [undefined])
  await comesIn()
  const ticking = setInterval(() => near.tick(), 1000)
  if (impossible === undefined) {
    for (const address of NETWORKS) spawnSync('ip', ['address', 'add', `${address}/32`, 'dev', 'lo'])
    const far = new Bomb()
    await far.drop(BOMBS, NETWORKS)
    await comesIn()
    while (far.open > PER_NETWORK * NETWORKS.length) await pause(20)
    assert.ok(far.open > 0)
    await comesIn()
    await within(40_000, far.over, 'the end of all from few networks')
  }
  await within(40_000, near.over, 'the end of all')
  clearInterval(ticking)
  await comesIn()
  const memory = await siege.here.memory()
  t.diagnostic(`${before} MiB before, ${memory} MiB after`)
  assert.ok(memory - before < GROWTH, `it has grown from ${before} MiB to ${memory} MiB`)
  assert.doesNotMatch(siege.here.output, / fault /)
})
