/**
 * A day in the life of a server, in which every datum is a canary: something that occurs nowhere else. Afterwards all that is
 * on the disk, in the log, in the process table and in DNS is searched. What is found must stand in inventory.json, with a
 * reason; and all that stands there must be found, so that the list stays true.
 */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync } from 'node:fs'
import { join, relative } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { openShredFile } from '../../src/seal/shred-store.ts'
import { NameServer } from '../interop/network/dns.ts'
import { enterNetwork, NAME_SERVER } from '../interop/network/isolation.ts'
import { open } from '../privacy/forensics.ts'
import { columnsOf, tellsTime } from './columns.ts'
import { Day } from './day.ts'
import type { Sighting } from './mint.ts'
import { filesIn, placesOf } from './places.ts'
import { Abroad } from './scenes/abroad.ts'
import { changePassword, fail, leave, logIn, prepare, recover, register } from './scenes/accounts.ts'
import { choose, lookBack } from './scenes/archive.ts'
import { browse } from './scenes/browse.ts'
import { meetGateway } from './scenes/component.ts'
import { crash } from './scenes/crash.ts'
import { comeBack, leaveMessages, talk } from './scenes/talk.ts'
import { type Class, Hits } from './verdict.ts'

/** A packed address is so short that random bytes look like it now and then; that several do, does not happen. */
const BY_CHANCE = 5

const withoutNetwork = enterNetwork()
if (withoutNetwork === undefined) spawnSync('ip', ['-6', 'address', 'add', 'fd66::1/128', 'dev', 'lo', 'nodad'])
else console.log(`Without IPv6, and without a look at what the system asks of DNS: ${withoutNetwork}.`)
await using resolver = withoutNetwork === undefined ? await NameServer.start(NAME_SERVER) : undefined
await using day = await Day.prepare(withoutNetwork === undefined)
const { server, mint, region } = day
mkdirSync(join(server.folder, 'tmp'))
await using abroad = await Abroad.open(day)
prepare(day)
await server.start()
const from = Date.now()

await register(day)
await logIn(day)
await fail(day)
await choose(day)
await talk(day)
await leaveMessages(day)
await abroad.talk()
await lookBack(day)
await meetGateway(day)
await changePassword(day)
await recover(day)
await browse(day)
for (const signal of ['SIGKILL', 'SIGABRT', 'SIGSEGV'] as const) await crash(day, signal)
await comeBack(day)
await wait(500)
const until = Date.now()

const needles = mint.needles()
const running = sightings()
await leave(day)
await server.stop()
const hits = new Hits()
const database = join(server.data, 'localhost.sqlite')
const columns = columnsOf(database)
for (const [place, values] of columns) {
  hits.column(
    place,
    values.some(value => value !== null),
  )
  for (const value of values) {
    look(value instanceof Uint8Array ? value : Buffer.from(String(value)), place, 'C')
    if (tellsTime(value, from, until)) hits.add('time', place, 'C', 'a moment of this day')
  }
}
const passwords = Object.values(day.passwords)
const guesses = mint.canaries.flatMap(({ forms }) => String(forms.get('as it is')))
const copy = join(region.folder, 'copy')
cpSync(join(server.folder, 'data-secrets'), copy, { recursive: true })
const shred = await openShredFile(join(copy, 'shred'))
for (const [readable, loot] of Object.entries({ C: {}, B: { shred, guesses }, A2: { passwords }, A1: { passwords, shred } }))
  for (const { place, plain } of open({ database, ...loot })) look(plain, place, readable as Class)
await shred.close()
for (const [sighting, place] of sightings()) {
  if (isDatabase(place))
    assert.ok(hits.isClear(sighting.canary.datum), `${sighting.canary.datum} is left in ${place}, ${sighting.encoding}`)
  else hits.see(sighting, place, 'C')
}
// Deleted rows stay in the write-ahead log until it is emptied, which the server does every five minutes and when it stops.
for (const [sighting, place] of running) {
  if (!isDatabase(place)) hits.see(sighting, place, 'C')
  else if (!hits.isClear(sighting.canary.datum)) hits.see(sighting, 'remains', 'C', place)
}
look(Buffer.from(region.dns.questions.join('\n')), 'dns', 'C')
hits.judge(mint.canaries)

assert.deepEqual(resolver?.asked ?? [], [], 'asked of the DNS server of the system')
const files = filesIn(server.folder).map(file => relative(server.folder, file))
assert.deepEqual(
  files.filter(file => /^tmp\/|core|report|snapshot|profile|isolate/.test(file)),
  [],
  'files that a crash has left',
)
const ABOUT_THE_SERVER = / info (?:server\.(?:started|stopped)|settings\.read|component\.(?:connected|left))/
const log = server.output.split('\n').filter(line => /^\d{4}-/.test(line) && !ABOUT_THE_SERVER.test(line))
assert.deepEqual(log, [], 'lines in the log that tell of what users do')
console.log('The log says nothing about anyone.')

/** In what was found there by one who has what takes to read things of that class. */
function look(bytes: Uint8Array, place: string, readable: Class): void {
  for (const { label } of needles.search(Buffer.from(bytes))) hits.see(label, place, readable)
}

/** What is seen where, in all files, in the log and in the process table; chance set apart. */
function sightings(): [Sighting, string][] {
  return [...placesOf(server)].flatMap(([place, content]) => {
    const seen = [...needles.search(content)].map(({ label }) => label)
    const short = new Set(seen.filter(isShort).map(({ canary }) => canary))
    return seen.filter(sighting => !isShort(sighting) || short.size > 1).map(sighting => [sighting, place] as [Sighting, string])
  })
}

function isShort({ canary, encoding }: Sighting): boolean {
  return canary.isAddress && canary.forms.get(encoding)!.length < BY_CHANCE
}

function isDatabase(place: string): boolean {
  return /^data\/.*\.sqlite/.test(place)
}
