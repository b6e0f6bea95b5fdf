import { isIP } from 'node:net'
import { count, either, list, off, read, type Setting } from '../lib/settings.ts'

/** Where a listener listens. */
export interface Endpoint {
  readonly address: string
  /** 0 is any free port. */
  readonly port: number
}

/** Reads `192.0.2.1:5222` or `[2001:db8::1]:5222`. */
export function parseEndpoint(text: string): Endpoint | undefined {
  const [, v6, v4, digits] = /^(?:\[([^\]]+)\]|([^:]+)):(\d{1,5})$/.exec(text) ?? []
  const port = Number(digits)
  if (!(port <= 65_535) || (v6 === undefined ? isIP(v4 ?? '') !== 4 : isIP(v6) !== 6)) return undefined
  return { address: v6 ?? v4!, port }
}

export function formatEndpoint({ address, port }: Endpoint): string {
  return isIP(address) === 6 ? `[${address}]:${port}` : `${address}:${port}`
}

/** What an operator writes for a listener: nothing but `false`, a port on all of `listen.addresses`, or addresses with ports. */
export type Listener = false | number | readonly Endpoint[]

export function listener(usual: number | false, text: string): Setting<Listener> {
  const port = count(0, { max: 65_535 }, text)
  const endpoints = list(read(parseEndpoint, '"address:port"', text), [], text)
  return either<Listener>([off(text), port, endpoints], usual, text)
}

/** The endpoints of a listener; none when it is off. */
export function endpointsOf(listener: Listener, addresses: readonly string[]): readonly Endpoint[] {
  if (listener === false) return []
  return typeof listener === 'number' ? addresses.map(address => ({ address, port: listener })) : listener
}
