import { StreamError } from '../xmpp/error.ts'
import { Sm } from './namespaces.ts'

/** XEP-0198 §8: an unsigned 32-bit number. */
export function readCount(text: string | undefined): number {
  if (text === undefined || !/^\d{1,10}$/.test(text)) throw new StreamError('bad-format')
  const count = Number(text)
  if (count >= 2 ** 32) throw new StreamError('bad-format')
  return count
}

/** As it is on the wire: counts begin anew behind the largest one (XEP-0198 §4). */
export const modulo = (count: number): number => count % 2 ** 32

/**
 * How many stanzas more than before are acknowledged by `h`; undefined if it says less. `acknowledged` and `sent` count without
 * end, `waiting` is how many may be acknowledged. Throws a StreamError if the other side claims more than it was sent (XEP-0198 §6).
 */
export function newlyAcknowledged(h: number, acknowledged: number, sent: number, waiting: number): number | undefined {
  const news = (h - modulo(acknowledged) + 2 ** 32) % 2 ** 32
  if (news >= 2 ** 31) return undefined
  if (news <= waiting) return news
  const extra = Sm('handled-count-too-high', { h: String(h), 'send-count': String(modulo(sent)) })
  throw new StreamError('undefined-condition', '', extra)
}
