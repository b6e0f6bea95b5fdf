import { createSocket } from 'node:dgram'
import { connect, isIPv6 } from 'node:net'
import { randomBytes } from '../../lib/random.ts'
import type { HostPort } from '../host-port.ts'
import { type Question, type RecordTypes, type Reply, readReply, writeQuestion } from './message.ts'
import { withRandomCase } from './name.ts'

/** Far beyond what a domain with many signed records has. */
const LARGEST = 16_384

/** Why a question has no answer: nobody said anything in time, or all said that they cannot. */
export class DnsError extends Error {
  readonly kind: 'timeout' | 'failed'

  constructor(kind: 'timeout' | 'failed') {
    super(kind === 'timeout' ? 'No DNS server answered in time.' : 'No DNS server could answer.')
    this.name = 'DnsError'
    this.kind = kind
  }
}

/** What it says about DNSSEC can be believed only if nobody stands between it and us. */
export function isOnLoopback({ host }: HostPort): boolean {
  return host.startsWith('127.') || host === '::1'
}

/** Asks one server, by UDP, and by TCP if the answer is too long for that. `timeout` ms for each. Throws `DnsError`. */
export async function ask<T extends keyof RecordTypes>(server: HostPort, type: T, name: string, timeout: number) {
  const question = { id: randomBytes(2).readUInt16BE(), name: withRandomCase(name), type }
  let reply = await overUdp(server, question, timeout)
  // RFC 7766 §5: the whole answer comes over TCP, where it can hardly be forged.
  if (reply === 'again') reply = await overTcp(server, { ...question, name }, timeout)
  if (reply === 'again' || reply === 'failed') throw new DnsError('failed')
  return reply
}

/** A socket of its own for each question: its port is as hard to guess as the id, and only this server's answers come in. */
function overUdp<T extends keyof RecordTypes>(server: HostPort, question: Question<T>, timeout: number) {
  return new Promise<Reply<RecordTypes[T]>>((resolve, reject) => {
    const socket = createSocket(isIPv6(server.host) ? 'udp6' : 'udp4')
    const end = (settle: () => void) => {
      clearTimeout(timer)
      socket.removeAllListeners().on('error', () => {})
      socket.close()
      settle()
    }
    const timer = setTimeout(() => end(() => reject(new DnsError('timeout'))), timeout)
    socket.on('error', () => end(() => reject(new DnsError('failed'))))
    socket.on('message', bytes => {
      const reply = readReply(bytes, question)
      if (reply !== undefined) end(() => resolve(reply))
    })
    socket.on('connect', () => socket.send(messageFor(server, question)))
    socket.connect(server.port, server.host)
  })
}

/** RFC 1035 §4.2.2: the message comes after its length in two octets. */
function overTcp<T extends keyof RecordTypes>(server: HostPort, question: Question<T>, timeout: number) {
  return new Promise<Reply<RecordTypes[T]>>((resolve, reject) => {
    const socket = connect({ host: server.host, port: server.port })
    const end = (settle: () => void) => {
      clearTimeout(timer)
      socket.destroy()
      settle()
    }
    const fail = () => end(() => reject(new DnsError('failed')))
    const timer = setTimeout(() => end(() => reject(new DnsError('timeout'))), timeout)
    let got = Buffer.alloc(0)
    socket.on('error', fail).on('close', fail)
    socket.on('data', (bytes: Buffer) => {
      got = Buffer.concat([got, bytes])
      if (got.length < 2) return
      const length = got.readUInt16BE()
      if (length > LARGEST) return fail()
      if (got.length < 2 + length) return
      const reply = readReply(got.subarray(2, 2 + length), question)
      end(() => resolve(reply ?? 'failed'))
    })
    const message = messageFor(server, question)
    const length = Buffer.alloc(2)
    length.writeUInt16BE(message.length)
    socket.write(Buffer.concat([length, message]))
  })
}

function messageFor(server: HostPort, question: Question<keyof RecordTypes>): Buffer {
  return writeQuestion(question, isOnLoopback(server))
}
