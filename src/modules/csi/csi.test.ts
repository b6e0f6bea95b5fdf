import assert from 'node:assert/strict'
import { type Client, story, type World } from '../../../test/story.ts'
import { sessionResumed } from '../../core/points.ts'
import { parseElement } from '../../xml/parser.ts'

const ROMEO = 'romeo@here.example/phone'
const MUC_USER = 'http://jabber.org/protocol/muc#user'
const STATE = 'http://jabber.org/protocol/chatstates'

/** What the stream does with an element that is no stanza. */
function indicate(world: World, client: Client, state: 'active' | 'inactive'): void {
  const nonza = parseElement(`<${state} xmlns="urn:xmpp:csi:0"/>`)
  world.host.stream.nonzaHandler(nonza)!(client.session, nonza)
}

/** Romeo's phone is inactive, Juliet is his contact. */
async function asleep(world: World): Promise<{ romeo: Client; juliet: Client }> {
  const romeo = await world.online('romeo')
  const juliet = await world.online('juliet')
  await world.befriend(romeo, juliet)
  indicate(world, romeo, 'inactive')
  return { romeo, juliet }
}

const message = (children: string, from = 'juliet@there.example/balcony', attrs = 'type="chat"'): string =>
  `<message ${attrs} from="${from}" to="${ROMEO}">${children}</message>`
const composing = `<composing xmlns="${STATE}"/>`
const event = (node: string, id: string, payload: string): string =>
  `<message type="headline" from="juliet@there.example" to="${ROMEO}"><event xmlns="http://jabber.org/protocol/pubsub#event">
    <items node="${node}"><item id="${id}">${payload}</item></items></event></message>`
const tune = (title: string): string => `<tune xmlns="http://jabber.org/protocol/tune"><title>${title}</title></tune>`

story('XEP-0352 §4.1: it is offered once the client has logged in', async world => {
  const stream = { isSecure: true, account: 'romeo', attempt: () => true }
  const offered = world.host.stream.authenticated.map(offer => offer(stream)?.ns)
  assert.ok(offered.includes('urn:xmpp:csi:0'))
})

story('XEP-0352 §5: a client is active until it says otherwise', async world => {
  const romeo = await world.online('romeo')
  const juliet = await world.online('juliet')
  await world.befriend(romeo, juliet)
  await juliet.sends('<presence><show>away</show></presence>')
  romeo.receives('<presence><show>away</show></presence>')
  juliet.forget()
})

story('XEP-0352 §3.2: of the presence of a contact, the latest is told when the client becomes active', async world => {
  const { romeo, juliet } = await asleep(world)
  await juliet.sends('<presence><show>away</show></presence>')
  await juliet.sends('<presence><show>dnd</show></presence>')
  juliet.forget()
  romeo.receivesNothing()
  indicate(world, romeo, 'active')
  romeo.receives('<presence from="juliet@here.example/phone"><show>dnd</show></presence>')
  await juliet.sends('<presence><show>xa</show></presence>')
  juliet.forget()
  romeo.receives('<presence><show>xa</show></presence>')
})

story('XEP-0352 §3.2: what is important comes at once, after what was waiting for it', async world => {
  const { romeo, juliet } = await asleep(world)
  await juliet.sends('<presence><show>away</show></presence>')
  juliet.forget()
  await juliet.sends('<message type="chat" to="romeo@here.example"><body>wake up</body></message>')
  romeo.receives('<presence><show>away</show></presence>')
  romeo.receives('<message><body>wake up</body></message>')
  await juliet.sends('<presence><show>dnd</show></presence>')
  juliet.forget()
  romeo.receivesNothing()
})

story('chat states that come alone wait, the latest of each sender', async world => {
  const { romeo } = await asleep(world)
  await world.arrives(message(composing))
  await world.arrives(message(`<paused xmlns="${STATE}"/><thread>t1</thread><no-store xmlns="urn:xmpp:hints"/>`))
  await world.arrives(message(composing, 'tybalt@there.example/street'))
  romeo.receivesNothing()
  indicate(world, romeo, 'active')
  romeo.receives(message(`<paused xmlns="${STATE}"/>`))
  romeo.receives(message(composing, 'tybalt@there.example/street'))
})

story('carbon copies of chat states wait too, those of messages do not', async world => {
  const { romeo, juliet } = await asleep(world)
  const laptop = await world.online('romeo', 'laptop')
  await romeo.sends('<iq type="set" id="c1"><enable xmlns="urn:xmpp:carbons:2"/></iq>')
  romeo.forget()
  await laptop.sends(`<message type="chat" to="juliet@here.example">${composing}</message>`)
  romeo.receivesNothing()
  await laptop.sends('<message type="chat" to="juliet@here.example"><body>hi</body></message>')
  romeo.receives(`<message><sent xmlns="urn:xmpp:carbons:2"/></message>`)
  romeo.receives(
    `<message><sent xmlns="urn:xmpp:carbons:2"><forwarded xmlns="urn:xmpp:forward:0"><message xmlns="jabber:client"><body>hi</body></message></forwarded></sent></message>`,
  )
  juliet.forget()
  laptop.forget()
})

story('notifications of personal events wait, the latest of each item', async world => {
  const { romeo } = await asleep(world)
  await world.arrives(event('tune', 'current', tune('one')))
  await world.arrives(event('books', 'a', tune('a')))
  await world.arrives(event('tune', 'current', tune('two')))
  await world.arrives(event('books', 'b', tune('b')))
  romeo.receivesNothing()
  indicate(world, romeo, 'active')
  romeo.receives(event('books', 'a', tune('a')))
  romeo.receives(event('tune', 'current', tune('two')))
  romeo.receives(event('books', 'b', tune('b')))
})

story('of the people in a room those wait who are not oneself', async world => {
  const { romeo } = await asleep(world)
  const occupant = (nick: string, inside: string): string =>
    `<presence from="room@rooms.example/${nick}" to="${ROMEO}"><x xmlns="${MUC_USER}">${inside}</x></presence>`
  await world.arrives(occupant('mercutio', ''))
  romeo.receivesNothing()
  await world.arrives(occupant('romeo', '<status code="110"/>'))
  romeo.receives(occupant('mercutio', ''))
  romeo.receives(occupant('romeo', '<status code="110"/>'))
})

story('requests, errors and what concerns the user in person are important', async world => {
  const { romeo } = await asleep(world)
  const important = [
    `<iq type="get" id="i1" from="here.example" to="${ROMEO}"><ping xmlns="urn:xmpp:ping"/></iq>`,
    `<presence from="stranger@there.example/r" to="${ROMEO}"/>`,
    `<presence type="error" from="juliet@there.example" to="${ROMEO}"/>`,
    message(composing, 'juliet@there.example/balcony', 'type="error" id="m1"'),
    message('<received xmlns="urn:xmpp:receipts" id="m1"/>'),
    message(`${composing}<encrypted xmlns="eu.siacs.conversations.axolotl"/>`),
  ]
  for (const stanza of important) {
    await world.arrives(stanza)
    romeo.receives(stanza)
  }
  await world.arrives('<presence type="subscribe" from="stranger@there.example" to="romeo@here.example"/>')
  romeo.receives('<presence type="subscribe"/>')
})

story(
  'when as much waits as may, it is sent',
  async world => {
    const { romeo } = await asleep(world)
    for (const name of ['a', 'b', 'c']) await world.arrives(message(composing, `${name}@there.example`))
    for (const name of ['a', 'b', 'c']) romeo.receives(message(composing, `${name}@there.example`))
    await world.arrives(message(composing, 'd@there.example'))
    romeo.receivesNothing()
  },
  { settings: { csi: { most: 2 } } },
)

story(
  'when what waits is as large as it may be, it is sent',
  async world => {
    const { romeo } = await asleep(world)
    await world.arrives(event('tune', 'current', tune('x'.repeat(300))))
    romeo.receivesNothing()
    await world.arrives(event('tune', 'current', tune('y'.repeat(900))))
    romeo.receives(event('tune', 'current', tune('y'.repeat(900))))
  },
  { settings: { csi: { largest: '1KiB' } } },
)

story(
  'XEP-0352 §3.2: the operator decides what is held back',
  async world => {
    const { romeo, juliet } = await asleep(world)
    await juliet.sends('<presence><show>away</show></presence>')
    juliet.forget()
    romeo.receives('<presence><show>away</show></presence>')
    await world.arrives(message(composing))
    romeo.receives(message(composing))
    await world.arrives(event('tune', 'current', tune('one')))
    romeo.receives(event('tune', 'current', tune('one')))
  },
  { settings: { csi: { presence: false, chatStates: false, events: false } } },
)

story('XEP-0352 §5.2: a resumed stream is active', async world => {
  const { romeo } = await asleep(world)
  await world.arrives(message(composing))
  romeo.receivesNothing()
  await world.host.hooks.run(sessionResumed, romeo.session)
  romeo.receives(message(composing))
  assert.equal(romeo.session.gate, undefined)
})

story('XEP-0352 §4.2: saying it twice changes nothing, and the state can be said with binding', async world => {
  const { romeo } = await asleep(world)
  await world.arrives(message(composing))
  indicate(world, romeo, 'inactive')
  indicate(world, romeo, 'active')
  indicate(world, romeo, 'active')
  romeo.receives(message(composing))
  const nonza = parseElement('<inactive xmlns="urn:xmpp:csi:0"/>')
  world.host.stream.inlineHandler(nonza)!(romeo.session, nonza)
  await world.arrives(message(composing))
  romeo.receivesNothing()
})
