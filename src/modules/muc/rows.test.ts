/** Where persistent rooms stand: what is in the clear, what is sealed, and what is left when its secret is gone. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { World } from '../../../test/story.ts'
import { type Store, sql } from '../../storage/db.ts'
import { parseElement } from '../../xml/parser.ts'
import { readDelay } from '../../xmpp/delay.ts'
import { Jid } from '../../xmpp/jid.ts'
import { INITIAL, type RoomConfig, USUAL_PUBLIC } from './config.ts'
import { type Lasting, RoomRows } from './rows.ts'

const CRONE = 'crone1@shakespeare.lit'
const SUBJECT =
  '<message xmlns="jabber:client" type="groupchat" from="coven@rooms.here.example/crone"><subject>Fire burn</subject></message>'

async function opened(
  secrets: 'file' | 'memory' = 'file',
): Promise<{ world: World; rows: RoomRows; [Symbol.asyncDispose](): Promise<void> }> {
  const world = await World.open({ arrangements: { showsPasswords: false, secrets } })
  return { world, rows: new RoomRows(world.store, world.host.boxes), [Symbol.asyncDispose]: () => world[Symbol.asyncDispose]() }
}

/** A room with all that a room may have. */
async function coven(rows: RoomRows, store: Store, config: RoomConfig): Promise<Lasting> {
  const room = await rows.create('coven', CRONE, { ...config, isPersistent: true, password: 'cauldronburn', name: 'A Dark Cave' })
  room.affiliations.set('hag66@shakespeare.lit', { affiliation: 'member', nick: 'thirdwitch', reason: 'A worthy witch indeed' })
  room.affiliations.set('macbeth@shakespeare.lit', { affiliation: 'outcast', reason: 'Treason' })
  room.hats.set({ uri: 'urn:example:hats#seer', title: 'Seer' })
  room.hats.give('hag66@shakespeare.lit', 'urn:example:hats#seer')
  room.subject = parseElement(SUBJECT)
  await store.tx(db => rows.putAll(room, db))
  return room
}

const seen = ({ config, affiliations, hats, subject, occupantSecret, creator, id }: Lasting): unknown => ({
  config,
  affiliations: [...affiliations.entries()].toSorted(),
  version: affiliations.versions.latest,
  hats: hats.toJSON(),
  subject: String(subject),
  occupantSecret: occupantSecret.toString('hex'),
  creator,
  id: id.toString('hex'),
})

/** All that stands in the tables, boxes aside. */
async function inClear(store: Store): Promise<string> {
  const found = await store.all(sql`SELECT name, creator, face FROM muc_room`)
  return JSON.stringify([found, await store.all(sql`SELECT * FROM muc_affiliation`)])
}

for (const [kind, config] of [
  ['a private room', INITIAL],
  ['a public room', USUAL_PUBLIC],
  ['a members-only room that can be found', { ...INITIAL, isPublic: true }],
] as const)
  for (const secrets of ['file', 'memory'] as const)
    test(`${kind} is after a restart as it was, with secrets in ${secrets}`, async () => {
      await using at = await opened(secrets)
      const room = await coven(at.rows, at.world.store, config)
      assert.deepEqual(seen((await at.rows.load('coven'))!), seen(room))
      if (secrets === 'memory') at.world.losesSecrets()
      const again = new RoomRows(at.world.store, at.world.host.boxes)
      assert.deepEqual(seen((await again.load('coven'))!), seen(room))
    })

test('in a room of thousands a subject is a small write: who is affiliated stands apart', async () => {
  await using at = await opened()
  const room = await coven(at.rows, at.world.store, INITIAL)
  for (let i = 0; i < 5000; i++) room.affiliations.set(`u${i}@denmark.lit`, { affiliation: 'member', reason: 'Thrice the brinded cat' })
  await at.world.store.tx(db => at.rows.putAll(room, db))
  const people = async (): Promise<Buffer> => {
    const [row] = await at.world.store.all<{ box: Uint8Array }>(sql`SELECT box FROM muc_people`)
    return Buffer.from(row!.box)
  }
  const before = await people()
  await at.world.store.tx(db => at.rows.put(room, db))
  assert.deepEqual(await people(), before)
  const [row] = await at.world.store.all<{ size: number }>(sql`SELECT LENGTH(box) AS size FROM muc_room`)
  assert.ok(Number(row!.size) < 2000, `${row!.size} bytes`)
  assert.deepEqual(seen((await at.rows.load('coven'))!), seen(room))
})

test('of a private room nothing but its name and its owners is in the clear', async () => {
  await using at = await opened()
  await coven(at.rows, at.world.store, INITIAL)
  const clear = await inClear(at.world.store)
  assert.ok(clear.includes('coven') && clear.includes(CRONE))
  for (const word of ['hag66', 'thirdwitch', 'worthy', 'macbeth', 'Treason', 'Cave', 'cauldronburn', 'seer', 'Fire', 'persistent'])
    assert.ok(!clear.toLowerCase().includes(word.toLowerCase()), `${word} is in the clear`)
  assert.deepEqual(await at.rows.listed(), [])
})

test('of a members-only room that can be found the same, and how it looks', async () => {
  await using at = await opened()
  await coven(at.rows, at.world.store, { ...INITIAL, isPublic: true })
  const clear = await inClear(at.world.store)
  assert.ok(clear.includes('Cave'))
  for (const word of ['hag66', 'thirdwitch', 'macbeth', 'cauldronburn', 'seer', 'Fire'])
    assert.ok(!clear.includes(word), `${word} is in the clear`)
})

test('of a public room it is kept on which day the subject was set, of a private one when', async () => {
  await using at = await opened()
  for (const [config, stamp] of [
    [USUAL_PUBLIC, '2026-11-28T00:00:00Z'],
    [INITIAL, '2026-11-28T02:11:12Z'],
  ] as const) {
    const room = await coven(at.rows, at.world.store, config)
    const delay = '<delay xmlns="urn:xmpp:delay" from="coven@rooms.here.example" stamp="2026-11-28T02:11:12Z"/>'
    room.subject = parseElement(SUBJECT.replace('</message>', `${delay}</message>`))
    await at.world.store.tx(db => at.rows.put(room, db))
    const { subject } = (await at.rows.load('coven'))!
    assert.equal(readDelay(subject!, Jid.parse('coven@rooms.here.example')), Date.parse(stamp))
    await at.rows.remove(room)
  }
})

test('of a public room neither the password nor reasons are in the clear', async () => {
  await using at = await opened()
  await coven(at.rows, at.world.store, USUAL_PUBLIC)
  const clear = await inClear(at.world.store)
  for (const word of ['hag66', 'thirdwitch', 'macbeth', 'Cave', 'Seer', 'Fire']) assert.ok(clear.includes(word), `${word} is sealed`)
  for (const word of ['cauldronburn', 'Treason', 'worthy']) assert.ok(!clear.includes(word), `${word} is in the clear`)
  const [listed] = await at.rows.listed()
  assert.equal(listed!.name, 'coven')
  assert.equal(listed!.config.name, 'A Dark Cave')
  assert.equal(listed!.config.password, '')
})

test('when it becomes private, what was in the clear goes; when public, it comes', async () => {
  await using at = await opened()
  const room = await coven(at.rows, at.world.store, USUAL_PUBLIC)
  room.config = { ...room.config, isMembersOnly: true, isPublic: false }
  await at.world.store.tx(db => at.rows.putAll(room, db))
  assert.ok(!(await inClear(at.world.store)).includes('hag66'))
  assert.deepEqual(seen((await at.rows.load('coven'))!), seen(room))
  room.config = { ...room.config, isMembersOnly: false, isPublic: true }
  await at.world.store.tx(db => at.rows.putAll(room, db))
  assert.ok((await inClear(at.world.store)).includes('hag66'))
})

test('a change of one affiliation is written alone', async () => {
  await using at = await opened()
  for (const config of [INITIAL, USUAL_PUBLIC]) {
    const room = await coven(at.rows, at.world.store, config)
    room.affiliations.set('wiccarocks@shakespeare.lit', { affiliation: 'owner', nick: 'secondwitch' })
    room.affiliations.set('macbeth@shakespeare.lit', { affiliation: 'none' })
    await at.world.store.tx(async db => {
      await at.rows.put(room, db)
      await at.rows.putAffiliations(room, ['wiccarocks@shakespeare.lit', 'macbeth@shakespeare.lit'], db)
    })
    assert.deepEqual(seen((await at.rows.load('coven'))!), seen(room))
    await at.rows.remove(room)
  }
})

test('if its secret is lost, a private room is there with its owners alone', async () => {
  await using at = await opened()
  await coven(at.rows, at.world.store, INITIAL)
  at.world.losesSecrets()
  const rows = new RoomRows(at.world.store, at.world.host.boxes)
  const room = (await rows.load('coven'))!
  assert.deepEqual([...room.affiliations.entries()], [[CRONE, { affiliation: 'owner' }]])
  assert.deepEqual(room.config, { ...INITIAL, isPersistent: true })
  assert.equal(room.subject, undefined)
  // It does not become another one each time.
  assert.deepEqual(seen((await rows.load('coven'))!), seen(room))
})

test('if its secret is lost, a public room has all but its password and reasons', async () => {
  await using at = await opened()
  await coven(at.rows, at.world.store, USUAL_PUBLIC)
  at.world.losesSecrets()
  const room = (await new RoomRows(at.world.store, at.world.host.boxes).load('coven'))!
  assert.equal(room.affiliations.of(Jid.parse('macbeth@shakespeare.lit')), 'outcast')
  assert.equal(room.affiliations.holderOf('thirdwitch'), 'hag66@shakespeare.lit')
  assert.deepEqual(room.config, { ...USUAL_PUBLIC, isPersistent: true, name: 'A Dark Cave' })
})

test('a room that is destroyed takes its secret with it: a copy of the disk does not open', async () => {
  await using at = await opened()
  const room = await coven(at.rows, at.world.store, INITIAL)
  const [copy] = await at.world.store.all<{ box: Uint8Array }>(sql`SELECT box FROM muc_room`)
  await at.rows.remove(room)
  assert.equal(await at.rows.load('coven'), undefined)
  assert.equal(await (await at.world.host.boxes.of(room.id)).open('room', Buffer.from(copy!.box)), undefined)
  assert.deepEqual(await at.world.store.all(sql`SELECT * FROM doomed_secret`), [])
})

test('rooms are counted by who has made them', async () => {
  await using at = await opened()
  await coven(at.rows, at.world.store, INITIAL)
  assert.deepEqual(await at.rows.count(CRONE), { ofHis: 1, all: 1 })
  assert.deepEqual(await at.rows.count('hag66@shakespeare.lit'), { ofHis: 0, all: 1 })
  assert.deepEqual(await at.rows.names(), ['coven'])
})
