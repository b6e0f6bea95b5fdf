import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { openShredMemory } from '../seal/shred-store.ts'
import { name, type Store, sql } from '../storage/db.ts'
import { openTestStore } from '../storage/test-store.ts'
import { silentLog } from './log.ts'
import { logMigrations, SharedLog, type SharedOwner } from './shared-log.ts'

const DAY = 86_400_000
const STORE = 10

class Fixture {
  readonly store: Store
  readonly shred = openShredMemory()
  readonly room: SharedOwner = newOwner()
  now = Date.UTC(2026, 0, 1, 12)
  log: SharedLog

  constructor(store: Store) {
    this.store = store
    this.log = this.restart()
  }

  restart(): SharedLog {
    const clock = { now: () => this.now, after: () => () => {} }
    this.log = new SharedLog({ db: this.store, clock, log: silentLog, keys: { shred: this.shred } }, 'test', STORE)
    return this.log
  }

  add(text: string, owner = this.room): Promise<number> {
    return this.log.append(owner, 7, { header: Buffer.from(`h:${text}`), body: Buffer.from(text) })
  }

  async texts(owner = this.room): Promise<string[]> {
    return (await this.log.read(owner, { limit: 100 })).map(({ body }) => body.toString())
  }

  async rows(): Promise<number> {
    for (let i = 0; i < 20; i++) await new Promise(resolve => setTimeout(resolve, 1))
    const [row] = await this.store.all<{ n: number }>(sql`SELECT COUNT(*) AS n FROM test_message`)
    return Number(row!.n)
  }

  async expire(): Promise<void> {
    await this.shred.expire(this.now)
    await this.log.expire()
  }
}

const newOwner = (): SharedOwner => ({ number: randomBytes(6).readUIntBE(0, 6), id: randomBytes(16) })

function told(title: string, tell: (fixture: Fixture) => Promise<void>): void {
  test(title, async () => {
    const store = await openTestStore([{ owner: 'test', steps: logMigrations('test') }])
    try {
      await tell(new Fixture(store))
    } finally {
      await store.close()
    }
  })
}

told('messages are read in their order, after a restart too, and each owner has its own', async fixture => {
  const other = newOwner()
  await Promise.all([fixture.add('one'), fixture.add('two'), fixture.add('else', other)])
  fixture.restart()
  await fixture.add('three')
  assert.deepEqual(await fixture.texts(), ['one', 'two', 'three'])
  assert.deepEqual(await fixture.texts(other), ['else'])
  assert.deepEqual(
    (await fixture.log.read(fixture.room, { limit: 2, isDescending: true }, 'header')).map(({ header, body }) => `${header}${body}`),
    ['h:three', 'h:two'],
  )
})

told('nothing is on disk in the clear', async fixture => {
  await fixture.add('a secret of the room')
  const [row] = await fixture.store.all<{ header: Uint8Array; body: Uint8Array }>(sql`SELECT header, body FROM test_message`)
  assert.ok(!Buffer.from(row!.body).includes('secret') && !Buffer.from(row!.header).includes('secret'))
})

told('ords rise, leave no gap, and are never used again', async fixture => {
  const first = await fixture.add('one')
  for (let i = 1; i < 300; i++) assert.equal(await fixture.add(String(i)), first + i)
  assert.deepEqual(await fixture.log.ends(fixture.room), { first, last: first + 299 })
  await fixture.log.removeUntil(fixture.room, first + 299)
  assert.equal(await fixture.log.ends(fixture.room), undefined)
  assert.equal(await fixture.rows(), 0)
  fixture.restart()
  assert.equal(await fixture.add('next'), first + 300)
})

told('what takes the place of a message lives as long as it', async fixture => {
  const ord = await fixture.add('one')
  await fixture.add('two')
  fixture.now += 2 * DAY
  assert.equal(await fixture.log.replace(fixture.room, ord, { header: Buffer.from('h'), body: Buffer.from('gone') }), true)
  assert.deepEqual(await fixture.texts(), ['gone', 'two'])
  fixture.now += 6 * DAY
  await fixture.expire()
  assert.deepEqual(await fixture.texts(), [])
  assert.equal(await fixture.log.replace(fixture.room, ord, { header: Buffer.from('h'), body: Buffer.from('back') }), false)
})

told('when the time is over no copy opens, and rows go', async fixture => {
  await fixture.add('old')
  for (const what of ['message', 'segment'])
    await fixture.store.run(sql`CREATE TABLE ${name(`copy_${what}`)} AS SELECT * FROM ${name(`test_${what}`)}`)
  fixture.now += 5 * DAY
  await fixture.add('new')
  fixture.now += 4 * DAY
  await fixture.expire()
  assert.deepEqual(await fixture.texts(), ['new'])
  assert.equal(await fixture.rows(), 1)
  for (const what of ['message', 'segment'])
    await fixture.store.run(sql`INSERT INTO ${name(`test_${what}`)} SELECT * FROM ${name(`copy_${what}`)}`)
  fixture.restart()
  assert.deepEqual(await fixture.texts(), ['new'])
})

told('with the secret of its owner all of it is dead, and only that', async fixture => {
  const other = newOwner()
  await fixture.add('one')
  await fixture.add('else', other)
  await fixture.shred.removeAccount(fixture.room.id)
  assert.deepEqual(await fixture.texts(), [])
  assert.deepEqual(await fixture.texts(other), ['else'])
  await fixture.add('anew')
  assert.deepEqual(await fixture.texts(), ['anew'])
})

told('with its owner all rows go, also where a crash came between', async fixture => {
  const other = newOwner()
  for (const owner of [fixture.room, other]) {
    await fixture.add('one', owner)
    await fixture.store.tx(db => fixture.log.remove(owner, db))
  }
  fixture.log.removed(fixture.room)
  assert.equal(await fixture.rows(), 1)
  await fixture.restart().expire()
  assert.equal(await fixture.rows(), 0)
})

told('sizes are those on disk', async fixture => {
  const ord = await fixture.add('x')
  assert.deepEqual(await fixture.log.sizes(fixture.room, 10), [{ ord, size: 33 + 128 + 16 + 33 + 256 + 16 }])
})
