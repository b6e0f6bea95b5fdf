import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { type TestContext, test } from 'node:test'
import { startSocksProxy } from '../../../test/net/socks-proxy.ts'
import { connectBySocks } from './socks.ts'

const NAME = { host: 'abcdef.onion', port: 5269 }
const never = new AbortController().signal

/** A server on loopback. */
async function listen(t: TestContext, onConnection: (socket: Socket) => void): Promise<number> {
  const sockets: Socket[] = []
  const server = createServer(socket => {
    sockets.push(socket.on('error', () => {}))
    onConnection(socket)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return (server.address() as AddressInfo).port
}

async function startProxy(t: TestContext, ways: Iterable<readonly [string, number]>) {
  const proxy = await startSocksProxy(ways)
  t.after(() => proxy.close())
  return proxy
}

test('RFC 1928: the proxy gets the name, and what goes through it arrives', async t => {
  const port = await listen(t, socket => socket.on('data', bytes => socket.write(`${bytes}!`)))
  const proxy = await startProxy(t, [['abcdef.onion:5269', port]])
  const socket = await connectBySocks(proxy, NAME, never)
  t.after(() => socket.destroy())
  socket.write('hello')
  const [answer] = await once(socket.resume(), 'data')
  assert.equal(String(answer), 'hello!')
  assert.deepEqual(proxy.requests, [{ ...NAME, username: undefined, password: undefined }])
})

test('RFC 1929: what must be isolated logs in with different words, and the words tell nothing', async t => {
  const port = await listen(t, () => {})
  const proxy = await startProxy(t, [['abcdef.onion:5269', port]])
  for (const isolation of ['one.example', 'other.example', 'one.example', 'x'.repeat(300)]) {
    const socket = await connectBySocks({ ...proxy, isolation }, NAME, never)
    socket.destroy()
  }
  const [one, other, again] = proxy.requests
  assert.deepEqual(one, again)
  assert.notEqual(one!.username, other!.username)
  assert.notEqual(one!.password, other!.password)
  assert.ok(!one!.username!.includes('example'))
})

test('addresses go as addresses', async t => {
  const port = await listen(t, () => {})
  const proxy = await startProxy(t, [
    ['192.0.2.7:1', port],
    ['2001:0db8:0000:0000:0000:0000:0000:0007:65535', port],
  ])
  for (const target of [
    { host: '192.0.2.7', port: 1 },
    { host: '2001:db8::7', port: 65_535 },
  ]) {
    const socket = await connectBySocks(proxy, target, never)
    socket.destroy()
  }
  assert.equal(proxy.requests.length, 2)
})

test('a target that the proxy cannot reach is an error', async t => {
  const proxy = await startProxy(t, [])
  await assert.rejects(connectBySocks(proxy, NAME, never), { message: 'The proxy refuses.' })
})

test('what the target says at once is left for whoever has the socket, which is paused', async t => {
  const port = await listen(t, socket => socket.write('first words'))
  const proxy = await startProxy(t, [['abcdef.onion:5269', port]])
  const socket = await connectBySocks(proxy, NAME, never)
  t.after(() => socket.destroy())
  assert.ok(socket.isPaused())
  assert.equal(socket.listenerCount('data'), 0)
  const [words] = await once(socket.resume(), 'data')
  assert.equal(String(words), 'first words')
})

test('an answer in pieces of one octet, with more behind it, is read to its end and not further', async t => {
  const port = await listen(t, async socket => {
    const replies = [
      [5, 0],
      [5, 0, 0, 3, 4, ...Buffer.from('host'), 0, 80, ...Buffer.from('more')],
    ]
    for (const reply of replies) {
      await once(socket, 'data')
      for (const octet of reply) {
        socket.write(Buffer.from([octet]))
        await new Promise(setImmediate)
      }
    }
    socket.end()
  })
  const socket = await connectBySocks({ host: '127.0.0.1', port }, NAME, never)
  let rest = ''
  for await (const bytes of socket) rest += bytes
  assert.equal(rest, 'more')
})

for (const [what, ...replies] of [
  ['another version', [4, 0]],
  ['a method that was not offered', [5, 2]],
  ['no method', [5, 255]],
  ['HTTP', [...Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n')]],
  ['another version later', [5, 0], [4, 0, 0, 1, 0, 0, 0, 0, 0, 0]],
  ['a failure', [5, 0], [5, 5, 0, 1, 0, 0, 0, 0, 0, 0]],
  ['a reserved octet that is not zero', [5, 0], [5, 0, 1, 1, 0, 0, 0, 0, 0, 0]],
  ['an unknown type of address', [5, 0], [5, 0, 0, 2, 0, 0, 0, 0, 0, 0]],
  ['less than all', [5, 0], [5, 0, 0, 1, 0, 0]],
  ['nothing'],
] as [string, ...number[][]][]) {
  test(`a proxy that says ${what} is an error`, async t => {
    const port = await listen(t, async socket => {
      for (const reply of replies) {
        await once(socket, 'data')
        socket.write(Buffer.from(reply))
      }
      socket.end()
    })
    await assert.rejects(connectBySocks({ host: '127.0.0.1', port }, NAME, never))
  })
}

test('a proxy that does not want the login is an error: without it nothing would be isolated', async t => {
  const port = await listen(t, socket => socket.on('data', () => socket.write(Buffer.from([5, 0]))))
  await assert.rejects(connectBySocks({ host: '127.0.0.1', port, isolation: 'x' }, NAME, never))
})

test('a proxy that is silent is left when the signal says so', async t => {
  const leaving = new AbortController()
  let client: Socket | undefined
  const port = await listen(t, socket => {
    client = socket.resume()
    leaving.abort()
  })
  await assert.rejects(connectBySocks({ host: '127.0.0.1', port }, NAME, leaving.signal))
  if (!client!.closed) await once(client!, 'close')
})

test('a name too long for the protocol is an error', async t => {
  const proxy = await startProxy(t, [])
  await assert.rejects(connectBySocks(proxy, { host: `${'a'.repeat(256)}`, port: 1 }, never))
})
