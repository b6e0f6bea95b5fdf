import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { PASSWORD } from './device.ts'
import type { Server } from './server.ts'
import { Terminal } from './terminal.ts'

export interface ProfanityOptions {
  readonly server: Server
  readonly name: string
  readonly password?: string
  readonly tls?: 'force' | 'legacy'
  /** Typed before it connects. */
  readonly settings?: readonly string[]
}

const LOG = 'data/profanity/logs/profanity.log'

/** Profanity, logged in, and told what the server can do. */
export async function startProfanity({
  server,
  name,
  password = PASSWORD,
  tls = 'force',
  settings = [],
}: ProfanityOptions): Promise<Terminal> {
  const terminal = await Terminal.start('profanity -l DEBUG', { SSL_CERT_FILE: server.ca })
  await terminal.shows("Type '/help'")
  for (const setting of settings) await terminal.type(setting)
  const port = tls === 'force' ? server.ports.starttls : server.ports.tls
  await terminal.type(`/connect ${name}@localhost server 127.0.0.1 port ${port} tls ${tls}`)
  await terminal.shows('password')
  await terminal.type(password)
  await terminal.shows('logged in successfully')
  await terminal.writes(LOG, 'Received disco#info response from: localhost')
  return terminal
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
