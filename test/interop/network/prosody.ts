import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { C2S_TLS, HTTPS, IS_WIRE_KEPT, KEEPER, nodesOf, type Place, roomsOf, S2S, type Software } from './member.ts'
import { register } from './register.ts'

/** Debian's Prosody, with stream management and bidirectional streams between servers. */
export const prosody: Software = {
  name: 'prosody',
  isSafe: false,
  leavesBlocked: true,
  wantsClientPurpose: false,
  install(place) {
    const config = join(place.folder, 'prosody.cfg.lua')
    mkdirSync(join(place.folder, 'data'))
    writeFileSync(config, configOf(place))
    return { command: ['prosody', '-F', '--config', config] }
  },
  addUser: register,
}

function configOf({ address, domains, folder, way, certificates, authority }: Place): string {
  const isDirect = way.connection === 'direct'
  const isExternal = way.mechanism === 'external'
  const modules = [
    ...['roster', 'saslauth', 'tls', 'disco', 'smacks', 's2s_bidi', 'ping', 'blocklist', 'offline', 'register_ibr', 'posix'],
    ...['websocket', 'carbons', 'pep', 'vcard_legacy', 'bookmarks'],
  ]
  if (!isExternal) modules.push('dialback')
  const pair = (domain: string): string => {
    const { cert, key } = certificates.get(domain)!
    return `{ certificate = "${cert}"; key = "${key}"; cafile = "${authority}"; capath = "${folder}" }`
  }
  // Whoever names no domain in TLS is shown the first one's certificate.
  const tls = (domain: string): string =>
    ['ssl', 'c2s_direct_tls_ssl', 's2s_direct_tls_ssl', 'https_ssl'].map(name => `${name} = ${pair(domain)}\n`).join('')
  const hosts = domains.map(
    domain =>
      `VirtualHost "${domain}"\n${tls(domain)}Component "${roomsOf(domain)}" "muc"\nmodules_enabled = { "muc_mam" }\n${tls(domain)}` +
      `Component "${nodesOf(domain)}" "pubsub"\nadmins = { "${KEEPER}@${domain}" }\n${tls(domain)}`,
  )
  return `
run_as_root = true
pidfile = "${folder}/prosody.pid"
data_path = "${folder}/data"
interfaces = { "${address}" }
use_ipv6 = false
c2s_ports = {}
c2s_direct_tls_ports = { ${C2S_TLS} }
s2s_ports = { ${isDirect ? '' : S2S.starttls} }
s2s_direct_tls_ports = { ${isDirect ? S2S.direct : ''} }
${tls(domains[0]!)}http_ports = {}
https_ports = { ${HTTPS} }
http_default_host = "${domains[0]}"
s2s_require_encryption = true
s2s_secure_auth = ${isExternal}
allow_registration = true
authentication = "internal_hashed"
password_hash = "SHA-256"
log = { ${IS_WIRE_KEPT ? 'debug' : 'info'} = "${folder}/prosody.log" }
modules_enabled = { ${modules.map(name => `"${name}"`).join('; ')} }
${hosts.join('')}`
}
