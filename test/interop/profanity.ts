import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { PASSWORD } from './device.ts'
import type { Reachable } from './server.ts'
import { Terminal } from './terminal.ts'

export interface ProfanityOptions {
  readonly server: Reachable
  readonly name: string
  readonly password?: string
  readonly tls?: 'force' | 'legacy'
  /** Typed before it connects. */
  readonly settings?: readonly string[]
}

/** In its home. All that goes over the connection is there. */
export const LOG = 'data/profanity/logs/profanity.log'

/** Profanity, logged in, and told what the server can do. */
export async function startProfanity(options: ProfanityOptions): Promise<Terminal> {
  const terminal = await Terminal.start('profanity -l DEBUG', { SSL_CERT_FILE: options.server.ca })
  await terminal.shows("Type '/help'")
  for (const setting of options.settings ?? []) await terminal.type(setting)
  await login(terminal, options)
  for (const service of [options.server.domain, ...(await servicesTold(terminal))]) {
    await terminal.writes(LOG, `Received disco#info response from: ${service}`)
  }
  return terminal
}

/** What the server has told it of, and it asks then what that is. */
async function servicesTold(terminal: Terminal): Promise<string[]> {
  const answer = /RECV: <iq id="discoitemsreq_onconnect".*<\/iq>/
  const [answered] = answer.exec(await terminal.writes(LOG, answer))!
  return Array.from(answered.matchAll(/<item [^>]*jid="([^"]+)"/g), ([, service]) => service!)
}

export async function login(terminal: Terminal, { server, name, password = PASSWORD, tls = 'force' }: ProfanityOptions): Promise<void> {
  const port = tls === 'force' ? server.ports.starttls : server.ports.tls
  await terminal.type(`/connect ${name}@${server.domain} server ${server.address} port ${port} tls ${tls}`)
  await terminal.shows('password')
  await terminal.type(password)
  await terminal.shows('logged in successfully')
}

/** Gives it keys for OMEMO. It believes those of everybody, and says when the server has told it of its own. */
export async function startOmemo(terminal: Terminal): Promise<void> {
  await terminal.type('/omemo trustmode blind')
  await terminal.type('/omemo log on')
  await terminal.type('/omemo gen')
  await terminal.writes(LOG, 'bundle published successfully')
  await terminal.writes(LOG, /device id: (\d+).*RECV: <message[^\n]*<device id="\1"/s)
}

/** Opens a chat in which it encrypts, and waits until it can do so for so many devices of that address. */
export async function encryptTo(terminal: Terminal, address: string, devices: number): Promise<void> {
  await terminal.type(`/omemo start ${address}`)
  await terminal.shows('[OMEMO]')
  await terminal.writes(LOG, new RegExp(`(create session with ${address} device .*){${devices}}`, 's'))
}

/** What it has written into its own database: there it knows a message again by its id in the archive. */
export function messagesLogged(terminal: Terminal, name: string): { body: string; stanzaId: string }[] {
  const file = join(terminal.home, `data/profanity/database/${name}_at_localhost/chatlog.db`)
  const database = new DatabaseSync(file, { readOnly: true })
  try {
    const rows = database.prepare('SELECT message, archive_id, timestamp FROM ChatLogs ORDER BY id').all()
    // Not by the database, to which a full second without its zeros would be later than all that is within it.
    const timeOf = (row: (typeof rows)[number]): number => Date.parse(String(row['timestamp']))
    rows.sort((one, other) => timeOf(one) - timeOf(other))
    return rows.map(row => ({ body: String(row['message']), stanzaId: String(row['archive_id']) }))
  } finally {
    database.close()
  }
}
