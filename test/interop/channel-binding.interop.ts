import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { after, before, test } from 'node:test'
import { connect, type TLSSocket } from 'node:tls'
import { TestClient } from '../../src/sasl/test-client.ts'
import { PASSWORD } from './device.ts'
import { type Server, startServer, within } from './server.ts'

// None of the clients here can bind to TLS 1.3 as RFC 9266 wants it, so this is done by hand over a real connection.
let server: Server
before(async () => {
  server = await startServer()
  await server.addUser('alice', PASSWORD)
})
after(() => server[Symbol.asyncDispose]())

const HEADER = `<?xml version='1.0'?><stream:stream to='localhost' version='1.0' xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>`
const profiles = {
  SASL: {
    start: (mechanism: string, first: string) => `<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='${mechanism}'>${first}</auth>`,
    respond: (response: string) => `<response xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>${response}</response>`,
  },
  SASL2: {
    start: (mechanism: string, first: string) =>
      `<authenticate xmlns='urn:xmpp:sasl:2' mechanism='${mechanism}'><initial-response>${first}</initial-response><bind xmlns='urn:xmpp:bind:0'/></authenticate>`,
    respond: (response: string) => `<response xmlns='urn:xmpp:sasl:2'>${response}</response>`,
  },
}

for (const profile of ['SASL', 'SASL2'] as const) {
  for (const mechanism of ['SCRAM-SHA-256-PLUS', 'SCRAM-SHA-512-PLUS']) {
    test(`${mechanism} binds to TLS 1.3 with tls-exporter in ${profile}`, async () => {
      using wire = await Wire.open(server)
      const scram = new TestClient({
        mechanism,
        username: 'alice',
        password: PASSWORD,
        binding: { type: 'tls-exporter', data: wire.exporter },
      })
      const { start, respond } = profiles[profile]
      wire.send(start(mechanism, scram.first().toString('base64')))
      const challenge = await wire.hears(/<challenge [^>]*>([^<]+)</)
      wire.send(respond(scram.final(Buffer.from(challenge, 'base64')).toString('base64')))
      const proof = await wire.hears(profile === 'SASL' ? /<success [^>]*>([^<]+)</ : /<additional-data>([^<]+)</)
      scram.verify(Buffer.from(proof, 'base64'))
      if (profile === 'SASL2') assert.match(await wire.hears(/<authorization-identifier>([^<]+)</), /^alice@localhost\/./)
    })
  }
}

test('a client in the middle, with a TLS connection of its own, is refused', async () => {
  using honest = await Wire.open(server)
  using other = await Wire.open(server)
  const mechanism = 'SCRAM-SHA-256-PLUS'
  const scram = new TestClient({
    mechanism,
    username: 'alice',
    password: PASSWORD,
    binding: { type: 'tls-exporter', data: honest.exporter },
  })
  other.send(profiles.SASL.start(mechanism, scram.first().toString('base64')))
  const challenge = await other.hears(/<challenge [^>]*>([^<]+)</)
  other.send(profiles.SASL.respond(scram.final(Buffer.from(challenge, 'base64')).toString('base64')))
  await other.hears(/<failure [^>]*>(<not-authorized\/>)/)
})

/** A stream over direct TLS, read as text. */
class Wire implements Disposable {
  readonly #socket: TLSSocket
  #heard = ''
  #changed = Promise.withResolvers<void>()

  private constructor(socket: TLSSocket) {
    this.#socket = socket
    socket.setEncoding('utf8').on('data', text => {
      this.#heard += text
      this.#changed.resolve()
      this.#changed = Promise.withResolvers()
    })
  }

  static async open({ ports, ca }: Server): Promise<Wire> {
    const socket = connect({
      host: 'localhost',
      port: ports.tls,
      servername: 'localhost',
      ca: readFileSync(ca),
      ALPNProtocols: ['xmpp-client'],
    })
    const wire = new Wire(socket)
    wire.send(HEADER)
    await wire.hears(/(<\/stream:features>)/)
    assert.equal(socket.alpnProtocol, 'xmpp-client')
    return wire
  }

  get exporter(): Buffer {
    return this.#socket.exportKeyingMaterial(32, 'EXPORTER-Channel-Binding', Buffer.alloc(0))
  }

  send(xml: string): void {
    this.#socket.write(xml)
  }

  /** Waits for this, and gives its first group. */
  hears(pattern: RegExp): Promise<string> {
    const look = async (): Promise<string> => {
      for (;;) {
        const found = pattern.exec(this.#heard)?.[1]
        if (found !== undefined) return found
        await this.#changed.promise
      }
    }
    return within(10_000, look(), `${pattern} in ${this.#heard}`)
  }

  [Symbol.dispose](): void {
    this.#socket.destroy()
  }
}
