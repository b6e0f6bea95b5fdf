import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { endOf, periodOf } from './retention.ts'
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
}

test('on a real disk: only the owner may read, and only one process may use it', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'shred-'))
  try {
    const path = join(folder, 'shred')
    const store = await openShredFile(path)
    await store.makeAccount(romeo)
    const archive = copy(store.account(romeo)!.archive)
    for (const suffix of ['', '.key', '.lock']) assert.equal(statSync(path + suffix).mode & 0o777, 0o600)
    await assert.rejects(openShredFile(path))
    await store.close()
    const again = await openShredFile(path)
    assert.equal(copy(again.account(romeo)!.archive), archive)
    await again.close()
  } finally {
    rmSync(folder, { recursive: true })
  }
})
