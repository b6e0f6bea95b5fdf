import assert from 'node:assert/strict'
import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import { columnsOf, type Value } from '../canary/columns.ts'
import { xml } from '../canary/day.ts'
import { Client } from '../faults/client.ts'
import { Region } from '../faults/region.ts'
import type { Server } from '../faults/server.ts'

const USERS = ['alice', 'bobby', 'carol']
const DOMAINS = ['north.example', 'south.example']
const PING = '<ping xmlns="urn:xmpp:ping"/>'
/** A tree of pages that is filled in an order of chance has now some more and now some less. */
const BY_CHANCE = 8
const PAGE = 4096

/** Whom Alice writes to on that day. */
interface Shape {
  readonly friend: string
  readonly other: string
  readonly domain: string
  readonly otherDomain: string
}

/** All that can be seen of a day from outside, without what must be different. */
interface Seen {
  readonly log: readonly string[]
  readonly columns: Readonly<Record<string, readonly string[]>>
  readonly files: Readonly<Record<string, number>>
  readonly dns: readonly string[]
}

test('T-DIFF: whom a user writes to, here and elsewhere, shows nowhere', async t => {
  const one = await day({ friend: 'bobby', other: 'carol', domain: 'north.example', otherDomain: 'south.example' })
  const other = await day({ friend: 'carol', other: 'bobby', domain: 'south.example', otherDomain: 'north.example' })
  assert.deepEqual(other.log, one.log)
  assert.deepEqual(other.dns, one.dns)
  assert.deepEqual(Object.keys(other.columns), Object.keys(one.columns))
  for (const [column, values] of Object.entries(one.columns)) assert.deepEqual(other.columns[column], values, column)
  assert.deepEqual(Object.keys(other.files), Object.keys(one.files))
  for (const [file, size] of Object.entries(one.files)) {
    const difference = Math.abs(size - other.files[file]!)
    if (file.endsWith('.sqlite')) assert.ok(difference <= BY_CHANCE * PAGE, `${file}: ${size} and ${other.files[file]} bytes`)
    else assert.equal(difference, 0, file)
  }
  const rows = Object.values(one.columns).reduce((most, values) => Math.max(most, values.length), 0)
  t.diagnostic(
    `${Object.keys(one.columns).length} columns with up to ${rows} values, ${Object.keys(one.files).length} files and ${one.log.length} lines of the log are alike`,
  )
})

async function day(shape: Shape): Promise<Seen> {
  await using region = await Region.open()
  await using server = await region.server('localhost')
  await using abroad = await region.server(shape.domain)
  await server.addAccounts(USERS)
  await abroad.addAccounts(['peter'])
  await server.start()
  await abroad.start()
  await live(server, abroad, shape)
  await server.stop()
  await abroad.stop()
  return look(server, region, shape)
}

/** Everyone knows everyone, and Alice writes to one of them. */
async function live(server: Server, abroad: Server, { friend, domain }: Shape): Promise<void> {
  const online = (name: string): Promise<Client> => Client.online(server.login(name), name, true)
  const alice = await online('alice')
  for (const jid of ['bobby@localhost', 'carol@localhost', ...DOMAINS.map(there => `peter@${there}`)])
    await alice.asks('set', xml`<query xmlns="jabber:iq:roster"><item jid="${jid}" name="A contact"/></query>`)
  const clients = await Promise.all(['bobby', 'carol'].map(online))
  const peter = await Client.online(abroad.login('peter'), 'peter', true)
  let heard = 0
  for (const client of [...clients, alice, peter]) client.onStanza = ({ name }) => void (name === 'message' && heard++)
  const one = clients.find(({ jid }) => jid.startsWith(friend))!
  const write = (from: Client, to: string, body: string): void =>
    from.send(xml`<message type="chat" to="${to}"><body>${body}</body></message>`)
  for (let i = 0; i < 30; i++) {
    write(alice, one.jid, `A question, the ${i + 10}th`)
    write(one, alice.jid, `An answer, the ${i + 10}th`)
    write(alice, `peter@${domain}`, `Another question, ${i + 10}`)
    await wait(10)
  }
  write(peter, alice.jid, 'An answer from elsewhere')
  for (let i = 0; i < 500 && heard < 91; i++) await wait(20)
  assert.equal(heard, 91)
  await one.leave()
  write(alice, `${friend}@localhost`, 'Something that waits')
  await alice.asks('get', PING)
  await alice.asks('set', '<query xmlns="urn:xmpp:mam:2"/>')
  for (const client of [...clients, alice, peter]) await client.leave()
}

/** With the other one and the other domain in the places of those that were written to. */
function look(server: Server, region: Region, { friend, other, domain, otherDomain }: Shape): Seen {
  const names = new Map([
    [friend, 'friend'],
    [other, 'other'],
    [domain, 'there'],
    [otherDomain, 'elsewhere'],
  ])
  const named = (text: string): string => text.replace(/bobby|carol|(?:north|south)\.example/g, name => names.get(name)!)
  const columns = Object.fromEntries(
    [...columnsOf(join(server.data, 'localhost.sqlite'))].map(([column, values]) => [column, seen(column, values, named).sort()]),
  )
  const folders = ['data', 'data-secrets']
  const files = folders.flatMap(folder => readdirSync(join(server.folder, folder)).map(file => join(folder, file)))
  return {
    log: server.output
      .split('\n')
      .filter(line => line !== '')
      .map(line =>
        named(
          line
            .replace(/^\S+Z /, '')
            .replaceAll(server.folder, '')
            .replace(/:\d{4,5}\b/g, ':port'),
        ),
      ),
    columns,
    files: Object.fromEntries(
      files.filter(file => !/-(?:wal|shm)$/.test(file)).map(file => [file, statSync(join(server.folder, file)).size]),
    ),
    // The other server asks, too: for ours.
    dns: region.dns.questions
      .filter(asked => !asked.includes('localhost'))
      .map(named)
      .sort(),
  }
}

const DAY = 86_400_000
const YESTERDAY = Date.now() - DAY

/** Of numbers and texts of chance counts how often there is the same. */
const OF_CHANCE = /\.(?:number|account_no|place|slot|ord|seg|last|token|client|version)$/

function seen(column: string, values: readonly Value[], named: (text: string) => string): string[] {
  const counts = new Map<Value, number>()
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1)
  return values.map(value => {
    if (value === null) return 'nothing'
    if (value instanceof Uint8Array) return `${value.length} bytes`
    if (OF_CHANCE.test(column)) return `one of ${counts.get(value)}`
    const isTime = Number(value) > YESTERDAY && Number(value) < YESTERDAY + 2 * DAY
    return isTime ? 'a time of today' : named(String(value).replace(/ id='[^']{20,}'/g, ''))
  })
}
