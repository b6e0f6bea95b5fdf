import type { IncomingMessage } from 'node:http'
import { isIP } from 'node:net'

/**
 * The address that the proxy next to us has written: the last one of X-Forwarded-For. What stands before it came with the
 * request, and may be a lie. `undefined` if there is none.
 */
export function forwardedFor({ headers }: IncomingMessage): string | undefined {
  const last = String(headers['x-forwarded-for'] ?? '')
    .split(',')
    .at(-1)!
    .trim()
  return isIP(last) === 0 ? undefined : last
}
