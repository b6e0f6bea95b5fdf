/** The DNS server that the tests of federation ask. */
import assert from 'node:assert/strict'
import { createSocket } from 'node:dgram'
import { Resolver } from 'node:dns/promises'
import { once } from 'node:events'
import { after, before, test } from 'node:test'
import { type Answer, decode, encode } from 'dns-packet'
import { NameServer } from './network/dns.ts'

const ADDRESS = '127.0.0.1'
const resolver = new Resolver()
let names: NameServer
before(async () => {
  names = await NameServer.start(ADDRESS, 0)
  resolver.setServers([`${ADDRESS}:${names.port}`])
})
after(() => names[Symbol.asyncDispose]())

const target = (port: number): Answer => ({ type: 'SRV', name: '_xmpps-server._tcp.a.example', data: { port, target: 'host.a.example' } })

test('a server is found by SRV and A, and its certificate by TLSA', async () => {
  const certificate = Buffer.alloc(32, 7)
  names.publish([
    target(5270),
    { type: 'A', name: 'host.a.example', data: '127.0.1.1' },
    { type: 'TLSA', name: '_5270._tcp.host.a.example', data: { usage: 3, selector: 1, matchingType: 1, certificate } },
  ])
  const [srv] = await resolver.resolveSrv('_xmpps-server._tcp.a.example')
  assert.deepEqual([srv!.name, srv!.port], ['host.a.example', 5270])
  assert.deepEqual(await resolver.resolve4('HOST.a.example'), ['127.0.1.1'])
  const [tlsa] = await resolver.resolveTlsa('_5270._tcp.host.a.example')
  assert.deepEqual(Buffer.from(tlsa!.data), certificate)
})

test('a name without such records is told from one that is not there', async () => {
  names.publish([{ type: 'A', name: 'host.a.example', data: '127.0.1.1' }])
  await assert.rejects(resolver.resolveSrv('host.a.example'), { code: 'ENODATA' })
  await assert.rejects(resolver.resolveSrv('b.example'), { code: 'ENOTFOUND' })
})

test('what is too large for UDP comes by TCP', async () => {
  names.publish(Array.from({ length: 200 }, (_, at) => target(5000 + at)))
  assert.equal((await resolver.resolveSrv('_xmpps-server._tcp.a.example')).length, 200)
})

for (const isAuthentic of [true, false]) {
  test(`answers say that they are ${isAuthentic ? '' : 'not '}validated`, async () => {
    names.isAuthentic = isAuthentic
    const socket = createSocket('udp4')
    socket.send(encode({ type: 'query', id: 1, questions: [{ type: 'A', name: 'a.example' }] }), names.port, ADDRESS)
    const [answer] = await once(socket, 'message')
    socket.close()
    assert.equal(decode(answer).flag_ad, isAuthentic)
  })
}
