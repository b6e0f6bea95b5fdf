import { isIP, isIPv6 } from 'node:net'

/** A host, by name or by address without brackets, and a port from 1 to 65535. */
export interface HostPort {
  readonly host: string
  readonly port: number
}

const FORM = /^(?:\[([\da-f:.]+)\]|([^:[\]\s/@]+))(?::(\d{1,5}))?$/i

/** Reads `host`, `host:port`, `[v6]` or `[v6]:port`, also a bare IPv6 address; `undefined` if it is none of these. */
export function parseHostPort(text: string, usualPort: number): HostPort | undefined {
  if (isIPv6(text)) return { host: text, port: usualPort }
  const [, bracketed, plain, digits] = FORM.exec(text) ?? []
  const port = digits === undefined ? usualPort : Number(digits)
  const host = bracketed ?? plain
  if (host === undefined || port < 1 || port > 65_535 || (bracketed !== undefined && isIP(bracketed) !== 6)) return undefined
  return { host, port }
}
