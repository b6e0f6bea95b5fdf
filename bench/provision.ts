/** Makes the accounts u0 … uN of the yardstick: `provision.ts CONFIG DOMAIN USERS CREDENTIAL_JSON`. */
import { readFileSync } from 'node:fs'
import { loadConfig } from '../src/admin/config.ts'
import { silentLog } from '../src/core/log.ts'
import { Secret } from '../src/lib/secret.ts'
import { program } from '../src/main.ts'
import { deriveCredential } from '../src/sasl/credential.ts'
import type { ScramHash } from '../src/sasl/scram-hash.ts'
import { openHosts } from '../src/serving.ts'

/** Of all of them. */
const PASSWORD = 'pass'

const [file = '', domain = '', users = '0', credentialFile = ''] = process.argv.slice(2)
const { mechanism, iterations, salt }: Record<string, string> = JSON.parse(readFileSync(credentialFile, 'utf8')).credential
const hash = mechanism!.replace('SCRAM-', '') as ScramHash
const { credential, clientKey } = await deriveCredential(PASSWORD, hash, Number(iterations), Buffer.from(salt!))
const hosts = await openHosts(await loadConfig(file, program.modules), silentLog)
const { host } = hosts.servings.find(({ host }) => host.domain === domain)!
const own = (): Secret => new Secret(Buffer.from(clientKey.bytes))
await Promise.all(Array.from({ length: Number(users) }, (_, i) => host.life.create(`u${i}`, [{ credential, clientKey: own() }])))
await hosts.close()
