import { randomBytes } from './random.ts'

/** So many random numbers are taken at a time. */
const DRAWN = 512

/** Puts them in an order of chance (Fisher and Yates), in place. */
export function shuffle<T>(items: T[]): T[] {
  let drawn: Buffer = Buffer.alloc(0)
  for (let i = items.length - 1, at = 0; i > 0; i--, at += 4) {
    if (at === drawn.length) {
      drawn = randomBytes(4 * Math.min(i, DRAWN))
      at = 0
    }
    // Of as few places as there are here, 32 bits prefer none so that anybody could tell.
    const j = drawn.readUInt32BE(at) % (i + 1)
    ;[items[i], items[j]] = [items[j]!, items[i]!]
  }
  return items
}
