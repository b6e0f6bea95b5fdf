/** The whole way over real connections: TCP with STARTTLS, direct TLS, WebSocket. */
import assert from 'node:assert/strict'
import { createHash, createHmac, randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { connect as connectTcp, type Socket as NetSocket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { connect as connectTls, type TLSSocket } from 'node:tls'
import { WebSocket } from 'ws'
import { HEADER, OPEN, Scene, SETTINGS } from '../../../test/stream-story.ts'
import { Certificates } from '../../net/certificates.ts'
import { Gate } from '../../net/gate.ts'
import { Http } from '../../net/http.ts'
import { Listeners } from '../../net/listeners.ts'
import type { Socket } from '../../net/socket.ts'
import { TestClient } from '../../sasl/test-client.ts'

const data = mkdtempSync(join(tmpdir(), 'sockets-'))
const certificates = new Certificates([{ domain: 'here.example' }], data)
const ca = readFileSync(join(data, 'ca', 'ca.crt'))
const scene = await Scene.open(SETTINGS, {})
const gate = new Gate(scene.peers, { total: 100, perNetwork: 100 })
const listeners = new Listeners({ certificates, gate })
const onConnection = (socket: Socket): void => scene.streams.accept(socket)
const http = new Http({ gate, links: new Map(), onConnection })
const address = '127.0.0.1'
const ports = { tcp: 0, tls: 0, web: 0 }

before(async () => {
  ports.tcp = await listeners.open({ kind: 'tcp', role: 'client', address, port: 0, onConnection })
  ports.tls = await listeners.open({ kind: 'tls', role: 'client', address, port: 0, onConnection })
  ports.web = await http.open({ address, port: 0 }, certificates)
})

after(async () => {
  listeners.close()
  http.close()
  scene.streams.close()
  await scene.world.store.close()
  rmSync(data, { recursive: true })
})

/** Reads until a text has come; gives what came. */
function reader(socket: NetSocket): (until: string) => Promise<string> {
  let got = ''
  let wake = (): void => {}
  socket.setEncoding('utf8').on('data', chunk => {
    got += chunk
    wake()
  })
  return async until => {
    while (!got.includes(until)) await new Promise<void>(resolve => (wake = resolve))
    const all = got
    got = ''
    return all
  }
}

/** A whole login with channel binding to this very connection; ends the stream in good order. */
async function logsIn(client: TLSSocket): Promise<void> {
  const until = reader(client)
  client.write(HEADER)
  assert.match(await until('</stream:features>'), /SCRAM-SHA-512-PLUS.*tls-exporter/)
  const exporter = client.exportKeyingMaterial(32, 'EXPORTER-Channel-Binding', Buffer.alloc(0))
  const sasl = new TestClient({
    mechanism: 'SCRAM-SHA-512-PLUS',
    username: 'romeo',
    password: 'pencil',
    binding: { type: 'tls-exporter', data: exporter },
    tlsVersion: '0304',
  })
  const inline = '<bind xmlns="urn:xmpp:bind:0"><tag>test</tag></bind>'
  const first = `<initial-response>${sasl.first().toString('base64')}</initial-response>`
  client.write(`<authenticate xmlns="urn:xmpp:sasl:2" mechanism="SCRAM-SHA-512-PLUS">${first}${inline}</authenticate>`)
  const challenge = /<challenge[^>]*>([^<]*)/.exec(await until('</challenge>'))![1]!
  client.write(`<response xmlns="urn:xmpp:sasl:2">${sasl.final(Buffer.from(challenge, 'base64')).toString('base64')}</response>`)
  const success = await until('</stream:features>')
  sasl.verify(Buffer.from(/<additional-data>([^<]*)/.exec(success)![1]!, 'base64'))
  client.write('<iq type="get" id="p" to="here.example"><ping xmlns="urn:xmpp:ping"/></iq>')
  assert.match(await until('/>'), /type='result'/)
  client.write('</stream:stream>')
  await until('</stream:stream>')
  await once(client, 'close')
  assert.deepEqual(scene.streams.counts, { unbound: 0, bound: 0 })
  assert.deepEqual(scene.faults, [])
}

test('XEP-0368, RFC 9266: login over direct TLS, bound to the connection', async () => {
  const client = connectTls({ port: ports.tls, host: address, servername: 'here.example', ca, ALPNProtocols: ['xmpp-client'] })
  await once(client, 'secureConnect')
  await logsIn(client)
})

test('XEP-0484: a token bound to the certificate that the client sees logs in on the next connection', async () => {
  const agent = `<user-agent xmlns="urn:xmpp:sasl:2" id="${randomUUID()}"/>`
  const mechanism = 'HT-SHA-256-ENDP'
  const authenticate = async (name: string, message: Buffer, inline: string): Promise<[TLSSocket, ReturnType<typeof reader>]> => {
    const client = connectTls({ port: ports.tls, host: address, servername: 'here.example', ca })
    const until = reader(client)
    await once(client, 'secureConnect')
    client.write(HEADER)
    assert.match(await until('</stream:features>'), /<fast [^>]*><mechanism>HT-SHA-256-ENDP/)
    const initial = `<initial-response>${message.toString('base64')}</initial-response>`
    client.write(`<authenticate xmlns="urn:xmpp:sasl:2" mechanism="${name}">${initial}${agent}${inline}</authenticate>`)
    return [client, until]
  }
  const scram = new TestClient({ mechanism: 'SCRAM-SHA-256', username: 'romeo', password: 'pencil' })
  const request = `<request-token xmlns="urn:xmpp:fast:0" mechanism="${mechanism}"/>`
  const [first, until] = await authenticate('SCRAM-SHA-256', scram.first(), request)
  const challenge = /<challenge[^>]*>([^<]*)/.exec(await until('</challenge>'))![1]!
  first.write(`<response xmlns="urn:xmpp:sasl:2">${scram.final(Buffer.from(challenge, 'base64')).toString('base64')}</response>`)
  const token = / token='([^']+)'/.exec(await until('</stream:features>'))![1]!
  // RFC 5929 §4.1: our own authority signs with SHA-256.
  const binding = createHash('sha256').update(first.getPeerCertificate().raw).digest()
  first.destroy()

  const hashed = (side: string): Buffer => createHmac('sha256', token).update(side).update(binding).digest()
  const message = Buffer.concat([Buffer.from('romeo\0'), hashed('Initiator')])
  const [second, heard] = await authenticate(mechanism, message, '<fast xmlns="urn:xmpp:fast:0"/><bind xmlns="urn:xmpp:bind:0"/>')
  const proof = /<additional-data>([^<]*)/.exec(await heard('</stream:features>'))![1]!
  assert.equal(proof, hashed('Responder').toString('base64'))
  second.end('</stream:stream>')
  await once(second, 'close')
  assert.deepEqual(scene.streams.counts, { unbound: 0, bound: 0 })
  assert.deepEqual(scene.faults, [])
})

test('RFC 6120 §5: login over STARTTLS, and what was injected behind it is not taken', async () => {
  const raw = connectTcp(ports.tcp, address)
  const until = reader(raw)
  raw.write(HEADER)
  await until('</stream:features>')
  raw.write(`<starttls xmlns="urn:ietf:params:xml:ns:xmpp-tls"/>${HEADER}`)
  assert.match(await until('<proceed'), /^<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'\/>$/)
  raw.removeAllListeners('data')
  const client = connectTls({ socket: raw, servername: 'here.example', ca })
  await once(client, 'secureConnect')
  await logsIn(client)
})

test('RFC 7395: a stream over a WebSocket', async () => {
  const client = new WebSocket(`wss://${address}:${ports.web}/xmpp-websocket`, 'xmpp', { rejectUnauthorized: false })
  const frames: string[] = []
  client.on('message', frame => frames.push(String(frame)))
  await once(client, 'open')
  client.send(OPEN)
  while (frames.length < 2) await once(client, 'message')
  assert.match(frames[0]!, /^<open /)
  assert.match(frames[1]!, /^<stream:features xmlns:stream=/)
  client.send('<close xmlns="urn:ietf:params:xml:ns:xmpp-framing"/>')
  const [code] = await once(client, 'close')
  assert.equal(frames[2], `<close xmlns='urn:ietf:params:xml:ns:xmpp-framing'/>`)
  assert.equal(code, 1000)
})
