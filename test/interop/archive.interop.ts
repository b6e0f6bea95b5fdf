/** Programmed clients page through an archive. What a client cannot ask by its own means is left out for it. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { Device, type Kind, PASSWORD } from './device.ts'
import { bodiesOf, type History, type Message, readAll, talk } from './history.ts'
import { unlessInstalled } from './installed.ts'
import { type Server, startServer } from './server.ts'

const KINDS = ['slixmpp', 'xmpp-js'] as const
const { skip } = unlessInstalled(...KINDS)
const LENGTH = 250

let server: Server
let history: History
before(async () => {
  server = await startServer('[auth]\nsha1 = true\niterations = 4096\n')
  for (const name of ['alice', 'bob']) await server.addUser(name, PASSWORD)
  if (skip) return
  await using alice = await login('slixmpp', 'alice')
  await using bob = await login('xmpp-js', 'bob')
  history = await talk(alice, bob, LENGTH)
})
after(() => server[Symbol.asyncDispose]())

const login = (kind: Kind, name: string): Promise<Device> => Device.online(kind, { server, name })
const timesOf = (messages: Message[]): number[] => messages.map(({ stamp }) => Date.parse(stamp!))

for (const kind of KINDS) {
  for (const name of ['alice', 'bob']) {
    test(`${kind} pages through the archive of ${name} in both directions`, { skip }, async () => {
      await using device = await login(kind, name)
      const forwards = await readAll(device)
      assert.deepEqual(bodiesOf(forwards), history.bodies)
      assert.equal(new Set(forwards.map(({ stanzaId }) => stanzaId)).size, LENGTH)
      const live = history.idsOf[device.address]!
      for (const { body, stanzaId } of forwards) if (live.has(body)) assert.equal(stanzaId, live.get(body))
      const times = timesOf(forwards)
      assert.deepEqual(
        times,
        times.toSorted((one, other) => one - other),
      )
      assert.ok(times[0]! > history.startedAt - 1000 && times.at(-1)! <= history.endedAt)
      assert.deepEqual(await readAll(device, { isBackwards: true, max: 30 }), forwards)
    })
  }

  test(`${kind} reads what was said with somebody, or within a time`, { skip }, async () => {
    await using device = await login(kind, 'alice')
    const all = await readAll(device)
    assert.deepEqual(await readAll(device, { with: 'bob@localhost' }), all)
    assert.deepEqual(await readAll(device, { with: 'nobody@localhost' }), [])
    const [start, end] = [all[100]!.stamp!, all[180]!.stamp!]
    const meant = all.filter(({ stamp }) => Date.parse(stamp!) >= Date.parse(start) && Date.parse(stamp!) <= Date.parse(end))
    assert.ok(meant.length >= 81)
    assert.deepEqual(await readAll(device, { start, end }), meant)
    assert.deepEqual(await readAll(device, { start, end, with: 'bob@localhost', isBackwards: true }), meant)
  })

  test(`${kind} asks where the archive begins and ends`, { skip }, async () => {
    await using device = await login(kind, 'alice')
    const all = await readAll(device)
    const { start, end } = await device.asks('metadata', 'metadata')
    const ends = [all[0]!, all.at(-1)!].map(({ stanzaId, stamp }) => ({ stanzaId, stamp }))
    assert.deepEqual([start, end], ends)
  })
}

test('@xmpp/client asks for all kinds of pages', { skip }, async () => {
  await using device = await login('xmpp-js', 'alice')
  const ids = (await readAll(device)).map(({ stanzaId }) => stanzaId!)
  const page = async (limits: Record<string, unknown>) => {
    const { messages, isComplete, first, last } = await device.asks('page', 'page', limits)
    return { ids: (messages as Message[]).map(({ stanzaId }) => stanzaId), isComplete, first, last }
  }
  const pageOf = (expected: string[], isComplete = false) => {
    return { ids: expected, isComplete, first: expected[0] ?? null, last: expected.at(-1) ?? null }
  }
  const cases = [
    [{ max: 10 }, pageOf(ids.slice(0, 10))],
    [{ max: 10, before: '' }, pageOf(ids.slice(-10))],
    [{ max: 10, after: ids[9] }, pageOf(ids.slice(10, 20))],
    [{ max: 10, before: ids[20] }, pageOf(ids.slice(10, 20))],
    [{ max: 10, after: ids[239] }, pageOf(ids.slice(-10), true)],
    [{ max: 10, before: ids[10] }, pageOf(ids.slice(0, 10), true)],
    [{ max: 10, after: ids[249] }, pageOf([], true)],
    [{ ids: [ids[5], ids[77]] }, pageOf([ids[5]!, ids[77]!], true)],
    [{ max: 20, 'after-id': ids[99], 'before-id': ids[110] }, pageOf(ids.slice(100, 110), true)],
    [{ max: 5, before: ids[110], 'after-id': ids[99] }, pageOf(ids.slice(105, 110))],
  ] as const
  for (const [limits, expected] of cases) assert.deepEqual(await page(limits), expected, JSON.stringify(limits))
  const { ids: flipped } = await page({ max: 10, before: '', isFlipped: true })
  assert.deepEqual(flipped, ids.slice(-10).reverse())
})

test('@xmpp/client is told that a message, from which it asks, is not there', { skip }, async () => {
  for (const limits of [{ after: 'unknown' }, { before: 'unknown' }, { 'after-id': 'unknown' }, { ids: ['unknown'] }]) {
    await using device = await login('xmpp-js', 'alice')
    device.do('page', { max: 10, ...limits })
    assert.match(String((await device.hears('failed'))['reason']), /item-not-found/)
  }
})
