import { globSync, mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { NAME_SERVER } from './isolation.ts'
import { C2S_TLS, HTTPS, IS_WIRE_KEPT, type Place, S2S, type Software } from './member.ts'
import { register } from './register.ts'

/** Debian's ejabberd. Between servers it knows no stream management. */
export const ejabberd: Software = {
  name: 'ejabberd',
  isSafe: false,
  leavesBlocked: false,
  wantsClientPurpose: true,
  install(place) {
    const [config, inetrc, data] = ['ejabberd.yml', 'inetrc', 'data'].map(name => join(place.folder, name)) as [string, string, string]
    mkdirSync(data)
    // JSON is YAML.
    writeFileSync(config, JSON.stringify(configOf(place), null, 2))
    writeFileSync(inetrc, `{lookup, [file, dns]}.\n{file, hosts, "/etc/hosts"}.\n{nameserver, {${NAME_SERVER.replaceAll('.', ',')}}}.\n`)
    return {
      // Not by ejabberdctl, which becomes another user and stands between us and the process.
      command: ['erl', '-noinput', '-mnesia', 'dir', `"${data}"`, '-s', 'ejabberd'],
      env: {
        ERL_LIBS: dirname(globSync('/usr/lib/*/ejabberd-*')[0] ?? '/usr/lib/ejabberd'),
        ERL_INETRC: inetrc,
        EJABBERD_CONFIG_PATH: config,
        EJABBERD_LOG_PATH: join(place.folder, 'ejabberd.log'),
        HOME: place.folder,
      },
    }
  },
  addUser: register,
}

function configOf({ address, domains, way, certificates, authority }: Place): object {
  const isDirect = way.connection === 'direct'
  return {
    hosts: domains,
    loglevel: IS_WIRE_KEPT ? 'debug' : 'info',
    certfiles: [...certificates.values()].flatMap(({ cert, key }) => [cert, key]),
    ca_file: authority,
    listen: [
      { module: 'ejabberd_c2s', ip: address, port: C2S_TLS, tls: true },
      { module: 'ejabberd_http', ip: address, port: HTTPS, tls: true, request_handlers: { '/xmpp-websocket': 'ejabberd_http_ws' } },
      { module: 'ejabberd_s2s_in', ip: address, port: S2S[way.connection], ...(isDirect && { tls: true }) },
    ],
    s2s_use_starttls: 'required',
    s2s_max_retry_delay: 1,
    outgoing_s2s_families: ['ipv4'],
    auth_password_format: 'scram',
    auth_scram_hash: 'sha256',
    registration_timeout: 'infinity',
    access_rules: { everyone: { allow: 'all' } },
    modules: {
      mod_blocking: {},
      mod_disco: {},
      mod_muc: { access_create: 'everyone' },
      mod_offline: {},
      mod_ping: {},
      mod_pubsub: { access_createnode: 'everyone', plugins: ['flat'] },
      mod_privacy: {},
      mod_register: { access: 'everyone', ip_access: 'all' },
      mod_roster: {},
      mod_mam: { default: 'always' },
      mod_stream_mgmt: {},
      ...(way.mechanism === 'dialback' && { mod_s2s_dialback: {} }),
    },
  }
}
