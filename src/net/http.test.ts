import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { get, type IncomingMessage } from 'node:http'
import { get as getSecurely } from 'node:https'
import { connect as connectTcp, Socket as NetSocket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, type TestContext, test } from 'node:test'
import { connect as connectTls } from 'node:tls'
import { WebSocket } from 'ws'
import { Certificates } from './certificates.ts'
import { Gate } from './gate.ts'
import { Http } from './http.ts'
import { Peers } from './peer-key.ts'
import type { Socket } from './socket.ts'

const data = mkdtempSync(join(tmpdir(), 'http-'))
after(() => rmSync(data, { recursive: true }))
const certificates = new Certificates([{ domain: 'here.example' }], data)
const ca = readFileSync(join(data, 'ca', 'ca.crt'))
const links = [{ rel: 'urn:xmpp:alt-connections:websocket', href: 'wss://here.example:5443/xmpp-websocket?a&"b' }]
const otherLinks = [{ rel: 'urn:xmpp:alt-connections:websocket', href: 'wss://xn--bcher-kva.example/xmpp-websocket' }]

async function serve(t: TestContext, { isSecure = false, total = 10, isForwarded = false } = {}) {
  const gate = new Gate(new Peers(), { total, perNetwork: 10 })
  const sockets: Socket[] = []
  const log: string[] = []
  const waiting: (() => void)[] = []
  const note = (line: string) => {
    log.push(line)
    for (const wake of waiting.splice(0)) wake()
  }
  const http = new Http({
    gate,
    links: new Map([
      ['here.example', links],
      ['xn--bcher-kva.example', otherLinks],
    ]),
    largestFrame: 1000,
    isForwarded,
    onConnection(socket) {
      sockets.push(socket)
      socket.onData = bytes => note(bytes.toString())
      socket.onClose = () => note('closed')
    },
  })
  const port = await http.open({ port: 0, address: '127.0.0.1' }, isSecure ? certificates : undefined)
  t.after(() => {
    for (const socket of sockets) socket.destroy()
    http.close()
  })
  const told = async (line: string) => {
    while (!log.includes(line)) await new Promise<void>(resolve => waiting.push(resolve))
  }
  return { http, port, sockets, log, told, gate }
}

async function fetchText(port: number, path: string, method = 'GET', headers = {}) {
  const request = get({ port, host: '127.0.0.1', path, method, headers, agent: false })
  const [response] = (await once(request, 'response')) as [IncomingMessage]
  let body = ''
  for await (const chunk of response.setEncoding('utf8')) body += chunk
  return { status: response.statusCode, headers: response.headers, body }
}

async function dial(t: TestContext, port: number, { path = '/xmpp-websocket', protocols = ['xmpp'], scheme = 'ws', headers = {} } = {}) {
  const client = new WebSocket(`${scheme}://127.0.0.1:${port}${path}`, protocols, { ca, servername: 'here.example', headers } as object)
  t.after(() => client.terminate())
  await once(client, 'open')
  return client.on('error', () => {})
}

test('XEP-0156: pages of any origin can read where the server is', async t => {
  const { port } = await serve(t)
  const xml = await fetchText(port, '/.well-known/host-meta')
  assert.equal(xml.headers['access-control-allow-origin'], '*')
  assert.equal(xml.headers['content-type'], 'application/xrd+xml; charset=utf-8')
  assert.match(xml.body, /<Link rel="urn:xmpp:alt-connections:websocket" href="wss:\/\/here.example:5443\/xmpp-websocket\?a&#38;&#34;b"\/>/)
  const json = await fetchText(port, '/.well-known/host-meta.json')
  assert.deepEqual(JSON.parse(json.body), { links })
  assert.equal(json.headers['access-control-allow-origin'], '*')
  assert.equal((await fetchText(port, '/.well-known/host-meta', 'POST')).status, 405)
})

test('XEP-0156: each domain has its own document, found by the Host that is asked for; the first answers for all others', async t => {
  const { port } = await serve(t)
  const told = async (host: string) => JSON.parse((await fetchText(port, '/.well-known/host-meta.json', 'GET', { host })).body).links
  for (const host of ['here.example', 'HERE.example:5443', 'localhost', '127.0.0.1:80', '[::1]', '%', ''])
    assert.deepEqual(await told(host), links, host)
  for (const host of ['xn--bcher-kva.example', 'XN--bcher-kva.example:443']) assert.deepEqual(await told(host), otherLinks)
})

test('what has no route is not found, and nothing says what server this is', async t => {
  const { port, http } = await serve(t)
  const { status, headers, body } = await fetchText(port, '/admin')
  assert.deepEqual([status, body, headers.server, headers['x-powered-by']], [404, '', undefined, undefined])
  http.routes.set('/admin', (_request, response) => response.end('here'))
  assert.equal((await fetchText(port, '/admin?x')).body, 'here')
})

test('headers beyond the limit are refused', async t => {
  const { port } = await serve(t)
  const client = connectTcp(port, '127.0.0.1').on('error', () => {})
  client.write(`GET / HTTP/1.1\r\nHost: a\r\nX: ${'x'.repeat(10_000)}\r\n\r\n`)
  const [answer] = (await once(client, 'data')) as [Buffer]
  assert.match(answer.toString(), /^HTTP\/1.1 431 /)
  client.destroy()
})

test('RFC 7395: each frame is one piece of data, both ways', async t => {
  const { port, sockets, told } = await serve(t)
  const client = await dial(t, port)
  assert.equal(client.protocol, 'xmpp')
  client.send('<open/>')
  await told('<open/>')
  const frames: string[] = []
  client.on('message', frame => frames.push(String(frame)))
  sockets[0]!.send('<open/>')
  sockets[0]!.send('<ü/>')
  assert.equal(sockets[0]!.queued, 11)
  sockets[0]!.close()
  const [code] = await once(client, 'close')
  assert.deepEqual([frames, code], [['<open/>', '<ü/>'], 1000])
  await told('closed')
  assert.deepEqual([sockets[0]!.kind, sockets[0]!.isSecure, sockets[0]!.tls, sockets[0]!.queued], ['websocket', true, undefined, 0])
})

test('DESIGN law 10: many frames go out some after the others, since Node keeps as much room as the largest write took', async t => {
  const { port, sockets, told } = await serve(t, { isSecure: true })
  const client = await dial(t, port, { scheme: 'wss' })
  const lengths: number[] = []
  const prototype = NetSocket.prototype as unknown as { _writev(chunks: { chunk: Buffer | string }[], done: () => void): void }
  const writev = prototype._writev
  t.mock.method(prototype, '_writev', function (this: unknown, chunks: { chunk: Buffer | string }[], done: () => void) {
    lengths.push(chunks.reduce((sum, { chunk }) => sum + Buffer.byteLength(chunk), 0))
    writev.call(this as never, chunks, done)
  })
  const frames: string[] = []
  client.on('message', frame => frames.push(String(frame)))
  let drained = 0
  sockets[0]!.onDrained = () => drained++
  const sent = Array.from({ length: 200 }, (_, i) => `<m${i}>${'ü'.repeat(500)}</m${i}>`)
  for (const [i, frame] of sent.entries()) {
    sockets[0]!.send(frame)
    if (i === 100) await new Promise(setImmediate)
  }
  assert.ok(sockets[0]!.queued > 80_000, `${sockets[0]!.queued} wait`)
  while (frames.length < 200) await once(client, 'message')
  assert.deepEqual(frames, sent)
  assert.ok(Math.max(...lengths) <= 16_384, `${Math.max(...lengths)} bytes at once`)
  while (drained === 0) await new Promise(setImmediate)
  assert.equal(sockets[0]!.queued, 0)
  for (const frame of sent) sockets[0]!.send(frame)
  sockets[0]!.close()
  await told('closed')
  assert.equal(frames.length, 400)
})

test('RFC 7395 §3.1: a client must offer the subprotocol, on the right path', async t => {
  const { port } = await serve(t)
  await assert.rejects(dial(t, port, { protocols: [] }), /400/)
  await assert.rejects(dial(t, port, { protocols: ['chat'] }), /400/)
  await assert.rejects(dial(t, port, { path: '/' }), /404/)
  const client = await dial(t, port, { protocols: ['chat', 'xmpp'] })
  assert.equal(client.protocol, 'xmpp')
})

test('no compression is negotiated', async t => {
  const { port } = await serve(t)
  assert.equal((await dial(t, port)).extensions, '')
})

test('RFC 7395 §3.2: binary frames, and frames beyond the limit, end the connection', async t => {
  const { port, told, log } = await serve(t)
  for (const [frame, expected] of [
    [Buffer.from('<open/>'), 1003],
    ['x'.repeat(1001), 1009],
  ] as const) {
    const client = await dial(t, port)
    client.send(frame)
    const [code] = await once(client, 'close')
    assert.equal(code, expected)
    await told('closed')
  }
  assert.ok(log.every(line => line === 'closed'))
})

test('a new limit of frames is for the connections that come after it', async t => {
  const { http, port, told } = await serve(t)
  const [frame, before] = ['x'.repeat(1001), await dial(t, port)]
  http.largestFrame = 1001
  const after = await dial(t, port)
  after.send(frame)
  await told(frame)
  before.send(frame)
  assert.equal((await once(before, 'close'))[0], 1009)
})

test('over https the channel can be bound, and the gate counts who comes', async t => {
  const { port, sockets, told, gate } = await serve(t, { isSecure: true })
  const client = await dial(t, port, { scheme: 'wss' })
  client.send('<open/>')
  await told('<open/>')
  assert.ok(sockets[0]!.isSecure)
  assert.deepEqual(sockets[0]!.tls!.endPoint().raw, certificates.leafOf('here.example')!.raw)
  assert.equal(sockets[0]!.tls!.exporter().length, 32)
  assert.equal(gate.connections, 1)
  client.terminate()
  await told('closed')
  while (gate.connections > 0) await new Promise(setImmediate)
})

const forwarded = (address: string) => ({ headers: { 'X-Forwarded-For': address } })

test('behind a proxy on this machine, networks are counted as the proxy tells them, and by its own word alone', async t => {
  const { port, sockets, gate } = await serve(t, { total: 100, isForwarded: true })
  const network = (address: string | undefined) => gate.peers.keyOf(address).open
  for (const [header, address] of [
    ['192.0.2.7', '192.0.2.7'],
    ['198.51.100.1, 192.0.2.7', '192.0.2.7'],
    ['2001:db8::1', '2001:db8::1'],
    ['::ffff:192.0.2.7', '192.0.2.7'],
    ['192.0.2.7, unknown', undefined],
    ['192.0.2.7,', undefined],
    ['127.0.0.1', undefined],
  ] as const) {
    await dial(t, port, forwarded(header))
    const { peer, isSecure } = sockets.at(-1)!
    assert.deepEqual([peer.open, peer.isShared, isSecure], [network(address), address === undefined, true], header)
  }
  await dial(t, port)
  assert.ok(sockets.at(-1)!.peer.isShared)
})

test('behind a proxy, so many WebSockets may be open from one network', async t => {
  const { port, sockets, gate, told } = await serve(t, { total: 100, isForwarded: true })
  for (let i = 0; i < 10; i++) await dial(t, port, forwarded(`192.0.2.${i}`))
  await assert.rejects(dial(t, port, forwarded('192.0.2.99')), /429/)
  await dial(t, port, forwarded('198.51.100.1'))
  sockets[0]!.destroy()
  await told('closed')
  while (gate.connections > 10) await new Promise(setImmediate)
  await dial(t, port, forwarded('192.0.2.99'))
  for (const socket of sockets) socket.destroy()
  while (gate.connections > 0) await new Promise(setImmediate)
  assert.equal(gate.peers.openOf(gate.peers.keyOf('192.0.2.1')), 0)
  assert.equal(gate.peers.openOf(gate.peers.keyOf(undefined)), 0)
})

test('where no proxy is trusted, and over https, nobody can say where he comes from', async t => {
  const near = await serve(t)
  await dial(t, near.port, forwarded('192.0.2.7'))
  const secure = await serve(t, { isSecure: true, isForwarded: true })
  await dial(t, secure.port, { scheme: 'wss', ...forwarded('192.0.2.7') })
  for (const { sockets } of [near, secure]) assert.ok(sockets[0]!.peer.isShared)
})

test('https speaks http/1.1 and refuses other protocols, and adopts new contexts', async t => {
  const { port } = await serve(t, { isSecure: true })
  certificates.reload()
  const request = getSecurely({ port, host: '127.0.0.1', path: '/', ca, servername: 'here.example', agent: false })
  const [response] = (await once(request, 'response')) as [IncomingMessage]
  assert.equal(response.resume().statusCode, 404)
  const wrong = connectTls({ port, host: '127.0.0.1', ca, servername: 'here.example', ALPNProtocols: ['xmpp-client'] })
  await assert.rejects(once(wrong, 'secureConnect'), { code: 'ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL' })
})

test('when the gate is full, nobody gets in', async t => {
  const { port } = await serve(t, { total: 0 })
  await assert.rejects(fetchText(port, '/'), { code: 'ECONNRESET' })
})
