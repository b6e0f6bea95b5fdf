/** A DNS server on loopback that tells what a test wrote into its zone. */
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import * as packet from 'dns-packet'
import type { SrvRecord, TlsaRecord } from '../../src/net/dns/dns.ts'

/** All that a name has. A name that is not in the zone does not exist. */
export interface ZoneEntry {
  readonly a?: readonly string[]
  readonly aaaa?: readonly string[]
  readonly srv?: readonly SrvRecord[]
  readonly tlsa?: readonly TlsaRecord[]
  readonly cname?: string
  /** Seconds; 300 if not said. */
  readonly ttl?: number
  /** Sets the AD bit. */
  readonly isAuthentic?: boolean
  /** SERVFAIL for every question. */
  readonly isBroken?: boolean
  /** Says over UDP that the answer is too long, and tells it over TCP. */
  readonly isLong?: boolean
  /** Writes the name of the question in small letters, however it was asked over UDP. */
  readonly isCareless?: boolean
  /** How many ms the answer takes. */
  readonly delay?: number
}

/** By names in lower case, without the last dot. May be changed at any time. */
export type Zone = Record<string, ZoneEntry>

export interface DnsServer {
  /** `127.0.0.1:port`, for UDP and TCP. */
  readonly address: string
  /** What was asked, such as `SRV _xmpp-server._tcp.there.example`, in the order it came; with ` (tcp)` behind it over TCP. */
  readonly questions: string[]
  readonly zone: Zone
  /** From now on every question gets SERVFAIL or no answer at all; `undefined` ends that. */
  setFailing(how: 'servfail' | 'silent' | undefined): void
  close(): Promise<void>
}

const SERVER_FAILURE = 2
const NO_SUCH_NAME = 3
const UDP_SIZE = 1232

export async function startDnsServer(zone: Zone = {}): Promise<DnsServer> {
  const questions: string[] = []
  const timers = new Set<NodeJS.Timeout>()
  const connections = new Set<Socket>()
  let isClosed = false
  let failing: 'servfail' | 'silent' | undefined

  function answer(bytes: Buffer, way: 'udp' | 'tcp', send: (reply: Buffer) => void): void {
    const query = packet.decode(bytes)
    const question = query.questions![0]!
    const type = question.type
    const key = question.name.toLowerCase()
    questions.push(`${type} ${key}${way === 'tcp' ? ' (tcp)' : ''}`)
    if (failing === 'silent') return
    const entry = zone[key]
    if (entry?.isCareless) question.name = key
    const isBroken = failing === 'servfail' || entry?.isBroken
    const reply = isBroken ? replyTo(query, SERVER_FAILURE, []) : replyTo(query, entry ? 0 : NO_SUCH_NAME, ...dataOf(zone, key, type))
    const isLong = way === 'udp' && (entry?.isLong || reply.length > UDP_SIZE)
    const whole = isLong ? replyTo(query, packet.TRUNCATED_RESPONSE, []) : reply
    if (!entry?.delay) {
      send(whole)
      return
    }
    const timer = setTimeout(() => {
      timers.delete(timer)
      send(whole)
    }, entry.delay)
    timers.add(timer)
  }

  const udp = createSocket('udp4')
  udp.on('message', (bytes, { port, address }) => answer(bytes, 'udp', reply => udp.send(reply, port, address)))
  const tcp = createServer(connection => {
    connections.add(connection)
    let got = Buffer.alloc(0)
    connection.on('error', () => {}).on('close', () => connections.delete(connection))
    connection.on('data', (bytes: Buffer) => {
      got = Buffer.concat([got, bytes])
      if (got.length < 2 || got.length < 2 + got.readUInt16BE()) return
      answer(got.subarray(2), 'tcp', reply => connection.end(Buffer.concat([lengthOf(reply), reply])))
    })
  })
  // The port that TCP was given may be taken for UDP; then another will do.
  for (;;) {
    tcp.listen(0, '127.0.0.1')
    await once(tcp, 'listening')
    try {
      udp.bind((tcp.address() as AddressInfo).port, '127.0.0.1')
      await once(udp, 'listening')
      break
    } catch {
      tcp.close()
      await once(tcp, 'close')
    }
  }

  return {
    address: `127.0.0.1:${udp.address().port}`,
    questions,
    zone,
    setFailing(how) {
      failing = how
    },
    async close() {
      if (isClosed) return
      isClosed = true
      for (const timer of timers) clearTimeout(timer)
      for (const connection of connections) connection.destroy()
      const closed = Promise.all([once(udp, 'close'), once(tcp, 'close')])
      udp.close()
      tcp.close()
      await closed
    },
  }
}

/** The records of a name, by way of its aliases, and flags. */
function dataOf(zone: Zone, name: string, type: string): [answers: packet.Answer[], flags: number] {
  const answers: packet.Answer[] = []
  let owner = name
  for (let entry = zone[owner]; entry?.cname !== undefined && answers.length < 20; entry = zone[owner]) {
    answers.push({ type: 'CNAME', name: owner, data: entry.cname, ttl: entry.ttl ?? 300 })
    owner = entry.cname
  }
  const { a = [], aaaa = [], srv = [], tlsa = [], ttl = 300 } = zone[owner] ?? {}
  const base = { name: owner, ttl }
  if (type === 'A') for (const data of a) answers.push({ ...base, type, data })
  if (type === 'AAAA') for (const data of aaaa) answers.push({ ...base, type, data })
  if (type === 'SRV') for (const data of srv) answers.push({ ...base, type, data })
  if (type === 'TLSA') for (const data of tlsa) answers.push({ ...base, type, data })
  return [answers, zone[name]?.isAuthentic ? packet.AUTHENTIC_DATA : 0]
}

function replyTo({ id, questions }: packet.DecodedPacket, code: number, answers: packet.Answer[], flags = 0): Buffer {
  return packet.encode({
    type: 'response',
    id: id!,
    flags: packet.RECURSION_DESIRED | packet.RECURSION_AVAILABLE | flags | code,
    questions: questions!,
    answers,
  })
}

function lengthOf(bytes: Buffer): Buffer {
  const length = Buffer.alloc(2)
  length.writeUInt16BE(bytes.length)
  return length
}
