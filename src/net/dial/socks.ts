import { hash } from 'node:crypto'
import { connect, isIPv4, isIPv6, type Socket } from 'node:net'
import type { HostPort } from '../host-port.ts'
import { groupsOf } from './ipv6.ts'
import { opened } from './opened.ts'

/** A SOCKS5 proxy, such as Tor's. */
export interface SocksProxy {
  /** Address or name of the proxy, which the operator wrote: it is connected to wherever it is. */
  readonly host: string
  readonly port: number
  /** Connections with different words must not share a way (Tor's `IsolateSOCKSAuth`); without, the proxy must do without login. */
  readonly isolation?: string | undefined
}

const VERSION = 5
const NO_LOGIN = 0
const PASSWORD = 2
const PASSWORD_VERSION = 1
const CONNECT = 1
const SUCCEEDED = 0
const RESERVED = 0
const IPV4 = 1
const NAME = 3
const IPV6 = 4
const LONGEST_NAME = 255

/**
 * Connects by CONNECT of RFC 1928. The proxy gets the name as it stands and finds the address itself. What comes first from
 * the other side is left unread. Rejects when proxy or target cannot be reached, and ends when `signal` says so.
 */
export async function connectBySocks(proxy: SocksProxy, target: HostPort, signal: AbortSignal): Promise<Socket> {
  const socket = await opened(connect({ host: proxy.host, port: proxy.port, noDelay: true }), signal)
  const giveUp = () => socket.destroy()
  signal.addEventListener('abort', giveUp)
  const octets = new Octets(socket)
  try {
    await greet(socket, octets, proxy.isolation)
    socket.write(Buffer.from([VERSION, CONNECT, RESERVED, ...destination(target.host), target.port >> 8, target.port & 0xff]))
    await readReply(octets)
    signal.throwIfAborted()
    octets.leaveRest()
    return socket
  } catch (error) {
    socket.destroy()
    throw error
  } finally {
    signal.removeEventListener('abort', giveUp)
  }
}

/** RFC 1928 §3, RFC 1929 §2. Only one method is offered, so that no proxy can drop the isolation. */
async function greet(socket: Socket, octets: Octets, isolation: string | undefined): Promise<void> {
  const method = isolation === undefined ? NO_LOGIN : PASSWORD
  socket.write(Buffer.from([VERSION, 1, method]))
  expect(await octets.take(2), VERSION, method)
  if (isolation === undefined) return
  // A hash has the right length, whatever is isolated.
  const word = Buffer.from(hash('sha256', isolation, 'base64url'))
  socket.write(Buffer.concat([Buffer.from([PASSWORD_VERSION, word.length]), word, Buffer.from([word.length]), word]))
  expect(await octets.take(2), PASSWORD_VERSION, SUCCEEDED)
}

/** RFC 1928 §5: type and address. */
function destination(host: string): Buffer {
  if (isIPv4(host)) return Buffer.from([IPV4, ...host.split('.').map(Number)])
  if (isIPv6(host)) return Buffer.from([IPV6, ...groupsOf(host).flatMap(group => [group >> 8, group & 0xff])])
  const name = Buffer.from(host)
  if (name.length === 0 || name.length > LONGEST_NAME) throw new Error('No name for a proxy.')
  return Buffer.from([NAME, name.length, ...name])
}

/** RFC 1928 §6. Which address the proxy has used is of no interest, but it must be read to its end and not further. */
async function readReply(octets: Octets): Promise<void> {
  const head = await octets.take(5)
  expect(head, VERSION, SUCCEEDED, RESERVED)
  const [, , , type, first] = head
  if (type === IPV4) await octets.take(3 + 2)
  else if (type === IPV6) await octets.take(15 + 2)
  else if (type === NAME) await octets.take(first! + 2)
  else throw new Error('The proxy does not speak SOCKS5.')
}

function expect(got: Buffer, ...octets: readonly number[]): void {
  if (octets.some((octet, i) => got[i] !== octet)) throw new Error('The proxy refuses.')
}

/** Takes octets from a socket, exactly as many as are wanted, and leaves the others where they were. */
class Octets {
  readonly #socket: Socket
  readonly #onData = (bytes: Buffer) => {
    this.#got = Buffer.concat([this.#got, bytes])
    this.#wake()
  }
  readonly #onClose = () => this.#wake()
  #got = Buffer.alloc(0)
  #wake = () => {}

  constructor(socket: Socket) {
    this.#socket = socket
    socket.on('data', this.#onData).on('close', this.#onClose).resume()
  }

  async take(length: number): Promise<Buffer> {
    while (this.#got.length < length) {
      if (this.#socket.destroyed) throw new Error('The proxy has gone.')
      const { promise, resolve } = Promise.withResolvers<void>()
      this.#wake = resolve
      await promise
    }
    const taken = this.#got.subarray(0, length)
    this.#got = this.#got.subarray(length)
    return taken
  }

  leaveRest(): void {
    this.#socket.off('data', this.#onData).off('close', this.#onClose).pause()
    if (this.#got.length > 0) this.#socket.unshift(this.#got)
  }
}
