import { hash, timingSafeEqual } from 'node:crypto'

/** What shows, on the stream with that id, that one knows the secret: SHA-1 of both, in hexadecimal (XEP-0114 §3). */
export const handshakeFor = (id: string, secret: string): string => hash('sha1', id + secret)

/** Whether it shows that. The time does not tell how much of it is right. */
export function isHandshake(given: string, id: string, secret: string): boolean {
  const right = Buffer.from(handshakeFor(id, secret))
  const bytes = Buffer.from(given)
  return bytes.length === right.length && timingSafeEqual(bytes, right)
}
