import assert from 'node:assert/strict'
import { cpSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import { endOf, periodOf, type RetentionClass } from '../../src/seal/retention.ts'
import { openShredFile, type ShredStore } from '../../src/seal/shred-store.ts'
import { xml } from '../canary/day.ts'
import { Client } from '../faults/client.ts'
import { PASSWORD, Server } from '../faults/server.ts'
import { open } from './forensics.ts'

const DAY = 86_400_000
const DAYS = 11
const PING = '<ping xmlns="urn:xmpp:ping"/>'

/** How long each keeps messages, as the server's classes have it; whoever is away has what waits. */
const CLASSES: Readonly<Record<string, RetentionClass>> = { hourly: 1, weekly: 7, monthly: 30, away: 8, leaver: 7, trimmer: 7 }
const CHOICES: Readonly<Record<string, string>> = { hourly: '1d', monthly: '30d', away: 'delivered' }
/** The account is removed, the archive deleted, the password changed on these days. */
const LEAVES = 4
const TRIMS = 5
const CHANGES = 3
const NEW_PASSWORD = 'another correct horse'

interface Snapshot {
  readonly day: number
  /** When the server was last there, in ms. */
  readonly at: number
  readonly database: string
  readonly shred: ShredStore
}

test('T-SHRED: when its time is over, nothing of a day opens with all passwords and all copies of the database', async t => {
  await using server = await Server.make()
  await server.addAccounts(['sam', ...Object.keys(CLASSES)])
  const snapshots: Snapshot[] = []
  t.after(() => Promise.all(snapshots.map(({ shred }) => shred.close())))
  // The last noon: so no day ends while it runs, and the server's certificate is not of a time to come.
  const start = Math.floor((Date.now() - DAY / 2) / DAY) * DAY + DAY / 2
  for (let day = 0; day < DAYS; day++) {
    await live(server, start + day * DAY, day)
    snapshots.push(await copy(server, start + day * DAY, day))
  }

  let [opened, closed] = [0, 0]
  for (const now of snapshots) {
    for (const { database, day } of snapshots.slice(0, now.day + 1)) {
      const all = open({ database, shred: now.shred, passwords: [PASSWORD, NEW_PASSWORD] })
      // The sender has a copy, too, and keeps it as long as that one chose.
      const found = new Set(all.map(({ account, plain }) => `${bodyIn(plain)}, of ${account}`))
      for (const [name, cls] of Object.entries(CLASSES)) {
        for (let sentOn = 0; sentOn <= day; sentOn++) {
          const isThere = isInTime(cls, start + sentOn * DAY, now.at) && !isGone(name, sentOn, now.day)
          const wasThere = isInTime(cls, start + sentOn * DAY, start + day * DAY) && !isGone(name, sentOn, day)
          const body = `To ${name} on day ${sentOn}`
          assert.equal(
            found.has(`${body}, of ${name}`),
            isThere && wasThere,
            `${body}: out of the copy of day ${day}, with the secrets of day ${now.day}`,
          )
          if (isThere && wasThere) opened++
          else closed++
        }
      }
    }
  }
  t.diagnostic(
    `${snapshots.length} copies of the database, each with the secrets of that day and of all after it: ${opened} opened in time, ${closed} closed`,
  )

  // A server that runs destroys them by itself, at the end of the hour.
  const end = endOf(7, periodOf(7, start + 3 * DAY))
  server.skew = end - 3000 - Date.now()
  const before = server.output.length
  await server.start()
  for (let i = 0; i < 200 && !/expiry\.destroyed/.test(server.output.slice(before)); i++) await wait(50)
  await server.stop()
  assert.match(server.output.slice(before), /expiry\.destroyed secrets=\d/)
})

const bodyIn = (plain: Buffer): string | undefined => /<body>(.*?)<\/body>/.exec(plain.toString())?.[1]

const isInTime = (cls: RetentionClass, sentAt: number, now: number): boolean => now < endOf(cls, periodOf(cls, sentAt))

function isGone(name: string, sentOn: number, day: number): boolean {
  if (name === 'leaver') return day >= LEAVES || sentOn >= LEAVES
  return name === 'trimmer' && day >= TRIMS && sentOn <= TRIMS
}

/** One writes to all others; what each has got, or waits for, is on disk. */
async function live(server: Server, at: number, day: number): Promise<void> {
  server.skew = at - Date.now()
  await server.start()
  const login = (name: string): ReturnType<Server['login']> => ({
    ...server.login(name),
    password: name === 'weekly' && day > CHANGES ? NEW_PASSWORD : PASSWORD,
  })
  if (day === 0) for (const [name, choice] of Object.entries(CHOICES)) server.command(['user', 'retention', `${name}@localhost`, choice])
  const sam = await Client.online(login('sam'), undefined, true)
  for (const name of Object.keys(CLASSES)) {
    if (name === 'leaver' && day >= LEAVES) continue
    const client = name === 'away' ? undefined : await Client.online(login(name), undefined, true)
    sam.send(xml`<message type="chat" to="${name}@localhost"><body>To ${name} on day ${String(day)}</body></message>`)
    await sam.asks('get', PING)
    await client?.asks('get', '<query xmlns="urn:xmpp:mam:2"/>')
    if (name === 'trimmer' && day === TRIMS) await client!.asks('set', '<trim xmlns="urn:xmpp:mamtrim:0"/>')
    if (name === 'weekly' && day === CHANGES) await changePassword(client!)
    await client?.leave()
  }
  await sam.leave()
  if (day === LEAVES) server.command(['user', 'remove', '--yes', 'leaver@localhost'])
  await server.stop()
}

async function changePassword(client: Client): Promise<void> {
  const answer = await client.asks(
    'set',
    xml`<query xmlns="jabber:iq:register"><username>weekly</username><password>${NEW_PASSWORD}</password></query>`,
  )
  assert.equal(answer.attrs['type'], 'result', String(answer))
}

async function copy(server: Server, at: number, day: number): Promise<Snapshot> {
  const folder = join(server.folder, `day-${day}`)
  cpSync(server.data, folder, { recursive: true })
  cpSync(`${server.data}-secrets`, `${folder}-secrets`, { recursive: true })
  return { day, at, database: join(folder, 'localhost.sqlite'), shred: await openShredFile(join(`${folder}-secrets`, 'shred')) }
}
