import { readFileSync } from 'node:fs'
import { isIP } from 'node:net'
import { type HostPort, parseHostPort } from '../host-port.ts'

const PORT = 53
/** As many as the resolver of the C library takes. */
const MOST = 3

/** Reads `ip`, `ip:port` or `[v6]:port`; `undefined` if it is none. */
export function parseDnsServer(text: string): HostPort | undefined {
  const server = parseHostPort(text, PORT)
  return server !== undefined && isIP(server.host) !== 0 ? server : undefined
}

/** The servers a `resolv.conf` names, or the one of this machine if there is no such file or it names none. */
export function systemDnsServers(path = '/etc/resolv.conf'): readonly HostPort[] {
  let text = ''
  try {
    text = readFileSync(path, 'utf8')
  } catch {
    // As if it were empty: see resolv.conf(5).
  }
  const named = [...text.matchAll(/^nameserver[ \t]+(\S+)/gm)].filter(([, host]) => isIP(host!) !== 0)
  const servers = named.slice(0, MOST).map(([, host]) => ({ host: host!, port: PORT }))
  return servers.length > 0 ? servers : [{ host: '127.0.0.1', port: PORT }]
}
