import assert from 'node:assert/strict'
import { type Asked, hear, outlive, queryXml } from '../../../../test/archive-story.ts'
import {
  archiving,
  arranges,
  askRoom,
  changes,
  conditionIn,
  forgets,
  joins,
  OWNER,
  open,
  opens,
  query,
  ROOM,
  SID,
  says,
  USER,
} from '../../../../test/muc-story.ts'
import { type Client, story, type World } from '../../../../test/story.ts'
import { sql } from '../../../storage/db.ts'
import type { Element } from '../../../xml/element.ts'

const MAM = 'urn:xmpp:mam:2'
const DAY = 86_400_000

const refusal = async (client: Client, payload = `<query xmlns="${MAM}"/>`): Promise<string | undefined> =>
  conditionIn(await askRoom(client, 'set', payload))

const itemIn = (message: Element | undefined): Element | undefined =>
  message
    ?.elements()
    .find(({ ns }) => ns === USER)
    ?.first()

story('XEP-0313 §6.1.2: a room keeps each message once, and gives it without `to` and from the occupant', async world => {
  const [crone, hag] = await archiving(world, 'hag66')
  await hag!.sends(`<message type="groupchat" to="${ROOM}" id="m1"><body>Thrice the brinded cat hath mew'd.</body></message>`)
  const heard = crone.receives(`<message from="${ROOM}/hag66"><stanza-id xmlns="${SID}" by="${ROOM}" id="*"/></message>`)
  hag!.receives('<message id="m1"/>')
  const told = await query(crone)
  assert.equal(told.messages.length, 1)
  const [message] = told.messages
  assert.deepEqual({ ...message!.attrs }, { type: 'groupchat', id: 'm1', from: `${ROOM}/hag66` })
  assert.equal(told.ids[0], heard.elements().find(({ ns }) => ns === SID)!.attrs['id'])
  assert.equal(told.times[0], world.clock.now())
  assert.equal(told.isComplete, true)
})

story('XEP-0313 §6.1.2: subjects are kept; private messages and what is no conversation are not, and have no id there', async world => {
  const [crone, hag] = await archiving(world, 'hag66')
  await crone.sends(`<message type="groupchat" to="${ROOM}" id="s1"><subject>Fire Burn</subject></message>`)
  await crone.sends(`<message type="chat" to="${ROOM}/hag66" id="p1"><body>psst</body></message>`)
  await crone.sends(`<message type="groupchat" to="${ROOM}" id="c1"><composing xmlns="http://jabber.org/protocol/chatstates"/></message>`)
  await crone.sends(
    `<message type="groupchat" to="${ROOM}" id="n1"><body>off the record</body><no-store xmlns="urn:xmpp:hints"/></message>`,
  )
  hag!.receives('<message id="s1"><subject>Fire Burn</subject></message>')
  hag!.receives('<message id="p1"/>')
  for (const id of ['c1', 'n1']) {
    const message = hag!.receives(`<message id="${id}"/>`)
    assert.equal(
      message.elements().some(({ ns }) => ns === SID),
      false,
    )
  }
  crone.forget()
  const { messages } = await query(crone)
  assert.deepEqual(
    messages.map(({ attrs }) => attrs['id']),
    ['s1'],
  )
})

story('XEP-0313 §6.1.2: whoever may know real addresses is given them with the messages, whatever was written there', async world => {
  const [crone, hag] = await archiving(world, 'hag66')
  await says(hag!, 'hello', `<x xmlns="${USER}"><item affiliation="owner" role="moderator" jid="crone1@here.example/desktop"/></x>`)
  const { attrs } = itemIn((await query(crone)).messages[0])!
  assert.deepEqual({ ...attrs }, { affiliation: 'none', role: 'participant', jid: 'hag66@here.example/broom' })
  assert.equal(itemIn((await query(hag!)).messages[0]), undefined)
  await arranges(crone, { whois: 'anyone' })
  await says(hag!, 'to all')
  assert.equal(itemIn((await query(hag!)).messages[1])!.attrs['jid'], 'hag66@here.example/broom')
})

story('who spoke where addresses were hidden stays hidden when they are not any more, but from moderators', async world => {
  const [crone, hag, wicca] = await archiving(world, 'hag66', 'wicca')
  await says(hag!, 'hidden')
  await arranges(crone, { whois: 'anyone' })
  await says(hag!, 'open')
  const shown = async (client: Client, asked: Asked = {}): Promise<unknown> =>
    (await query(client, asked)).messages.map(message => itemIn(message)?.attrs['jid'])
  const jid = 'hag66@here.example/broom'
  assert.deepEqual(await shown(crone), [jid, jid])
  assert.deepEqual(await shown(wicca!), [undefined, jid])
  await changes(crone, '<item affiliation="member" jid="away@here.example"/>')
  assert.deepEqual(await shown(await world.online('away')), [undefined, jid])
  const fields = { with: 'hag66@here.example' }
  assert.deepEqual((await query(crone, { fields })).bodies, ['hidden', 'open'])
  assert.deepEqual((await query(wicca!, { fields })).bodies, ['open'])
})

story('XEP-0313 §4.1.1: by occupant; by a real address only for those who may know it', async world => {
  const [crone, hag, wicca] = await archiving(world, 'hag66', 'wicca')
  await says(hag!, 'one')
  await says(wicca!, 'two')
  await says(hag!, 'three')
  const by = async (client: Client, jid: string): Promise<readonly string[]> => (await query(client, { fields: { with: jid } })).bodies
  assert.deepEqual(await by(wicca!, `${ROOM}/hag66`), ['one', 'three'])
  assert.deepEqual(await by(wicca!, ROOM), ['one', 'two', 'three'])
  assert.deepEqual(await by(wicca!, 'hag66@here.example'), [])
  assert.deepEqual(await by(crone, 'hag66@here.example'), ['one', 'three'])
  assert.deepEqual(await by(crone, 'wicca@here.example/broom'), ['two'])
})

story('XEP-0313 §4: pages, times and ids are those of accounts’ archives', async world => {
  const [crone] = await archiving(world)
  const ids: (string | undefined)[] = []
  for (let i = 0; i < 7; i++) {
    ids.push(await says(crone, String(i)))
    await world.later(60_000)
  }
  const first = await query(crone, { rsm: '<max>3</max>' })
  assert.deepEqual([first.bodies, first.isComplete, first.index, first.count], [['0', '1', '2'], false, '0', '7'])
  const next = await query(crone, { rsm: `<max>5</max><after>${first.last}</after>` })
  assert.deepEqual([next.bodies, next.isComplete], [['3', '4', '5', '6'], true])
  assert.deepEqual((await query(crone, { rsm: '<max>2</max><before/>', isFlipped: true })).bodies, ['6', '5'])
  assert.deepEqual((await query(crone, { fields: { 'after-id': ids[1]!, 'before-id': ids[4]! } })).bodies, ['2', '3'])
  assert.deepEqual((await query(crone, { fields: { ids: [ids[5]!, ids[2]!] } })).bodies, ['2', '5'])
  const start = new Date(world.clock.now() - 3 * 60_000).toISOString()
  assert.deepEqual((await query(crone, { fields: { start } })).bodies, ['4', '5', '6'])
  assert.equal(await refusal(crone, queryXml({ fields: { 'after-id': 'nonsense' } }).replace(/^<iq[^>]*>|<\/iq>$/g, '')), 'item-not-found')
  const metadata = await askRoom(crone, 'get', `<metadata xmlns="${MAM}"/>`)
  assert.deepEqual(
    metadata
      .first()!
      .elements()
      .map(({ name, attrs }) => [name, attrs['id']]),
    [
      ['start', ids[0]],
      ['end', ids[6]],
    ],
  )
  assert.match(String(await askRoom(crone, 'get', `<query xmlns="${MAM}"/>`)), /var='after-id'/)
})

story('DESIGN law 6: while an archive is searched the conversation goes on, and who has asked sees what was there then', async world => {
  const [crone, hag] = await archiving(world, 'hag66')
  await says(hag!, 'Thrice')
  const { promise: gate, resolve: goOn } = Promise.withResolvers<void>()
  const all = world.store.all.bind(world.store)
  world.store.all = async query => {
    if (/^\s*SELECT.*header/s.test(query.sql)) await gate
    return all(query)
  }
  const asked = crone.gives(queryXml({ of: ROOM, fields: { with: `${ROOM}/hag66` } }))
  await hag!.gives(`<message type="groupchat" to="${ROOM}" id="m2"><body>And once</body></message>`)
  for (let i = 0; i < 100 && hag!.unread.length === 0; i++) await new Promise(resolve => setTimeout(resolve, 1))
  for (const client of [hag!, crone]) client.receives('<message id="m2"><body>And once</body></message>')
  crone.receivesNothing()
  goOn()
  await asked
  await world.settled()
  assert.deepEqual(hear(crone, ROOM).bodies, ['Thrice'])
  await crone.sends(queryXml({ of: ROOM, fields: { ids: 'nobody' } }))
  crone.receives(`<iq type="error" from="${ROOM}"><error by="${ROOM}"/></iq>`)
})

story('XEP-0313 §6.1.2: only who may enter may ask, and a hidden room is not there for others', async world => {
  const [crone, hag] = await archiving(world, 'hag66')
  await says(hag!, 'hello')
  const stranger = await world.online('stranger')
  assert.deepEqual((await query(stranger)).bodies, ['hello'])
  await arranges(crone, { roomsecret: 'cauldronburn', passwordprotectedroom: '1' })
  assert.equal(await refusal(stranger), 'forbidden')
  assert.deepEqual((await query(hag!)).bodies, ['hello'])
  await arranges(crone, { passwordprotectedroom: '0', membersonly: '1' })
  assert.equal(await refusal(stranger), 'forbidden')
  await arranges(crone, { publicroom: '0' })
  assert.equal(await refusal(stranger), 'item-not-found')
  assert.equal(conditionIn(await askRoom(stranger, 'get', `<metadata xmlns="${MAM}"/>`)), 'item-not-found')
})

story('XEP-0313 §6.1.2: what was said among members is for members, also when others may enter', async world => {
  const [crone, hag] = await archiving(world, 'hag66')
  await arranges(crone, { membersonly: '1' })
  await joins(crone, 'firstwitch')
  const id = await says(crone, 'among us')
  await changes(crone, '<item affiliation="member" jid="hag66@here.example"/>')
  await arranges(crone, { membersonly: '0' })
  await says(crone, 'for all')
  hag!.forget()
  const entered = async (client: Client): Promise<string> => {
    await client.sends(`<presence to="${ROOM}/stranger"><x xmlns="http://jabber.org/protocol/muc"/></presence>`)
    const shown = client.unread.filter(({ name }) => name === 'message').join()
    forgets(world)
    return shown
  }
  for (const when of ['now', 'after a restart']) {
    if (when !== 'now') world.restarts()
    const client = await world.online('stranger')
    const shown = await entered(client)
    assert.match(shown, /for all/)
    assert.doesNotMatch(shown, /among us/)
    assert.deepEqual((await query(client)).bodies, ['for all'])
    assert.deepEqual((await query(client, { fields: { with: `${ROOM}/firstwitch` } })).bodies, ['for all'])
    const asked = queryXml({ fields: { ids: [id!] } }).replace(/^<iq[^>]*>|<\/iq>$/g, '')
    assert.equal(await refusal(client, asked), 'item-not-found')
    const member = await world.online('hag66', 'elsewhere')
    assert.deepEqual((await query(member)).bodies, ['among us', 'for all'])
  }
})

story(
  'a room that keeps nothing says so, and its messages have ids all the same',
  async world => {
    const crone = await world.online('crone1')
    await opens(crone, 'firstwitch')
    assert.ok(await says(crone, 'hello'))
    assert.equal(await refusal(crone), 'service-unavailable')
  },
  open,
)

story('members of other servers are served as well', async world => {
  const [crone] = await archiving(world)
  await says(crone, 'hello')
  const heard: Element[] = []
  world.router.add('elsewhere.example', { deliver: stanza => void heard.push(stanza) })
  await world.arrives(
    `<iq type="set" id="q1" from="romeo@elsewhere.example/orchard" to="${ROOM}"><query xmlns="${MAM}" queryid="f1"/></iq>`,
  )
  assert.deepEqual(
    heard.map(({ name, attrs }) => [name, attrs['from'], attrs['to']]),
    [
      ['message', ROOM, 'romeo@elsewhere.example/orchard'],
      ['iq', ROOM, 'romeo@elsewhere.example/orchard'],
    ],
  )
})

story('what was said is there after a restart, and those who enter see it', async world => {
  const [crone] = await archiving(world)
  await says(crone, 'before')
  world.restarts()
  const again = await world.online('crone1', 'desktop')
  await again.sends(`<presence to="${ROOM}/firstwitch"><x xmlns="http://jabber.org/protocol/muc"/></presence>`)
  const [message] = again.unread.filter(({ name }) => name === 'message')
  assert.match(String(message), /from='coven@conference.here.example\/firstwitch'.*<body>before<\/body>.*<stanza-id.*<delay/)
  again.forget()
  const id = await says(again, 'after')
  const told = await query(again)
  assert.deepEqual([told.bodies, told.ids[1]], [['before', 'after'], id])
})

story('PRIVACY §2.9: after seven days nothing of it is left', async world => {
  const [crone] = await archiving(world)
  await says(crone, 'old')
  await world.later(4 * DAY)
  await says(crone, 'new')
  await outlive(world, 4.5 * DAY)
  assert.deepEqual((await query(crone)).bodies, ['new'])
  const [row] = await world.store.all<{ n: number }>(sql`SELECT COUNT(*) AS n FROM muc_message`)
  assert.equal(Number(row!.n), 1)
})

story('what a room has kept is gone at once when it shall keep nothing any more', async world => {
  const [crone] = await archiving(world)
  await says(crone, 'old')
  const before = Buffer.from(world.shred.account(await idOf(world))!.archive)
  await arranges(crone, { enablearchiving: '0' })
  assert.equal(await refusal(crone), 'service-unavailable')
  assert.notDeepEqual(Buffer.from(world.shred.account(await idOf(world))!.archive), before)
  await arranges(crone, { enablearchiving: '1' })
  assert.deepEqual((await query(crone)).bodies, [])
  await says(crone, 'new')
  assert.deepEqual((await query(crone)).bodies, ['new'])
})

story('what a room has kept that does not stay any more is gone, also when it is to stay again', async world => {
  const [crone] = await archiving(world)
  await says(crone, 'old')
  await arranges(crone, { persistentroom: '0' })
  assert.equal(await refusal(crone), 'service-unavailable')
  await arranges(crone, { persistentroom: '1' })
  await says(crone, 'new')
  assert.deepEqual((await query(crone)).bodies, ['new'])
})

story(
  'PRIVACY §2.9: with the room goes its secret, and all that it has kept',
  async world => {
    const [crone] = await archiving(world)
    await says(crone, 'old')
    const id = await idOf(world)
    await askRoom(crone, 'set', `<query xmlns="${OWNER}"><destroy/></query>`)
    crone.forget()
    assert.equal(world.shred.account(id), undefined)
    for (let i = 0; i < 20; i++) await new Promise(resolve => setTimeout(resolve, 1))
    const [row] = await world.store.all<{ n: number }>(sql`SELECT COUNT(*) AS n FROM muc_message`)
    assert.equal(Number(row!.n), 0)
  },
  { arrangements: { showsPasswords: false, secrets: 'file' } },
)

story('on a full disk the conversation goes on, and nobody is told an id that is worth nothing', async world => {
  const [crone] = await archiving(world)
  await says(crone, 'one')
  await world.store.run(sql`ALTER TABLE muc_message RENAME TO muc_message_gone`)
  assert.equal(await says(crone, 'two'), undefined)
  await world.store.run(sql`ALTER TABLE muc_message_gone RENAME TO muc_message`)
  assert.ok(await says(crone, 'three'))
  assert.deepEqual((await query(crone)).bodies, ['one', 'three'])
})

story(
  'who asks too often must wait',
  async world => {
    const [crone] = await archiving(world)
    for (let i = 0; i < 10; i++) await query(crone)
    assert.equal(await refusal(crone), 'policy-violation')
    await world.later(60_000)
    await query(crone)
  },
  { settings: { muc: { queries: 10 } } },
)

async function idOf(world: World): Promise<Buffer> {
  const [row] = await world.store.all<{ id: Uint8Array }>(sql`SELECT id FROM muc_room`)
  return Buffer.from(row!.id)
}
