/** Presence, rosters, blocking and carbons between two servers (RFC 6121 §3, §4 and §8, XEP-0191, XEP-0280). */
import assert from 'node:assert/strict'
import { type Network, serverStory, type Town } from '../../../test/server-story.ts'
import type { Client } from '../../../test/story.ts'
import { StreamError } from '../../xmpp/error.ts'

const GET_ROSTER = '<iq type="get" id="r"><query xmlns="jabber:iq:roster"/></iq>'
const pushOf = (item: string): string => `<iq type="set"><query xmlns="jabber:iq:roster">${item}</query></iq>`
const error = (name: string, from: string, id: string, condition: string): string =>
  `<${name} type="error" from="${from}" id="${id}"><error><${condition} xmlns="urn:ietf:params:xml:ns:xmpp-stanzas"/></error></${name}>`

interface Pair {
  readonly network: Network
  readonly here: Town
  readonly there: Town
  readonly romeo: Client
  readonly juliet: Client
}

/** Romeo at one server, Juliet at the other, both online. */
async function pair(network: Network): Promise<Pair> {
  const [here, there] = [await network.town('here.example'), await network.town('there.example')]
  return { network, here, there, romeo: await here.world.online('romeo'), juliet: await there.world.online('juliet') }
}

/** The same, and they see each other's presence; what was said for it is left out of the story. */
async function friends(network: Network): Promise<Pair> {
  const all = await pair(network)
  const { romeo, juliet } = all
  for (const [one, other] of [
    [romeo, juliet],
    [juliet, romeo],
  ] as const) {
    await one.sends(`<presence type="subscribe" to="${other.session.account.jid}"/>`)
    await network.settled()
    await other.sends(`<presence type="subscribed" to="${one.session.account.jid}"/>`)
    await network.settled()
  }
  romeo.forget()
  juliet.forget()
  return all
}

serverStory('RFC 6121 §3.1: a subscription is asked for and granted from one server to the other', async network => {
  const { romeo, juliet } = await pair(network)
  for (const client of [romeo, juliet]) {
    await client.sends(GET_ROSTER)
    client.forget()
  }
  await romeo.sends('<presence id="s1" type="subscribe" to="juliet@there.example/balcony"/>')
  await network.settled()
  romeo.receives(pushOf('<item jid="juliet@there.example" subscription="none" ask="subscribe"/>'))
  juliet.receives('<presence id="s1" type="subscribe" from="romeo@here.example" to="juliet@there.example"/>')
  await juliet.sends('<presence id="s2" type="subscribed" to="romeo@here.example"/>')
  await network.settled()
  juliet.receives(pushOf('<item jid="romeo@here.example" subscription="from"/>'))
  romeo.receives('<presence id="s2" type="subscribed" from="juliet@there.example" to="romeo@here.example"/>')
  romeo.receives(pushOf('<item jid="juliet@there.example" subscription="to"/>'))
  romeo.receives('<presence from="juliet@there.example/phone" to="romeo@here.example"/>')
})

serverStory('RFC 6121 §4.2 and §4.3: who comes online is told to contacts elsewhere, and hears who of them is there', async network => {
  const { here, romeo, juliet } = await friends(network)
  await juliet.sends('<presence><show>dnd</show></presence>')
  await network.settled()
  juliet.forget()
  romeo.receives('<presence from="juliet@there.example/phone"><show>dnd</show></presence>')
  await romeo.leaves()
  await network.settled()
  juliet.receives('<presence type="unavailable" from="romeo@here.example/phone" to="juliet@there.example"/>')
  const laptop = await here.world.connect('romeo', 'laptop')
  await laptop.sends('<presence/>')
  await network.settled()
  laptop.receives('<presence from="romeo@here.example/laptop"/>')
  laptop.receives('<presence from="juliet@there.example/phone" to="romeo@here.example"><show>dnd</show></presence>')
  juliet.receives('<presence from="romeo@here.example/laptop" to="juliet@there.example"/>')
})

serverStory('RFC 6121 §4.3.2: of a contact elsewhere who is away the server hears that, too', async network => {
  const { here, romeo, juliet } = await friends(network)
  await juliet.leaves()
  await network.settled()
  romeo.receives('<presence type="unavailable" from="juliet@there.example/phone"/>')
  const laptop = await here.world.connect('romeo', 'laptop')
  await laptop.sends('<presence/>')
  await network.settled()
  laptop.receivesAll('<presence from="romeo@here.example/phone"/>', '<presence from="romeo@here.example/laptop"/>')
  laptop.receives('<presence type="unavailable" from="juliet@there.example"/>')
  romeo.receives('<presence from="romeo@here.example/laptop"/>')
  romeo.receives('<presence type="unavailable" from="juliet@there.example"/>')
})

serverStory('RFC 6121 §4.3.2: a server that knows nothing of a subscription says so, and both are of one mind again', async network => {
  const { there, romeo, juliet } = await friends(network)
  await romeo.sends(GET_ROSTER)
  // Juliet's server has lost what it knew, and has told nobody.
  const { router } = there.world
  router.foreign = undefined
  await there.world.arrives('<presence type="unsubscribe" from="romeo@here.example" to="juliet@there.example"/>')
  router.foreign = there.federation
  await romeo.sends('<presence type="unavailable"/>')
  await network.settled()
  for (const client of [romeo, juliet]) client.forget()
  await romeo.sends('<presence/>')
  await network.settled()
  romeo.receives('<presence from="romeo@here.example/phone"/>')
  romeo.receives('<presence type="unsubscribed" from="juliet@there.example" to="romeo@here.example"/>')
  romeo.receives(pushOf('<item jid="juliet@there.example" subscription="from"/>'))
  juliet.receives('<presence from="romeo@here.example/phone"/>')
})

serverStory('RFC 6121 §4.6: directed presence is taken back from strangers elsewhere when the session ends', async network => {
  const { romeo, juliet } = await pair(network)
  await romeo.sends('<presence to="juliet@there.example/phone"><status>hi</status></presence>')
  await network.settled()
  juliet.receives('<presence from="romeo@here.example/phone" to="juliet@there.example/phone"><status>hi</status></presence>')
  await romeo.sends('<presence><show>away</show></presence>')
  await network.settled()
  romeo.receives('<presence/>')
  juliet.receivesNothing()
  await romeo.leaves()
  await network.settled()
  juliet.receives('<presence type="unavailable" from="romeo@here.example/phone" to="juliet@there.example/phone"/>')
})

serverStory('a connection that breaks says nothing of contacts, and the next presence makes another one', async network => {
  const { here, there, romeo, juliet } = await friends(network)
  await network.later(2_000)
  here.federation.closeDomain('there.example')
  await network.settled()
  assert.equal(here.links + there.links, 0)
  romeo.receivesNothing()
  juliet.receivesNothing()
  await juliet.sends('<presence><show>xa</show></presence>')
  await network.settled()
  juliet.forget()
  romeo.receives('<presence from="juliet@there.example/phone"><show>xa</show></presence>')
})

serverStory(
  'RFC 6121 §4.3: a probe that comes to nothing is told to nobody; presence that does is told to its sender, once',
  async network => {
    const { here, romeo, juliet } = await friends(network)
    await network.later(2_000)
    here.federation.closeDomain('there.example')
    await network.settled()
    network.places.set('there.example', 'it does not exist')
    const laptop = await here.world.connect('romeo', 'laptop')
    await laptop.sends('<presence id="p1"/>')
    await network.settled()
    laptop.receivesAll('<presence id="p1" from="romeo@here.example/laptop"/>', '<presence from="romeo@here.example/phone"/>')
    laptop.receives(error('presence', 'juliet@there.example', 'p1', 'remote-server-not-found'))
    romeo.receives('<presence id="p1" from="romeo@here.example/laptop"/>')
    juliet.receivesNothing()
  },
)

for (const [kind, suspend] of [
  ['ends', undefined],
  ['could have been resumed', () => Promise.resolve()],
] as const) {
  serverStory(
    `RFC 6121 §4.5.2: of a session that ${kind} with its server contacts elsewhere are told, though there is no connection`,
    async network => {
      const { here, romeo, juliet } = await friends(network)
      Object.assign(romeo, { suspend })
      await network.later(2_000)
      here.federation.closeDomain('there.example')
      await network.settled()
      await here.world.host.close(new StreamError('system-shutdown'))
      await here.federation.settle()
      here.federation.close()
      await network.settled()
      juliet.receives('<presence type="unavailable" from="romeo@here.example/phone" to="juliet@there.example"/>')
      romeo.receivesNothing()
    },
  )
}

serverStory('RFC 6121 §2.5: who is taken out of a roster is told so at the other server', async network => {
  const { romeo, juliet } = await friends(network)
  for (const client of [romeo, juliet]) {
    await client.sends(GET_ROSTER)
    client.forget()
  }
  await romeo.sends(
    '<iq type="set" id="x"><query xmlns="jabber:iq:roster"><item jid="juliet@there.example" subscription="remove"/></query></iq>',
  )
  await network.settled()
  romeo.receivesAll(pushOf('<item jid="juliet@there.example" subscription="remove"/>'), '<iq type="result" id="x"/>')
  juliet.receives('<presence type="unavailable" from="romeo@here.example/phone"/>')
  juliet.receives('<presence type="unsubscribe" from="romeo@here.example" to="juliet@there.example"/>')
  juliet.receives(pushOf('<item jid="romeo@here.example" subscription="to"/>'))
  juliet.receives('<presence type="unsubscribed" from="romeo@here.example" to="juliet@there.example"/>')
  juliet.receives(pushOf('<item jid="romeo@here.example" subscription="none"/>'))
  romeo.receivesAll('<presence type="unavailable" from="juliet@there.example/phone"/>')
})

serverStory('RFC 6121 §3.1.3: who has lost a subscription and asks again is answered, and sees who is there', async network => {
  const { here, romeo, juliet } = await friends(network)
  await romeo.sends(GET_ROSTER)
  await here.world.arrives('<presence type="unsubscribed" from="juliet@there.example" to="romeo@here.example"/>')
  romeo.forget()
  await romeo.sends('<presence id="s1" type="subscribe" to="juliet@there.example"/>')
  await network.settled()
  romeo.receives(pushOf('<item jid="juliet@there.example" subscription="from" ask="subscribe"/>'))
  romeo.receives('<presence id="s1" type="subscribed" from="juliet@there.example"/>')
  romeo.receives(pushOf('<item jid="juliet@there.example" subscription="both"/>'))
  romeo.receives('<presence from="juliet@there.example/phone" to="romeo@here.example"/>')
  juliet.receivesNothing()
})

serverStory('RFC 6121 §3.1.3: a request to nobody elsewhere is not answered, nor is a message to nobody', async network => {
  const { romeo } = await pair(network)
  await romeo.sends('<presence type="subscribe" to="nobody@there.example"/>')
  await romeo.sends('<message to="nobody@there.example" id="m1"><body>?</body></message>')
  await romeo.sends('<presence to="nobody@there.example"/>')
  await network.settled()
  romeo.receivesNothing()
  await romeo.sends('<iq type="get" to="nobody@there.example" id="i1"><query xmlns="jabber:iq:version"/></iq>')
  await network.settled()
  romeo.receives(error('iq', 'nobody@there.example', 'i1', 'service-unavailable'))
})

serverStory('XEP-0191: a blocked contact elsewhere sees me leave, writes to nobody, and is not written to', async network => {
  const { romeo, juliet } = await friends(network)
  await romeo.sends('<iq type="set" id="b"><block xmlns="urn:xmpp:blocking"><item jid="there.example"/></block></iq>')
  await network.settled()
  romeo.receives('<iq type="result" id="b"/>')
  juliet.receives('<presence type="unavailable" from="romeo@here.example/phone" to="juliet@there.example"/>')
  await juliet.sends('<message to="romeo@here.example" id="m1" type="chat"><body>?</body></message>')
  await juliet.sends('<iq type="get" to="romeo@here.example/phone" id="i1"><query xmlns="jabber:iq:version"/></iq>')
  await juliet.sends('<iq type="get" to="romeo@here.example" id="i2"><query xmlns="http://jabber.org/protocol/disco#info"/></iq>')
  await juliet.sends('<presence><show>away</show></presence>')
  await juliet.sends('<presence type="probe" to="romeo@here.example"/>')
  await network.settled()
  juliet.receivesAll(
    '<presence/>',
    error('message', 'romeo@here.example', 'm1', 'service-unavailable'),
    error('iq', 'romeo@here.example/phone', 'i1', 'service-unavailable'),
    error('iq', 'romeo@here.example', 'i2', 'service-unavailable'),
  )
  romeo.receivesNothing()
  await romeo.sends('<message to="juliet@there.example" id="m2"><body>?</body></message>')
  romeo.receives(error('message', 'juliet@there.example', 'm2', 'not-acceptable'))
  await romeo.sends('<iq type="set" id="u"><unblock xmlns="urn:xmpp:blocking"/></iq>')
  await network.settled()
  romeo.receivesAll('<iq type="result" id="u"/>', '<presence from="juliet@there.example/phone"><show>away</show></presence>')
  juliet.receives('<presence from="romeo@here.example/phone"/>')
})

serverStory('XEP-0280: all devices see both sides of a conversation with somebody elsewhere', async network => {
  const { here, romeo, juliet } = await pair(network)
  const laptop = await here.world.online('romeo', 'laptop', '<presence><priority>-1</priority></presence>')
  await laptop.sends('<iq type="set" id="c"><enable xmlns="urn:xmpp:carbons:2"/></iq>')
  laptop.forget()
  await romeo.sends('<message type="chat" to="juliet@there.example" id="m1"><body>1</body></message>')
  await network.settled()
  juliet.receives('<message id="m1"/>')
  const copy = (direction: string, id: string): string =>
    `<message from="romeo@here.example"><${direction} xmlns="urn:xmpp:carbons:2"><forwarded xmlns="urn:xmpp:forward:0"><message xmlns="jabber:client" id="${id}"/></forwarded></${direction}></message>`
  laptop.receives(copy('sent', 'm1'))
  await juliet.sends('<message type="chat" to="romeo@here.example/phone" id="m2"><body>2</body></message>')
  await network.settled()
  romeo.receives('<message id="m2"/>')
  laptop.receives(copy('received', 'm2'))
  // An error is told where what it answers was seen.
  network.places.set('nowhere.example', 'it does not exist')
  await romeo.sends('<message type="chat" to="a@nowhere.example" id="m3"><body>3</body></message>')
  await network.settled()
  romeo.receives(error('message', 'a@nowhere.example', 'm3', 'remote-server-not-found'))
  laptop.receives(copy('sent', 'm3'))
  laptop.receives(copy('received', 'm3'))
})

for (const direction of ['sent', 'received']) {
  serverStory(`XEP-0280 §11: a copy (${direction}) that somebody elsewhere has forged is none when it arrives`, async network => {
    const { romeo, juliet } = await friends(network)
    await romeo.sends('<iq type="set" id="c"><enable xmlns="urn:xmpp:carbons:2"/></iq>')
    romeo.forget()
    const forged = `<${direction} xmlns="urn:xmpp:carbons:2"><forwarded xmlns="urn:xmpp:forward:0"><message xmlns="jabber:client" from="tybalt@here.example" to="romeo@here.example"><body>!</body></message></forwarded></${direction}>`
    for (const to of ['romeo@here.example', 'romeo@here.example/phone']) {
      await juliet.sends(`<message type="chat" to="${to}" id="f"><body>?</body>${forged}</message>`)
      await network.settled()
      const message = romeo.receives('<message id="f" from="juliet@there.example/phone"/>')
      assert.ok(!String(message).includes('carbons'))
    }
  })
}

serverStory(
  'RFC 6120 §8.3.1: what comes to nothing is answered with its name and id, from the address that it was sent to',
  async network => {
    const here = await network.town('here.example')
    const romeo = await here.world.online('romeo')
    const to = 'a@nowhere.example/x'
    for (const [name, stanza] of [
      ['message', `<message type="normal" id="1" to="${to}"><body>?</body></message>`],
      ['message', `<message type="groupchat" id="1" to="${to}"><body>?</body></message>`],
      ['message', `<message type="headline" id="1" to="${to}"><body>?</body></message>`],
      ['iq', `<iq type="set" id="1" to="${to}"><query xmlns="urn:example"/></iq>`],
      ['presence', `<presence id="1" to="${to}"/>`],
    ] as const) {
      await romeo.sends(stanza)
      await network.settled()
      romeo.receives(error(name, to, '1', 'remote-server-not-found'))
    }
    for (const type of ['subscribe', 'unsubscribe']) {
      await romeo.sends(`<presence type="${type}" id="1" to="${to}"/>`)
      await network.settled()
      romeo.receives(error('presence', 'a@nowhere.example', '1', 'remote-server-not-found'))
    }
    await romeo.leaves()
  },
)

serverStory('requests to another domain are answered, and those to a resource of one are not', async network => {
  const { romeo } = await pair(network)
  await romeo.sends('<iq type="get" to="there.example" id="1"><ping xmlns="urn:xmpp:ping"/></iq>')
  await romeo.sends('<iq type="get" to="there.example/x" id="2"><ping xmlns="urn:xmpp:ping"/></iq>')
  await romeo.sends('<message to="there.example" id="3"><body>?</body></message>')
  await romeo.sends('<iq type="get" to="there.example" id="4"/>')
  await network.settled()
  romeo.receives('<iq type="result" from="there.example" to="romeo@here.example/phone" id="1"/>')
  romeo.receives(error('iq', 'there.example/x', '2', 'service-unavailable'))
  romeo.receives(error('message', 'there.example', '3', 'service-unavailable'))
  romeo.receives(error('iq', 'there.example', '4', 'bad-request'))
})
