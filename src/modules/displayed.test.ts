import assert from 'node:assert/strict'
import { announced, items, listens, publishes, sees } from '../../test/personal-events.ts'
import { story } from '../../test/story.ts'

const NODE = 'urn:xmpp:mds:displayed:0'
const stanzaId = (id: string): string => `<stanza-id xmlns="urn:xmpp:sid:0" by="juliet@here.example" id="${id}"/>`
const displayed = (id: string): string => `<displayed xmlns="${NODE}">${stanzaId(id)}</displayed>`
const MARKER = '<displayed xmlns="urn:xmpp:chat-markers:0" id="the-msg-1"/>'
const message = (to: string, inside: string): string => `<message id="m1" to="${to}">${inside}</message>`

story('XEP-0490 §4.4.2: accounts say that they assist', async world => {
  assert.ok((await announced(await world.connect('juliet'))).has('urn:xmpp:mds:server-assist:0'))
})

story('XEP-0490 §4.4.3: one message tells the other side and the own clients how far a conversation was read', async world => {
  const juliet = await world.online('juliet', 'balcony')
  const chamber = await listens(world, 'juliet', NODE)
  const romeo = await world.online('romeo')
  await juliet.sends(message('romeo@here.example', MARKER + displayed('0423e3a9')))
  const heard = romeo.receives(`<message from="juliet@here.example/balcony">${MARKER}</message>`)
  assert.doesNotMatch(String(heard), /mds/)
  chamber.receives(
    `<message from="juliet@here.example"><event xmlns="http://jabber.org/protocol/pubsub#event"><items node="${NODE}"><item id="romeo@here.example">${displayed('0423e3a9')}</item></items></event></message>`,
  )
  const [item, ...more] = await sees(juliet, NODE)
  assert.deepEqual([item?.attrs['id'], item?.first()?.first()?.attrs['id'], more], ['romeo@here.example', '0423e3a9', []])
})

story('XEP-0490 §5.2: it is taken out before the message is archived or copied', async world => {
  const juliet = await world.online('juliet', 'balcony')
  const chamber = await world.online('juliet', 'chamber')
  await chamber.sends('<iq type="set" id="e1"><enable xmlns="urn:xmpp:carbons:2"/></iq>')
  await world.online('romeo')
  await juliet.sends(message('romeo@here.example', `<body>yes</body>${displayed('a')}`))
  juliet.forget()
  const copy = chamber.receives('<message><sent xmlns="urn:xmpp:carbons:2"/></message>')
  assert.doesNotMatch(String(copy), /mds/)
  await juliet.sends('<iq type="set" id="a1"><query xmlns="urn:xmpp:mam:2"/></iq>')
  assert.doesNotMatch(juliet.unread.join(''), /mds/)
  assert.match(juliet.unread.join(''), /yes/)
  juliet.forget()
  for (const client of world.clients) client.forget()
})

story('XEP-0490 §5.2: the node that it makes is for its owner alone, and each conversation has one item', async world => {
  const juliet = await world.online('juliet')
  const romeo = await world.online('romeo')
  await world.befriend(juliet, romeo)
  for (const [to, id] of [
    ['romeo@here.example', 'a'],
    ['nurse@here.example', 'b'],
    ['romeo@here.example', 'c'],
  ] as const) {
    await juliet.sends(message(to, MARKER + displayed(id)))
  }
  for (const client of [juliet, romeo]) client.forget()
  const seen = (await sees(juliet, NODE)).map(item => `${item.attrs['id']} ${item.first()?.first()?.attrs['id']}`)
  assert.deepEqual(seen.sort(), ['nurse@here.example b', 'romeo@here.example c'])
  await romeo.sends(items(NODE, 'juliet'))
  romeo.receivesError('i1', 'item-not-found')
})

story('XEP-0490 §4.2 and §4.5: clients also publish it themselves, and find it when they come back', async world => {
  const juliet = await world.connect('juliet')
  const options = { persist_items: 'true', max_items: 'max', send_last_published_item: 'never', access_model: 'whitelist' }
  for (const room of ['a', 'b', 'c']) await publishes(juliet, NODE, `<item id="${room}@rooms.example">${displayed(room)}</item>`, options)
  world.restarts()
  const again = await world.connect('juliet')
  assert.deepEqual((await sees(again, NODE)).map(({ attrs }) => attrs['id']).sort(), [
    'a@rooms.example',
    'b@rooms.example',
    'c@rooms.example',
  ])
})

story('XEP-0490 §7: what a client of others puts into a message does not touch what the account keeps', async world => {
  const juliet = await world.online('juliet')
  const romeo = await world.online('romeo')
  await romeo.sends(message('juliet@here.example', `<body>hi</body>${displayed('forged')}`))
  juliet.receives('<message><body>hi</body></message>')
  await juliet.sends(items(NODE))
  juliet.receivesError('i1', 'item-not-found')
  assert.equal((await sees(romeo, NODE))[0]?.attrs['id'], 'juliet@here.example')
})

story(
  'a marker that cannot be kept does not hold up the message, and is not given away',
  async world => {
    const juliet = await world.online('juliet')
    const romeo = await world.online('romeo')
    await juliet.sends(message('romeo@here.example', `<body>yes</body><displayed xmlns="${NODE}">${'x'.repeat(2000)}</displayed>`))
    assert.deepEqual(
      romeo
        .receives('<message><body>yes</body></message>')
        .elements()
        .filter(({ name }) => name === 'displayed'),
      [],
    )
    await juliet.sends(items(NODE))
    juliet.receivesError('i1', 'item-not-found')
  },
  { settings: { pubsub: { payload: '1KiB' } } },
)

story('of a conversation whose address is too long for the id of an item no marker is kept', async world => {
  const romeo = await world.connect('romeo')
  world.router.foreign = { deliver: () => {} }
  const room = `theplay@rooms.example/${'n'.repeat(600)}`
  await romeo.sends(`<message to="${room}" type="chat"><body>a</body>${displayed('a')}</message>`)
  romeo.forget()
  await romeo.sends(items(NODE))
  romeo.receivesError('i1', 'item-not-found')
})

story('while the account is locked messages go their way, and markers are not kept in the clear', async world => {
  const juliet = await world.online('juliet')
  const romeo = await world.online('romeo')
  juliet.keys!.release()
  await juliet.sends(message('romeo@here.example', MARKER + displayed('a')))
  assert.doesNotMatch(String(romeo.receives(`<message>${MARKER}</message>`)), /mds/)
  const again = await world.connect('juliet', 'laptop')
  await again.sends(items(NODE))
  again.receivesError('i1', 'item-not-found')
})
