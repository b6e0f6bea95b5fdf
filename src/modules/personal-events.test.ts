import assert from 'node:assert/strict'
import { items, publishes, sees } from '../../test/personal-events.ts'
import { story } from '../../test/story.ts'

/** The examples of each XEP. */
const EVENTS = [
  ['XEP-0172 §4.3', 'http://jabber.org/protocol/nick', '<nick xmlns="http://jabber.org/protocol/nick">CallMeIshmael</nick>'],
  [
    'XEP-0107 §2.1',
    'http://jabber.org/protocol/mood',
    '<mood xmlns="http://jabber.org/protocol/mood"><annoyed/><text>curse my nurse!</text></mood>',
  ],
  [
    'XEP-0108 §2.1',
    'http://jabber.org/protocol/activity',
    '<activity xmlns="http://jabber.org/protocol/activity"><relaxing><partying/></relaxing><text>My nurse’s birthday!</text></activity>',
  ],
  [
    'XEP-0118 §2.1',
    'http://jabber.org/protocol/tune',
    '<tune xmlns="http://jabber.org/protocol/tune"><artist>Yes</artist><length>686</length><rating>8</rating></tune>',
  ],
] as const

for (const [where, node, payload] of EVENTS) {
  story(`${where}: contacts see what a user publishes, strangers nothing, and the last alone`, async world => {
    const juliet = await world.online('juliet')
    const romeo = await world.online('romeo')
    const tybalt = await world.online('tybalt')
    await world.befriend(juliet, romeo)
    await publishes(juliet, node, '<item><former xmlns="urn:example"/></item>')
    await publishes(juliet, node, `<item>${payload}</item>`)
    for (const client of [juliet, romeo]) {
      const [item, ...more] = await sees(client, node, 'juliet')
      assert.equal(item?.first()?.ns, node)
      assert.deepEqual(more, [])
    }
    await tybalt.sends(items(node, 'juliet'))
    tybalt.receivesError('i1', 'service-unavailable')
  })
}

story('XEP-0222 §3: what shall last is kept, and is for whom its owner says', async world => {
  const juliet = await world.online('juliet')
  const tybalt = await world.online('tybalt')
  const node = 'urn:xmpp:tmp:pubkey'
  const options = { persist_items: 'true', send_last_published_item: 'never', access_model: 'open' }
  await publishes(juliet, node, '<item id="julietRSAkey1hash"><key xmlns="urn:xmpp:tmp:pubkey"/></item>', options)
  world.restarts()
  const stranger = await world.online('tybalt', 'later')
  assert.equal(tybalt.unread.length, 0)
  assert.deepEqual(
    (await sees(stranger, node, 'juliet')).map(({ attrs }) => attrs['id']),
    ['julietRSAkey1hash'],
  )
})

/** What is the user's own; a client that forgets to say so shall not give it away. */
const PRIVATE = [
  ['XEP-0223 §3', 'urn:example:settings', { persist_items: 'true', access_model: 'whitelist' }],
  ['XEP-0292 §5.2', 'urn:xmpp:contacts', {}],
  ['XEP-0373 §5', 'urn:xmpp:openpgp:0:secret-key', {}],
] as const

for (const [where, node, options] of PRIVATE) {
  story(`${where}: ${node} is for its owner alone`, async world => {
    const juliet = await world.online('juliet')
    const romeo = await world.online('romeo')
    await world.befriend(juliet, romeo)
    await publishes(juliet, node, '<item id="a"><x xmlns="urn:example"/></item>', options)
    assert.deepEqual(
      (await sees(juliet, node)).map(({ attrs }) => attrs['id']),
      ['a'],
    )
    await romeo.sends(items(node, 'juliet'))
    romeo.receivesError('i1', 'item-not-found')
  })
}

story('XEP-0373 §4.1 and §4.2: public keys are read by everyone, each at a node of its own', async world => {
  const juliet = await world.online('juliet')
  const tybalt = await world.online('tybalt')
  const keys = 'urn:xmpp:openpgp:0:public-keys'
  const fingerprint = '1357B01865B2503C18453D208CAC2A9678548E35'
  const open = { access_model: 'open' }
  const data = '<pubkey xmlns="urn:xmpp:openpgp:0"><data>BASE64</data></pubkey>'
  const list = `<public-keys-list xmlns="urn:xmpp:openpgp:0"><pubkey-metadata v4-fingerprint="${fingerprint}" date="2018-03-01T15:26:12Z"/></public-keys-list>`
  await publishes(juliet, `${keys}:${fingerprint}`, `<item id="2020-01-21T10:46:21Z">${data}</item>`, open)
  await publishes(juliet, keys, `<item>${list}</item>`, open)
  for (const [node, name] of [
    [keys, 'public-keys-list'],
    [`${keys}:${fingerprint}`, 'pubkey'],
  ] as const) {
    assert.equal((await sees(tybalt, node, 'juliet'))[0]?.first()?.name, name)
  }
})

story('XEP-0492 §2: how a room shall be notified of stands in its bookmark, and the server leaves it as it is', async world => {
  const juliet = await world.online('juliet')
  const notify =
    "<notify xmlns='urn:xmpp:notification-settings:1'><never identity-category='client' identity-type='pc'/>" +
    "<on-mention><advanced><x xmlns='custom:ns-1'><when day='monday'>night</when></x></advanced></on-mention></notify>"
  const bookmark = `<conference xmlns="urn:xmpp:bookmarks:1"><extensions>${notify}</extensions></conference>`
  await publishes(juliet, 'urn:xmpp:bookmarks:1', `<item id="room@rooms.example">${bookmark}</item>`)
  const list = '<storage xmlns="storage:bookmarks"><conference jid="room@rooms.example" name="Renamed by an old client"/></storage>'
  await juliet.sends(`<iq type="set" id="s1"><query xmlns="jabber:iq:private">${list}</query></iq>`)
  juliet.receives('<iq type="result" id="s1"/>')
  const [item] = await sees(juliet, 'urn:xmpp:bookmarks:1')
  assert.equal(item?.first()?.attrs['name'], 'Renamed by an old client')
  assert.equal(String(item?.first()?.first()?.first()), notify)
})
