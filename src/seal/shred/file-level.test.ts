import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openBox } from '../box.ts'
import { u32 } from '../encoding.ts'
import { endOf, periodOf } from '../retention.ts'
import { sha256 } from '../sha256.ts'
import { openShredFile, type ShredStore } from '../shred-store.ts'
import { input } from '../test-fixture.ts'
import { freeBlocks } from './image.ts'
import { type KeyRecord, RECORD_SIZE, readKeyRecord } from './key-record.ts'
import { newest } from './newest.ts'
import { PAGE_SIZE } from './sealed-block.ts'
import { fateOf, TestDisk } from './test-disk.ts'
import { readable } from './test-thief.ts'

const DAY = 86_400_000
const NOW = Date.UTC(2026, 7, 18, 12)
const today = periodOf(7, NOW)
const romeo = input('romeo', 16)
const hexOf = (bytes: Buffer): string => bytes.toString('hex')
const unreadable = { name: 'SealError', reason: 'unreadable' }

async function open(disk = new TestDisk()): Promise<{ disk: TestDisk; store: ShredStore }> {
  const store = await openShredFile('shred', disk)
  await store.expire(NOW)
  await store.makeAccount(romeo)
  await store.makePeriod(7, today)
  return { disk, store }
}

test('T-SHRED: what was destroyed is on the disk no more, though the key of the day is', async () => {
  const { disk, store } = await open()
  const { archive, server } = store.account(romeo)!
  const [first, kept, day] = [hexOf(archive), hexOf(server), hexOf(store.period(7, today)!)]
  for (const secret of [first, kept, day]) assert.ok(readable(disk).includes(secret))
  await store.replaceAccount(romeo)
  assert.ok(!readable(disk).includes(first))
  assert.ok(readable(disk).includes(kept))
  await store.removeAccount(romeo)
  assert.ok(!readable(disk).includes(kept))
  for (let now = NOW; now <= endOf(7, today); now += DAY / 2) await store.expire(now)
  assert.ok(!readable(disk).includes(day))
})

test('T-SHRED: a copy of the slots that was taken on another day opens with no later key', async () => {
  const { disk, store } = await open()
  const stolen = disk.copy()
  assert.notEqual(readable(stolen, disk), '')
  await store.expire(NOW + 1000)
  assert.notEqual(readable(stolen, disk), '')
  await store.expire(NOW + DAY)
  assert.equal(readable(stolen, disk), '')
  assert.ok(readable(disk).includes(hexOf(store.period(7, today)!)))
})

test('T-SHRED: a restart changes the key, too, since a crash may have left what was to be overwritten', async () => {
  const { disk, store } = await open()
  const stolen = disk.copy()
  await store.close()
  await openShredFile('shred', disk)
  assert.equal(readable(stolen, disk), '')
})

test('T-SHRED: no secret is on the disk in clear, and the keys are not where the slots are', async () => {
  const { disk, store } = await open()
  const slots = hexOf(disk.files.get('shred')!.now)
  for (const secret of [store.account(romeo)!.archive, store.account(romeo)!.server, store.period(7, today)!])
    assert.ok(!slots.includes(hexOf(secret)))
  assert.ok(!slots.includes(hexOf(romeo)))
})

test('at 0 bytes free secrets are destroyed, a new day begins, and there is room for its secrets', async () => {
  const { disk, store } = await open()
  disk.room = 0
  let accounts = 0
  await assert.rejects(
    (async () => {
      for (; accounts < 1000; accounts++) await store.makeAccount(input(`account ${accounts}`, 16))
    })(),
    (error: Error) => /full/.test(error.message) && (error.cause as NodeJS.ErrnoException).code === 'ENOSPC',
  )
  assert.equal(accounts, 4 * 45 - 1)
  for (let day = 1; day <= 60; day++) {
    await store.expire(NOW + day * DAY)
    for (const cls of [7, 8, 30]) await store.makePeriod(cls, today + day)
  }
  assert.equal(store.period(7, today + 1), undefined)
  assert.ok(store.period(7, today + 60))
  const found = await openShredFile('shred', disk.copy())
  assert.ok(found.period(30, today + 60))

  // One who needs no room does not suffer with one who does.
  const results = await Promise.allSettled([store.makeAccount(input('late', 16)), store.replaceAccount(romeo), store.makeAccount(romeo)])
  assert.deepEqual(
    results.map(({ status }) => status),
    ['rejected', 'fulfilled', 'fulfilled'],
  )
  await store.removeAccount(romeo)
  await store.makeAccount(input('late', 16))
  disk.room = Number.POSITIVE_INFINITY
  await store.makeAccount(romeo)
  assert.ok((await openShredFile('shred', disk.copy())).account(romeo))
})

test('periods find room among the accounts when there are more than can be', async () => {
  const { disk, store } = await open()
  const periods = Array.from({ length: 400 }, (_, i) => today + i)
  await Promise.all(periods.map(period => store.makePeriod(30, period)))
  const found = await openShredFile('shred', disk.copy())
  for (const period of periods) assert.deepEqual(found.period(30, period), store.period(30, period))
  assert.ok(found.account(romeo))
})

test('what a new store had no time to finish is begun anew', async () => {
  const { disk } = await open()
  const left = disk.copy()
  left.put('shred.key', undefined)
  const store = await openShredFile('shred', left)
  assert.equal(store.isNew, true)
  assert.equal(store.account(romeo), undefined)
})

/** The record that counts. */
function recordOf(disk: TestDisk): KeyRecord {
  const key = disk.files.get('shred.key')!.now
  return newest([readKeyRecord(key.subarray(0, RECORD_SIZE)), readKeyRecord(key.subarray(RECORD_SIZE))])!
}

/** A disk after a store was closed on it. */
async function closed(): Promise<{ disk: TestDisk; slots: Buffer; key: Buffer }> {
  const { disk, store } = await open()
  await store.close()
  return { disk, slots: disk.files.get('shred')!.now, key: disk.files.get('shred.key')!.now }
}

test('a damaged file is a sentence, and no store', async () => {
  const damages: Record<string, (slots: Buffer, key: Buffer) => readonly [Buffer | undefined, Buffer]> = {
    'both pages of a block': (slots, key) => [slots.fill(0x55, 100, 2 * PAGE_SIZE - 100), key],
    'the end of the slots': (slots, key) => [slots.subarray(0, -1), key],
    'the slots': (_, key) => [undefined, key],
    'both records': (slots, key) => [slots, key.fill(0x55, 90, 2 * RECORD_SIZE - 100)],
    'the end of the key': (slots, key) => [slots, key.subarray(0, 50)],
    'all of the key': slots => [slots, Buffer.alloc(0)],
  }
  for (const [what, damage] of Object.entries(damages)) {
    const { disk, slots, key } = await closed()
    const [badSlots, badKey] = damage(Buffer.from(slots), Buffer.from(key))
    disk.put('shred', badSlots)
    disk.put('shred.key', badKey)
    await assert.rejects(openShredFile('shred', disk), { ...unreadable, message: /^the file .*(damaged|cut off|missing)/ }, what)
    assert.equal(disk.handles, 0, what)
    disk.lock('shred.lock')()
  }
})

test('one bit that is wrong in the record of the key, and it is not believed', async () => {
  const { disk, key } = await closed()
  const used = 101 + 32
  const refused = [0, 0]
  for (let at = 0; at < used; at++)
    for (const page of [0, 1]) {
      const bad = Buffer.from(key)
      bad[page * RECORD_SIZE + at]! ^= 1 << (at % 8)
      const copy = disk.copy()
      copy.put('shred.key', bad)
      await openShredFile('shred', copy).catch(error => {
        assert.equal(error.reason, 'unreadable')
        refused[page]!++
      })
    }
  assert.deepEqual(refused.toSorted(), [0, used])
})

test('a key file of another kind is not believed, though its sum is right', async () => {
  const { disk, key } = await closed()
  const bad = Buffer.from(key)
  for (const page of [0, RECORD_SIZE]) {
    if (!key.toString('latin1', page).startsWith('CXZ-SHRED-1')) continue
    bad.write('CXZ-SHRED-2', page)
    sha256(bad.subarray(page, page + 101)).copy(bad, page + 101)
  }
  disk.put('shred.key', bad)
  await assert.rejects(openShredFile('shred', disk), { ...unreadable, message: /with the key/ })
})

test('a block that was moved does not open in another place', async () => {
  const { disk, slots } = await closed()
  disk.put('shred', Buffer.from(slots).copyWithin(2 * PAGE_SIZE, 0, 2 * PAGE_SIZE))
  await assert.rejects(openShredFile('shred', disk), unreadable)
})

test('the key changes once a day, not at every look', async () => {
  const { disk, store } = await open()
  const key = hexOf(disk.files.get('shred.key')!.now)
  for (let minute = 1; minute < 60; minute++) await store.expire(NOW + minute * 60_000)
  assert.equal(hexOf(disk.files.get('shred.key')!.now), key)
})

test('what failed after it was destroyed is reported the next time', async () => {
  const { disk, store } = await open()
  await store.confirmClock(endOf(7, today) - 1)
  disk.isCrash = false
  for (const failAt of [3, 4, 5]) {
    await store.makePeriod(7, today + failAt)
    await store.confirmClock(endOf(7, today + failAt) - 1)
    await store.expire(endOf(7, today + failAt) - 1)
    disk.failAt = disk.changes + failAt
    await assert.rejects(store.expire(endOf(7, today + failAt)), /disk failed/)
    assert.equal(store.period(7, today + failAt), undefined)
    const { destroyed } = await store.expire(endOf(7, today + failAt))
    assert.ok(destroyed.some(({ period }) => period === today + failAt))
  }
})

test('a new day that failed half-way, and a secret that was destroyed and not yet overwritten then: it is dead in the end', async () => {
  for (let inDay = 1; inDay <= 14; inDay++)
    for (let inChange = 1; inChange <= 6; inChange++) {
      const { disk, store } = await open()
      disk.isCrash = false
      disk.failAt = disk.changes + inDay
      await store.expire(NOW + DAY).catch(() => {})
      disk.failAt = Number.POSITIVE_INFINITY
      const secrets = [hexOf(store.account(romeo)!.archive)]
      await store.replaceAccount(romeo)
      secrets.push(hexOf(store.account(romeo)!.archive))
      disk.failAt = disk.changes + inChange
      await store.replaceAccount(romeo).catch(() => {})
      disk.failAt = Number.POSITIVE_INFINITY
      const now = hexOf(store.account(romeo)!.archive)
      const dead = secrets.filter(secret => secret !== now)

      const after = disk.restart(fateOf(inDay))
      assert.equal(hexOf((await openShredFile('shred', after)).account(romeo)!.archive), now)
      await store.expire(NOW + DAY)
      assert.equal(recordOf(disk).former, undefined)
      for (const secret of dead) {
        assert.ok(!readable(after).includes(secret), `${inDay}, ${inChange}: after a restart`)
        assert.ok(!readable(disk).includes(secret), `${inDay}, ${inChange}`)
      }
    }
})

test('a start that cannot be made leaves nothing open, and the next one is a new store', async () => {
  const whole = new TestDisk()
  await openShredFile('shred', whole)
  for (let failAt = 1; failAt <= whole.changes; failAt++) {
    const disk = new TestDisk()
    disk.failAt = failAt
    disk.isCrash = false
    await assert.rejects(openShredFile('shred', disk), /disk failed/)
    assert.equal(disk.handles, 0)
    const store = await openShredFile('shred', disk)
    assert.equal(store.isNew, true)
    await store.close()
    assert.equal(disk.handles, 0)
  }
})

test('a restart that cannot be made leaves nothing open, and the next one finds everything', async () => {
  const { disk, store } = await open()
  const archive = hexOf(store.account(romeo)!.archive)
  await store.close()
  for (let failAt = 1; failAt <= 14; failAt++) {
    const copy = disk.copy()
    copy.failAt = failAt
    copy.isCrash = false
    await openShredFile('shred', copy).then(
      store => store.close(),
      error => assert.match(error.message, /disk failed/),
    )
    assert.equal(copy.handles, 0)
    const again = await openShredFile('shred', copy)
    assert.equal(hexOf(again.account(romeo)!.archive), archive)
  }
})

/** How often the disk is changed by that. */
async function changes(disk: TestDisk, work: () => Promise<unknown>): Promise<number> {
  const before = disk.changes
  await work()
  return disk.changes - before
}

test('nothing is written without need', async () => {
  const { disk, store } = await open()
  await store.expire(NOW)
  const juliet = input('juliet', 16)
  const pageAndSync = 2
  assert.equal(await changes(disk, () => store.expire(NOW + 1)), 0)
  assert.equal(await changes(disk, () => store.makeAccount(romeo)), 0)
  assert.equal(await changes(disk, () => store.makePeriod(7, today)), 0)
  assert.equal(await changes(disk, () => store.removeAccount(juliet)), 0)
  assert.equal(await changes(disk, () => store.makeAccount(juliet)), pageAndSync)
  assert.equal(await changes(disk, () => store.makePeriod(8, today)), pageAndSync)
  assert.equal(await changes(disk, () => store.replaceAccount(juliet)), 2 * pageAndSync)
  assert.equal(await changes(disk, () => store.removeAccount(juliet)), 2 * pageAndSync)
  assert.equal(
    await changes(disk, () =>
      Promise.all([store.makeAccount(juliet), store.makeAccount(input('nurse', 16)), store.makeAccount(input('paris', 16))]),
    ),
    2 * pageAndSync,
  )
})

test('a new day writes every block once, and the record twice', async () => {
  const { disk, store } = await open()
  await Promise.all(Array.from({ length: 1000 }, (_, i) => store.makeAccount(input(`account ${i}`, 16))))
  const { blocks, epoch } = recordOf(disk)
  assert.ok(blocks > 16)
  await store.expire(NOW)
  // The clock is not written down: it is the same hour. Records: written, then the one before overwritten.
  assert.equal(await changes(disk, () => store.confirmClock(NOW + DAY)), 2)
  assert.equal(await changes(disk, () => store.expire(NOW + DAY)), 2 + 2 + (blocks + 1) + 2 + 2)
  assert.equal(recordOf(disk).epoch, epoch + 1)
  await store.close()
  await openShredFile('shred', disk)
  assert.equal(recordOf(disk).epoch, epoch + 2)
})

test('it grows by eight blocks, or by an eighth of what there is, and not before it is full', async () => {
  const { disk, store } = await open()
  const size = () => disk.files.get('shred')!.now.length / (2 * PAGE_SIZE)
  assert.equal(size(), 8)
  for (let i = 1; i < 4 * 45; i++) await store.makeAccount(input(`account ${i}`, 16))
  assert.equal(size(), 8)
  await store.makeAccount(input('one more', 16))
  assert.equal(size(), 16)
  assert.equal(freeBlocks(64, 1).length, 8)
  assert.equal(freeBlocks(800, 1).length, 100)
  assert.equal(freeBlocks(801, 1).length, 101)
  assert.equal(freeBlocks(8, 45 * 9).length, 9)
  assert.equal(freeBlocks(8, 45 * 9 + 1).length, 10)
})

test('what could not be written takes no room', async () => {
  const { disk, store } = await open()
  disk.isCrash = false
  for (let i = 0; i < 400; i++) {
    disk.failAt = disk.changes + 1
    await assert.rejects(i % 2 ? store.makeAccount(input(`account ${i}`, 16)) : store.makePeriod(30, today), /disk failed/)
  }
  disk.failAt = Number.POSITIVE_INFINITY
  disk.room = 0
  for (let i = 1; i < 4 * 45; i++) await store.makeAccount(input(`account ${i}`, 16))
  await assert.rejects(store.makeAccount(input('one more', 16)), /full/)
  for (let i = 1; i < 4 * 45; i++) await store.makePeriod(30, today + i)
  await assert.rejects(store.makePeriod(30, today + 200), /full/)
})

test('a page says what it is: nothing else is sealed with its key', async () => {
  const { disk, store } = await open()
  const { key, epoch } = recordOf(disk)
  const secret = hexOf(store.period(7, today)!)
  const opened = [0, PAGE_SIZE].map(at => {
    const page = disk.files.get('shred')!.now.subarray(at, at + PAGE_SIZE)
    try {
      return hexOf(openBox(key, Buffer.concat([Buffer.from('CXZ-SEAL-1 shred'), u32(epoch), u32(0)]), page.subarray(4, 4 + 4017)))
    } catch {
      return ''
    }
  })
  assert.ok(opened.some(text => text.includes(secret)))
})

test('a write that failed while others were under way is over for all of them when it is told', async () => {
  const { disk, store } = await open()
  disk.isCrash = false
  const accounts = Array.from({ length: 100 }, (_, i) => input(`account ${i}`, 16))
  await Promise.all(accounts.map(id => store.makeAccount(id)))
  disk.slowly = true
  // While the first is made durable the others come together.
  disk.failAt = disk.changes + 4
  const results = await Promise.allSettled([
    store.makePeriod(8, today),
    store.makePeriod(30, today),
    ...accounts.map(id => store.replaceAccount(id)),
  ])
  assert.deepEqual(
    results.map(({ status }) => status),
    results.map((_, i) => (i === 0 ? 'fulfilled' : 'rejected')),
  )
  await new Promise(setImmediate)
  const secrets = accounts.map(id => hexOf(store.account(id)!.archive))
  const found = await openShredFile('shred', disk.copy())
  assert.deepEqual(
    accounts.map(id => hexOf(found.account(id)!.archive)),
    secrets,
  )
})
