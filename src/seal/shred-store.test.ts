import assert from 'node:assert/strict'
import { test } from 'node:test'
import { u64 } from './encoding.ts'
import { endOf, periodOf } from './retention.ts'
import { BLOCK_SIZE } from './shred/image.ts'
import { writePeriod } from './shred/slot.ts'
import { TestDisk } from './shred/test-disk.ts'
import { openShredFile, openShredMemory, type ShredStore } from './shred-store.ts'
import { input } from './test-fixture.ts'

const HOUR = 3_600_000
const DAY = 24 * HOUR
const NOW = Date.UTC(2026, 7, 18, 12)
const today = periodOf(7, NOW)
const romeo = input('romeo', 16)
const juliet = input('juliet', 16)
const copy = (bytes: Buffer | undefined): string | undefined => bytes?.toString('hex')

const LEVELS: Record<string, () => Promise<{ store: ShredStore; reopen: () => Promise<ShredStore> }>> = {
  async file() {
    const disk = new TestDisk()
    let store = await openShredFile('shred', disk)
    return {
      store,
      reopen: async () => {
        await store.close()
        store = await openShredFile('shred', disk)
        return store
      },
    }
  },
  async memory() {
    let store = openShredMemory()
    return { store, reopen: async () => (store = openShredMemory(await store.handOver())) }
  },
}

for (const [level, open] of Object.entries(LEVELS)) {
  test(`${level}: the secret of a period is made once, and is there after a restart`, async () => {
    const { store, reopen } = await open()
    assert.equal(store.isNew, true)
    assert.equal(store.period(7, today), undefined)
    const secret = copy(await store.makePeriod(7, today))
    assert.equal(copy(await store.makePeriod(7, today)), secret)
    assert.equal(copy(store.period(7, today)), secret)
    assert.equal(store.period(30, today), undefined)
    assert.equal(store.period(7, today + 1), undefined)
    assert.notEqual(copy(await store.makePeriod(30, today)), secret)
    const again = await reopen()
    assert.equal(again.isNew, false)
    assert.equal(copy(again.period(7, today)), secret)
    await again.close()
  })

  test(`${level}: a secret is destroyed when its time is over, and not before`, async () => {
    const { store } = await open()
    await store.expire(NOW)
    await store.makePeriod(7, today)
    await store.makePeriod(1, periodOf(1, NOW))
    const end = endOf(7, today)
    assert.equal(end, (today + 8) * DAY)
    for (let now = NOW; now < end; now += 10 * HOUR) await store.expire(now)
    assert.equal(store.period(1, periodOf(1, NOW)), undefined)
    await store.expire(end - 1)
    assert.ok(store.period(7, today))
    const { destroyed, isHalted } = await store.expire(end)
    assert.deepEqual(destroyed, [{ class: 7, period: today }])
    assert.equal(isHalted, false)
    assert.equal(store.period(7, today), undefined)
    await assert.rejects(store.makePeriod(7, today), { reason: 'malformed' })
    await store.close()
  })

  test(`${level}: an account has two secrets; a new one takes the place of the old`, async () => {
    const { store, reopen } = await open()
    assert.equal(store.account(romeo), undefined)
    await store.makeAccount(romeo)
    await store.makeAccount(juliet)
    const archive = copy(store.account(romeo)!.archive)
    const server = copy(store.account(romeo)!.server)
    assert.notEqual(archive, server)
    await store.makeAccount(romeo)
    assert.equal(copy(store.account(romeo)!.archive), archive)

    await store.replaceAccount(romeo)
    const second = copy(store.account(romeo)!.archive)
    assert.notEqual(second, archive)
    assert.equal(copy(store.account(romeo)!.server), server)
    await store.replaceAccount(romeo, true)
    assert.notEqual(copy(store.account(romeo)!.archive), second)
    assert.notEqual(copy(store.account(romeo)!.server), server)

    const last = copy(store.account(romeo)!.archive)
    await store.removeAccount(juliet)
    await store.removeAccount(juliet)
    const again = await reopen()
    assert.equal(copy(again.account(romeo)!.archive), last)
    assert.equal(again.account(juliet), undefined)
    await assert.rejects(again.replaceAccount(juliet), /no secrets/)
    await again.close()
  })

  test(`${level}: F8: a clock that jumps ahead by more than 48 h destroys nothing until somebody confirms it`, async () => {
    const { store, reopen } = await open()
    await store.expire(NOW)
    const secret = copy(await store.makePeriod(7, today))
    const late = NOW + 3650 * DAY
    assert.deepEqual(await store.expire(late), { destroyed: [], isHalted: true })
    const again = await reopen()
    assert.equal((await again.expire(late)).isHalted, true)
    assert.equal(copy(again.period(7, today)), secret)
    assert.equal((await again.expire(NOW + 48 * HOUR)).isHalted, false)
    assert.equal(copy(again.period(7, today)), secret)
    await again.confirmClock(late)
    assert.deepEqual((await again.expire(late)).destroyed, [{ class: 7, period: today }])
    await again.close()
  })

  test(`${level}: it grows`, async () => {
    const { store, reopen } = await open()
    const ids = Array.from({ length: 1000 }, (_, i) => input(`account ${i}`, 16))
    await Promise.all(ids.slice(0, 500).map(id => store.makeAccount(id)))
    for (const id of ids.slice(500)) await store.makeAccount(id)
    const secrets = ids.map(id => copy(store.account(id)!.archive))
    assert.equal(new Set(secrets).size, 1000)
    const again = await reopen()
    assert.deepEqual(
      ids.map(id => copy(again.account(id)!.archive)),
      secrets,
    )
    await again.close()
  })

  test(`${level}: what comes together is done together, in order`, async () => {
    const { store, reopen } = await open()
    const [first, second] = await Promise.all([
      store.makePeriod(7, today),
      store.makePeriod(7, today),
      store.makeAccount(romeo),
      store.makeAccount(romeo),
    ])
    assert.equal(copy(first), copy(second))
    await Promise.all([store.replaceAccount(romeo), store.removeAccount(romeo), store.makeAccount(romeo), store.removeAccount(romeo)])
    assert.equal(store.account(romeo), undefined)
    await Promise.all([store.removeAccount(romeo), store.removeAccount(romeo), store.makeAccount(juliet), store.replaceAccount(juliet)])
    await assert.rejects(Promise.all([store.removeAccount(juliet), store.replaceAccount(juliet)]), /no secrets/)
    const [, ...last] = await Promise.all([store.makeAccount(romeo), store.expire(endOf(7, today)), store.expire(endOf(7, today))])
    await store.removeAccount(romeo)
    assert.deepEqual(
      last.flatMap(({ destroyed }) => destroyed),
      [{ class: 7, period: today }],
    )
    const [third, fourth] = await Promise.all([store.makePeriod(7, today + 8), store.makePeriod(7, today + 9), store.makeAccount(romeo)])
    const [secrets, archive] = [[copy(third), copy(fourth)], copy(store.account(romeo)!.archive)]
    assert.equal(new Set([...secrets, archive]).size, 3)
    const again = await reopen()
    assert.deepEqual([copy(again.period(7, today + 8)), copy(again.period(7, today + 9))], secrets)
    assert.equal(copy(again.account(romeo)!.archive), archive)
    assert.equal(again.account(juliet), undefined)
    await again.close()
  })

  test(`${level}: a view of a secret stays true, and becomes zeros with it`, async () => {
    const { store } = await open()
    const period = await store.makePeriod(7, today)
    await store.makeAccount(romeo)
    const { archive } = store.account(romeo)!
    const before = copy(archive)
    await store.makeAccount(juliet)
    assert.equal(copy(archive), before)
    await store.replaceAccount(romeo)
    assert.notEqual(copy(archive), before)
    await store.expire(endOf(7, today))
    assert.deepEqual(period, Buffer.alloc(32))
    await store.close()
    assert.deepEqual(archive, Buffer.alloc(32))
  })

  test(`${level}: F8: a clock that goes back a little does no harm`, async () => {
    const { store } = await open()
    await store.expire(NOW)
    const secret = copy(await store.makePeriod(1, periodOf(1, NOW)))
    for (const now of [NOW - HOUR, NOW - 5000, NOW + 5000, NOW - 5000])
      assert.deepEqual(await store.expire(now), { destroyed: [], isHalted: false })
    assert.equal(copy(store.period(1, periodOf(1, NOW))), secret)
    assert.ok(await store.makePeriod(1, periodOf(1, NOW - HOUR)))
    await store.close()
  })

  test(`${level}: F8: a clock that goes back far makes nothing whose time would be over when it is right again`, async () => {
    const { store } = await open()
    await store.expire(NOW)
    await store.makePeriod(7, today)
    assert.deepEqual(await store.expire(0), { destroyed: [], isHalted: false })
    await assert.rejects(store.makePeriod(7, 0), { reason: 'malformed' })
    await assert.rejects(store.makePeriod(7, today - 8), { reason: 'malformed' })
    assert.ok(await store.makePeriod(7, today - 7))
    assert.ok(store.period(7, today))
    await store.confirmClock(0)
    assert.ok(await store.makePeriod(7, 0))
    // What is there already is given, until it is destroyed.
    await store.confirmClock(endOf(7, today))
    assert.ok(await store.makePeriod(7, today))
    await store.close()
  })

  test(`${level}: F8: what was made while the clock was ten years ahead does not stay for ten years`, async () => {
    const { store, reopen } = await open()
    await store.expire(NOW)
    const future = periodOf(7, NOW + 3650 * DAY)
    const midnight = today * DAY
    assert.equal((await store.expire(NOW + 3650 * DAY)).isHalted, true)
    await store.makePeriod(7, future)
    await store.makePeriod(7, today + 2)
    await store.confirmClock(midnight)
    await store.expire(midnight)
    await store.expire(NOW + HOUR)
    let again = await reopen()
    for (let now = NOW + HOUR; now < endOf(7, today); now += DAY) assert.deepEqual((await again.expire(now)).destroyed, [])
    assert.deepEqual((await again.expire(endOf(7, today) - 1)).destroyed, [])
    assert.ok(again.period(7, future))
    again = await reopen()
    assert.deepEqual((await again.expire(endOf(7, today))).destroyed, [{ class: 7, period: future }])
    assert.ok(again.period(7, today + 2))
    await again.close()
  })

  test(`${level}: F8: 48 h ahead are believed, one millisecond more is not; a restart forgets no more than an hour`, async () => {
    const { store, reopen } = await open()
    await store.expire(NOW)
    assert.equal((await store.expire(NOW + 48 * HOUR + 1)).isHalted, true)
    assert.equal((await store.expire(NOW + 48 * HOUR)).isHalted, false)
    await store.expire(NOW + 48 * HOUR + HOUR)
    const again = await reopen()
    assert.equal((await again.expire(NOW + 97 * HOUR + 1)).isHalted, true)
    assert.equal((await again.expire(NOW + 97 * HOUR)).isHalted, false)
    await again.confirmClock(NOW)
    assert.equal((await again.expire(NOW + 48 * HOUR + 1)).isHalted, true)
    await again.close()
  })

  test(`${level}: numbers that do not fit are refused`, async () => {
    const { store } = await open()
    for (const cls of [0, 2, 3, 31, -1]) await assert.rejects(store.makePeriod(cls, today), { name: 'SealError', reason: 'malformed' })
    for (const period of [-1, 0.5, 2 ** 32, 2 ** 48 / DAY, Number.NaN])
      await assert.rejects(store.makePeriod(7, period), { reason: 'malformed' })
    await store.makeAccount(romeo)
    for (const size of [0, 15, 17]) assert.equal(store.account(input('romeo', size)), undefined)
    for (const size of [0, 15, 17]) await assert.rejects(store.makeAccount(input('romeo', size)), { reason: 'malformed' })
    for (const now of [-1, 0.5, 2 ** 48, Number.NaN]) {
      await assert.rejects(store.expire(now), { reason: 'malformed' })
      await assert.rejects(store.confirmClock(now), { reason: 'malformed' })
    }
    assert.deepEqual(await store.expire(NOW), { destroyed: [], isHalted: false })
    await store.close()
  })

  test(`${level}: a store that is closed gives and takes nothing`, async () => {
    const { store } = await open()
    await store.makeAccount(romeo)
    await store.makePeriod(7, today)
    const pending = store.makeAccount(juliet)
    const closing = store.close()
    assert.equal(store.close(), closing)
    await pending
    await closing
    assert.equal(store.account(romeo), undefined)
    assert.equal(store.period(7, today), undefined)
    for (const refused of [
      store.makeAccount(romeo),
      store.makePeriod(7, today),
      store.replaceAccount(romeo),
      store.removeAccount(romeo),
      store.expire(NOW),
      store.confirmClock(NOW),
    ])
      await assert.rejects(refused, /closed/)
  })
}

test('memory: what is handed over is there no more, and what was inherited is wiped', async () => {
  const store = openShredMemory()
  await store.expire(NOW)
  await store.makeAccount(romeo)
  const archive = copy(store.account(romeo)!.archive)
  const before = store.makeAccount(juliet)
  const handed = store.handOver()
  await assert.rejects(store.makeAccount(input('late', 16)), /closed/)
  await before
  const bytes = await handed
  assert.equal(store.account(romeo), undefined)
  await assert.rejects(store.makeAccount(juliet), /closed/)
  await assert.rejects(store.handOver(), /closed/)
  await store.close()
  const heir = openShredMemory(bytes)
  assert.deepEqual(bytes, Buffer.alloc(bytes.length))
  assert.equal(copy(heir.account(romeo)!.archive), archive)
  assert.ok(heir.account(juliet))
  assert.equal((await heir.expire(NOW + 49 * HOUR)).isHalted, true)
  await heir.close()
})

test('a secret of a class that there is no more lives as long as it was promised to', async () => {
  const block = Buffer.alloc(BLOCK_SIZE)
  writePeriod(block, { class: 3, period: today, until: NOW + DAY })
  const store = openShredMemory(Buffer.concat([Buffer.of(1), u64(NOW), block]))
  assert.ok(store.period(3, today))
  assert.deepEqual((await store.expire(NOW + DAY - 1)).destroyed, [])
  assert.deepEqual((await store.expire(NOW + DAY)).destroyed, [{ class: 3, period: today }])
  await store.close()
})

test('memory: what was handed over and damaged is refused', async () => {
  const bytes = await openShredMemory().handOver()
  for (const damaged of [
    bytes.subarray(1),
    bytes.subarray(0, -1),
    bytes.subarray(0, 9),
    bytes.subarray(0, 1),
    Buffer.alloc(0),
    Buffer.concat([Buffer.of(2), bytes.subarray(1)]),
  ])
    assert.throws(() => openShredMemory(Buffer.from(damaged)), { name: 'SealError', reason: 'malformed' })
  assert.ok(openShredMemory(bytes))
})
