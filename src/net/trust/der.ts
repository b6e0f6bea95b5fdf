/** A strict reader of DER (X.690 §10), as far as X.509 needs it: one-octet tags and definite, shortest lengths. */

/** What was read is not DER, or not what should stand there. */
export class DerError extends Error {}

/** One element. `body` and `raw` (the whole of it) are views into what was read. */
export interface Der {
  readonly tag: number
  readonly body: Buffer
  readonly raw: Buffer
}

export const BOOLEAN = 0x01
export const INTEGER = 0x02
export const BIT_STRING = 0x03
export const OCTET_STRING = 0x04
export const OID = 0x06
export const UTF8_STRING = 0x0c
export const UTC_TIME = 0x17
export const GENERALIZED_TIME = 0x18
export const SEQUENCE = 0x30
export const SET = 0x31

// An X.509 certificate is not half as deep where we read it.
const DEEPEST = 16
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** Reads the elements in `bytes` one after the other. All methods throw a `DerError`. */
export class DerReader {
  readonly #bytes: Buffer
  readonly #depth: number
  #at = 0

  constructor(bytes: Buffer, depth = 0) {
    if (depth > DEEPEST) throw new DerError('too deep')
    this.#bytes = bytes
    this.#depth = depth
  }

  get isDone(): boolean {
    return this.#at === this.#bytes.length
  }

  /** The next element, which must have this tag if one is given. */
  next(tag?: number): Der {
    const start = this.#at
    const found = this.#octet()
    if ((found & 0x1f) === 0x1f) throw new DerError('tag of several octets')
    if (tag !== undefined && found !== tag) throw new DerError('unexpected tag')
    const length = this.#length()
    const end = this.#at + length
    if (end > this.#bytes.length) throw new DerError('longer than what holds it')
    const body = this.#bytes.subarray(this.#at, end)
    this.#at = end
    return { tag: found, body, raw: this.#bytes.subarray(start, end) }
  }

  /** The next element if it has this tag. */
  optional(tag: number): Der | undefined {
    return this.#bytes[this.#at] === tag ? this.next(tag) : undefined
  }

  /** A reader of what is inside the next element. */
  enter(tag: number): DerReader {
    return new DerReader(this.next(tag).body, this.#depth + 1)
  }

  /** Nothing may follow. */
  end(): void {
    if (!this.isDone) throw new DerError('something follows')
  }

  #octet(): number {
    const octet = this.#bytes[this.#at++]
    if (octet === undefined) throw new DerError('ends too early')
    return octet
  }

  #length(): number {
    const first = this.#octet()
    if (first < 0x80) return first
    const octets = first & 0x7f
    if (octets === 0 || octets > 4) throw new DerError('indefinite or enormous length')
    let length = 0
    for (let i = 0; i < octets; i++) length = length * 0x100 + this.#octet()
    // X.690 §10.1: the fewest octets that can hold it.
    if (length < 0x80 || length < 0x100 ** (octets - 1)) throw new DerError('length not in its shortest form')
    return length
  }
}

/** X.690 §11.1: no other values than these two. */
export function readBoolean({ body }: Der): boolean {
  if (body.length !== 1 || (body[0] !== 0 && body[0] !== 0xff)) throw new DerError('no boolean')
  return body[0] === 0xff
}

/** A whole number from 0 to 2³¹ − 1. */
export function readSmallInteger({ body }: Der): number {
  const isPadded = body.length > 1 && body[0] === 0 && body[1]! < 0x80
  if (body.length === 0 || body.length > 4 || body[0]! > 0x7f || isPadded) throw new DerError('no small number')
  return body.readUIntBE(0, body.length)
}

/** In dotted form. */
export function readOid({ body }: Der): string {
  if (body.length === 0 || body.length > 64 || body.at(-1)! > 0x7f) throw new DerError('no object identifier')
  const arcs: number[] = []
  let arc = 0
  let isFirstOctet = true
  for (const octet of body) {
    // X.690 §8.19.2: an arc does not begin with a zero. What is no safe integer could look like another arc.
    if ((isFirstOctet && octet === 0x80) || arc > 2 ** 45) throw new DerError('no object identifier')
    arc = arc * 0x80 + (octet & 0x7f)
    isFirstOctet = octet < 0x80
    if (!isFirstOctet) continue
    arcs.push(arc)
    arc = 0
  }
  const [head = 0, ...rest] = arcs
  const first = Math.min(Math.floor(head / 40), 2)
  return [first, head - first * 40, ...rest].join('.')
}

/** The bits of a named bit list, the first one highest: at most 16 of them. */
export function readFlags({ body }: Der): number {
  const unused = body[0]
  if (unused === undefined || unused > 7 || body.length > 3 || (body.length === 1 && unused > 0)) throw new DerError('no flags')
  if ((body.at(-1)! & ((1 << unused) - 1)) !== 0 && body.length > 1) throw new DerError('unused bits that are set')
  return ((body[1] ?? 0) << 8) | (body[2] ?? 0)
}

/** RFC 5280 §4.1.2.5: UTCTime or GeneralizedTime to the second, in Zulu time; ms since the epoch. */
export function readTime({ tag, body }: Der): number {
  const text = body.toString('latin1')
  const match = tag === UTC_TIME ? UTC.exec(text) : tag === GENERALIZED_TIME ? GENERALIZED.exec(text) : null
  if (match === null) throw new DerError('no time')
  const [year, month, day, hour, minute, second] = match.slice(1).map(Number) as [number, number, number, number, number, number]
  const century = tag === GENERALIZED_TIME ? 0 : year < 50 ? 2000 : 1900
  const at = new Date(Date.UTC(2000, month - 1, day, hour, minute, second))
  at.setUTCFullYear(century + year, month - 1, day)
  if (at.getUTCMonth() !== month - 1 || at.getUTCDate() !== day || hour > 23 || minute > 59 || second > 59) throw new DerError('no time')
  return at.getTime()
}

const UTC = /^(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/
const GENERALIZED = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/

/** UTF-8, checked. */
export function readUtf8(body: Buffer): string {
  try {
    return utf8.decode(body)
  } catch {
    throw new DerError('no UTF-8')
  }
}
