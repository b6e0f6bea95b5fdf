import assert from 'node:assert/strict'
import { test } from 'node:test'
import { sql } from '../../storage/db.ts'
import type { Account } from '../account.ts'
import { placesIn } from './batch.ts'
import { TestLog } from './test-log.ts'

function scene(title: string, tell: (log: TestLog) => Promise<void>): void {
  test(title, async t => {
    const log = await TestLog.open()
    try {
      if (log.store.writesPages) await tell(log)
      else t.skip('this engine has no pages that are written whole')
    } finally {
      await log.store.close()
    }
  })
}

const texts = async (log: TestLog, account: Account): Promise<string[]> =>
  (await log.log.bodies(account, { limit: 1000 })).map(({ body }) => String(body))

/** How many messages stand in each batch that is on disk. */
async function batches(log: TestLog): Promise<number[]> {
  const rows = await log.store.all<{ messages: Uint8Array }>(sql`SELECT messages FROM test_unfiled ORDER BY number`)
  return rows.map(({ messages }) => placesIn(Buffer.from(messages)).length)
}

async function inTable(log: TestLog): Promise<number> {
  const [row] = await log.store.all<{ n: number }>(sql`SELECT COUNT(*) AS n FROM test_message`)
  return Number(row!.n)
}

/** Time passes, and what begins then is done. */
async function later(log: TestLog, ms: number): Promise<void> {
  log.later(ms)
  for (let i = 0; i < 20; i++) await new Promise(resolve => setTimeout(resolve, 1))
}

/** Segments begin with the first message of each. */
async function begin(log: TestLog): Promise<void> {
  for (const account of [log.romeo, log.juliet]) await log.add(account, 'first')
  await log.filed()
  await later(log, 1000)
  await later(log, 1000)
  assert.deepEqual(await batches(log), [])
}

scene('what comes in one moment is written together, and stands in the table a second later', async log => {
  await begin(log)
  await Promise.all([log.add(log.romeo, 'his'), log.add(log.juliet, 'hers'), log.add(log.romeo, 'his too')])
  assert.deepEqual([await batches(log), await inTable(log)], [[3], 2])
  await later(log, 999)
  assert.equal(await inTable(log), 2)
  await later(log, 1)
  assert.equal(await inTable(log), 5)
  await later(log, 1000)
  assert.deepEqual(await batches(log), [])
  assert.deepEqual(await texts(log, log.romeo), ['first', 'his', 'his too'])
})

scene('who reads finds what was written just before', async log => {
  await begin(log)
  await Promise.all([log.add(log.romeo, 'his'), log.add(log.juliet, 'hers')])
  assert.deepEqual(await texts(log, log.romeo), ['first', 'his'])
  assert.equal(await inTable(log), 3)
  assert.deepEqual(await texts(log, log.juliet), ['first', 'hers'])
})

scene('a batch is written over one that is not needed any more, where they are of one size', async log => {
  await begin(log)
  for (let i = 0; i < 4; i++) {
    await log.add(log.romeo, `${i}`)
    await log.filed()
    assert.deepEqual(await batches(log), [1])
  }
  await Promise.all(Array.from({ length: 60 }, (_, i) => log.add(log.romeo, `${i}`)))
  await log.filed()
  assert.deepEqual((await batches(log)).sort(), [1, 60])
  await later(log, 1000)
  await later(log, 1000)
  assert.deepEqual(await batches(log), [])
  assert.equal((await texts(log, log.romeo)).length, 65)
})

scene('where somebody else has removed that one, nothing is lost', async log => {
  await begin(log)
  await log.add(log.romeo, 'one')
  await log.filed()
  await log.store.run(sql`DELETE FROM test_unfiled`)
  await log.add(log.romeo, 'two')
  assert.deepEqual(await batches(log), [1])
})

scene('what a crash leaves is there, in its order, once: whether none of it was filed, or some, or all', async log => {
  await begin(log)
  const spoken = ['first']
  for (const file of [async () => {}, () => log.log.ends(log.romeo), () => log.filed()]) {
    const [begun, ...more] = Array.from({ length: 6 }, (_, i) => `${spoken.length + i}`)
    for (const account of [log.romeo, log.juliet]) await log.add(account, begun!)
    await Promise.all(more.flatMap(text => [log.add(log.romeo, text), log.add(log.juliet, text)]))
    spoken.push(begun!, ...more)
    await file()
    log.restart()
    assert.deepEqual(await texts(log, log.romeo), spoken)
    assert.deepEqual(await texts(log, log.juliet), spoken)
    assert.deepEqual([await batches(log), await inTable(log)], [[], 2 * spoken.length])
  }
})

scene('what was removed after it was filed does not come back with a crash', async log => {
  await begin(log)
  const [one] = await Promise.all([log.add(log.romeo, 'one'), log.add(log.romeo, 'two'), log.add(log.juliet, 'hers')])
  await log.log.remove(log.romeo, [one])
  assert.deepEqual(await batches(log), [3])
  log.restart()
  assert.deepEqual(await texts(log, log.romeo), ['first', 'two'])
  const three = await log.add(log.romeo, 'three')
  await log.log.removeUntil(log.romeo, three)
  await log.cleaned()
  log.restart()
  assert.deepEqual(await texts(log, log.romeo), [])
  assert.deepEqual(await texts(log, log.juliet), ['first', 'hers'])
  assert.ok((await log.add(log.romeo, 'four')) > three)
})

scene('what is emptied in a transaction while some is not filed stays away, and its ords are not used again', async log => {
  await begin(log)
  const one = await log.add(log.romeo, 'one')
  const afterwards: (() => void)[] = []
  await log.store.tx(db => log.log.emptyWith(log.romeo, db, work => afterwards.push(work)))
  for (const work of afterwards) work()
  log.restart()
  assert.deepEqual(await texts(log, log.romeo), [])
  assert.ok((await log.add(log.romeo, 'two')) > one)
  assert.deepEqual(await texts(log, log.romeo), ['two'])
})

scene('of an account that is removed nothing is filed any more', async log => {
  await begin(log)
  await Promise.all([log.add(log.romeo, 'his'), log.add(log.juliet, 'hers')])
  await log.remove(log.romeo)
  await log.cleaned()
  await later(log, 1000)
  assert.deepEqual([await log.count('message'), await log.count('extent')], [2, 1])
})

scene('while the disk is full it waits, and is filed then', async log => {
  await begin(log)
  await log.add(log.romeo, 'one')
  log.isFull = true
  await later(log, 1000)
  await assert.rejects(texts(log, log.romeo))
  await assert.rejects(log.add(log.romeo, 'lost'))
  assert.equal(await inTable(log), 2)
  log.isFull = false
  await later(log, 1000)
  assert.equal(await inTable(log), 3)
  await log.add(log.romeo, 'two')
  assert.deepEqual(await texts(log, log.romeo), ['first', 'one', 'two'])
})

scene('a server that is closed leaves nothing beside the tables', async log => {
  await begin(log)
  await Promise.all([log.add(log.romeo, 'one'), log.add(log.juliet, 'two')])
  await log.close()
  assert.deepEqual([await batches(log), await inTable(log)], [[], 4])
})

scene('when much waits, it is filed without delay', async log => {
  await begin(log)
  const large = 'x'.repeat(100_000)
  await Promise.all(Array.from({ length: 50 }, () => log.add(log.romeo, large)))
  for (let i = 0; i < 100 && (await inTable(log)) < 52; i++) await new Promise(resolve => setTimeout(resolve, 5))
  assert.equal(await inTable(log), 52)
})

scene('who comes while others write all the time does not wait for an end of it', async log => {
  await begin(log)
  const all: Promise<unknown>[] = []
  let isReady = false
  const ready = log.load(log.juliet).then(() => {
    isReady = true
  })
  for (let i = 0; i < 2000 && !isReady; i++) {
    all.push(log.add(log.romeo, 'more'))
    await new Promise(resolve => setImmediate(resolve))
  }
  assert.ok(isReady)
  await Promise.all([ready, ...all])
})
