import { duration, flag, list, oneOf, optional, read, size, table, tableOf, text } from '../lib/settings.ts'
import { AddressPolicy } from '../net/dial/address-policy.ts'
import { parseTarget } from '../net/dial/targets.ts'
import { parseDnsServer } from '../net/dns/servers.ts'

const domain = (parseDomain: (text: string) => string | undefined, text: string) => read(parseDomain, 'a domain name', text)

/** What can be written about other servers (RFC 6120 §4, XEP-0220). */
export const s2sShape = (parseDomain: (text: string) => string | undefined) =>
  table(
    {
      mechanisms: list(
        oneOf(['external', 'dialback'], 'A way.'),
        ['external', 'dialback'],
        'How servers prove their domain: by certificate (XEP-0178), or by a key that is asked about over a connection with a certificate (XEP-0220).',
      ),
      posh: flag(true, 'Whether to ask a domain’s web site for the certificate of its server, when no other proof holds (RFC 7711).'),
      authorities: optional(
        text('', 'PEM file with authorities that are believed besides those of the system, relative to the settings file.'),
      ),
      allow: list(domain(parseDomain, 'A domain.'), [], 'If there are any, the only domains that are talked with.'),
      block: list(domain(parseDomain, 'A domain.'), [], 'Domains that are not talked with.'),
      exceptions: list(
        domain(parseDomain, 'A domain.'),
        [],
        'Domains that are believed without a good certificate. Whoever is on the way to them can pretend to be them.',
      ),
      pins: tableOf(
        list(read(parseFingerprint, 'a SHA-256 hash in hex', 'SHA-256 of a certificate.'), [], 'Hashes.'),
        'Certificates that are believed whatever they say, by domain: the SHA-256 of each, in hex.',
      ),
      servers: tableOf(
        read(parsePlace, '"host:port" or "tls:host:port"', 'A server.'),
        'Where domains are, instead of what DNS says; with tls: for direct TLS.',
      ),
      networks: list(
        read(parseNetwork, 'a network such as "10.0.0.0/8"', 'A network.'),
        [],
        'Private networks that may be connected to. Without them a stranger cannot send the server into yours.',
      ),
      dns: list(read(parseServer, '"address" or "address:port"', 'A server.'), [], 'DNS servers, instead of those of the system.'),
      tor: oneOf(['off', 'onions', 'all'], 'Which domains are reached by way of the proxy: none, onion services, or all.'),
      proxy: text('127.0.0.1:9050', 'SOCKS5 proxy for it, as "host:port"; Tor has one.'),
      bytes: size('512KiB', 'The largest stanza of another server.', { min: 10_000 }),
      idle: duration('10m', 'A connection over which nothing went for so long is closed.'),
      rate: size('1MiB', 'Bytes that one server may send in a second, on average.', { min: 10_000 }),
      burst: size('8MiB', 'Bytes that one server may send at once.', { min: 10_000 }),
    },
    'Other servers.',
  )

function parseFingerprint(text: string): Buffer | undefined {
  const hex = text.replaceAll(':', '').toLowerCase()
  return /^[0-9a-f]{64}$/.test(hex) ? Buffer.from(hex, 'hex') : undefined
}

const parsePlace = (text: string): string | undefined => parseTarget(text) && text

const parseServer = (text: string): string | undefined => parseDnsServer(text) && text

function parseNetwork(text: string): string | undefined {
  try {
    new AddressPolicy([text])
    return text
  } catch {
    return undefined
  }
}
