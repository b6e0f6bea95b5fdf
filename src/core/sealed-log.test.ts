import assert from 'node:assert/strict'
import { test } from 'node:test'
import { endOf, periodOf } from '../seal/retention.ts'
import { sql } from '../storage/db.ts'
import type { StanzaError } from '../xmpp/error.ts'
import { TestLog } from './sealed-log/test-log.ts'

const DAY = 86_400_000

const whole = async (log: TestLog, account = log.romeo, range = {}): Promise<string[]> =>
  (await log.log.read(account, { limit: 1000, ...range })).map(({ header, body }) => `${header} ${body}`)

function scene(title: string, tell: (log: TestLog) => Promise<void>): void {
  test(title, async () => {
    const log = await TestLog.open()
    try {
      await tell(log)
    } finally {
      await log.store.close()
    }
  })
}

scene('what was added is read in its order, by its owner alone', async log => {
  for (const text of ['one', 'two', 'three']) await log.add(log.romeo, text)
  await log.add(log.juliet, 'hers')
  assert.deepEqual(await whole(log), ['h:one one', 'h:two two', 'h:three three'])
  assert.deepEqual(await whole(log, log.juliet), ['h:hers hers'])
  log.lock(log.romeo)
  await assert.rejects(whole(log), (error: StanzaError) => error.condition === 'forbidden')
  await log.add(log.romeo, 'four')
  log.keys.get(log.romeo)!.isOpen = true
  assert.deepEqual(await whole(log), ['h:one one', 'h:two two', 'h:three three', 'h:four four'])
})

scene('nothing stands in the clear', async log => {
  await log.add(log.romeo, 'a secret of romeo')
  const dump = await log.dump()
  for (const text of ['secret', Buffer.from('secret').toString('hex')]) assert.ok(!dump.includes(text))
})

scene('parts are found by ord, from either end, with or without bodies', async log => {
  const ords: number[] = []
  for (let i = 0; i < 10; i++) ords.push(await log.add(log.romeo, `${i}`))
  const bodies = async (range: object): Promise<string> => (await whole(log, log.romeo, range)).map(text => text.split(' ')[1]).join('')
  assert.equal(await bodies({ limit: 3 }), '012')
  assert.equal(await bodies({ limit: 3, isDescending: true }), '987')
  assert.equal(await bodies({ from: ords[4], to: ords[6] }), '456')
  assert.equal(await bodies({ ords: [ords[7]!, ords[1]!] }), '17')
  assert.equal(await bodies({ ords: [] }), '')
  assert.deepEqual(
    (await log.log.headers(log.romeo, { limit: 1 })).map(({ header, body }) => [`${header}`, body.length]),
    [['h:0', 0]],
  )
  assert.deepEqual(await log.log.ends(log.romeo), { first: ords[0], last: ords[9] })
  assert.deepEqual(await log.log.ends(log.romeo, ords[3], ords[5]), { first: ords[3], last: ords[5] })
  assert.equal(await log.log.ends(log.juliet), undefined)
  assert.deepEqual(await log.log.sizes(log.romeo, ords[9]!, 5), [{ ord: ords[9], size: 144 + 272 }])
})

scene('ords rise, and none is used again, whatever is removed and whoever restarts', async log => {
  let last = 0
  const rises = async (): Promise<void> => {
    const ord = await log.add(log.romeo, 'text')
    assert.ok(ord > last)
    last = ord
  }
  await rises()
  assert.ok(last > 2 ** 31, 'the first one tells nothing')
  await rises()
  await log.log.remove(log.romeo, [last])
  log.restart()
  await rises()
  await log.log.removeUntil(log.romeo, last)
  log.restart()
  await rises()
  await log.log.empty(log.romeo, work => log.store.tx(work))
  log.restart()
  await rises()
  assert.equal((await whole(log)).length, 1)
  log.now += 9 * DAY
  log.shred.destroyOld(log.now)
  await log.log.expire()
  assert.equal(await log.count('message'), 0)
  log.restart()
  await rises()
})

scene('a segment ends after 128 messages, after half an hour, with its day and with a change of class', async log => {
  for (let i = 0; i < 129; i++) await log.add(log.romeo, `${i}`)
  assert.equal(await log.count('segment'), 2)
  log.later(30 * 60_000)
  await log.add(log.romeo, 'late')
  assert.equal(await log.count('segment'), 3)
  await log.add(log.romeo, 'for a day', 1)
  assert.equal(await log.count('segment'), 4)
  log.now = endOf(1, periodOf(1, log.now)) - DAY
  await log.add(log.romeo, 'next hour', 1)
  assert.equal(await log.count('segment'), 5)
  assert.equal((await whole(log)).length, 132)
})

scene('nothing on disk opens a segment for writing again: a restart begins a new one', async log => {
  await log.add(log.romeo, 'one')
  log.restart()
  await log.add(log.romeo, 'two')
  assert.equal(await log.count('segment'), 2)
  assert.deepEqual(await whole(log), ['h:one one', 'h:two two'])
})

scene('after a new password both the old and the new messages open, until the old key is lost', async log => {
  await log.add(log.romeo, 'old')
  log.renewKey(log.romeo)
  await log.add(log.romeo, 'new')
  assert.deepEqual(await whole(log), ['h:old old', 'h:new new'])
  log.keys.get(log.romeo)!.all.delete(1)
  assert.deepEqual(await whole(log), ['h:new new'])
})

scene('a key that is lost hides its own messages, not those of one before it that was regained', async log => {
  for (const text of ['first', 'second', 'third']) {
    await log.add(log.romeo, text)
    if (text !== 'third') log.renewKey(log.romeo)
  }
  const { all } = log.keys.get(log.romeo)!
  const first = all.get(1)!
  all.delete(1)
  all.delete(2)
  assert.deepEqual(await whole(log), ['h:third third'])
  all.set(1, first)
  assert.deepEqual(await whole(log), ['h:first first', 'h:third third'])
})

scene('when a secret is destroyed, what it sealed opens never again, and its rows go', async log => {
  await log.add(log.romeo, 'for a week')
  await log.add(log.romeo, 'for a month', 30)
  assert.equal((await whole(log)).length, 2)
  log.now += 9 * DAY
  log.shred.destroyOld(log.now)
  await log.log.expire()
  assert.deepEqual(await whole(log), ['h:for a month for a month'])
  assert.equal(await log.count('message'), 1)
  assert.equal(await log.count('segment'), 1)
})

scene('a secret that is missing before its time hides rows, and removes none', async log => {
  await log.add(log.romeo, 'one')
  const secrets = [...log.shred.periods]
  log.shred.periods.clear()
  log.restart()
  assert.deepEqual(await whole(log), [])
  await log.log.expire()
  for (const [key, secret] of secrets) log.shred.periods.set(key, secret)
  log.restart()
  assert.deepEqual(await whole(log), ['h:one one'])
})

/** How often rows are asked for while `work` is done. */
async function readings(log: TestLog, work: () => Promise<unknown>): Promise<number> {
  const { store } = log
  const all = store.all.bind(store)
  let count = 0
  store.all = query => {
    if (query.sql.includes('m.header')) count++
    return all(query)
  }
  await work()
  store.all = all
  return count
}

for (const isDescending of [false, true]) {
  scene(`what does not open for lack of a secret is tried once, from ${isDescending ? 'its end' : 'its beginning'}`, async log => {
    for (let i = 0; i < 1200; i++) await log.log.append(log.romeo, 7, Buffer.from('h'), Buffer.from(`${i}`))
    await log.add(log.romeo, 'last')
    log.shred.account(log.keys.get(log.romeo)!.id)!.archive.fill(1)
    log.restart()
    const read = (): Promise<string[]> => whole(log, log.romeo, { limit: 1, isDescending })
    assert.ok((await readings(log, read)) < 12)
    assert.equal(await readings(log, read), 1)
    await log.add(log.romeo, 'alive')
    assert.equal(await readings(log, async () => assert.deepEqual(await read(), ['h:alive alive'])), 1)
    assert.deepEqual(await whole(log, log.romeo, { isDescending }), ['h:alive alive'])
    log.shred.periods.clear()
    log.restart()
    assert.deepEqual(await read(), [])
    assert.equal(await readings(log, read), 1)
  })
}

scene('what was tried without a key is tried again with it', async log => {
  await log.add(log.romeo, 'first')
  log.renewKey(log.romeo)
  const { all } = log.keys.get(log.romeo)!
  const first = all.get(1)!
  all.delete(1)
  const damaged = await log.add(log.romeo, 'damaged')
  await log.filed()
  await log.store.run(sql`UPDATE test_message SET body = header WHERE place = (SELECT MAX(place) FROM test_message)`)
  assert.deepEqual(await whole(log), [])
  await log.add(log.romeo, 'third')
  assert.deepEqual(await whole(log, log.romeo, { from: damaged }), ['h:third third'])
  assert.deepEqual(await whole(log), ['h:third third'])
  all.set(1, first)
  assert.deepEqual(await whole(log), ['h:first first', 'h:third third'])
})

scene('a message is replaced by another, which lives as long', async log => {
  await log.add(log.romeo, 'one')
  const ord = await log.add(log.romeo, 'two')
  await log.add(log.romeo, 'three')
  await whole(log)
  for (const text of ['gone', 'gone again']) {
    assert.equal(await log.log.replace(log.romeo, ord, Buffer.from('h'), Buffer.from(text)), true)
    assert.deepEqual(await whole(log), ['h:one one', `h ${text}`, 'h:three three'])
  }
  assert.equal(await log.log.replace(log.romeo, ord + 5, Buffer.from('h'), Buffer.from('x')), false)
  log.now += 9 * DAY
  log.shred.destroyOld(log.now)
  await log.log.expire()
  assert.deepEqual([await log.count('message'), await log.count('segment')], [0, 0])
})

scene('the owner empties it, or removes what is old', async log => {
  const ords: number[] = []
  for (let i = 0; i < 300; i++) ords.push(await log.add(log.romeo, `${i}`))
  await log.add(log.juliet, 'hers')
  await log.log.replace(log.romeo, ords[5]!, Buffer.from('h'), Buffer.from('gone'))
  await log.log.removeUntil(log.romeo, ords[199]!)
  assert.equal((await whole(log)).length, 100)
  assert.equal(await log.log.replace(log.romeo, ords[198]!, Buffer.from('h'), Buffer.from('x')), false)
  await log.cleaned()
  assert.equal(await log.count('message'), 101)
  assert.equal(await log.count('segment'), 3)
  log.restart()
  assert.equal((await whole(log)).length, 100)
  await log.log.empty(log.romeo, work => log.store.tx(work))
  assert.deepEqual(await whole(log), [])
  await log.cleaned()
  assert.equal(await log.count('message'), 1)
  await log.add(log.romeo, 'new')
  assert.deepEqual(await whole(log), ['h:new new'])
})

scene('what is older than so many days is removed, a whole day at a time', async log => {
  await log.log.removeOlder(log.romeo, log.now)
  for (let day = 0; day < 4; day++) {
    await log.add(log.romeo, `day ${day}`, 30)
    log.now += DAY
  }
  await log.log.removeOlder(log.romeo, log.now - 2 * DAY)
  assert.deepEqual(await whole(log), ['h:day 2 day 2', 'h:day 3 day 3'])
  await log.log.removeOlder(log.romeo, log.now + DAY)
  assert.deepEqual(await whole(log), [])
  await log.add(log.romeo, 'new')
  assert.equal((await whole(log)).length, 1)
})

scene('what comes after the account’s secret was replaced opens, although its segment was begun before', async log => {
  await log.add(log.romeo, 'dead')
  log.shred.account(log.keys.get(log.romeo)!.id)!.archive.fill(1)
  await log.add(log.romeo, 'alive')
  log.restart()
  assert.deepEqual(await whole(log), ['h:alive alive'])
})

scene('if the transaction that empties it fails, all is there', async log => {
  await log.add(log.romeo, 'one')
  await assert.rejects(log.log.empty(log.romeo, async () => Promise.reject(new Error('no'))))
  assert.deepEqual(await whole(log), ['h:one one'])
})

scene('what an account leaves goes with it, also when the server stops meanwhile', async log => {
  for (let i = 0; i < 300; i++) await log.add(log.romeo, `${i}`)
  await log.add(log.juliet, 'hers')
  await log.remove(log.romeo)
  log.restart()
  await log.log.expire()
  await log.cleaned()
  assert.deepEqual([await log.count('message'), await log.count('segment'), await log.count('extent')], [1, 1, 1])
})

scene('single messages are removed, and with the last one its segment', async log => {
  const ords: number[] = []
  for (let i = 0; i < 130; i++) ords.push(await log.add(log.romeo, `${i}`))
  await log.log.remove(log.romeo, ords.slice(0, 128))
  assert.deepEqual([await log.count('message'), await log.count('segment')], [2, 1])
  await log.log.remove(log.romeo, ords.slice(128))
  await log.add(log.romeo, 'in the segment that is being written')
  assert.equal((await whole(log)).length, 1)
})

scene('what could not be written is told, and what comes then can be read', async log => {
  log.isFull = true
  await assert.rejects(log.add(log.romeo, 'lost'))
  log.isFull = false
  await log.add(log.romeo, 'kept')
  await log.add(log.romeo, 'kept too')
  assert.deepEqual(await whole(log), ['h:kept kept', 'h:kept too kept too'])
})

scene('what comes after a crash can be read, where of the segment before only its own row reached the disk', async log => {
  await log.add(log.romeo, 'one')
  log.later(30 * 60_000)
  log.isTorn = true
  await assert.rejects(log.add(log.romeo, 'lost', 30))
  log.isTorn = false
  log.restart()
  await log.add(log.romeo, 'two')
  assert.equal(await log.count('segment'), 2)
  assert.deepEqual(await whole(log), ['h:one one', 'h:two two'])
})

scene('what takes long is opened in another thread, and comes to the same', async log => {
  const texts: string[] = []
  for (let i = 0; i < 40; i++) {
    for (const text of [`${i}a`, `${i}b`]) {
      await log.add(log.romeo, text, i % 2 === 0 ? 7 : 30)
      texts.push(`h:${text} ${text}`)
    }
    if (i === 20) log.renewKey(log.romeo)
    log.later(30 * 60_000)
  }
  log.restart()
  assert.deepEqual(await whole(log), texts)
  assert.deepEqual((await whole(log, log.romeo, { isDescending: true, limit: 50 })).reverse(), texts.slice(-50))
  const headers = await log.log.headers(log.romeo, { limit: 100 })
  assert.deepEqual(
    headers.map(({ header, body }) => `${header} ${body}`),
    texts.map(text => `${text.split(' ')[0]} `),
  )
  await log.store.run(sql`UPDATE test_segment SET enc = ${Buffer.alloc(33)} WHERE seg = (SELECT MIN(seg) FROM test_segment)`)
  log.restart()
  assert.deepEqual(await whole(log), texts.slice(2))
  const reading = whole(log)
  await new Promise(resolve => setImmediate(resolve))
  log.lock(log.romeo)
  assert.deepEqual(await reading, [])
})

scene('reading sees what was just added, once it is on disk', async log => {
  const first = await log.log.append(log.romeo, 7, Buffer.from('h'), Buffer.from('one'))
  const second = await log.log.append(log.romeo, 7, Buffer.from('h'), Buffer.from('two'))
  let isSafe = false
  Promise.all([first.safe, second.safe]).then(() => (isSafe = true))
  assert.equal((await whole(log)).length, 2)
  assert.ok(isSafe)
})

scene('a row that was moved or changed is left out', async log => {
  for (const text of ['one', 'two', 'three']) await log.add(log.romeo, text)
  await log.filed()
  await log.store.run(sql`UPDATE test_message SET body = (SELECT m.body FROM test_message m ORDER BY m.place LIMIT 1)
    WHERE place = (SELECT MAX(place) FROM test_message)`)
  assert.deepEqual(await whole(log), ['h:one one', 'h:two two'])
  assert.deepEqual(await whole(log, log.romeo, { limit: 1, isDescending: true }), ['h:two two'])
})

scene('what waits for delivery outlives an archive whose secret is replaced', async log => {
  await log.add(log.romeo, 'archived')
  await (await log.spool.append(log.romeo, 8, Buffer.from('h'), Buffer.from('waits'), Buffer.from('note'))).safe
  const secrets = log.shred.account(log.keys.get(log.romeo)!.id)!
  secrets.archive.fill(1)
  log.restart()
  assert.deepEqual(await whole(log), [])
  assert.equal((await log.spool.read(log.romeo, { limit: 10 })).length, 1)
  secrets.server.fill(1)
  log.restart()
  assert.equal((await log.spool.read(log.romeo, { limit: 10 })).length, 0)
})

const noteOf = ({ note }: { note: Buffer | undefined }): string | undefined => note && String(note)

scene('the server reads and changes the notes of messages while their owner is away', async log => {
  const ords: number[] = []
  for (const text of ['one', 'two', 'three']) {
    const { ord } = await log.spool.append(log.romeo, 8, Buffer.from('h'), Buffer.from(text), Buffer.from(`of ${text}`))
    ords.push(ord)
  }
  log.lock(log.romeo)
  assert.deepEqual((await log.spool.notes(log.romeo, 0, 10)).map(noteOf), ['of one', 'of two', 'of three'])
  await log.spool.annotate(log.romeo, [{ ord: ords[1]!, note: Buffer.from('another') }])
  log.restart()
  assert.deepEqual(await log.spool.notes(log.romeo, ords[1]!, 1), [{ ord: ords[1], note: Buffer.from('another') }])
  await log.spool.remove(log.romeo, [ords[0]!])
  assert.deepEqual((await log.spool.notes(log.romeo, 0, 10)).map(noteOf), ['another', 'of three'])
  const rows = await log.store.all<{ note: Uint8Array }>(sql`SELECT note FROM spool_message`)
  assert.ok(!rows.some(({ note }) => Buffer.from(note).includes('another')))
})

scene('a note opens for its own message alone, and with the secret of its account', async log => {
  for (const text of ['one', 'two']) {
    await (await log.spool.append(log.romeo, 8, Buffer.from('h'), Buffer.from(text), Buffer.from(text))).safe
  }
  await log.filed()
  const [, two] = await log.store.all<{ note: Uint8Array }>(sql`SELECT seg, note FROM spool_message ORDER BY place`)
  await log.store.run(sql`UPDATE spool_message SET note = ${two!.note} WHERE place = (SELECT MIN(place) FROM spool_message)`)
  assert.deepEqual((await log.spool.notes(log.romeo, 0, 10)).map(noteOf), [undefined, 'two'])
  await log.shred.makeAccount(log.keys.get(log.romeo)!.id)
  assert.deepEqual((await log.spool.notes(log.romeo, 0, 10)).map(noteOf), [undefined, undefined])
})
