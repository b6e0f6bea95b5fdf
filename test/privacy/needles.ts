/** Bits of the table that says which four bytes may be the middle of a needle. */
const BITS = 22
const SPREAD = 0x9e3779b1

/** A needle that was found, and where. */
export interface Find<Label> {
  readonly label: Label
  readonly at: number
}

interface Needle<Label> {
  readonly bytes: Buffer
  /** Where in it the four bytes stand by which it is looked up. */
  readonly key: number
  readonly label: Label
}

/** Byte strings of four bytes and more, thousands of them, that are looked for in one pass over each haystack. */
export class Needles<Label> {
  readonly #byKey = new Map<number, Needle<Label>[]>()
  readonly #isKey = new Uint8Array(2 ** (BITS - 3))
  /** The length of the longest one. */
  longest = 0

  add(bytes: Buffer, label: Label): void {
    if (bytes.length < 4) throw new Error('a needle of less than four bytes is found everywhere')
    const key = tellingPart(bytes)
    const word = bytes.readInt32BE(key)
    const alike = this.#byKey.get(word)
    if (alike === undefined) this.#byKey.set(word, [{ bytes, key, label }])
    else alike.push({ bytes, key, label })
    const bit = Math.imul(word, SPREAD) >>> (32 - BITS)
    this.#isKey[bit >>> 3]! |= 1 << (bit & 7)
    this.longest = Math.max(this.longest, bytes.length)
  }

  *search(haystack: Buffer): Iterable<Find<Label>> {
    const isKey = this.#isKey
    const { length } = haystack
    let word = 0
    for (let i = 0; i < length; i++) {
      word = (word << 8) | haystack[i]!
      const bit = Math.imul(word, SPREAD) >>> (32 - BITS)
      if ((isKey[bit >>> 3]! & (1 << (bit & 7))) === 0 || i < 3) continue
      for (const { bytes, key, label } of this.#byKey.get(word) ?? []) {
        const at = i - 3 - key
        if (at >= 0 && at + bytes.length <= length && bytes.compare(haystack, at, at + bytes.length) === 0) yield { label, at }
      }
    }
  }
}

/** Where the four bytes begin that others have least: differing ones, in the middle, as many begin alike, and in base64 end alike. */
function tellingPart(bytes: Buffer): number {
  const middle = (bytes.length - 4) >> 1
  let best = middle
  let most = 0
  for (let i = 0; i <= bytes.length - 4; i++) {
    const at = middle + (i & 1 ? -1 : 1) * ((i + 1) >> 1)
    if (at < 0 || at > bytes.length - 4) continue
    const different = new Set(bytes.subarray(at, at + 4)).size
    if (different > most) {
      most = different
      best = at
    }
    if (most === 4) break
  }
  return best
}
