/** Writes the accounts u0 … uN of the yardstick straight into a store: `provision.ts CONFIG DOMAIN USERS CREDENTIAL_JSON`. */
import { readFileSync } from 'node:fs'
import { loadConfig } from '../src/admin/config.ts'
import { silentLog } from '../src/core/log.ts'
import { program } from '../src/main.ts'
import { closeAll, openHosts } from '../src/serving.ts'
import { sql } from '../src/storage/db.ts'

interface Credential {
  readonly mechanism: string
  readonly iterations: number
  readonly salt: string
  readonly stored_key_hex: string
  readonly server_key_hex: string
}

const [file = '', domain = '', users = '0', credentialFile = ''] = process.argv.slice(2)
const credential: Credential = JSON.parse(readFileSync(credentialFile, 'utf8')).credential
const { servings } = await openHosts(await loadConfig(file, program.modules), silentLog)
const { store } = servings.find(({ host }) => host.domain === domain)!
const keys = {
  salt: Buffer.from(credential.salt),
  stored: Buffer.from(credential.stored_key_hex, 'hex'),
  server: Buffer.from(credential.server_key_hex, 'hex'),
}
await store.tx(async db => {
  for (let i = 0; i < Number(users); i++) {
    await db.run(sql`INSERT INTO account (name) VALUES (${`u${i}`}) ON CONFLICT DO NOTHING`)
    await db.run(sql`INSERT INTO credential (account, hash, salt, iterations, stored_key, server_key)
      VALUES (${`u${i}`}, ${credential.mechanism.replace('SCRAM-', '')}, ${keys.salt}, ${credential.iterations}, ${keys.stored}, ${keys.server})
      ON CONFLICT DO NOTHING`)
  }
})
await closeAll(servings)
