import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { PROGRAM, run } from '../server.ts'
import { NAME_SERVER } from './isolation.ts'
import { C2S_TLS, HTTPS, type Place, S2S, type Software } from './member.ts'

const configIn = (folder: string): string => join(folder, 'conexizan.toml')

/** Our own server. */
export const conexizan: Software = {
  name: 'conexizan',
  isSafe: true,
  leavesBlocked: true,
  wantsClientPurpose: false,
  install(place) {
    writeFileSync(configIn(place.folder), configOf(place))
    return { command: [PROGRAM, 'serve', '--config', configIn(place.folder)] }
  },
  async addUser({ name, domain, password }, { folder }) {
    await run(PROGRAM, ['user', 'add', `${name}@${domain}`, '--config', configIn(folder)], `${password}\n`)
  },
}

function configOf({ address, domains, way, certificates, certifier }: Place): string {
  const portOf = (connection: keyof typeof S2S): string => (way.connection === connection ? `["${address}:${S2S[connection]}"]` : 'false')
  const hosts = domains.map(domain => {
    const { cert, key } = certificates.get(domain)!
    return `[host."${domain}"]\ncertificate = { cert = "${cert}", key = "${key}" }\n`
  })
  return `
hosts = ${JSON.stringify(domains)}
[listen]
c2s = false
c2sTls = ["${address}:${C2S_TLS}"]
https = ["${address}:${HTTPS}"]
s2s = ${portOf('starttls')}
s2sTls = ${portOf('direct')}
[auth]
iterations = 4096
[s2s]
networks = ["127.0.0.0/8"]
dns = ["${NAME_SERVER}:53"]
authorities = "${certifier}"
mechanisms = ["${way.mechanism}"]
${hosts.join('')}`
}
