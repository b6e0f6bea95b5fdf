import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { connect as connectTcp, type Socket as NetSocket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, type TestContext, test } from 'node:test'
import { type ConnectionOptions, connect as connectTls, TLSSocket } from 'node:tls'
import { Certificates } from './certificates.ts'
import { Gate } from './gate.ts'
import { Listeners } from './listeners.ts'
import { Peers } from './peer-key.ts'
import type { Socket } from './socket.ts'
import { DirectTlsSocket } from './tcp-socket.ts'

const data = mkdtempSync(join(tmpdir(), 'listeners-'))
after(() => rmSync(data, { recursive: true }))
const certificates = new Certificates([{ domain: 'here.example' }, { domain: 'there.example' }], data)
const ca = readFileSync(join(data, 'ca', 'ca.crt'))

interface Options {
  readonly shown?: Certificates
  readonly total?: number
  readonly handshakeLimit?: number
}

/** A listener on a free port, the sockets it made, and a log of what they told. */
async function listen(t: TestContext, kind: 'tcp' | 'tls', { shown = certificates, total = 100, handshakeLimit = 10_000 }: Options = {}) {
  const gate = new Gate(new Peers(), { total, perNetwork: 10 })
  const listeners = new Listeners({ certificates: shown, gate, handshakeLimit })
  const sockets: Socket[] = []
  const log: string[] = []
  const waiting: (() => void)[] = []
  const note = (line: string) => {
    log.push(line)
    for (const wake of waiting.splice(0)) wake()
  }
  const port = await listeners.open({
    port: 0,
    address: '127.0.0.1',
    kind,
    role: 'client',
    onConnection(socket) {
      sockets.push(socket)
      socket.onData = bytes => note(bytes.toString())
      socket.onClose = () => note('closed')
      socket.onDrained = () => note('drained')
      note('connected')
    },
  })
  t.after(() => {
    for (const socket of sockets) socket.destroy()
    listeners.close()
  })
  const told = async (line: string) => {
    while (!log.includes(line)) await new Promise<void>(resolve => waiting.push(resolve))
  }
  return { port, sockets, log, told, gate, listeners }
}

function dial(t: TestContext, port: number): NetSocket {
  const client = connectTcp(port, '127.0.0.1').on('error', () => {})
  t.after(() => client.destroy())
  return client
}

async function dialTls(t: TestContext, port: number, options: ConnectionOptions = {}): Promise<TLSSocket> {
  const client = connectTls({ port, host: '127.0.0.1', servername: 'here.example', ca, ALPNProtocols: ['xmpp-client'], ...options })
  t.after(() => client.destroy())
  await once(client, 'secureConnect')
  client.on('error', () => {})
  return client
}

async function text(client: NetSocket, length: number): Promise<string> {
  let got = ''
  for await (const chunk of client.setEncoding('utf8').iterator({ destroyOnReturn: false })) if ((got += chunk).length >= length) break
  return got
}

test('what is sent in one turn arrives in one piece and in order', async t => {
  const { port, sockets, told } = await listen(t, 'tcp')
  const client = dial(t, port)
  await told('connected')
  const [socket] = sockets
  for (const part of ['<a/>', '<ü/>', '<c/>']) socket!.send(part)
  assert.equal(socket!.queued, 12)
  const [first] = (await once(client, 'data')) as [Buffer]
  assert.equal(first.toString(), '<a/><ü/><c/>')
  assert.equal(socket!.queued, 0)
  client.write('hello')
  await told('hello')
  assert.equal(socket!.isSecure, false)
  assert.equal(socket!.tls, undefined)
})

test('what goes out in pieces comes whole, also characters of two halves', async t => {
  const { port, sockets, told } = await listen(t, 'tls')
  const client = await dialTls(t, port)
  await told('connected')
  const xml = 'a🦊'.repeat(1200)
  sockets[0]!.send(xml)
  assert.equal(await text(client, xml.length), xml)
})

test('DESIGN law 10: what is large goes out one piece after the other, since Node keeps as much room as the largest write took', async t => {
  const { port, sockets, told } = await listen(t, 'tls')
  const client = await dialTls(t, port)
  await told('connected')
  const write = t.mock.method(DirectTlsSocket.prototype, 'write')
  const waiting: number[] = []
  write.mock.mockImplementation(function (this: TLSSocket, ...args: Parameters<TLSSocket['write']>) {
    waiting.push(this.writableLength)
    return TLSSocket.prototype.write.apply(this, args)
  } as never)
  for (const [xml, most] of [
    ['a'.repeat(100_000), 16_000],
    ['ü🦊'.repeat(20_000), 16_000],
    ['b'.repeat(8_000), 2_000],
  ] as const) {
    sockets[0]!.send(xml)
    assert.equal(await text(client, xml.length), xml)
    const pieces = write.mock.calls.map(({ arguments: [piece] }) => Buffer.byteLength(piece as string))
    assert.ok(Math.max(...pieces) <= most, `${Math.max(...pieces)} bytes of ${xml.length} at once`)
    assert.equal(Math.max(...waiting), 0)
    write.mock.resetCalls()
  }
})

test('what is sent while a piece is on its way comes behind it, and before the end', async t => {
  for (const kind of ['tcp', 'tls'] as const) {
    const { port, sockets, told } = await listen(t, kind)
    const client = kind === 'tls' ? await dialTls(t, port) : dial(t, port)
    await told('connected')
    const parts = ['a', 'b', 'c'].map(letter => letter.repeat(50_000))
    for (const part of parts) {
      sockets[0]!.send(part)
      await new Promise(setImmediate)
    }
    sockets[0]!.close()
    assert.equal(await text(client, 150_000), parts.join(''))
    await told('closed')
  }
})

test('nothing is told of what comes while a socket is paused, and all of it in order when it goes on', async t => {
  const { port, sockets, told, log } = await listen(t, 'tls')
  const [client, other] = [await dialTls(t, port), await dialTls(t, port)]
  for (const part of ['a', 'and']) {
    client.write(part)
    await told(part)
  }
  sockets[0]!.pause()
  for (const part of ['b', 'c']) await new Promise(resolve => client.write(part, resolve))
  other.write('behind b and c')
  await told('behind b and c')
  const texts = () => log.filter(line => line !== 'connected')
  assert.deepEqual(texts(), ['a', 'and', 'behind b and c'])
  sockets[0]!.resume()
  client.end('d')
  await told('closed')
  assert.equal(texts().slice(3).join(''), 'bcdclosed')
})

test('closing sends what is queued, and is told once', async t => {
  const { port, sockets, told, log, gate } = await listen(t, 'tls')
  const client = await dialTls(t, port)
  await told('connected')
  sockets[0]!.send('</stream:stream>')
  sockets[0]!.close()
  sockets[0]!.close()
  sockets[0]!.send('too late')
  assert.equal(await text(client, 100), '</stream:stream>')
  await told('closed')
  sockets[0]!.destroy()
  assert.deepEqual(log, ['connected', 'closed'])
  assert.equal(gate.connections, 0)
})

test('RFC 6120 §5: STARTTLS makes a connection secure, with the certificate of the name asked for', async t => {
  const { port, sockets, told } = await listen(t, 'tcp')
  const client = dial(t, port)
  client.write('<starttls/>')
  await told('<starttls/>')
  sockets[0]!.send('<proceed/>')
  sockets[0]!.startTls!()
  assert.equal(sockets[0]!.isSecure, false)
  assert.equal(await text(client, 10), '<proceed/>')
  const secure = connectTls({ socket: client, servername: 'there.example', ca })
  await once(secure, 'secureConnect')
  secure.write('<stream/>')
  await told('<stream/>')
  assert.ok(sockets[0]!.isSecure)
  assert.equal(sockets[0]!.tls!.serverName, 'there.example')
  sockets[0]!.send('<features/>')
  assert.equal(await text(secure, 11), '<features/>')
  secure.end()
  await told('closed')
})

test('a STARTTLS client without SNI gets the certificate of the domain its stream is for', async t => {
  const { port, sockets, told } = await listen(t, 'tcp')
  const client = dial(t, port)
  client.write('<starttls/>')
  await told('<starttls/>')
  sockets[0]!.startTls!('there.example')
  const secure = connectTls({ socket: client, servername: '', ca, checkServerIdentity: () => undefined })
  await once(secure, 'secureConnect')
  assert.equal(secure.getPeerX509Certificate()?.subjectAltName, 'DNS:there.example')
  secure.destroy()
})

test('plaintext that came before the TLS handshake is dropped, and does no harm to it', async t => {
  const { port, sockets, told, log } = await listen(t, 'tcp')
  const client = dial(t, port)
  await told('connected')
  // Paused, so that the injected bytes wait where a careless upgrade would find them.
  sockets[0]!.pause()
  client.write('<starttls/><message>injected</message>')
  const later = dial(t, port)
  later.write('later')
  await told('later')
  await new Promise(setImmediate)
  sockets[0]!.startTls!()
  const secure = connectTls({ socket: client, servername: 'here.example', ca })
  await once(secure, 'secureConnect')
  secure.write('<stream/>')
  await told('<stream/>')
  assert.deepEqual(log, ['connected', 'connected', 'later', '<stream/>'])
})

test('plaintext that a client sends instead of the TLS handshake ends the connection unread', async t => {
  const { port, sockets, told, log } = await listen(t, 'tcp')
  const client = dial(t, port)
  await told('connected')
  sockets[0]!.startTls!()
  client.write('<message>injected</message>')
  await told('closed')
  assert.deepEqual(log, ['connected', 'closed'])
})

test('direct TLS: ALPN is checked when the client uses it (XEP-0368)', async t => {
  const { port, told } = await listen(t, 'tls')
  await dialTls(t, port)
  await told('connected')
  await dialTls(t, port, { ALPNProtocols: [] })
  await assert.rejects(dialTls(t, port, { ALPNProtocols: ['http/1.1'] }), { code: 'ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL' })
})

test('TLS before 1.2, and 1.2 without forward secrecy or AEAD, are refused', async t => {
  const { port, log } = await listen(t, 'tls')
  const weak: ConnectionOptions[] = [
    { minVersion: 'TLSv1.1', maxVersion: 'TLSv1.1', ciphers: 'ALL:@SECLEVEL=0' },
    { maxVersion: 'TLSv1.2', ciphers: 'ECDHE-ECDSA-AES128-SHA256' },
    { maxVersion: 'TLSv1.2', ciphers: 'AES128-GCM-SHA256' },
  ]
  for (const options of weak) await assert.rejects(dialTls(t, port, options), /alert|unsupported|handshake/i)
  assert.deepEqual(log, [])
})

test('1.3 is preferred, 1.2 still works, and both ends agree on channel binding', async t => {
  const { port, sockets, told } = await listen(t, 'tls')
  for (const [maxVersion, version] of [
    ['TLSv1.3', '1.3'],
    ['TLSv1.2', '1.2'],
  ] as const) {
    const client = await dialTls(t, port, { maxVersion })
    client.write(version)
    await told(version)
    const facts = sockets.at(-1)!.tls!
    assert.equal(facts.version, version)
    assert.deepEqual(facts.exporter(), client.exportKeyingMaterial(32, 'EXPORTER-Channel-Binding', Buffer.alloc(0)))
    assert.deepEqual(facts.endPoint().raw, client.getPeerX509Certificate()!.raw)
    assert.equal(facts.serverName, 'here.example')
  }
})

test('a reload leaves old sessions as they are, and shows newcomers the new certificate', async t => {
  const own = mkdtempSync(join(tmpdir(), 'reload-'))
  t.after(() => rmSync(own, { recursive: true }))
  for (const file of ['cert', 'key'])
    writeFileSync(join(own, file), readFileSync(join(data, 'ca', 'domains', `here.example.${file === 'cert' ? 'crt' : 'key'}`)))
  const shown = new Certificates([{ domain: 'here.example', files: { cert: join(own, 'cert'), key: join(own, 'key') } }], own)
  const { port, sockets, told } = await listen(t, 'tls', { shown })
  const old = await dialTls(t, port)
  await told('connected')
  const before = shown.leafOf('here.example')!.serialNumber
  for (const file of ['cert', 'key'])
    writeFileSync(join(own, file), readFileSync(join(data, 'ca', 'domains', `there.example.${file === 'cert' ? 'crt' : 'key'}`)))
  assert.deepEqual(shown.reload(), [])
  const fresh = await dialTls(t, port, { servername: 'there.example' })
  fresh.write('fresh')
  await told('fresh')
  assert.equal(sockets[1]!.tls!.endPoint().serialNumber, shown.leafOf('here.example')!.serialNumber)
  assert.equal(sockets[0]!.tls!.endPoint().serialNumber, before)
  old.write('still here')
  await told('still here')
})

test('no session is resumed, so there is no ticket key to steal', async t => {
  const { port } = await listen(t, 'tls')
  const first = await dialTls(t, port)
  const [session] = (await once(first, 'session')) as [Buffer]
  assert.equal((await dialTls(t, port, { session })).isSessionReused(), false)
  const older = await dialTls(t, port, { maxVersion: 'TLSv1.2' })
  assert.equal((await dialTls(t, port, { session: older.getSession()!, maxVersion: 'TLSv1.2' })).isSessionReused(), false)
})

test('a peer that does not read lets `queued` grow, and the end of it is told', async t => {
  const { port, sockets, told } = await listen(t, 'tls')
  const client = await dialTls(t, port)
  await told('connected')
  client.pause()
  const [socket] = sockets
  const page = 'x'.repeat(1_000_000)
  for (let i = 0; i < 20; i++) socket!.send(page)
  assert.equal(socket!.queued, 20_000_000)
  await new Promise(setImmediate)
  assert.ok(socket!.queued > 5_000_000)
  client.resume()
  await told('drained')
  assert.equal(socket!.queued, 0)
})

test('a handshake that is not finished in time is cut off', async t => {
  for (const kind of ['tls', 'tcp'] as const) {
    const { port, sockets, told, gate } = await listen(t, kind, { handshakeLimit: 20 })
    const client = dial(t, port)
    if (kind === 'tcp') {
      await told('connected')
      sockets[0]!.startTls!()
    }
    await once(client, 'close')
    while (gate.connections > 0) await new Promise(setImmediate)
  }
})

test('a handshake that is no handshake ends the connection', async t => {
  const { port, log, gate } = await listen(t, 'tls')
  const client = dial(t, port)
  client.write('<stream:stream>')
  client.resume()
  await once(client, 'close')
  assert.deepEqual(log, [])
  while (gate.connections > 0) await new Promise(setImmediate)
})

test('a damaged record after the handshake ends the connection', async t => {
  const { port, told } = await listen(t, 'tls')
  const raw = dial(t, port)
  const secure = connectTls({ socket: raw, servername: 'here.example', ca }).on('error', () => {})
  await once(secure, 'secureConnect')
  await told('connected')
  raw.write(Buffer.from(`1703030020${'00'.repeat(32)}`, 'hex'))
  await told('closed')
})

test('connections beyond the limit are refused, until others go', async t => {
  const { port, told, sockets, gate } = await listen(t, 'tcp', { total: 1 })
  dial(t, port)
  await told('connected')
  const refused = dial(t, port)
  refused.resume()
  await once(refused, 'close')
  assert.equal(sockets.length, 1)
  sockets[0]!.destroy()
  await told('closed')
  assert.equal(gate.connections, 0)
  await once(dial(t, port), 'connect')
})

test('a port that is taken is told by a sentence', async t => {
  const { port, listeners } = await listen(t, 'tcp')
  const again = { port, address: '127.0.0.1', kind: 'tcp', role: 'client', onConnection() {} } as const
  await assert.rejects(listeners.open(again), { message: new RegExp(`^Port ${port} is used by another program`) })
})

test('a socket tells nobody its address', async t => {
  const { port, sockets, told } = await listen(t, 'tcp')
  dial(t, port)
  await told('connected')
  assert.doesNotMatch(JSON.stringify(sockets[0]), /127\.0\.0\.1/)
})
