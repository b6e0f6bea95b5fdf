import assert from 'node:assert/strict'
import { type Client, story, type World } from '../../../test/story.ts'
import { roster } from './roster.ts'

const get = (ver = ''): string => `<iq type="get" id="r1"><query xmlns="jabber:iq:roster"${ver}/></iq>`
const set = (item: string): string => `<iq type="set" id="s1"><query xmlns="jabber:iq:roster">${item}</query></iq>`
const result = (items = ''): string => `<iq type="result" id="r1"><query xmlns="jabber:iq:roster">${items}</query></iq>`
const pushOf = (item: string): string => `<iq type="set" id="*"><query xmlns="jabber:iq:roster" ver="*">${item}</query></iq>`
const done = '<iq type="result" id="s1"/>'

/** A client that follows its roster. */
async function interested(world: World, account: string, resource = 'phone'): Promise<Client> {
  const client = await world.online(account, resource)
  await client.sends(get())
  client.forget()
  return client
}

const itemsOf = (client: Client): Promise<string[]> =>
  client.sends(get()).then(() => {
    const query = client.receives('<iq type="result" id="r1"><query xmlns="jabber:iq:roster"/></iq>').first()
    return query!.elements().map(String)
  })

story('RFC 6121 §2.3: an item is added, pushed to all interested resources, and then acknowledged', async world => {
  const phone = await interested(world, 'juliet', 'balcony')
  const laptop = await interested(world, 'juliet', 'chamber')
  const other = await world.online('juliet', 'church')
  await phone.sends(set('<item jid="nurse@example.com" name="Nurse"><group>Servants</group></item>'))
  const item = '<item jid="nurse@example.com" name="Nurse" subscription="none"><group>Servants</group></item>'
  phone.receives(pushOf(item))
  phone.receives(done)
  const push = laptop.receives(pushOf(item))
  assert.deepEqual([push.attrs['to'], push.attrs['from']], ['juliet@here.example/chamber', 'juliet@here.example'])
  other.receivesNothing()
})

story('RFC 6121 §2.1.3: the roster outlives the session, and clients see only what the user put into it', async world => {
  const phone = await interested(world, 'juliet')
  await phone.sends(set('<item jid="nurse@example.com" name="Nurse"><group>Servants</group><group>Home</group></item>'))
  await phone.leaves()
  world.host.accounts.forget(world.host.accounts.of('juliet'))
  const laptop = await world.connect('juliet', 'laptop')
  await laptop.sends(get())
  laptop.receives(
    result('<item jid="nurse@example.com" name="Nurse" subscription="none"><group>Servants</group><group>Home</group></item>'),
  )
  phone.forget()
})

story('RFC 6121 §2.4: a name and groups are replaced, and the subscription that a client claims is not believed', async world => {
  const phone = await interested(world, 'juliet')
  await phone.sends(set('<item jid="romeo@here.example" name="Romeo"><group>Friends</group></item>'))
  phone.forget()
  await phone.sends(set('<item jid="romeo@here.example" subscription="both" ask="subscribe" approved="true"/>'))
  const [item] = phone.receives(pushOf('<item/>')).first()!.elements()
  assert.deepEqual([{ ...item!.attrs }, item!.children.length], [{ jid: 'romeo@here.example', subscription: 'none' }, 0])
  phone.receives(done)
})

const refused: readonly (readonly [string, string, string])[] = [
  ['no item', '', 'bad-request'],
  ['two items', '<item jid="a@x.example"/><item jid="b@x.example"/>', 'bad-request'],
  ['an item without address', '<item name="Nurse"/>', 'bad-request'],
  ['a group twice', '<item jid="a@x.example"><group>G</group><group>G</group></item>', 'bad-request'],
  ['a bad address', '<item jid="@@"/>', 'jid-malformed'],
  ['an empty address', '<item jid=""/>', 'jid-malformed'],
  ['a group without name', '<item jid="a@x.example"><group/></item>', 'not-acceptable'],
  ['a name that is too long', `<item jid="a@x.example" name="${'n'.repeat(11)}"/>`, 'not-acceptable'],
  ['a group name that is too long', `<item jid="a@x.example"><group>${'n'.repeat(11)}</group></item>`, 'not-acceptable'],
  ['too many groups', '<item jid="a@x.example"><group>1</group><group>2</group><group>3</group></item>', 'not-acceptable'],
  ['the account itself', '<item jid="juliet@here.example"/>', 'not-allowed'],
  ['the removal of what is not there', '<item jid="a@x.example" subscription="remove"/>', 'item-not-found'],
]

for (const [what, item, condition] of refused) {
  story(
    `RFC 6121 §2.3.3: a roster set with ${what} is refused`,
    async world => {
      const phone = await interested(world, 'juliet')
      await phone.sends(set(item))
      phone.receivesError('s1', condition)
    },
    { settings: { roster: { contacts: 10, requests: 10, longestRequest: 4096, longestName: 10, groupsPerContact: 2 } } },
  )
}

story('RFC 6121 §2.3.3: nobody reads or changes the roster of another', async world => {
  const romeo = await world.connect('romeo')
  await world.host.life.create('juliet', [])
  for (const type of ['get', 'set']) {
    await romeo.sends(
      `<iq type="${type}" id="f1" to="juliet@here.example"><query xmlns="jabber:iq:roster"><item jid="nurse@example.com"/></query></iq>`,
    )
    romeo.receivesError('f1', 'forbidden')
    await romeo.sends(`<iq type="${type}" id="f2" to="nobody@here.example"><query xmlns="jabber:iq:roster"/></iq>`)
    romeo.receivesError('f2', 'forbidden')
  }
})

story('RFC 6121 §2.1.6: a roster push that another forged does not reach the client', async world => {
  const romeo = await world.online('romeo')
  const juliet = await world.online('juliet')
  await world.befriend(romeo, juliet)
  await romeo.sends(
    '<iq type="set" id="f1" to="juliet@here.example/phone"><query xmlns="jabber:iq:roster"><item jid="tybalt@here.example"/></query></iq>',
  )
  romeo.receivesError('f1', 'service-unavailable')
})

const few = { settings: { roster: { contacts: 1, requests: 1, longestRequest: 256, longestName: 10, groupsPerContact: 2 } } }

story(
  'a full roster takes no further contact, by whichever way it comes',
  async world => {
    const juliet = await interested(world, 'juliet')
    await juliet.sends(set('<item jid="nurse@example.com"/>'))
    juliet.forget()
    await juliet.sends(set('<item jid="nurse@example.com" name="Nurse"/>'))
    juliet.receives(pushOf('<item jid="nurse@example.com" name="Nurse"/>'))
    juliet.receives(done)
    await juliet.sends(set('<item jid="mother@example.com"/>'))
    juliet.receivesError('s1', 'resource-constraint')
    for (const type of ['subscribe', 'subscribed']) {
      await juliet.sends(`<presence type="${type}" id="p1" to="romeo@here.example"/>`)
      juliet.receivesError('p1', 'resource-constraint')
    }
  },
  few,
)

story(
  'strangers can neither fill the memory with requests nor learn that they failed',
  async world => {
    const juliet = await world.online('juliet')
    const tybalt = await world.online('tybalt')
    const paris = await world.online('paris')
    await tybalt.sends(`<presence type="subscribe" to="juliet@here.example"><status>${'x'.repeat(300)}</status></presence>`)
    juliet.receives('<presence type="subscribe" from="tybalt@here.example"><status/></presence>')
    await paris.sends('<presence type="subscribe" to="juliet@here.example"/>')
    juliet.receivesNothing()
    tybalt.receivesNothing()
    paris.receivesNothing()
    await juliet.sends('<presence type="unavailable"/>')
    juliet.forget()
    await juliet.sends('<presence/>')
    juliet.receives('<presence from="juliet@here.example/phone"/>')
    const kept = juliet.receives('<presence type="subscribe" from="tybalt@here.example" to="juliet@here.example"/>')
    assert.equal(kept.children.length, 0)
  },
  few,
)

story('RFC 6121 §2.6: a client that has the roster hears so, and pushes bring new versions', async world => {
  const phone = await interested(world, 'juliet')
  await phone.sends(set('<item jid="nurse@example.com"/>'))
  const first = phone.receives(pushOf('<item/>')).first()!.attrs['ver']!
  phone.receives(done)
  await phone.sends(get(` ver="${first}"`))
  assert.equal(phone.receives('<iq type="result" id="r1"/>').children.length, 0)
  await phone.sends(set('<item jid="nurse@example.com" name="Nurse"/>'))
  const second = phone.receives(pushOf('<item/>')).first()!.attrs['ver']!
  phone.receives(done)
  assert.equal(Number(second), Number(first) + 1)
  for (const old of [first, '', 'x']) {
    await phone.sends(get(` ver="${old}"`))
    phone.receives(`<iq type="result" id="r1"><query xmlns="jabber:iq:roster" ver="${second}"><item name="Nurse"/></query></iq>`)
  }
})

story('RFC 6121 §2.6: whoever hears that nothing changed hears of changes from then on', async world => {
  const phone = await world.connect('juliet')
  await phone.sends(get(' ver="0"'))
  assert.equal(phone.receives('<iq type="result" id="r1"/>').children.length, 0)
  await phone.sends(set('<item jid="nurse@example.com"/>'))
  phone.receives(pushOf('<item jid="nurse@example.com"/>'))
  phone.receives(done)
})

story('RFC 6121 §2.6.1 and §3.4: the stream features', async world => {
  const features = world.host.stream.authenticated.map(offer => String(offer({} as never)))
  assert.ok(features.includes("<ver xmlns='urn:xmpp:features:rosterver'/>"))
  assert.ok(features.includes("<sub xmlns='urn:xmpp:features:pre-approval'/>"))
})

story('RFC 6121 §2.5: whom the user removes is let go in both directions', async world => {
  const romeo = await world.online('romeo')
  const juliet = await world.online('juliet')
  await world.befriend(romeo, juliet)
  for (const client of [romeo, juliet]) {
    await client.sends(get())
    client.forget()
  }
  await juliet.sends(set('<item jid="romeo@here.example" subscription="remove"/>'))
  juliet.receives(pushOf('<item jid="romeo@here.example" subscription="remove"/>'))
  juliet.receives(done)
  juliet.receives('<presence type="unavailable" from="romeo@here.example/phone"/>')
  romeo.receivesAll(
    '<presence type="unavailable" from="juliet@here.example/phone"/>',
    '<presence type="unsubscribe" from="juliet@here.example"/>',
    pushOf('<item jid="juliet@here.example" subscription="to"/>'),
    '<presence type="unsubscribed" from="juliet@here.example"/>',
    pushOf('<item jid="juliet@here.example" subscription="none"/>'),
  )
  assert.deepEqual(await itemsOf(juliet), [])
})

story('RFC 6121 §2.5: a request that was sent is taken back with the item, and one that waits goes on waiting', async world => {
  const romeo = await interested(world, 'romeo')
  const juliet = await interested(world, 'juliet')
  await romeo.sends('<presence type="subscribe" to="juliet@here.example"/>')
  await juliet.sends('<presence type="subscribe" to="romeo@here.example"/>')
  for (const client of [romeo, juliet]) client.forget()
  await romeo.sends(set('<item jid="juliet@here.example" subscription="remove"/>'))
  romeo.receives(pushOf('<item jid="juliet@here.example" subscription="remove"/>'))
  romeo.receives(done)
  juliet.receives('<presence type="unsubscribe" from="romeo@here.example"/>')
  await romeo.sends('<presence type="unavailable"/>')
  await romeo.sends('<presence/>')
  romeo.receives('<presence type="unavailable" from="romeo@here.example/phone"/>')
  romeo.receives('<presence from="romeo@here.example/phone"/>')
  romeo.receives('<presence type="subscribe" from="juliet@here.example"/>')
})

story('an account that is removed takes leave of its contacts', async world => {
  const romeo = await world.online('romeo')
  const juliet = await world.online('juliet')
  await world.befriend(romeo, juliet)
  await juliet.sends(get())
  juliet.forget()
  await world.host.life.remove('romeo')
  await world.settled()
  juliet.receivesAll(
    '<presence type="unavailable" from="romeo@here.example/phone"/>',
    '<presence type="unsubscribe" from="romeo@here.example"/>',
    '<presence type="unsubscribed" from="romeo@here.example"/>',
    pushOf('<item jid="romeo@here.example" subscription="to"/>'),
    pushOf('<item jid="romeo@here.example" subscription="none"/>'),
  )
  romeo.forget()
  await world.host.life.create('romeo', [])
  const again = await world.connect('romeo')
  assert.deepEqual(await itemsOf(again), [])
})

story('an invitation makes two accounts see each other', async world => {
  const romeo = await interested(world, 'romeo')
  const juliet = await interested(world, 'juliet')
  const api = world.host.apiOf(roster)
  const [one, other] = [romeo.session.account, juliet.session.account]
  await api.befriend(one, other)
  await world.settled()
  romeo.receivesAll(pushOf('<item jid="juliet@here.example" subscription="both"/>'), '<presence from="juliet@here.example/phone"/>')
  juliet.receivesAll(pushOf('<item jid="romeo@here.example" subscription="both"/>'), '<presence from="romeo@here.example/phone"/>')
  assert.ok(api.knows(one, other.jid) && api.isSubscriber(other, romeo.session.jid))
  assert.equal(api.subscriptionOf(one, juliet.session.jid), 'both')
  assert.deepEqual([...api.subscribers(one)], ['juliet@here.example'])
  assert.deepEqual([...api.subscriptions(one)], ['juliet@here.example'])
  assert.deepEqual(api.items(one), [{ jid: other.jid, name: '', groups: [], subscription: 'both' }])
})
