/** What a restart does to those in rooms: nobody leaves, and who does not come back is a ghost. */
import assert from 'node:assert/strict'
import {
  askRoom,
  changes,
  conditionIn,
  configured,
  configures,
  coven,
  Elsewhere,
  heard,
  joins,
  joinXml,
  open,
  ROOM,
  roomIn,
  USER,
} from '../../../test/muc-story.ts'
import { story, type World } from '../../../test/story.ts'
import { sql } from '../../storage/db.ts'
import { StreamError } from '../../xmpp/error.ts'
import { muc } from './muc.ts'

const PING = '<ping xmlns="urn:xmpp:ping"/>'
const nicks = (world: World): string[] => Array.from(roomIn(world).occupants.all(), ({ nick }) => nick)

async function stops(world: World): Promise<void> {
  await world.host.close(new StreamError('system-shutdown'))
}

async function starts(world: World): Promise<Elsewhere> {
  world.restarts()
  const elsewhere = new Elsewhere(world)
  await world.settled()
  return elsewhere
}

const rows = async (world: World): Promise<number> => (await world.store.all(sql`SELECT number FROM muc_suspended`)).length

for (const secrets of ['file', 'memory'] as const)
  story(
    `a restart, with secrets in ${secrets}: nobody leaves a room, and who was in it hears what is said next`,
    async world => {
      const [crone] = await coven(world)
      const before = new Elsewhere(world).user('hag66@there.example/pda')
      await before.sends(joinXml('thirdwitch'))
      await crone.sends(`<presence to="${ROOM}/firstwitch"><status>brewing</status></presence>`)
      await crone.sends(`<message type="groupchat" to="${ROOM}"><subject>Fire Burn</subject></message>`)
      configured(world, { name: 'A Dark Cave', password: 'cauldronburn' })
      const { occupantSecret } = roomIn(world).state
      before.forget()
      await stops(world)
      before.receivesNothing()
      assert.equal(await rows(world), 1)
      const [{ box }] = (await world.store.all<{ box: Uint8Array }>(sql`SELECT box FROM muc_suspended`)) as [{ box: Uint8Array }]
      for (const word of ['hag66', 'thirdwitch', 'coven', 'brewing']) assert.ok(!Buffer.from(box).includes(word))

      const elsewhere = await starts(world)
      assert.equal(await rows(world), 0)
      const hag = elsewhere.user('hag66@there.example/pda')
      assert.deepEqual(nicks(world), ['firstwitch', 'thirdwitch'])
      const room = roomIn(world)
      assert.equal(room.config.name, 'A Dark Cave')
      assert.equal(room.config.isPersistent, false)
      assert.deepEqual(room.state.occupantSecret, occupantSecret)
      await hag.sends(`<message type="groupchat" to="${ROOM}"><body>Still here</body></message>`)
      hag.receives(`<message from="${ROOM}/thirdwitch"><body>Still here</body></message>`)
      hag.forget()

      const again = await world.online('crone1', 'desktop')
      assert.equal((await askRoom(again, 'get', PING, `${ROOM}/firstwitch`)).attrs['type'], 'result')
      await joins(again, 'firstwitch', ROOM, '<password>cauldronburn</password>')
      assert.deepEqual(nicks(world), ['firstwitch', 'thirdwitch'])
      await world.later(8 * 60_000)
      assert.deepEqual(nicks(world), ['firstwitch', 'thirdwitch'])
      again.forget()
      hag.forget()
    },
    { ...open, arrangements: { showsPasswords: false, secrets } },
  )

story(
  'after a restart, who does not come back leaves: of this server after some minutes, of others when theirs says so',
  async world => {
    await coven(world, 'secondwitch')
    const before = new Elsewhere(world)
    await before.user('hag66@there.example/pda').sends(joinXml('thirdwitch'))
    await before.user('banquo@other.example/horse').sends(joinXml('banquo'))
    await stops(world)
    const elsewhere = await starts(world)
    const banquo = elsewhere.user('banquo@other.example/horse')
    const wicca = await world.online('witch2', 'broom')
    await joins(wicca, 'secondwitch')
    banquo.forget()
    assert.deepEqual(nicks(world), ['firstwitch', 'secondwitch', 'thirdwitch', 'banquo'])
    await world.later(60_000)
    const ping = banquo.receives(`<iq type="get">${PING}</iq>`)
    await banquo.sends(`<iq type="result" id="${ping.attrs['id']}" to="${ROOM}"/>`)
    assert.deepEqual(nicks(world), ['firstwitch', 'secondwitch', 'banquo'])
    await world.later(3 * 60_000)
    assert.deepEqual(nicks(world), ['firstwitch', 'secondwitch', 'banquo'])
    await world.later(2 * 60_000)
    assert.deepEqual(nicks(world), ['secondwitch', 'banquo'])
    assert.deepEqual(
      heard(wicca, 'presence').map(({ attrs }) => [attrs['from'], attrs['type']]),
      [
        [`${ROOM}/thirdwitch`, 'unavailable'],
        [`${ROOM}/firstwitch`, 'unavailable'],
      ],
    )
    await world.later(24 * 60_000)
    assert.deepEqual(nicks(world), ['secondwitch', 'banquo'])
    wicca.forget()
    banquo.forget()
  },
  open,
)

story(
  'a restart: who was given voice has it when he comes again, and whose voice was taken has it not',
  async world => {
    const [crone, hag] = await coven(world, 'hag')
    await configures(crone, { 'muc#roomconfig_moderatedroom': '1' })
    await changes(crone, '<item nick="hag" role="visitor"/>')
    const other = await world.online('witch9')
    await joins(other, 'other')
    await changes(crone, '<item nick="other" role="participant"/>')
    for (const [client, nick] of [
      [hag!, 'hag'],
      [other, 'other'],
    ] as const)
      await client.sends(`<presence type="unavailable" to="${ROOM}/${nick}"/>`)
    await stops(world)
    await starts(world)
    for (const [account, nick, role] of [
      ['witch2', 'hag', 'visitor'],
      ['witch9', 'other', 'participant'],
    ] as const) {
      await joins(await world.online(account), nick)
      assert.equal(roomIn(world).occupants.named(nick)!.role, role)
    }
  },
  open,
)

story(
  'a restart after one at which it could not be read who was in which room: those are in it who were last',
  async world => {
    await coven(world)
    await stops(world)
    await world.store.run(sql`ALTER TABLE muc_suspended RENAME TO away`)
    await starts(world)
    await world.store.run(sql`ALTER TABLE away RENAME TO muc_suspended`)
    assert.equal(await rows(world), 1)
    await coven(world, 'thirdwitch')
    await stops(world)
    await starts(world)
    assert.deepEqual(nicks(world), ['firstwitch', 'thirdwitch'])
  },
  { ...open, arrangements: { showsPasswords: false, secrets: 'file' } },
)

story(
  'a restart: a room that lasts is as it was on disk, with those who were in it',
  async world => {
    const [crone] = await coven(world)
    await world.host.apiOf(muc)!.rooms.change(roomIn(world), state => {
      state.config = { ...state.config, isPersistent: true, name: 'A Dark Cave' }
    })
    crone.forget()
    await stops(world)
    await starts(world)
    assert.deepEqual(nicks(world), ['firstwitch'])
    assert.equal(roomIn(world).config.name, 'A Dark Cave')
    assert.equal(roomIn(world).config.isPersistent, true)
  },
  open,
)

story(
  'after a crash nobody is in a room, and who takes himself to be is told so (XEP-0410)',
  async world => {
    await coven(world)
    await world.host.apiOf(muc)!.rooms.change(roomIn(world), state => {
      state.config = { ...state.config, isPersistent: true }
    })
    await starts(world)
    const crone = await world.online('crone1', 'desktop')
    assert.equal(conditionIn(await askRoom(crone, 'get', PING, `${ROOM}/firstwitch`)), 'not-acceptable')
    await crone.sends(`<message type="groupchat" id="m" to="${ROOM}"><body>Hail</body></message>`)
    crone.receivesError('m', 'not-acceptable')
    await crone.sends(`<presence to="${ROOM}/firstwitch"><show>away</show></presence>`)
    crone.receives(`<presence type="unavailable"><x xmlns="${USER}"><status code="333"/></x></presence>`)
    await joins(crone, 'firstwitch')
    assert.deepEqual(nicks(world), ['firstwitch'])
  },
  open,
)

story(
  'what cannot be opened after a restart is lost, and nothing else',
  async world => {
    await coven(world)
    await stops(world)
    await world.store.run(sql`UPDATE muc_suspended SET box = ${Buffer.from('broken')}`)
    await starts(world)
    assert.equal(await rows(world), 0)
    assert.equal(world.host.apiOf(muc)!.rooms.at('coven').room, undefined)
  },
  open,
)

story('who is no member any more when a room has lost its secret is not in it either', async world => {
  const [crone] = await coven(world)
  assert.equal(await configures(crone, { 'muc#roomconfig_persistentroom': '1' }), 'ok')
  assert.equal(await changes(crone, '<item jid="hag66@there.example" affiliation="admin"/>'), 'ok')
  const hag = new Elsewhere(world).user('hag66@there.example/pda')
  await hag.sends(joinXml('thirdwitch'))
  hag.forget()
  await stops(world)
  await world.store.run(sql`UPDATE muc_room SET box = ${Buffer.from('broken')}`)
  await starts(world)
  assert.deepEqual(nicks(world), ['firstwitch'])
  crone.forget()
})

story(
  'a server that stops does not wait until all have entered who want to: they come back anyway',
  async world => {
    await coven(world)
    const elsewhere = new Elsewhere(world)
    const hag = elsewhere.user('hag66@there.example/pda')
    await hag.sends(joinXml('thirdwitch'))
    hag.forget()
    const busy = Promise.withResolvers<void>()
    void roomIn(world).turn.take(() => busy.promise)
    const banquo = elsewhere.user('banquo@there.example/horse')
    const entered = banquo.sends(joinXml('banquo'))
    const stopped = stops(world)
    busy.resolve()
    await Promise.all([entered, stopped])
    hag.receivesNothing()
    const refused = banquo.receives(`<presence type="error"><error type="wait"/></presence>`)
    assert.equal(conditionIn(refused), 'service-unavailable')
    await starts(world)
    assert.deepEqual(nicks(world), ['firstwitch', 'thirdwitch'])
  },
  open,
)
