import assert from 'node:assert/strict'
import { cpSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import { ORDS } from '../../src/core/sealed-log/tables.ts'
import { readHeader } from '../../src/modules/archive/kept-message.ts'
import { openShredFile } from '../../src/seal/shred-store.ts'
import { PASSWORD, Server } from '../faults/server.ts'
import { random } from '../fuzz/random.ts'
import { type Loot, type Opened, open } from './forensics.ts'
import { areaUnderCurve, attacks, rowsOfArchives } from './pairing.ts'
import { Town } from './town.ts'

const MESSAGES = 10_000
const NAMES = Array.from({ length: 24 }, (_, i) => `citizen${i}`)
/** The database's log is emptied when nothing was written for 3 s. */
const REST = 6_000
const BY_CHANCE = 0.55

test('T-DUMP: a thief with the data folder, and with the secrets beside it, learns neither peers nor times nor bodies', async t => {
  await using server = await Server.make({ settings: '[limits]\nrate = "64MiB"\nburst = "64MiB"\n' })
  const chance = random(20_261_127)
  await server.addAccounts(NAMES)
  await server.start()
  const town = await Town.of(server, NAMES, chance)
  await town.talk(MESSAGES)
  await town.leave()
  await wait(REST)
  const [running, stopped, secrets] = ['running', 'stopped', 'secrets'].map(name => join(server.folder, name))
  cpSync(server.data, running!, { recursive: true })
  await server.stop()
  cpSync(server.data, stopped!, { recursive: true })
  cpSync(`${server.data}-secrets`, secrets!, { recursive: true })
  const shred = await openShredFile(join(secrets!, 'shred'))
  t.after(() => shred.close())

  const database = join(stopped!, 'localhost.sqlite')
  const guesses = NAMES.map(name => `${name}@localhost`)
  for (const loot of [{ database }, { database, shred, guesses }, { database, passwords: [PASSWORD] }])
    assert.deepEqual(open(loot), [], 'what opens without passwords, or without secrets')
  const pairs = pairsIn({ database, shred, passwords: [PASSWORD] })
  assert.equal(pairs.length, MESSAGES, 'with both all is there')

  const rows = rowsOfArchives(database)
  assert.equal(rows.length, 2 * MESSAGES)
  for (const [name, likeness] of Object.entries(attacks)) {
    const area = areaUnderCurve(rows, pairs, likeness, chance)
    t.diagnostic(`by ${name}, of a server that was stopped: AUC ${area.toFixed(3)}`)
    assert.ok(area < BY_CHANCE && area > 1 - BY_CHANCE, name)
  }
  const live = join(running!, 'localhost.sqlite')
  assert.equal(statSync(`${live}-wal`).size, 0)
  // Until the file is written anew at night, pages tell something of the day: docs/security.md says so.
  t.diagnostic(
    `by page, of today, of a server that runs: AUC ${areaUnderCurve(rowsOfArchives(live), pairs, attacks['page']!, chance).toFixed(3)}`,
  )
})

/** The truth: the keys of both copies of each message. */
function pairsIn(loot: Loot): [bigint, bigint][] {
  const slots = slotsIn(loot.database)
  const copies = Map.groupBy(
    open(loot).filter(({ place }) => place === 'archive_message.header'),
    ({ plain }) => readHeader(plain).id,
  )
  const keyOf = ({ number, ord }: Opened): bigint => slots.get(number)! * BigInt(ORDS) + BigInt(ord!)
  return [...copies.values()].map(both => both.map(keyOf) as [bigint, bigint])
}

/** By the number of the account. */
function slotsIn(database: string): Map<number, bigint> {
  using db = new DatabaseSync(database, { readOnly: true })
  const rows = db.prepare('SELECT account_no, slot FROM archive_extent').all()
  return new Map(rows.map(({ account_no, slot }) => [Number(account_no), BigInt(Number(slot))]))
}
