import assert from 'node:assert/strict'
import { type Client, story, type World } from '../../test/story.ts'
import { messageUndelivered } from '../core/points.ts'
import { parseElement } from '../xml/parser.ts'
import { Carbons } from './carbons.ts'

const CARBONS = 'urn:xmpp:carbons:2'
const JULIET = 'juliet@here.example'
/** No room of the server, but to it an address like that of one. */
const ROOM = 'room@here.example'
const JOIN = `<presence to="${ROOM}/romeo"><x xmlns="http://jabber.org/protocol/muc"/></presence>`
const MUC_USER = 'http://jabber.org/protocol/muc#user'

const copied = (direction: string, attrs: string, inner: string, type = 'chat'): string =>
  `<message type="${type}" from="romeo@here.example" ${attrs}><${direction} xmlns="${CARBONS}"><forwarded xmlns="urn:xmpp:forward:0">
    ${inner}</forwarded></${direction}></message>`
const inner = (attrs: string, children: string): string => `<message xmlns="jabber:client" ${attrs}>${children}</message>`

async function enable(client: Client): Promise<void> {
  await client.sends(`<iq type="set" id="c1"><enable xmlns="${CARBONS}"/></iq>`)
  client.receives('<iq type="result" id="c1"/>')
}

/** Romeo with a phone and a laptop; the laptop wants copies. */
async function devices(world: World): Promise<{ phone: Client; laptop: Client; juliet: Client }> {
  const phone = await world.online('romeo', 'phone')
  const laptop = await world.online('romeo', 'laptop')
  const juliet = await world.online('juliet', 'balcony')
  await enable(laptop)
  return { phone, laptop, juliet }
}

story('XEP-0280 §8: my other devices see what I send', async world => {
  const { phone, laptop, juliet } = await devices(world)
  await phone.sends(`<message type="chat" to="${JULIET}"><body>wherefore</body></message>`)
  juliet.receives('<message from="romeo@here.example/phone"><body>wherefore</body></message>')
  laptop.receives(
    copied('sent', 'to="romeo@here.example/laptop"', inner(`from="romeo@here.example/phone" to="${JULIET}"`, '<body>wherefore</body>')),
  )
})

story('XEP-0280 §7: my other devices see what one of them receives', async world => {
  const { phone, laptop, juliet } = await devices(world)
  await juliet.sends('<message type="chat" to="romeo@here.example/phone"><body>by thy name</body></message>')
  phone.receives('<message><body>by thy name</body></message>')
  laptop.receives(copied('received', 'to="romeo@here.example/laptop"', inner('to="romeo@here.example/phone"', '<body>by thy name</body>')))
})

story('XEP-0280 §7: who gets the message itself gets no copy', async world => {
  const { phone, laptop, juliet } = await devices(world)
  await juliet.sends('<message type="chat" to="romeo@here.example"><body>to all</body></message>')
  for (const client of [phone, laptop])
    assert.equal(client.receives('<message><body>to all</body></message>').child(Carbons, 'received'), undefined)
})

story('XEP-0280 §7: a device that is not available gets copies all the same', async world => {
  const phone = await world.online('romeo', 'phone')
  const laptop = await world.connect('romeo', 'laptop')
  await enable(laptop)
  const juliet = await world.online('juliet')
  await juliet.sends('<message type="chat" to="romeo@here.example"><body>hi</body></message>')
  phone.receives('<message><body>hi</body></message>')
  laptop.receives(copied('received', '', inner('', '<body>hi</body>')))
})

story('XEP-0280 §5: a device that has disabled carbons gets none, and may change its mind as often as it likes', async world => {
  const { phone, laptop, juliet } = await devices(world)
  await enable(laptop)
  for (const _ of [1, 2]) {
    await laptop.sends(`<iq type="set" id="c2"><disable xmlns="${CARBONS}"/></iq>`)
    laptop.receives('<iq type="result" id="c2"/>')
  }
  await phone.sends(`<message type="chat" to="${JULIET}"><body>quietly</body></message>`)
  juliet.receives('<message/>')
})

story('XEP-0280 §9: what is private or must not be copied is not', async world => {
  const { phone, juliet } = await devices(world)
  for (const mark of [`<private xmlns="${CARBONS}"/>`, '<no-copy xmlns="urn:xmpp:hints"/>']) {
    await phone.sends(`<message type="chat" to="${JULIET}/balcony"><body>psst</body>${mark}</message>`)
    juliet.receives(`<message><body>psst</body>${mark}</message>`)
    await juliet.sends(`<message type="chat" to="romeo@here.example/phone"><body>psst</body>${mark}</message>`)
    phone.receives(`<message><body>psst</body>${mark}</message>`)
  }
})

story('XEP-0280 §6.1: messages without a type are copied if they have a body', async world => {
  const { phone, laptop, juliet } = await devices(world)
  await phone.sends(`<message to="${JULIET}"><body>hi</body></message>`)
  await phone.sends(`<message to="${JULIET}"><data xmlns="urn:example:data"/></message>`)
  juliet.receives('<message><body>hi</body></message>')
  juliet.receives('<message><data xmlns="urn:example:data"/></message>')
  assert.equal(laptop.receives(`<message><sent xmlns="${CARBONS}"/></message>`).attrs['type'], undefined)
})

story('XEP-0280 §6.1: what belongs to conversations is copied without a body too', async world => {
  const { phone, laptop, juliet } = await devices(world)
  const payloads = [
    '<received xmlns="urn:xmpp:receipts" id="m1"/>',
    '<composing xmlns="http://jabber.org/protocol/chatstates"/>',
    '<displayed xmlns="urn:xmpp:chat-markers:0" id="m1"/>',
    `<x xmlns="jabber:x:conference" jid="${ROOM}"/>`,
    `<x xmlns="${MUC_USER}"><invite to="${JULIET}"/></x>`,
  ]
  for (const payload of payloads) {
    await phone.sends(`<message to="${JULIET}">${payload}</message>`)
    juliet.receives(`<message>${payload}</message>`)
    laptop.receives(
      `<message><sent xmlns="${CARBONS}"><forwarded xmlns="urn:xmpp:forward:0">${inner('', payload)}</forwarded></sent></message>`,
    )
  }
})

story('XEP-0280 §6.1: headlines and what is said in rooms is not copied', async world => {
  const { phone, juliet } = await devices(world)
  await phone.sends(`<message type="headline" to="${JULIET}/balcony"><body>news</body></message>`)
  juliet.receives('<message type="headline"/>')
  await phone.sends(`<message type="groupchat" to="${JULIET}/balcony"><body>all</body></message>`)
  juliet.receives('<message type="groupchat"/>')
})

story('XEP-0280 §6.1: an error is copied if what it answers was', async world => {
  const { phone, laptop } = await devices(world)
  await phone.sends('<message type="chat" id="m1" to="tybalt@gone.example"><body>hi</body></message>')
  phone.receives('<message type="error" id="m1"/>')
  laptop.receives(copied('sent', '', inner('id="m1"', '')))
  laptop.receives(copied('received', '', inner('type="error" id="m1" from="tybalt@gone.example"', ''), 'error'))
})

story('XEP-0280 §6.1: an error that answers nothing that was copied is not', async world => {
  const { phone } = await devices(world)
  await phone.sends(`<message type="chat" id="m1" to="tybalt@gone.example"><body>hi</body><private xmlns="${CARBONS}"/></message>`)
  phone.receives('<message type="error" id="m1"/>')
  await world.arrives('<message type="error" id="m2" from="tybalt@gone.example" to="romeo@here.example/phone"><body>hi</body></message>')
  phone.receives('<message type="error" id="m2"/>')
})

story('XEP-0280 §6.1: private messages of a room are copied neither twice nor to devices outside', async world => {
  const { phone, laptop } = await devices(world)
  const tablet = await world.online('romeo', 'tablet')
  await enable(tablet)
  for (const client of [phone, tablet]) await client.sends(JOIN)
  for (const mark of ['', `<x xmlns="${MUC_USER}"/>`]) {
    await world.arrives(`<message type="chat" from="${ROOM}/mercutio" to="romeo@here.example/phone"><body>psst</body>${mark}</message>`)
    phone.receives('<message><body>psst</body></message>')
    await phone.sends(`<message type="chat" id="m1" to="${ROOM}/mercutio"><body>what?</body>${mark}</message>`)
    tablet.receives(copied('sent', '', inner(`to="${ROOM}/mercutio"`, '<body>what?</body>')))
  }
  await world.arrives(`<message type="error" id="m1" from="${ROOM}/mercutio" to="romeo@here.example/phone"/>`)
  phone.receives('<message type="error" id="m1"/>')
  tablet.receives(copied('received', '', inner('type="error" id="m1"', ''), 'error'))
  laptop.receivesNothing()
})

story('XEP-0280 §6.1: once a device has left the room, it gets no more copies of its private messages', async world => {
  const { phone, laptop } = await devices(world)
  const own = (type: string, codes: readonly string[]): string =>
    `<presence from="${ROOM}/romeo" to="romeo@here.example/laptop" type="${type}"><x xmlns="${MUC_USER}">
      ${codes.map(code => `<status code="${code}"/>`).join('')}</x></presence>`
  const writes = (): Promise<void> =>
    phone.sends(`<message type="chat" to="${ROOM}/mercutio"><body>psst</body><x xmlns="${MUC_USER}"/></message>`)

  await laptop.sends(JOIN)
  for (const codes of [['303', '110'], []]) {
    await world.arrives(own('unavailable', codes))
    laptop.receives('<presence/>')
    await writes()
    laptop.receives(copied('sent', '', inner('', '<body>psst</body>')))
  }
  const farewells = [own('unavailable', ['307', '110']), own('error', [])]
  for (const farewell of farewells) {
    await laptop.sends(JOIN)
    await world.arrives(farewell)
    laptop.receives('<presence/>')
    await writes()
  }
  await laptop.sends(JOIN)
  await laptop.sends(`<presence type="unavailable" to="${ROOM}/romeo"/>`)
  await writes()
})

story('nobody can make a conversation look like that of a room, and so hide it from other devices', async world => {
  const { phone, laptop, juliet } = await devices(world)
  await juliet.sends(`<presence to="romeo@here.example/phone"><x xmlns="${MUC_USER}"><status code="110"/></x></presence>`)
  phone.receives('<presence/>')
  await phone.sends(`<message type="chat" to="${JULIET}/balcony"><body>hi</body></message>`)
  juliet.receives('<message/>')
  laptop.receives(copied('sent', '', inner('', '<body>hi</body>')))
})

story('XEP-0280 §11: copies that others made arrive as what they are: nothing', async world => {
  const { phone, laptop, juliet } = await devices(world)
  for (const direction of ['sent', 'received']) {
    await juliet.sends(`<message type="chat" to="romeo@here.example">
      <${direction} xmlns="${CARBONS}"><forwarded xmlns="urn:xmpp:forward:0">${inner('from="tybalt@here.example"', '<body>fie</body>')}</forwarded></${direction}>
      <body>real</body></message>`)
    for (const client of [phone, laptop]) {
      const message = client.receives(`<message from="${JULIET}/balcony"><body>real</body></message>`)
      assert.ok(!message.elements().some(child => child.ns === CARBONS))
    }
  }
})

story('what was refused is not copied', async world => {
  const { phone } = await devices(world)
  await phone.sends(`<iq type="set" id="b1"><block xmlns="urn:xmpp:blocking"><item jid="${JULIET}"/></block></iq>`)
  phone.receives('<iq type="result" id="b1"/>')
  await phone.sends(`<message type="chat" to="${JULIET}" id="m1"><body>hi</body></message>`)
  phone.receives('<message type="error" id="m1"/>')
})

story('there are no copies of copies', async world => {
  const { phone, juliet } = await devices(world)
  await phone.sends(`<message type="chat" to="${JULIET}"><sent xmlns="${CARBONS}"/><body>hi</body></message>`)
  juliet.receives('<message><body>hi</body></message>')
})

story('what I write to myself is copied once to each other device', async world => {
  const { phone, laptop } = await devices(world)
  const tablet = await world.connect('romeo', 'tablet')
  await enable(tablet)
  await phone.sends('<message type="chat" to="romeo@here.example/laptop"><body>note</body></message>')
  laptop.receives('<message from="romeo@here.example/phone"><body>note</body></message>')
  tablet.receives(copied('received', '', inner('', '<body>note</body>')))
})

story('XEP-0280 §10.3: the error of a device that refuses a copy goes no further', async world => {
  const { phone, laptop, juliet } = await devices(world)
  await juliet.sends('<message type="chat" id="m1" to="romeo@here.example/phone"><body>hi</body></message>')
  phone.receives('<message id="m1"/>')
  laptop.receives(copied('received', '', ''))
  await laptop.sends(
    `<message type="error" id="m1" to="romeo@here.example"><error type="cancel"><service-unavailable xmlns="urn:ietf:params:xml:ns:xmpp-stanzas"/></error></message>`,
  )
  juliet.receivesNothing()
  phone.receivesNothing()
})

story('a copy that a device does not acknowledge is neither kept nor given to others', async world => {
  const { phone, laptop, juliet } = await devices(world)
  await phone.sends(`<message type="chat" to="${JULIET}"><body>hi</body></message>`)
  juliet.receives('<message/>')
  const copy = laptop.receives(copied('sent', '', ''))
  const { account } = laptop.session
  await laptop.leaves()
  phone.forget()
  world.host.redeliver(laptop.session, copy, undefined, world.clock.now())
  assert.equal(await world.host.hooks.run(messageUndelivered, { account, stanza: copy, position: { stream: 's', seq: 1 } }), 'kept')
  await phone.leaves()
  const tablet = await world.online('romeo', 'tablet')
  tablet.receivesNothing()
  juliet.forget()
})

story('XEP-0386 §5: carbons can be enabled with binding', async world => {
  const phone = await world.online('romeo', 'phone')
  const laptop = await world.connect('romeo', 'laptop')
  const request = parseElement(`<enable xmlns="${CARBONS}"/>`)
  assert.ok(world.host.stream.inlineFeatures().includes(CARBONS))
  assert.equal(world.host.stream.inlineHandler(request)!(laptop.session, request), undefined)
  const juliet = await world.online('juliet')
  await phone.sends(`<message type="chat" to="${JULIET}"><body>hi</body></message>`)
  juliet.receives('<message/>')
  laptop.receives(copied('sent', '', ''))
})

/** Romeo is a client that has bound, wants copies, and has sent no presence yet. */
async function arriving(world: World): Promise<{ romeo: Client; juliet: Client }> {
  const romeo = await world.connect('romeo', 'phone')
  await enable(romeo)
  return { romeo, juliet: await world.online('juliet') }
}

story('XEP-0386 §3.3: between binding and presence a client gets no copy of what will wait for it', async world => {
  const { romeo, juliet } = await arriving(world)
  await juliet.sends('<message type="chat" to="romeo@here.example" id="m1"><body>hi</body></message>')
  romeo.receivesNothing()
  await romeo.sends('<presence/>')
  romeo.receives('<presence/>')
  romeo.receives('<message id="m1"><body>hi</body></message>')
})

story('it does of what is not kept; and one that has become unavailable gets copies of all', async world => {
  const { romeo, juliet } = await arriving(world)
  const message = '<message type="chat" to="romeo@here.example"><body>hi</body></message>'
  await juliet.sends(message.replace('</message>', '<no-store xmlns="urn:xmpp:hints"/></message>'))
  romeo.receives('<message><received xmlns="urn:xmpp:carbons:2"/></message>')
  await romeo.sends('<presence type="unavailable"/>')
  await juliet.sends(message)
  romeo.receives('<message><received xmlns="urn:xmpp:carbons:2"/></message>')
})

story('XEP-0280 §4: nobody else can enable my carbons', async world => {
  const { juliet } = await devices(world)
  await juliet.sends(`<iq type="set" id="c9" to="romeo@here.example"><enable xmlns="${CARBONS}"/></iq>`)
  juliet.receivesError('c9', 'service-unavailable')
})
