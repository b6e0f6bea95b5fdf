import { createSocket, type Socket as UdpSocket } from 'node:dgram'
import { once } from 'node:events'
import { createServer, type Server, type Socket } from 'node:net'
import {
  type Answer,
  AUTHENTIC_DATA,
  AUTHORITATIVE_ANSWER,
  decode,
  encode,
  RECURSION_AVAILABLE,
  RECURSION_DESIRED,
  TRUNCATED_RESPONSE,
} from 'dns-packet'

const NXDOMAIN = 3
// RFC 1035 §4.2.1: who can take more says so in an OPT record.
const LARGEST_UDP = 512

/** A DNS server on UDP and TCP that knows the records it is given, and that there is nothing else. */
export class NameServer implements AsyncDisposable {
  /** Whether answers claim to be validated (the AD flag, RFC 4035 §3.2.3). */
  isAuthentic = false
  /** What was asked, as `SRV _xmpp-server._tcp.example`. */
  readonly asked: string[] = []
  #records: readonly Answer[] = []
  readonly #udp: UdpSocket = createSocket('udp4')
  readonly #tcp: Server = createServer(socket => this.#serve(socket))

  private constructor() {
    this.#udp.on('message', (query, { address, port }) => {
      const answer = this.#answer(query, true)
      if (answer !== undefined) this.#udp.send(answer, port, address)
    })
  }

  static async start(address: string, port = 53): Promise<NameServer> {
    const server = new NameServer()
    server.#udp.bind(port, address)
    await once(server.#udp, 'listening')
    server.#tcp.listen(server.port, address)
    await once(server.#tcp, 'listening')
    return server
  }

  get port(): number {
    return this.#udp.address().port
  }

  /** From now on these are all the records there are. */
  publish(records: readonly Answer[]): void {
    this.#records = records
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#udp.close()
    this.#tcp.close()
  }

  #serve(socket: Socket): void {
    let received = Buffer.alloc(0)
    socket.unref().on('error', () => {})
    socket.on('data', (bytes: Buffer) => {
      received = Buffer.concat([received, bytes])
      while (received.length >= 2 && received.length >= 2 + received.readUInt16BE()) {
        const end = 2 + received.readUInt16BE()
        const answer = this.#answer(received.subarray(2, end), false)
        received = received.subarray(end)
        if (answer !== undefined) socket.write(Buffer.concat([lengthOf(answer), answer]))
      }
    })
  }

  #answer(query: Buffer, isUdp: boolean): Buffer | undefined {
    const { id, flags, questions, additionals } = decode(query)
    const question = questions?.[0]
    if (question === undefined) return undefined
    this.asked.push(`${question.type} ${question.name.toLowerCase()}`)
    const common = (flags! & RECURSION_DESIRED) | AUTHORITATIVE_ANSWER | RECURSION_AVAILABLE | (this.isAuthentic ? AUTHENTIC_DATA : 0)
    const reply = (flags: number, answers: readonly Answer[]): Buffer =>
      encode({ type: 'response', id: id!, flags: common | flags, questions: [question], answers: [...answers] })
    const named = this.#records.filter(({ name }) => name === question.name.toLowerCase())
    const answers = named.filter(({ type }) => type === question.type)
    const whole = reply(named.length === 0 ? NXDOMAIN : 0, answers)
    const limit = additionals?.find(record => record.type === 'OPT')?.udpPayloadSize ?? LARGEST_UDP
    return isUdp && whole.length > limit ? reply(TRUNCATED_RESPONSE, []) : whole
  }
}

function lengthOf(message: Buffer): Buffer {
  const length = Buffer.alloc(2)
  length.writeUInt16BE(message.length)
  return length
}
