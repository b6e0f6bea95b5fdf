import assert from 'node:assert/strict'
import { type Client, story, type World } from '../../../test/story.ts'
import { defineModule } from '../../core/module.ts'
import { presenceIn } from '../../core/points.ts'
import type { Element } from '../../xml/element.ts'
import { Jid } from '../../xmpp/jid.ts'
import { presence } from './presence.ts'

story('RFC 6121 §4.2.2: initial presence goes to subscribers and to all own resources, and brings that of contacts', async world => {
  const romeo = await world.online('romeo', 'orchard', '<presence><show>dnd</show></presence>')
  const juliet = await world.online('juliet', 'balcony')
  const tybalt = await world.online('tybalt')
  await world.befriend(romeo, juliet)
  const chamber = await world.connect('juliet', 'chamber')
  await chamber.sends('<presence id="p1"><show>away</show><x xmlns="urn:example:x"/></presence>')
  const mine = '<presence from="juliet@here.example/chamber" id="p1"><show>away</show><x xmlns="urn:example:x"/></presence>'
  romeo.receives(mine)
  juliet.receives(mine)
  chamber.receives(mine)
  chamber.receives('<presence from="juliet@here.example/balcony" to="juliet@here.example"/>')
  chamber.receives('<presence from="romeo@here.example/orchard" to="juliet@here.example/chamber"><show>dnd</show></presence>')
  tybalt.receivesNothing()
})

story('RFC 6121 §4.4.2: subsequent presence goes to subscribers and own resources, and asks nothing', async world => {
  const romeo = await world.online('romeo')
  const juliet = await world.online('juliet')
  await world.befriend(romeo, juliet)
  await juliet.sends('<presence><show>xa</show></presence>')
  juliet.receives('<presence><show>xa</show></presence>')
  romeo.receives('<presence from="juliet@here.example/phone" to="romeo@here.example"><show>xa</show></presence>')
})

story('RFC 6121 §4.5.2: unavailable presence goes to subscribers and own resources, and to the one that said it', async world => {
  const romeo = await world.online('romeo')
  const juliet = await world.online('juliet', 'balcony')
  const chamber = await world.online('juliet', 'chamber')
  await world.befriend(romeo, juliet)
  await juliet.sends('<presence type="unavailable"><status>going on vacation</status></presence>')
  const gone = '<presence type="unavailable" from="juliet@here.example/balcony"><status>going on vacation</status></presence>'
  for (const client of [romeo, chamber, juliet]) client.receives(gone)
  assert.equal(juliet.session.presence, undefined)
  await juliet.sends('<presence type="unavailable"/>')
  await juliet.leaves()
})

story('RFC 6121 §4.5.2: of a session that ends without a word the server says it', async world => {
  const romeo = await world.online('romeo')
  const juliet = await world.online('juliet', 'balcony')
  const chamber = await world.online('juliet', 'chamber')
  await world.befriend(romeo, juliet)
  await juliet.leaves()
  for (const client of [romeo, chamber]) client.receives('<presence type="unavailable" from="juliet@here.example/balcony"/>')
})

story('RFC 6121 §4.7.2.3: a priority is from −128 to 127, and 0 where nothing is said', async world => {
  const juliet = await world.connect('juliet')
  for (const [priority, value] of [
    ['-128', -128],
    ['127', 127],
    [' +1 ', 1],
  ] as const) {
    await juliet.sends(`<presence><priority>${priority}</priority></presence>`)
    assert.equal(juliet.session.priority, value)
  }
  juliet.forget()
  for (const priority of ['128', '-129', '1.5', 'high', '', '1e2']) {
    await juliet.sends(`<presence id="p1"><priority>${priority}</priority></presence>`)
    juliet.receivesError('p1', 'bad-request')
    assert.equal(juliet.session.priority, 1)
  }
  await juliet.sends('<presence/>')
  juliet.receives('<presence/>')
  assert.equal(juliet.session.priority, 0)
})

story('presence of a type that needs an address is refused without one', async world => {
  const juliet = await world.connect('juliet')
  for (const type of ['subscribe', 'probe', 'available']) {
    await juliet.sends(`<presence type="${type}" id="p1"/>`)
    juliet.receivesError('p1', 'bad-request')
  }
})

story('RFC 6121 §4.6: directed presence is taken back when the session becomes unavailable', async world => {
  const romeo = await world.online('romeo')
  const juliet = await world.online('juliet')
  const nurse = await world.online('nurse')
  await romeo.sends('<presence to="juliet@here.example"><show>chat</show></presence>')
  await romeo.sends('<presence to="nurse@here.example/phone"/>')
  juliet.receives('<presence from="romeo@here.example/phone" to="juliet@here.example"><show>chat</show></presence>')
  nurse.receives('<presence to="nurse@here.example/phone"/>')
  await romeo.sends('<presence><show>away</show></presence>')
  juliet.receivesNothing()
  await romeo.sends('<presence type="unavailable" to="nurse@here.example/phone"/>')
  nurse.receives('<presence type="unavailable"/>')
  await romeo.sends('<presence type="unavailable"><status>bye</status></presence>')
  juliet.receives('<presence type="unavailable" from="romeo@here.example/phone" to="juliet@here.example"><status>bye</status></presence>')
  romeo.forget()
})

story('RFC 6121 §4.6.3: presence can be directed without having been broadcast, also to a subscriber', async world => {
  const romeo = await world.online('romeo')
  const juliet = await world.online('juliet')
  await world.befriend(romeo, juliet)
  const laptop = await world.connect('romeo', 'laptop')
  await laptop.sends('<presence to="juliet@here.example"/>')
  juliet.receives('<presence from="romeo@here.example/laptop"/>')
  await laptop.leaves()
  juliet.receives('<presence type="unavailable" from="romeo@here.example/laptop"/>')
  await romeo.sends('<presence to="juliet@here.example"><status>hi</status></presence>')
  juliet.receives('<presence from="romeo@here.example/phone"/>')
  await romeo.leaves()
  juliet.receives('<presence type="unavailable" from="romeo@here.example/phone"/>')
})

story('RFC 6121 §4.6.1: who has become unavailable is told nothing more', async world => {
  const romeo = await world.online('romeo')
  const juliet = await world.online('juliet')
  await romeo.sends('<presence to="juliet@here.example/phone"/>')
  await juliet.sends('<presence type="unavailable" to="romeo@here.example/phone"/>')
  juliet.forget()
  romeo.forget()
  await romeo.leaves()
  juliet.receivesNothing()
})

story(
  'a session can direct presence to so many addresses, and no more',
  async world => {
    const romeo = await world.connect('romeo')
    const send = (to: string): Promise<void> => romeo.sends(`<presence id="${to}" to="${to}@here.example/x"/>`)
    for (const to of ['a', 'b', 'b', 'c']) await send(to)
    romeo.receivesError('c', 'resource-constraint')
    await romeo.sends('<presence type="unavailable" to="a@here.example/x"/>')
    await send('c')
    romeo.receivesNothing()
  },
  { settings: { presence: { directed: 2 } } },
)

/** Hears what the host sends to an account that it takes for a contact elsewhere. */
const heard: string[] = []
const ear = defineModule({
  name: 'ear',
  about: 'For tests.',
  xeps: [],
  setup({ on }) {
    on(presenceIn.check, function listen({ stanza, to }) {
      if (to.local === 'listener' && stanza.attrs['type'] !== 'error') heard.push(summary(stanza))
    })
  },
})

const summary = ({ attrs: { type = 'available', from, id } }: Element): string =>
  [type, from, id].filter(part => part !== undefined).join(' ')

async function probe(world: World, to: string): Promise<string[]> {
  heard.length = 0
  await world.arrives(`<presence type="probe" id="q" from="listener@here.example" to="${to}"/>`)
  return [...heard]
}

story(
  'RFC 6121 §4.3.2: subscribers that ask get the presence of each resource, or of the one asked for that it is there',
  async world => {
    const listener = await world.online('listener')
    const juliet = await world.online('juliet', 'balcony', '<presence id="b1"><show>dnd</show></presence>')
    await world.online('juliet', 'chamber')
    await world.befriend(listener, juliet)
    assert.deepEqual(await probe(world, 'juliet@here.example'), [
      'available juliet@here.example/balcony b1',
      'available juliet@here.example/chamber',
    ])
    listener.forget()
    assert.deepEqual(await probe(world, 'juliet@here.example/balcony'), ['available juliet@here.example/balcony b1'])
    assert.equal(listener.unread.shift()!.children.length, 0)
    assert.deepEqual(await probe(world, 'juliet@here.example/tomb'), ['unavailable juliet@here.example/tomb q'])
    listener.forget()
  },
  { extra: [ear] },
)

story(
  'RFC 6121 §4.3.2: others that ask hear that they are not subscribed, whether the account exists or not',
  async world => {
    await world.host.life.create('listener', [])
    await world.online('juliet', 'balcony')
    for (const to of ['juliet@here.example', 'juliet@here.example/balcony']) {
      assert.deepEqual(await probe(world, to), ['unsubscribed juliet@here.example q'])
    }
    for (const to of ['nobody@here.example', 'nobody@here.example/balcony']) {
      assert.deepEqual(await probe(world, to), ['unsubscribed nobody@here.example q'])
    }
  },
  { extra: [ear] },
)

story(
  'RFC 6121 §4.6.6: to whom a session directed presence may ask whether it is still there',
  async world => {
    await world.host.life.create('listener', [])
    const juliet = await world.online('juliet', 'balcony')
    await juliet.sends('<presence to="listener@here.example"><show>dnd</show></presence>')
    assert.deepEqual(await probe(world, 'juliet@here.example/balcony'), ['available juliet@here.example/balcony q'])
    assert.deepEqual(await probe(world, 'juliet@here.example'), ['unsubscribed juliet@here.example q'])
  },
  { extra: [ear] },
)

story('RFC 6121 §8.5.3.1: only who may see a session can send requests to it', async world => {
  const juliet = await world.online('juliet', 'balcony')
  const chamber = await world.online('juliet', 'chamber')
  const tybalt = await world.online('tybalt')
  const romeo = await world.online('romeo')
  await world.befriend(juliet, romeo)
  const ask = (id: string): string => `<iq type="get" id="${id}" to="juliet@here.example/balcony"><query xmlns="jabber:iq:version"/></iq>`
  await tybalt.sends(ask('1'))
  tybalt.receivesError('1', 'service-unavailable')
  for (const client of [romeo, chamber]) {
    await client.sends(ask('2'))
    juliet.receives(`<iq type="get" id="2" from="${client.session.jid}"/>`)
  }
  await juliet.sends('<presence to="tybalt@here.example/phone"/>')
  tybalt.receives('<presence/>')
  await tybalt.sends(ask('3'))
  juliet.receives('<iq id="3" from="tybalt@here.example/phone"/>')
  await juliet.sends('<presence type="unavailable" to="tybalt@here.example/phone"/>')
  tybalt.forget()
  await tybalt.sends(ask('4'))
  tybalt.receivesError('4', 'service-unavailable')
  await tybalt.sends('<iq type="result" id="5" to="juliet@here.example/balcony"/>')
  juliet.receives('<iq type="result" id="5"/>')
  assert.ok(world.host.apiOf(presence).isVisibleTo(juliet.session, Jid.of('', 'here.example')))
})

story('a contact whose subscription is cancelled sees nothing more', async world => {
  const romeo = await world.online('romeo')
  const juliet = await world.online('juliet')
  await world.befriend(romeo, juliet)
  await juliet.sends('<presence type="unsubscribed" to="romeo@here.example"/>')
  romeo.receives('<presence type="unavailable" from="juliet@here.example/phone"/>')
  const laptop = await world.connect('romeo', 'laptop')
  await laptop.sends('<presence/>')
  juliet.receives('<presence from="romeo@here.example/laptop"/>')
  romeo.receives('<presence from="romeo@here.example/laptop"/>')
  laptop.receivesAll('<presence from="romeo@here.example/laptop"/>', '<presence from="romeo@here.example/phone"/>')
})

story('a login costs as many stanzas as there are contacts, and no more', async world => {
  const juliet = await world.online('juliet')
  const contacts = 20
  for (let i = 0; i < contacts; i++) await world.befriend(juliet, await world.online(`friend${i}`))
  await juliet.leaves()
  const laptop = await world.connect('juliet', 'laptop')
  for (const account of world.host.accounts.online()) for (const { transport } of account.sessions.values()) (transport as Client).forget()
  await laptop.sends('<presence/>')
  assert.equal(laptop.unread.length, contacts + 1)
  for (const account of world.host.accounts.online()) for (const { transport } of account.sessions.values()) (transport as Client).forget()
})

story('RFC 6121 §3.1.2: a request to another server that fails is told, and made again with the next presence session', async world => {
  const romeo = await world.online('romeo')
  const failed = `<presence type="error" from="juliet@far.example">
    <error><remote-server-not-found xmlns="urn:ietf:params:xml:ns:xmpp-stanzas"/></error></presence>`
  await romeo.sends('<presence type="subscribe" to="juliet@far.example"/>')
  romeo.receives(failed)
  await romeo.sends('<presence><show>away</show></presence>')
  romeo.receives('<presence/>')
  await romeo.sends('<presence type="unavailable"/>')
  await romeo.sends('<presence/>')
  romeo.receives('<presence type="unavailable"/>')
  romeo.receives('<presence/>')
  romeo.receives(failed)
})

story('a probe that fails is not told to clients', async world => {
  const romeo = await world.connect('romeo')
  await romeo.sends('<presence type="subscribe" to="juliet@far.example"/>')
  await world.arrives('<presence type="subscribed" from="juliet@far.example" to="romeo@here.example"/>')
  await romeo.sends('<presence/>')
  romeo.receives('<presence from="romeo@here.example/phone"/>')
})

const block = (name: string, jid: string): string =>
  `<iq type="set" id="b1"><${name} xmlns="urn:xmpp:blocking"><item jid="${jid}"/></${name}></iq>`

story('XEP-0191 §3.3 and §3.4: who is blocked sees me leave, hears nothing of me, and sees me again when unblocked', async world => {
  const romeo = await world.online('romeo')
  const juliet = await world.online('juliet')
  await world.befriend(romeo, juliet)
  await romeo.sends(block('block', 'juliet@here.example'))
  romeo.receives('<iq type="result" id="b1"/>')
  juliet.receives('<presence type="unavailable" from="romeo@here.example/phone"/>')
  await romeo.sends('<presence><show>away</show></presence>')
  romeo.receives('<presence/>')
  const laptop = await world.connect('romeo', 'laptop')
  await laptop.sends('<presence/>')
  romeo.receives('<presence/>')
  laptop.receivesAll('<presence/>', '<presence/>')
  await laptop.leaves()
  romeo.receives('<presence type="unavailable"/>')
  juliet.receivesNothing()
  await romeo.sends(block('unblock', 'juliet@here.example'))
  romeo.receivesAll('<iq type="result" id="b1"/>', '<presence from="juliet@here.example/phone"/>')
  juliet.receives('<presence from="romeo@here.example/phone"><show>away</show></presence>')
})

story('XEP-0191 §3.3: to whom presence was directed is told, when blocked, that I am gone, and nothing later', async world => {
  const romeo = await world.online('romeo')
  const juliet = await world.online('juliet')
  await romeo.sends('<presence to="juliet@here.example/phone"/>')
  juliet.receives('<presence/>')
  await romeo.sends(block('block', 'juliet@here.example'))
  romeo.receives('<iq type="result" id="b1"/>')
  juliet.receives('<presence type="unavailable" from="romeo@here.example/phone"/>')
  await romeo.leaves()
  juliet.receivesNothing()
})

story('XEP-0191 §3.3: the request of one who was blocked since is not shown', async world => {
  const tybalt = await world.online('tybalt')
  const romeo = await world.connect('romeo')
  await tybalt.sends('<presence type="subscribe" to="romeo@here.example"/>')
  await romeo.sends(block('block', 'tybalt@here.example'))
  romeo.receives('<iq type="result" id="b1"/>')
  await romeo.sends('<presence/>')
  romeo.receives('<presence from="romeo@here.example/phone"/>')
})

story('RFC 6121 §4.3.2: within this host, silence says that a contact is away', async world => {
  const romeo = await world.online('romeo')
  const juliet = await world.online('juliet')
  await world.befriend(romeo, juliet)
  await romeo.leaves()
  await juliet.sends('<presence type="unavailable"/>')
  juliet.forget()
  await juliet.sends('<presence/>')
  juliet.receives('<presence from="juliet@here.example/phone"/>')
})
