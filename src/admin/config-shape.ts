import { isIP } from 'node:net'
import { domainToUnicode } from 'node:url'
import { anything, count, duration, flag, list, oneOf, optional, read, size, table, tableOf, text } from '../lib/settings.ts'
import { asciiDomain } from '../net/domain-name.ts'
import { listener } from './endpoint.ts'
import { s2sShape } from './s2s-shape.ts'

const certificate = table(
  {
    cert: read(path => path, 'the path of a PEM file', 'PEM file with the certificate and its chain.'),
    key: read(path => path, 'the path of a PEM file', 'PEM file with the private key.'),
  },
  'Certificate files, relative to the settings file; read again when they change.',
)

const modules = tableOf(anything('The settings of one module.'), 'Settings of modules, by name; see their own pages.')

/** Bounds for one XML stream. */
const stream = (bytes: string, elements: number, depth: number, least: number) => ({
  bytes: size(bytes, 'The largest stanza.', { min: least }),
  elements: count(elements, { min: 16 }, 'The most elements in one stanza.'),
  depth: count(depth, { min: 4, max: 256 }, 'How deep elements may stand within each other.'),
})

/** Everything that can be written in conexizan.toml, but for what modules declare themselves. */
export const configShape = {
  data: text('./data', 'Folder of all that must be kept: database, keys, certificates. Relative to the settings file.'),
  hosts: list(read(parseDomain, 'a domain name', 'A domain.'), [], 'The domains that are served: what stands behind the @ in addresses.'),
  host: tableOf(
    table(
      {
        certificate: optional(certificate),
        federation: flag(true, 'Whether its users may talk with those of other servers.'),
        modules,
      },
      'One domain.',
    ),
    'Settings of one domain, by name; it need not stand in hosts.',
  ),
  listen: table(
    {
      addresses: list(read(parseAddress, 'an IP address', 'An address.'), ['0.0.0.0', '::'], 'Addresses on which to listen.'),
      c2s: listener(5222, 'Clients, with STARTTLS (RFC 6120).'),
      c2sTls: listener(5223, 'Clients, with TLS from the first byte (XEP-0368).'),
      s2s: listener(5269, 'Other servers, with STARTTLS (RFC 6120).'),
      s2sTls: listener(5270, 'Other servers, with TLS from the first byte (XEP-0368).'),
      https: listener(5443, 'Web: WebSocket, invitations.'),
      http: listener(false, 'Web without TLS, for a reverse proxy on this machine.'),
      component: listener(5347, 'Components, without TLS (XEP-0114); opened only if there are some. A port alone is one of 127.0.0.1.'),
    },
    'Where to listen: a port for all addresses, a list of "address:port", or false.',
  ),
  web: table(
    {
      forwardedFor: flag(
        false,
        'Whether a reverse proxy on this machine, in front of listen.http, writes the address of its client into X-Forwarded-For, as the last one. Whoever else reaches that port on this machine could lie about it.',
      ),
    },
    'The web side.',
  ),
  component: tableOf(
    table(
      { secret: read(parseSecret, 'at least 16 characters, such as openssl rand -hex 16 prints', 'What it shows to be let in.') },
      'One component.',
    ),
    'Programs that stand for a domain of their own, such as gateways to other networks, by that domain (XEP-0114).',
  ),
  s2s: s2sShape(parseDomain),
  limits: table(
    {
      before: table(
        { ...stream('8KiB', 32, 8, 1024), time: duration('30s', 'How long a client may take to log in.') },
        'Bounds until a client has logged in.',
      ),
      // RFC 6120 §13.12: the largest stanza allowed must not be smaller than 10,000 bytes.
      after: table(stream('256KiB', 4096, 64, 10_000), 'Bounds once it has.'),
      sessions: count(10, { min: 1, max: 1000 }, 'Sessions of one account at a time.'),
      connections: count(20_000, { min: 1 }, 'Connections at a time, all together.'),
      connectionsPerNetwork: count(
        100,
        { min: 1 },
        'Connections at a time from one network: IPv4 /24, IPv6 /56. This machine itself is not counted.',
      ),
      rate: size('128KiB', 'Bytes that one session may send in a second, on average.', { min: 1024 }),
      burst: size('1MiB', 'Bytes that one session may send at once.', { min: 10_000 }),
    },
    'Bounds on what others may use.',
  ),
  tls: table(
    {
      certificate: optional(certificate),
      oldest: oneOf(['1.2', '1.3'], 'The oldest version of TLS that is accepted.'),
    },
    'Encryption. Without a certificate, one is made and signed by this server itself.',
  ),
  auth: table(
    {
      sha1: flag(false, 'Whether to offer SCRAM-SHA-1 to old clients; it takes a second, weaker verifier for each password.'),
      plain: flag(false, 'Whether to offer PLAIN, which shows the password to the server.'),
      iterations: count(100_000, { min: 4096, max: 10_000_000 }, 'Rounds of PBKDF2 for new passwords (RFC 5802).'),
      tokens: table(
        {
          days: count(14, { max: 90 }, 'How many days a client may stay away and still log in with its token; with 0 there are none.'),
          clients: count(20, { min: 1, max: 1000 }, 'How many clients of an account may have tokens; then the oldest make room.'),
        },
        'Tokens, with which clients log in again without the password (XEP-0484).',
      ),
    },
    'How clients prove who they are.',
  ),
  store: table(
    {
      engine: oneOf(['sqlite', 'postgres'], 'Where to keep data: in a file of the data folder, or in PostgreSQL.'),
      url: optional(text('', 'postgres://… of the database; only for PostgreSQL.')),
    },
    'The database.',
  ),
  seal: table(
    {
      secrets: optional(
        text(
          '',
          'Folder of the secrets without which no kept message opens, and which are destroyed in time; relative to the settings file. Without it, a folder beside that of the data, of its name and `-secrets`. It belongs into no backup.',
        ),
      ),
      level: oneOf(
        ['file', 'memory'],
        'Where these secrets live: in that folder, or in memory alone, so that all kept messages are lost when the server stops.',
      ),
    },
    'Sealing of what is kept.',
  ),
  modules,
}

/** A domain in the form that addresses have (RFC 7622 §3.2): lower case, and Unicode rather than `xn--`; or an IPv4 address. */
export function parseDomain(text: string): string | undefined {
  if (isIP(text) === 4) return text
  const ascii = asciiDomain(text) ?? ''
  return ascii.split('.').every(label => /^(?!-)[a-z0-9-]{1,63}(?<!-)$/.test(label)) ? domainToUnicode(ascii) : undefined
}

/** Long enough that nobody guesses it: whoever sees a handshake can try as many as he likes. */
function parseSecret(text: string): string | undefined {
  return text.length < 16 ? undefined : text
}

function parseAddress(text: string): string | undefined {
  return isIP(text) === 0 ? undefined : text
}
