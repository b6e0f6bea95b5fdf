import { isAscii, isUtf8 } from 'node:buffer'

/** What one chunk of bytes gave. */
export interface Decoded {
  readonly text: string
  readonly isAscii: boolean
  /** Neither references nor line ends nor anything else in it that text and values must be looked through for. */
  readonly isPlain: boolean
  /** After `text` came bytes that are not UTF-8, or what is no character in XML. */
  readonly isBroken: boolean
}

const ASCII_NOT_PLAIN = /[\x00-\x1F&\]]/
const NOT_PLAIN = /[\x00-\x1F&\]\uFFFE\uFFFF]/
// XML 1.0 §2.2, what is no Char; surrogates cannot come out of valid UTF-8.
const NO_CHARACTER = /[\x00-\x08\x0B\x0C\x0E-\x1F\uFFFE\uFFFF]/

/** UTF-8 in chunks to strings; a sequence cut by the end of a chunk waits for the next. */
export class Decoder {
  #cut: Uint8Array | undefined

  get isIdle(): boolean {
    return this.#cut === undefined
  }

  reset(): void {
    this.#cut = undefined
  }

  decode(chunk: Uint8Array): Decoded {
    let bytes = Buffer.isBuffer(chunk) ? chunk : Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength)
    if (this.#cut === undefined && isAscii(bytes)) return decoded(bytes.toString('latin1'), true, false)
    if (this.#cut !== undefined) {
      bytes = joined(this.#cut, bytes)
      this.#cut = undefined
    }
    const whole = bytes.length - cutLength(bytes)
    const body = whole === bytes.length ? bytes : bytes.subarray(0, whole)
    if (isUtf8(body)) {
      // A copy, and not from Node's pool: three bytes must not keep a whole buffer alive.
      if (body !== bytes) this.#cut = Uint8Array.from(bytes.subarray(whole))
      return decoded(body.toString(), false, false)
    }
    return decoded(body.toString('utf8', 0, validLength(body)), false, true)
  }
}

/** In a buffer of its own: what is cut from Node's pool stays there. */
function joined(cut: Uint8Array, bytes: Buffer): Buffer {
  const both = Buffer.alloc(cut.length + bytes.length)
  both.set(cut)
  both.set(bytes, cut.length)
  return both
}

function decoded(text: string, ascii: boolean, isBroken: boolean): Decoded {
  if (!(ascii ? ASCII_NOT_PLAIN : NOT_PLAIN).test(text)) return { text, isAscii: ascii, isPlain: true, isBroken }
  const bad = text.search(NO_CHARACTER)
  if (bad === -1) return { text, isAscii: ascii, isPlain: false, isBroken }
  return { text: text.slice(0, bad), isAscii: ascii, isPlain: false, isBroken: true }
}

/** How many bytes at the end begin a sequence without ending it. */
function cutLength(bytes: Buffer): number {
  for (let back = 1; back <= 3 && back <= bytes.length; back++) {
    const byte = bytes[bytes.length - back]!
    if (byte < 0x80) return 0
    if (byte >= 0xc0) return back < sequenceLength(byte) ? back : 0
  }
  return 0
}

const sequenceLength = (lead: number): number => (lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4)

/** How long the valid beginning of invalid UTF-8 is. Runs once in a parser's life. */
function validLength(bytes: Buffer): number {
  let at = 0
  while (at < bytes.length) {
    const lead = bytes[at]!
    const next = at + (lead < 0x80 ? 1 : sequenceLength(lead))
    if (lead >= 0x80 && !isUtf8(bytes.subarray(at, next))) break
    at = next
  }
  return at
}
