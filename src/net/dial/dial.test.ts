import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { networkInterfaces } from 'node:os'
import { type TestContext, test } from 'node:test'
import { startDnsServer, type Zone } from '../../../test/net/dns-server.ts'
import { startSocksProxy } from '../../../test/net/socks-proxy.ts'
import { Dns } from '../dns/dns.ts'
import { AddressPolicy } from './address-policy.ts'
import { type DialOptions, dial } from './dial.ts'
import { findTargets, type Target } from './targets.ts'

const hasIPv6 = Object.values(networkInterfaces()).some(list => list?.some(({ address }) => address === '::1'))
const LOOPBACK = new AddressPolicy(['127.0.0.0/8', '::1'])
const at = (host: string, port: number): Target => ({ host, port, kind: 'tcp', isAuthentic: false })

/** A server on a loopback address, with what connected to it. */
async function listen(t: TestContext, address = '127.0.0.1', port = 0) {
  const sockets: Socket[] = []
  const server = createServer(socket => {
    sockets.push(socket.on('error', () => {}).resume())
    socket.write('hello')
  })
  server.listen(port, address)
  await once(server, 'listening')
  t.after(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return { port: (server.address() as AddressInfo).port, sockets }
}

/** A port where nobody listens. */
async function closedPort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

async function startDns(t: TestContext, zone: Zone = {}) {
  const server = await startDnsServer(zone)
  t.after(() => server.close())
  return { server, dns: new Dns({ servers: [server.address] }) }
}

async function dialed(t: TestContext, targets: readonly Target[], options: Partial<DialOptions> & Pick<DialOptions, 'dns'>) {
  const result = await dial(targets, { policy: LOOPBACK, timeout: 60_000, ...options })
  t.after(() => result.socket.destroy())
  return result
}

test('a name is resolved and connected to, and nothing has been read', async t => {
  const { port } = await listen(t)
  const { dns } = await startDns(t, { 'xmpp.there.example': { a: ['127.0.0.1'] } })
  const target = at('xmpp.there.example', port)
  const { socket, target: reached } = await dialed(t, [target], { dns })
  assert.equal(reached, target)
  assert.equal(socket.remoteAddress, '127.0.0.1')
  assert.ok(socket.isPaused())
  assert.equal(socket.listenerCount('data') + socket.listenerCount('readable'), 0)
  const [words] = await once(socket.resume(), 'data')
  assert.equal(String(words), 'hello')
})

test('nobody can have us knock at more than sixteen doors', async t => {
  const port = await closedPort()
  const a = Array.from({ length: 6 }, (_, i) => `127.0.0.${i + 2}`)
  const names = Array.from({ length: 8 }, (_, i) => `xmpp${i}.there.example`)
  const { dns, server } = await startDns(t, Object.fromEntries(names.map(name => [name, { a }])))
  await assert.rejects(
    dial(
      names.map(name => at(name, port)),
      { dns, policy: LOOPBACK, timeout: 60_000 },
    ),
    { kind: 'unreachable' },
  )
  assert.deepEqual(
    server.questions.filter(question => question.startsWith('A ')),
    ['A xmpp0.there.example', 'A xmpp1.there.example', 'A xmpp2.there.example'],
  )
})

test('RFC 8305 §4: IPv6 is tried first', { skip: !hasIPv6 && 'this machine has no IPv6' }, async t => {
  const { port } = await listen(t, '::1')
  await listen(t, '127.0.0.9', port)
  const { dns } = await startDns(t, { 'there.example': { a: ['127.0.0.9'], aaaa: ['::1'] } })
  const { socket } = await dialed(t, [at('there.example', port)], { dns })
  assert.equal(socket.remoteAddress, '::1')
})

test('an address where nobody listens is followed by the next at once, and the family by the other', async t => {
  const { port } = await listen(t, '127.0.0.9')
  const { dns } = await startDns(t, { 'there.example': { a: ['127.0.0.8', '127.0.0.9'], aaaa: ['::1'] } })
  const { socket } = await dialed(t, [at('there.example', port)], { dns })
  assert.equal(socket.remoteAddress, '127.0.0.9')
})

test('targets are tried in their order', async t => {
  const one = await listen(t)
  const other = await listen(t)
  const { dns, server } = await startDns(t)
  const targets = [at('127.0.0.1', one.port), at('127.0.0.1', other.port)]
  assert.equal((await dialed(t, targets, { dns })).target, targets[0])
  assert.deepEqual(server.questions, [], 'an address needs no DNS')
  assert.equal(other.sockets.length, 0)
})

test('a target that cannot be resolved or reached is followed by the next', async t => {
  const { port } = await listen(t)
  const { dns } = await startDns(t, { 'broken.example': { isBroken: true }, 'inner.example': { a: ['192.168.0.1'] } })
  const targets = [
    at('nowhere.example', 1),
    at('broken.example', 1),
    at('inner.example', 1),
    at('127.0.0.1', await closedPort()),
    at('127.0.0.1', port),
  ]
  assert.equal((await dialed(t, targets, { dns })).target, targets[4])
})

test('an address in a network of this machine is refused, whatever DNS says', async t => {
  const { port, sockets } = await listen(t)
  const { dns } = await startDns(t, {
    '_xmpp-server._tcp.evil.example': { srv: [{ priority: 0, weight: 0, port, target: 'inner.evil.example' }] },
    'inner.evil.example': { a: ['127.0.0.1', '169.254.169.254'], aaaa: ['::1', '::ffff:127.0.0.1', 'fd00::1'] },
  })
  const targets = await findTargets(dns, 'evil.example')
  const refused = { name: 'DialError', kind: 'refused-network' }
  const policy = new AddressPolicy()
  await assert.rejects(dial(targets, { dns, policy, timeout: 60_000 }), refused)
  await assert.rejects(dial([at('127.0.0.1', port)], { dns, policy, timeout: 60_000 }), refused)
  assert.equal(sockets.length, 0)
})

test('a name that gets another address later is checked again', async t => {
  const { port } = await listen(t)
  const server = await startDnsServer({ 'there.example': { a: ['127.0.0.1'], ttl: 5 } })
  t.after(() => server.close())
  let now = 0
  const dns = new Dns({ servers: [server.address], now: () => now })
  const policy = new AddressPolicy(['127.0.0.1'])
  await dialed(t, [at('there.example', port)], { dns, policy })
  server.zone['there.example'] = { a: ['127.0.0.2'], ttl: 5 }
  now = 5_000
  await assert.rejects(dialed(t, [at('there.example', port)], { dns, policy }), { kind: 'refused-network' })
})

test('why there is no connection is told', async t => {
  const { dns } = await startDns(t, { 'broken.example': { isBroken: true }, 'inner.example': { a: ['192.168.0.1'] } })
  const closed = at('127.0.0.1', await closedPort())
  for (const [targets, kind] of [
    [[at('nowhere.example', 1)], 'not-found'],
    [[at('broken.example', 1)], 'dns'],
    [[at('abcdef.onion', 1)], 'dns'],
    [[], 'not-found'],
    [[at('nowhere.example', 1), at('inner.example', 1)], 'refused-network'],
    [[closed, at('inner.example', 1), at('nowhere.example', 1)], 'unreachable'],
  ] as const) {
    await assert.rejects(dialed(t, targets, { dns }), { name: 'DialError', kind })
  }
})

test('all together takes no longer than it may', async t => {
  const { dns, server } = await startDns(t)
  server.setFailing('silent')
  await assert.rejects(dialed(t, [at('there.example', 1)], { dns, timeout: 20 }), { kind: 'timeout' })
})

test('a signal ends it with its reason, also one that was given before', async t => {
  const { dns, server } = await startDns(t)
  server.setFailing('silent')
  const reason = new Error('no longer wanted')
  const leaving = new AbortController()
  const waiting = assert.rejects(dialed(t, [at('there.example', 1)], { dns, signal: leaving.signal }), reason)
  leaving.abort(reason)
  await waiting
  server.questions.length = 0
  await assert.rejects(dialed(t, [at('other.example', 1)], { dns, signal: leaving.signal }), reason)
  assert.ok(!server.questions.some(question => question.includes('other.example')))
})

test('by way of a proxy, DNS is asked nothing at all', async t => {
  const { port } = await listen(t)
  const { dns, server } = await startDns(t, { 'there.example': { a: ['127.0.0.1'] } })
  const proxy = await startSocksProxy([['there.example:5269', port]])
  t.after(() => proxy.close())
  const socks = { host: proxy.host, port: proxy.port, isolation: 'there.example' }
  const target = at('there.example', 5269)
  const { socket, target: reached } = await dialed(t, [at('gone.example', 5269), target], { dns, socks, policy: new AddressPolicy() })
  assert.equal(reached, target)
  assert.ok(socket.isPaused())
  const [words] = await once(socket.resume(), 'data')
  assert.equal(String(words), 'hello')
  assert.deepEqual(
    proxy.requests.map(({ host }) => host),
    ['gone.example', 'there.example'],
  )
  assert.deepEqual(server.questions, [])
})

test('a proxy is not asked for addresses that are refused', async t => {
  const { dns } = await startDns(t)
  const proxy = await startSocksProxy()
  t.after(() => proxy.close())
  await assert.rejects(dialed(t, [at('192.168.0.1', 1)], { dns, socks: proxy }), { kind: 'refused-network' })
  await assert.rejects(dialed(t, [at('abcdef.onion', 1)], { dns, socks: proxy }), { kind: 'unreachable' })
  assert.equal(proxy.requests.length, 1)
})
