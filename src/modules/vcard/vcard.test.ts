import assert from 'node:assert/strict'
import { listens, publishes as publishesItem, sees } from '../../../test/personal-events.ts'
import { type Client, story } from '../../../test/story.ts'
import { sql } from '../../storage/db.ts'

const get = (to = ''): string => `<iq type="get" id="v1"${to && ` to="${to}@here.example"`}><vCard xmlns="vcard-temp"/></iq>`
const set = (name: string): string => `<iq type="set" id="v2"><vCard xmlns="vcard-temp"><FN>${name}</FN></vCard></iq>`
const card = (name: string): string => `<iq type="result" id="v1"><vCard xmlns="vcard-temp"><FN>${name}</FN></vCard></iq>`

/** Its own card is empty. */
const receivesNone = (client: Client): void =>
  assert.equal(client.receives('<iq type="result" id="v1"><vCard xmlns="vcard-temp"/></iq>').first()?.children.length, 0)

async function publishes(client: Client, name: string): Promise<void> {
  await client.sends(set(name))
  client.receives('<iq type="result" id="v2"/>')
}

story('XEP-0054 §3.1 and §3.2: a user writes and reads the own card', async world => {
  const romeo = await world.connect('romeo')
  await romeo.sends(get())
  receivesNone(romeo)
  for (const name of ['Romeo', 'Romeo Montague']) await publishes(romeo, name)
  await romeo.sends(get())
  romeo.receives(card('Romeo Montague'))
})

story('XEP-0054 §3.3: who may see the presence of the user may read the card', async world => {
  const romeo = await world.online('romeo')
  const juliet = await world.online('juliet')
  await world.befriend(romeo, juliet)
  await publishes(romeo, 'Romeo')
  await juliet.sends(get('romeo'))
  juliet.receives(card('Romeo'))
})

story('XEP-0054 §3.3: no card, no right and no account look the same', async world => {
  const romeo = await world.online('romeo')
  const juliet = await world.online('juliet')
  const tybalt = await world.online('tybalt')
  await world.befriend(juliet, tybalt)
  await publishes(romeo, 'Romeo')
  for (const account of ['romeo', 'tybalt', 'nobody']) {
    await juliet.sends(get(account))
    juliet.receivesError('v1', 'service-unavailable')
  }
})

story('XEP-0054 §3.2: nobody writes the card of somebody else', async world => {
  const romeo = await world.connect('romeo')
  const juliet = await world.connect('juliet')
  await publishes(romeo, 'Romeo')
  await juliet.sends(set('Fool').replace('<iq', '<iq to="romeo@here.example"'))
  juliet.receivesError('v2', 'service-unavailable')
  await romeo.sends(get())
  romeo.receives(card('Romeo'))
})

story(
  'the operator may open cards to everyone',
  async world => {
    const romeo = await world.connect('romeo')
    const juliet = await world.connect('juliet')
    await publishes(romeo, 'Romeo')
    await juliet.sends(get('romeo'))
    juliet.receives(card('Romeo'))
  },
  { settings: { vcard: { access: 'everyone' } } },
)

story(
  'or keep them to their owners',
  async world => {
    const romeo = await world.online('romeo')
    const juliet = await world.online('juliet')
    await world.befriend(romeo, juliet)
    await publishes(romeo, 'Romeo')
    await juliet.sends(get('romeo'))
    juliet.receivesError('v1', 'service-unavailable')
  },
  { settings: { vcard: { access: 'nobody' } } },
)

story(
  'a card that is too large is refused, and the old one stays',
  async world => {
    const romeo = await world.connect('romeo')
    await publishes(romeo, 'Romeo')
    await romeo.sends(set('x'.repeat(1024)))
    romeo.receivesError('v2', 'policy-violation')
    await romeo.sends(get())
    romeo.receives(card('Romeo'))
  },
  { settings: { vcard: { largest: '1KiB' } } },
)

story('the card goes with the account', async world => {
  await publishes(await world.connect('romeo'), 'Romeo')
  await world.host.life.remove('romeo')
  assert.deepEqual(await world.store.all(sql`SELECT * FROM vcard`), [])
})

const V4 = 'urn:ietf:params:xml:ns:vcard-4.0'
const v4 = (inside: string): string => `<item><vcard xmlns="${V4}">${inside}</vcard></item>`

story('XEP-0292 §4.1: a card of the old format is read in the new one, and the other way round', async world => {
  const romeo = await world.online('romeo')
  const juliet = await world.online('juliet')
  await world.befriend(romeo, juliet)
  await publishes(romeo, 'Romeo')
  const [item] = await sees(juliet, 'urn:xmpp:vcard4', 'romeo')
  assert.equal(String(item?.first()), `<vcard xmlns='${V4}'><fn><text>Romeo</text></fn></vcard>`)
  await publishesItem(romeo, 'urn:xmpp:vcard4', v4('<fn><text>Montague</text></fn><url><uri>https://montague.example/</uri></url>'))
  await juliet.sends(get('romeo'))
  juliet.receives('<iq id="v1"><vCard xmlns="vcard-temp"><FN>Montague</FN><URL>https://montague.example/</URL></vCard></iq>')
})

story('what the old format has no words for is not lost when one of its clients writes the card', async world => {
  const romeo = await world.connect('romeo')
  await publishesItem(romeo, 'urn:xmpp:vcard4', v4('<fn><text>Romeo</text></fn><gender><sex><text>M</text></sex></gender>'))
  await publishes(romeo, 'Montague')
  const items = await sees(romeo, 'urn:xmpp:vcard4')
  assert.deepEqual(
    items.map(item => item.first()?.inner),
    ['<fn><text>Montague</text></fn><gender><sex><text>M</text></sex></gender>'],
  )
})

story(
  'XEP-0292 §4.2: who wants to hear of the card hears of it, whichever format it was written in; what did not change is not told',
  async world => {
    const romeo = await world.online('romeo')
    const listener = await listens(world, 'romeo', 'urn:xmpp:vcard4')
    await publishes(romeo, 'Romeo')
    await publishes(romeo, 'Romeo')
    listener.receives(
      `<message from="romeo@here.example"><event xmlns="http://jabber.org/protocol/pubsub#event"><items node="urn:xmpp:vcard4"><item><vcard xmlns="${V4}"/></item></items></event></message>`,
    )
  },
)

story('an empty card is none', async world => {
  const romeo = await world.connect('romeo')
  await publishes(romeo, 'Romeo')
  await romeo.sends('<iq type="set" id="v2"><vCard xmlns="vcard-temp"/></iq>')
  romeo.receives('<iq type="result" id="v2"/>')
  await romeo.sends(get())
  receivesNone(romeo)
  assert.deepEqual(await sees(romeo, 'urn:xmpp:vcard4'), [])
})

story('what is no card is none, in whichever node it stands', async world => {
  const romeo = await world.connect('romeo')
  await publishesItem(romeo, 'urn:xmpp:vcard4', '<item><vCard xmlns="urn:example"><FN xmlns="vcard-temp">Forged</FN></vCard></item>')
  await romeo.sends(get())
  receivesNone(romeo)
  await publishes(romeo, 'Romeo')
  await romeo.sends(get())
  assert.equal(romeo.receives(card('Romeo')).first()?.elements().length, 1)
})

story('a disk that fails in between leaves neither half of a card', async world => {
  const romeo = await world.connect('romeo')
  const photo = '<PHOTO><BINVAL>R0lGODlhQAAwADs=</BINVAL></PHOTO>'
  // The first of three items is written, the second one is not.
  await world.store.run(sql`CREATE UNIQUE INDEX only_one ON pubsub_item (publisher)`)
  await romeo.sends(set(`Romeo</FN>${photo}<FN>`))
  assert.equal(romeo.unread.shift()?.attrs['type'], 'error')
  await world.store.run(sql`DROP INDEX only_one`)
  assert.deepEqual(await world.store.all(sql`SELECT * FROM pubsub_item`), [])
  await romeo.sends(get())
  receivesNone(romeo)
  await romeo.sends(set(`Romeo</FN>${photo}<FN>`))
  romeo.receives('<iq type="result" id="v2"/>')
  await romeo.sends(get())
  romeo.receives(`<iq id="v1"><vCard xmlns="vcard-temp"><FN>Romeo</FN>${photo}</vCard></iq>`)
})

story('who reads the card is for its owner to say, in the settings of its node', async world => {
  const romeo = await world.online('romeo')
  const tybalt = await world.online('tybalt')
  await publishesItem(romeo, 'urn:xmpp:vcard4', v4('<fn><text>Romeo</text></fn>'), { access_model: 'open' })
  await tybalt.sends(get('romeo'))
  tybalt.receives(card('Romeo'))
  const juliet = await world.online('juliet')
  const friend = await world.online('friend')
  await world.befriend(juliet, friend)
  await publishesItem(juliet, 'urn:xmpp:vcard4', v4('<fn><text>Juliet</text></fn>'), { access_model: 'whitelist' })
  await friend.sends(get('juliet'))
  friend.receivesError('v1', 'service-unavailable')
})

story('a card is read while its owner is away, and a private one is not', async world => {
  const [romeo, juliet] = [await world.online('romeo'), await world.online('juliet')]
  const nurse = await world.online('nurse')
  for (const client of [romeo, juliet]) await world.befriend(client, nurse)
  await publishes(romeo, 'Romeo')
  await publishesItem(juliet, 'urn:xmpp:vcard4', v4('<fn><text>Juliet</text></fn>'), { access_model: 'whitelist' })
  world.restarts()
  const again = await world.online('nurse')
  await again.sends(get('romeo'))
  again.receives(card('Romeo'))
  await again.sends(get('juliet'))
  again.receivesError('v1', 'service-unavailable')
})

story('cards from before there were two formats are found again', async world => {
  await world.connect('romeo')
  const photo = '<PHOTO><BINVAL>R0lGODlhQAAwADs=</BINVAL></PHOTO>'
  await world.store.run(
    sql`INSERT INTO vcard (account, xml) VALUES ('romeo', ${`<vCard xmlns='vcard-temp'><FN>Romeo</FN>${photo}</vCard>`})`,
  )
  world.restarts()
  const romeo = await world.connect('romeo', 'laptop')
  await romeo.sends(get())
  romeo.receives(`<iq id="v1"><vCard xmlns="vcard-temp"><FN>Romeo</FN>${photo}</vCard></iq>`)
  assert.equal((await sees(romeo, 'urn:xmpp:avatar:metadata')).length, 1)
  assert.deepEqual(await world.store.all(sql`SELECT * FROM vcard`), [])
})

story('a card from before is moved as a whole or not at all, and never over a newer one', async world => {
  const before = await world.connect('romeo')
  await world.store.run(sql`INSERT INTO vcard (account, xml) VALUES ('romeo', '<vCard xmlns="vcard-temp"><FN>Old</FN></vCard>')`)
  await before.leaves()
  world.restarts()
  const tx = world.store.tx.bind(world.store)
  world.store.tx = work =>
    tx(db => {
      const run: typeof db.run = query => (query.sql.includes('FROM vcard') ? Promise.reject(new Error('the disk is full')) : db.run(query))
      return work({ all: db.all.bind(db), insert: db.insert.bind(db), tx: db.tx.bind(db), run, writesPages: db.writesPages })
    })
  await (await world.connect('romeo')).leaves()
  world.store.tx = tx
  assert.equal((await world.store.all(sql`SELECT * FROM vcard`)).length, 1)
  assert.equal((await world.store.all(sql`SELECT * FROM pubsub_item`)).length, 0)
  world.restarts()
  const romeo = await world.connect('romeo')
  assert.equal((await world.store.all(sql`SELECT * FROM vcard`)).length, 0)
  await world.store.run(sql`INSERT INTO vcard (account, xml) VALUES ('romeo', '<vCard xmlns="vcard-temp"><FN>Old</FN></vCard>')`)
  await publishes(romeo, 'New')
  world.restarts()
  const again = await world.connect('romeo')
  await again.sends(get())
  again.receives(card('New'))
})

story('contacts see a card from before while its owner is away', async world => {
  const romeo = await world.online('romeo')
  const juliet = await world.online('juliet')
  await world.befriend(romeo, juliet)
  await world.store.run(sql`INSERT INTO vcard (account, xml) VALUES ('romeo', '<vCard xmlns="vcard-temp"><FN>Romeo</FN></vCard>')`)
  world.restarts()
  const again = await world.online('juliet')
  await again.sends(get('romeo'))
  again.receives(card('Romeo'))
})

story(
  'a card and its photo are kept together, or neither is',
  async world => {
    const romeo = await world.connect('romeo')
    const photo = '<PHOTO><BINVAL>R0lGODlhQAAwADs=</BINVAL></PHOTO>'
    const huge = `<PHOTO><TYPE>image/gif</TYPE><BINVAL>R0lGODlhQAAwADs7${'A'.repeat(2000)}</BINVAL></PHOTO>`
    await romeo.sends(set(`Romeo</FN>${photo}<FN>`))
    romeo.receives('<iq type="result" id="v2"/>')
    for (const tooMuch of [`Montague</FN>${huge}<FN>`, `${'x'.repeat(2000)}</FN><PHOTO><BINVAL>R0lGODlhIAAgADs=</BINVAL></PHOTO><FN>`]) {
      await romeo.sends(set(tooMuch))
      assert.equal(romeo.unread.shift()?.attrs['type'], 'error')
      await romeo.sends(get())
      romeo.receives(`<iq id="v1"><vCard xmlns="vcard-temp"><FN>Romeo</FN>${photo}</vCard></iq>`)
    }
  },
  { settings: { pubsub: { payload: '1KiB' } } },
)
