/**
 * A day in the life of a server, in which every datum is a canary: something that occurs nowhere else. Afterwards all that is
 * on the disk, in the log, in the process table and in DNS is searched. What is found must stand in inventory.json, with a
 * reason; and all that stands there must be found, so that the list stays true.
 */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { openShredFile } from '../../src/seal/shred-store.ts'
import { NameServer } from '../interop/network/dns.ts'
import { enterNetwork, NAME_SERVER } from '../interop/network/isolation.ts'
import { open } from '../privacy/forensics.ts'
import { openRooms } from '../privacy/room-forensics.ts'
import { answerFor, documentedAnswer } from './answer.ts'
import { columnsOf, tellsTime } from './columns.ts'
import { Day } from './day.ts'
import { filesIn, isDatabase } from './places.ts'
import { Abroad } from './scenes/abroad.ts'
import { changePassword, fail, leave, logIn, prepare, recover, register } from './scenes/accounts.ts'
import { choose, lookBack } from './scenes/archive.ts'
import { browse } from './scenes/browse.ts'
import { meetGateway } from './scenes/component.ts'
import { crash } from './scenes/crash.ts'
import { publishAndGo, publishAtNodes } from './scenes/nodes.ts'
import { showThemselves } from './scenes/profiles.ts'
import { meetInRooms, stay } from './scenes/rooms.ts'
import { comeBack, leaveMessages, talk } from './scenes/talk.ts'
import { Search } from './search.ts'
import { type Class, Hits } from './verdict.ts'

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
await showThemselves(day)
await publishAtNodes(day)
await publishAndGo(day)
await meetInRooms(day)
await abroad.talk()
await lookBack(day)
await meetGateway(day)
await changePassword(day)
await recover(day)
await browse(day)
for (const signal of ['SIGKILL', 'SIGABRT', 'SIGSEGV'] as const) await crash(day, signal)
await comeBack(day)
const until = Date.now()

const hits = new Hits()
const soFar = new Search(mint)
const database = join(server.data, 'localhost.sqlite')
// What was deleted stays in the write-ahead log until that is emptied, seconds later; above all when the server stops.
const running = soFar.around(server)
const kept = new Set(soFar.inColumns(columnsOf(database)).map(({ canary }) => canary))
for (const seen of running) {
  if (!isDatabase(seen.place)) hits.see(seen, 'C')
  else if (!kept.has(seen.canary)) hits.see({ ...seen, place: 'remains' }, 'C')
}

await leave(day)
await stay(day)
await server.stop()
const search = new Search(mint)
const columns = columnsOf(database)
for (const seen of search.inColumns(columns)) hits.see(seen, 'C')
for (const [place, values] of columns) {
  const isUsed = values.some(value => value !== null)
  hits.column(place, isUsed)
  if (values.some(value => tellsTime(value, from, until))) hits.time(place)
}
for (const seen of search.around(server)) {
  if (!isDatabase(seen.place)) hits.see(seen, 'C')
  else assert.ok(hits.isClear(seen.canary.datum), `${seen.canary.datum} is left in ${seen.place}, ${seen.encoding}`)
}

cpSync(join(server.folder, 'data-secrets'), join(region.folder, 'copy'), { recursive: true })
const shred = await openShredFile(join(region.folder, 'copy/shred'))
const passwords = Object.values(day.passwords)
const guesses = mint.canaries.map(({ forms }) => String(forms.get('as it is')))
/** What must be known to open what is of that class. */
const loots = { C: {}, B: { shred, guesses }, A2: { passwords }, A1: { passwords, shred } }
for (const [readable, loot] of Object.entries(loots)) {
  for (const { place, plain } of open({ database, ...loot })) for (const seen of search.in(plain, place)) hits.see(seen, readable as Class)
}
for (const { place, plain } of openRooms(database, shred)) for (const seen of search.in(plain, place)) hits.see(seen, 'B')
await shred.close()

for (const seen of search.in(Buffer.from(region.dns.questions.join('\n')), 'dns')) hits.see(seen, 'C')
hits.judge(mint.canaries)
const answered = new Set(Object.values(day.names).flatMap(name => [...answerFor(database, name).keys()]))
assert.deepEqual([...answered].sort(), documentedAnswer(), 'what an answer to an order contains')

assert.deepEqual(resolver?.asked ?? [], [], 'asked of the DNS server of the system')
const ofCrashes = filesIn(server.folder).filter(file => /^tmp\/|core|report|snapshot|profile|isolate/.test(file))
assert.deepEqual(ofCrashes, [], 'files that a crash has left')
const ABOUT_THE_SERVER = / info (?:server\.(?:started|stopped)|settings\.read|component\.(?:connected|left))/
const log = server.output.split('\n').filter(line => /^\d{4}-/.test(line) && !ABOUT_THE_SERVER.test(line))
assert.deepEqual(log, [], 'lines in the log that tell of what users do')
console.log('The log says nothing about anyone.')
