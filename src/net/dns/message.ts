import { isIPv4, isIPv6 } from 'node:net'
import * as packet from 'dns-packet'
import { dnsName } from './name.ts'

/** RFC 2782. The target is a name in lower case without the last dot, or `.` where the service is not offered. */
export interface SrvRecord {
  readonly priority: number
  readonly weight: number
  readonly port: number
  readonly target: string
}

/** RFC 6698 §2.1. */
export interface TlsaRecord {
  readonly usage: number
  readonly selector: number
  readonly matchingType: number
  readonly certificate: Buffer
}

/** What each type of question is answered with. */
export interface RecordTypes {
  readonly A: string
  readonly AAAA: string
  readonly SRV: SrvRecord
  readonly TLSA: TlsaRecord
}

export interface Question<T extends keyof RecordTypes> {
  readonly id: number
  /** As it goes out, in capitals and small letters by chance. */
  readonly name: string
  readonly type: T
}

/** What a server said. `failed` is any refusal; to `again` the question should be asked over TCP. */
export type Reply<R> =
  | 'again'
  | 'failed'
  | { readonly records: readonly R[]; readonly ttl: number | undefined; readonly isValidated: boolean }

/** More than any honest domain has of one type; what comes behind is not looked at. */
const MOST_RECORDS = 32
const MOST_ALIASES = 8
/** What arrives whole on all networks (DNS Flag Day 2020). */
const UDP_SIZE = 1232
const RCODE = 0b1111
const NO_ERROR = 0
const NO_SUCH_NAME = 3

const readers: { readonly [T in keyof RecordTypes]: (data: never) => RecordTypes[T] | undefined } = {
  A: (address: string) => (isIPv4(address) ? address : undefined),
  AAAA: (address: string) => (isIPv6(address) ? address : undefined),
  SRV: readSrv,
  TLSA: ({ usage, selector, matchingType, certificate }: packet.TlsaData) => ({
    usage,
    selector,
    matchingType,
    // A copy, as it would keep the whole message in memory.
    certificate: Buffer.from(certificate),
  }),
}

/** A query (RFC 1035 §4.1) with EDNS (RFC 6891); `wantsValidation` asks for the AD bit (RFC 6840 §5.7, RFC 4035 §3.2.1). */
export function writeQuestion({ id, name, type }: Question<keyof RecordTypes>, wantsValidation: boolean): Buffer {
  const options = { udpPayloadSize: UDP_SIZE, extendedRcode: 0, ednsVersion: 0, flag_do: wantsValidation, options: [] }
  return packet.encode({
    type: 'query',
    id,
    flags: packet.RECURSION_DESIRED | (wantsValidation ? packet.AUTHENTIC_DATA : 0),
    questions: [{ type, name }],
    additionals: [{ type: 'OPT', name: '.', flags: wantsValidation ? packet.DNSSEC_OK : 0, ...options }],
  })
}

/** `undefined` for what is no answer to the question, or none that can be read. Never throws. */
export function readReply<T extends keyof RecordTypes>(bytes: Buffer, asked: Question<T>): Reply<RecordTypes[T]> | undefined {
  try {
    return replyIn(packet.decode(bytes), asked)
  } catch {
    return undefined
  }
}

function replyIn<T extends keyof RecordTypes>(message: packet.DecodedPacket, asked: Question<T>): Reply<RecordTypes[T]> | undefined {
  const [question, ...others] = message.questions ?? []
  if (message.id !== asked.id || !message.flag_qr || others.length > 0) return undefined
  if (question?.type !== asked.type || question.class !== 'IN' || !isSame(question.name, asked.name)) return undefined
  // Other letters than ours are the mark of a forgery, or of a server that is careless; over TCP it does not matter.
  if (message.flag_tc || question.name !== asked.name) return 'again'
  return hasFailed(message) ? 'failed' : recordsOf(message, asked)
}

function hasFailed({ flags, flag_aa, flag_ra, answers, additionals }: packet.DecodedPacket): boolean {
  const code = (flags ?? 0) & RCODE
  if (code !== NO_ERROR && code !== NO_SUCH_NAME) return true
  if (additionals?.some(record => record.type === 'OPT' && record.extendedRcode !== 0)) return true
  // A server which only points to others does not say that there is nothing.
  return !flag_aa && !flag_ra && answers?.length === 0
}

function recordsOf<T extends keyof RecordTypes>(
  { answers, flag_ad }: packet.DecodedPacket,
  { name, type }: Question<T>,
): Reply<RecordTypes[T]> {
  const inClass = (answers ?? []).filter(record => record.type !== 'OPT' && record.class === 'IN') as packet.StringAnswer[]
  const ttls: number[] = []
  let owner = name
  for (let aliases = 0; aliases < MOST_ALIASES; aliases++) {
    const alias = inClass.find(record => record.type === 'CNAME' && isSame(record.name, owner))
    if (alias === undefined) break
    owner = alias.data
    ttls.push(alias.ttl ?? 0)
  }
  const found = inClass.filter(record => (record.type as string) === type && isSame(record.name, owner)).slice(0, MOST_RECORDS)
  const records = found.map(({ data }) => readers[type](data as never)).filter(record => record !== undefined)
  // Nothing that could be read is not the same as nothing: it must not be taken for a domain without records.
  if (found.length > 0 && records.length === 0) return 'failed'
  for (const { ttl } of found) ttls.push(ttl ?? 0)
  return { records, ttl: found.length > 0 ? Math.min(...ttls) : undefined, isValidated: flag_ad }
}

function readSrv({ priority = 0, weight = 0, port, target }: packet.SrvData): SrvRecord | undefined {
  if (target === '.') return { priority, weight, port, target }
  const name = dnsName(target)
  return name === undefined || port === 0 ? undefined : { priority, weight, port, target: name }
}

function isSame(one: string, other: string): boolean {
  return one.toLowerCase() === other.toLowerCase()
}
