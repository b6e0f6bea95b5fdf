/** A SOCKS5 proxy on loopback (RFC 1928) that knows only the hosts a test tells it of. */
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

export interface SocksRequest {
  readonly host: string
  readonly port: number
  /** What was logged in with; `undefined` for a client which offered no login. */
  readonly username: string | undefined
  readonly password: string | undefined
}

export interface SocksProxyServer {
  readonly host: string
  readonly port: number
  readonly requests: readonly SocksRequest[]
  /** Where on 127.0.0.1 a `host:port` leads to; all others are unreachable. May be changed at any time. */
  readonly ways: Map<string, number>
  close(): Promise<void>
}

const HOST_UNREACHABLE = 4

export async function startSocksProxy(ways: Iterable<readonly [string, number]> = []): Promise<SocksProxyServer> {
  const requests: SocksRequest[] = []
  const known = new Map(ways)
  const sockets = new Set<Socket>()
  const hold = (socket: Socket) => {
    sockets.add(socket)
    return socket.on('error', () => socket.destroy()).on('close', () => sockets.delete(socket))
  }

  async function serve(client: Socket): Promise<void> {
    const { take, finish } = taker(client)
    const [, methods] = await take(2)
    const hasLogin = (await take(methods!)).includes(2)
    client.write(Buffer.from([5, hasLogin ? 2 : 0]))
    const login = hasLogin ? await readLogin(take) : undefined
    if (hasLogin) client.write(Buffer.from([1, 0]))
    const [, , , type] = await take(4)
    const host = await readHost(take, type!)
    const port = (await take(2)).readUInt16BE()
    requests.push({ host, port, username: login?.username, password: login?.password })
    const way = known.get(`${host}:${port}`)
    if (way === undefined) {
      client.end(Buffer.from([5, HOST_UNREACHABLE, 0, 1, 0, 0, 0, 0, 0, 0]))
      return
    }
    const server = hold(connect(way, '127.0.0.1'))
    await once(server, 'connect')
    await finish()
    client.write(Buffer.from([5, 0, 0, 1, 0, 0, 0, 0, 0, 0]))
    client.on('close', () => server.destroy())
    server.on('close', () => client.destroy())
    client.pipe(server)
    server.pipe(client)
  }

  const listener = createServer(client => {
    serve(hold(client)).catch(() => client.destroy())
  })
  listener.listen(0, '127.0.0.1')
  await once(listener, 'listening')
  return {
    host: '127.0.0.1',
    port: (listener.address() as AddressInfo).port,
    requests,
    ways: known,
    async close() {
      for (const socket of sockets) socket.destroy()
      listener.close()
      await once(listener, 'close')
    },
  }
}

type Take = (length: number) => Promise<Buffer>

/** Gives the next octets of a client that waits for each answer; what comes after `finish` can be piped. */
function taker(client: Socket): { take: Take; finish(): Promise<unknown> } {
  const iterator = client.iterator({ destroyOnReturn: false })
  let got = Buffer.alloc(0)
  return {
    async take(length) {
      while (got.length < length) {
        const { value, done } = await iterator.next()
        if (done) throw new Error('The client has gone.')
        got = Buffer.concat([got, value])
      }
      const taken = got.subarray(0, length)
      got = got.subarray(length)
      return taken
    },
    finish: async () => iterator.return?.(),
  }
}

async function readLogin(take: Take) {
  const words: string[] = []
  await take(1)
  for (let i = 0; i < 2; i++) words.push((await take((await take(1))[0]!)).toString())
  const [username, password] = words as [string, string]
  return { username, password }
}

async function readHost(take: Take, type: number): Promise<string> {
  if (type === 3) return (await take((await take(1))[0]!)).toString()
  const address = await take(type === 1 ? 4 : 16)
  return type === 1 ? address.join('.') : address.toString('hex').replace(/(....)(?!$)/g, '$1:')
}
