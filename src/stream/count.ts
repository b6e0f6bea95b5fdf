import { StreamError } from '../xmpp/error.ts'

/** XEP-0198 §8: an unsigned 32-bit number. */
export function readCount(text: string | undefined): number {
  if (text === undefined || !/^\d{1,10}$/.test(text)) throw new StreamError('bad-format')
  const count = Number(text)
  if (count >= 2 ** 32) throw new StreamError('bad-format')
  return count
}
