import assert from 'node:assert/strict'
import { type Client, story, type World } from '../../test/story.ts'
import { parseElement } from '../xml/parser.ts'
import { Jid } from '../xmpp/jid.ts'
import { defineModule } from './module.ts'
import { messageIn, messageUndelivered } from './points.ts'

const kept: string[] = []

/** Keeps what nobody takes, as a store for offline messages does. */
const keeper = defineModule({
  name: 'keeper',
  about: 'For tests.',
  xeps: [],
  setup({ on }) {
    on(messageUndelivered, function keep({ stanza }) {
      kept.push(`${stanza.attrs['type']}`)
      return 'kept'
    })
  },
})

const stored: string[] = []

const archive = defineModule({
  name: 'archive',
  about: 'For tests.',
  xeps: [],
  setup({ on }) {
    on(messageIn.store, function noteStored({ stanza }) {
      if (stanza.attrs['type'] !== 'error') stored.push(`${stanza.attrs['id']}`)
    })
  },
})

const withKeeper = { extra: [keeper] }

type Fate = 'to phone' | 'to laptop' | 'to both' | 'kept' | 'error' | 'silence'
type Fates = readonly [normal: Fate, chat: Fate, groupchat: Fate, headline: Fate, error: Fate]

const TYPES = ['normal', 'chat', 'groupchat', 'headline', 'error'] as const

/** Sends a message of each type and sees what becomes of it; `phone` and `laptop` are those that exist. */
async function expectFates(world: World, address: string, devices: { phone?: Client; laptop?: Client }, fates: Fates): Promise<void> {
  const sender = await world.connect('benvolio', 'garden')
  for (const [i, type] of TYPES.entries()) {
    kept.length = 0
    await sender.sends(`<message type="${type}" id="m1" to="${address}"><body>hi</body></message>`)
    const fate = fates[i]
    const message = `<message type="${type}" to="${address}" from="benvolio@here.example/garden"><body>hi</body></message>`
    if (fate === 'to phone' || fate === 'to both') devices.phone!.receives(message)
    if (fate === 'to laptop' || fate === 'to both') devices.laptop!.receives(message)
    if (fate === 'error') sender.receivesError('m1', 'service-unavailable')
    assert.equal(kept.length > 0, fate === 'kept', `${type} to ${address}`)
    for (const client of [devices.phone, devices.laptop, sender]) client?.receivesNothing()
  }
}

const presence = (priority: number): string => `<presence><priority>${priority}</priority></presence>`

story(
  'RFC 6121 Table 1: the account does not exist',
  async world => {
    await expectFates(world, 'tybalt@here.example', {}, ['silence', 'silence', 'error', 'silence', 'silence'])
    await expectFates(world, 'tybalt@here.example/tomb', {}, ['error', 'silence', 'error', 'silence', 'silence'])
  },
  withKeeper,
)

story(
  'RFC 6121 Table 1: the account exists, but has no active resources',
  async world => {
    await world.host.life.create('romeo', [])
    await expectFates(world, 'romeo@here.example', {}, ['kept', 'kept', 'error', 'silence', 'silence'])
    await expectFates(world, 'romeo@here.example/phone', {}, ['error', 'kept', 'error', 'silence', 'silence'])
  },
  withKeeper,
)

story(
  'RFC 6121 Table 1: negative resources, but none that is not negative',
  async world => {
    const phone = await world.online('romeo', 'phone', presence(-1))
    await expectFates(world, 'romeo@here.example', { phone }, ['kept', 'kept', 'error', 'silence', 'silence'])
    await expectFates(world, 'romeo@here.example/phone', { phone }, ['to phone', 'to phone', 'to phone', 'to phone', 'to phone'])
    await expectFates(world, 'romeo@here.example/other', { phone }, ['error', 'kept', 'error', 'silence', 'silence'])
  },
  withKeeper,
)

story(
  'RFC 6121 Table 1: one resource that is not negative',
  async world => {
    const phone = await world.online('romeo', 'phone', presence(0))
    const laptop = await world.online('romeo', 'laptop', presence(-128))
    const devices = { phone, laptop }
    await expectFates(world, 'romeo@here.example', devices, ['to phone', 'to phone', 'error', 'to phone', 'silence'])
    await expectFates(world, 'romeo@here.example/laptop', devices, ['to laptop', 'to laptop', 'to laptop', 'to laptop', 'to laptop'])
    await expectFates(world, 'romeo@here.example/other', devices, ['error', 'to phone', 'error', 'silence', 'silence'])
  },
  withKeeper,
)

story(
  'RFC 6121 Table 1: several resources that are not negative',
  async world => {
    const phone = await world.online('romeo', 'phone', presence(5))
    const laptop = await world.online('romeo', 'laptop', presence(1))
    const devices = { phone, laptop }
    await expectFates(world, 'romeo@here.example', devices, ['to phone', 'to phone', 'error', 'to both', 'silence'])
    await expectFates(world, 'romeo@here.example/laptop', devices, ['to laptop', 'to laptop', 'to laptop', 'to laptop', 'to laptop'])
    await expectFates(world, 'romeo@here.example/other', devices, ['error', 'to phone', 'error', 'silence', 'silence'])
  },
  withKeeper,
)

story('RFC 6121 §8.5.2.1.1: resources of the same highest priority all get the message', async world => {
  const phone = await world.online('romeo', 'phone', presence(7))
  const laptop = await world.online('romeo', 'laptop', presence(7))
  await expectFates(world, 'romeo@here.example', { phone, laptop }, ['to both', 'to both', 'error', 'to both', 'silence'])
})

story(
  'RFC 6121 §8.5.3.1: a resource that is connected without presence gets what is sent to it, and nothing else',
  async world => {
    const phone = await world.connect('romeo', 'phone')
    await expectFates(world, 'romeo@here.example', { phone }, ['kept', 'kept', 'error', 'silence', 'silence'])
    await expectFates(world, 'romeo@here.example/phone', { phone }, ['to phone', 'to phone', 'to phone', 'to phone', 'to phone'])
  },
  withKeeper,
)

story('RFC 6121 §5.2.2: a message of a type that nobody knows is treated as a normal one', async world => {
  const romeo = await world.online('romeo')
  const juliet = await world.connect('juliet')
  await juliet.sends('<message type="poem" id="m1" to="romeo@here.example"><body>hi</body></message>')
  romeo.receives('<message><body>hi</body></message>')
  await juliet.sends('<message type="poem" id="m2" to="romeo@here.example/tomb"><body>hi</body></message>')
  juliet.receivesError('m2', 'service-unavailable')
})

story(
  'what a sender is told has failed is stored nowhere',
  async world => {
    await world.online('romeo')
    const juliet = await world.connect('juliet')
    stored.length = 0
    await juliet.sends('<message id="lost" to="romeo@here.example/tomb"><body>hi</body></message>')
    juliet.receivesError('lost', 'service-unavailable')
    assert.deepEqual(stored, [])
  },
  { extra: [archive] },
)

story('RFC 6121 §8.5.2.1.2: presence to an account goes to its available resources', async world => {
  const phone = await world.online('romeo', 'phone')
  const laptop = await world.online('romeo', 'laptop', presence(-1))
  const tablet = await world.connect('romeo', 'tablet')
  const juliet = await world.online('juliet')
  await juliet.sends('<presence to="romeo@here.example"/>')
  for (const device of [phone, laptop]) device.receives('<presence to="romeo@here.example" from="juliet@here.example/phone"/>')
  tablet.receivesNothing()
})

story('RFC 6121 §8.5.3.2.2: presence to a resource that is not there is ignored', async world => {
  await world.online('romeo')
  const juliet = await world.online('juliet')
  await juliet.sends('<presence to="romeo@here.example/tomb"/>')
  await juliet.sends('<presence type="unavailable" to="romeo@here.example/tomb"/>')
  juliet.receivesNothing()
})

story('RFC 6121 §4.7.1: presence of an unknown type is a bad request', async world => {
  await world.online('romeo')
  const juliet = await world.online('juliet')
  await juliet.sends('<presence type="available" id="p1" to="romeo@here.example"/>')
  juliet.receivesError('p1', 'bad-request')
})

story('RFC 6120 §8.2.3: what is neither a request nor an answer is a bad request, wherever it goes', async world => {
  const juliet = await world.online('juliet')
  const romeo = await world.online('romeo')
  await world.befriend(juliet, romeo)
  for (const to of ['romeo@here.example', 'romeo@here.example/phone', 'nobody@here.example', 'here.example', 'here.example/x'])
    for (const type of ['', ' type="unknown"']) {
      await juliet.sends(`<iq${type} id="q1" to="${to}"><ping xmlns="urn:xmpp:ping"/></iq>`)
      juliet.receivesError('q1', 'bad-request')
    }
})

story('RFC 6121 §8.5.1 and §8.5.3.2.3: a request to an account or a resource that is not there is refused', async world => {
  await world.online('romeo')
  const juliet = await world.connect('juliet')
  for (const to of ['tybalt@here.example', 'tybalt@here.example/tomb', 'romeo@here.example/tomb']) {
    await juliet.sends(`<iq type="get" id="q1" to="${to}"><ping xmlns="urn:xmpp:ping"/></iq>`)
    juliet.receivesError('q1', 'service-unavailable')
    await juliet.sends(`<iq type="result" id="q2" to="${to}"/>`)
  }
})

story('a message to the host is refused, for nobody reads it', async world => {
  const juliet = await world.connect('juliet')
  await juliet.sends('<message id="m1" to="here.example"><body>hi</body></message>')
  juliet.receivesError('m1', 'service-unavailable')
})

/** Hands back to the host what the session has not acknowledged. */
async function comesBack(world: World, { session }: Client, xml: string): Promise<void> {
  world.host.redeliver(session, parseElement(xml, undefined, 'jabber:client'), undefined, world.clock.now())
  await world.settled()
}

story(
  'XEP-0198 §5: messages that a session did not acknowledge go to the others or are kept; requests and groupchat fail',
  async world => {
    const phone = await world.connect('romeo', 'phone')
    const juliet = await world.connect('juliet')
    const unacknowledged = (type: string): string =>
      `<message type="${type}" id="m1" from="juliet@here.example/phone" to="romeo@here.example/phone"><body>hi</body></message>`
    kept.length = 0
    await phone.leaves()
    await comesBack(world, phone, unacknowledged('normal'))
    await comesBack(world, phone, unacknowledged('headline'))
    await comesBack(world, phone, unacknowledged('error'))
    assert.deepEqual(kept, ['normal'])
    await comesBack(world, phone, unacknowledged('groupchat'))
    juliet.receivesError('m1', 'service-unavailable')
    await comesBack(
      world,
      phone,
      '<iq type="get" id="q1" from="juliet@here.example/phone" to="romeo@here.example/phone"><x xmlns="urn:x"/></iq>',
    )
    juliet.receivesError('q1', 'service-unavailable')
    const laptop = await world.online('romeo', 'laptop')
    await comesBack(world, phone, unacknowledged('chat'))
    laptop.receives('<message type="chat" to="romeo@here.example/phone"><body>hi</body></message>')
  },
  withKeeper,
)

/** Whatever a stranger may send to find out whether there is an account. */
const PROBES = [
  ...[
    '<query xmlns="jabber:iq:roster"/>',
    '<vCard xmlns="vcard-temp"/>',
    '<ping xmlns="urn:xmpp:ping"/>',
    '<x xmlns="y"/>',
    '',
    '<a/><b/>',
  ].flatMap(payload => [`<iq id="p" type="get" to="TO">${payload}</iq>`, `<iq id="p" type="set" to="TO">${payload}</iq>`]),
  ...['http://jabber.org/protocol/disco#info', 'http://jabber.org/protocol/disco#items', 'jabber:iq:last', 'jabber:iq:register'].map(
    ns => `<iq id="p" type="get" to="TO"><query xmlns="${ns}"/></iq>`,
  ),
  '<iq id="p" type="result" to="TO"/>',
  '<iq id="p" type="unknown" to="TO"/>',
  '<iq id="p" to="TO"/>',
  '<iq id="p" type="get" to="TO/phone"><ping xmlns="urn:xmpp:ping"/></iq>',
  ...['probe', 'subscribe', 'subscribed', 'unsubscribe', 'unsubscribed', 'unavailable', 'unknown'].map(
    type => `<presence id="p" type="${type}" to="TO"/>`,
  ),
  '<presence id="p" to="TO"/>',
  ...['normal', 'chat', 'headline', 'groupchat', 'error', 'unknown'].flatMap(type => [
    `<message id="p" type="${type}" to="TO"><body>hi</body></message>`,
    `<message id="p" type="${type}" to="TO"><body>hi</body><no-store xmlns="urn:xmpp:hints"/></message>`,
    `<message id="p" type="${type}" to="TO/phone"><body>hi</body></message>`,
  ]),
]

story('a stranger hears of an account whose owner is away what is heard of none', async world => {
  await world.host.life.create('juliet', [])
  const stranger = await world.online('tybalt')
  for (const probe of PROBES) {
    const answers: string[] = []
    for (const name of ['juliet', 'nobody']) {
      await stranger.sends(probe.replace('TO', `${name}@here.example`))
      answers.push(stranger.unread.join('').replaceAll(name, 'NAME'))
      stranger.forget()
    }
    assert.equal(answers[0], answers[1], probe)
  }
})

const held: (() => void)[] = []

const slowStore = defineModule({
  name: 'slow-store',
  about: 'For tests.',
  xeps: [],
  setup({ on }) {
    on(messageIn.store, ({ stanza }) => (stanza.attrs['id'] === 'slow' ? new Promise<void>(resolve => held.push(resolve)) : undefined))
  },
})

story(
  'who hands in a stanza learns when it has been dealt with',
  async world => {
    const juliet = await world.online('juliet')
    const from = Jid.parse('romeo@there.example')
    const route = (xml: string): void | Promise<void> => {
      const stanza = parseElement(xml, undefined, 'jabber:client')
      return world.router.route(stanza, from, Jid.parse(stanza.attrs['to']!))
    }
    assert.equal(route('<message type="chat" to="juliet@here.example/phone"/>'), undefined)
    juliet.receives('<message/>')
    let isDone = false
    const pending = route('<message id="slow" type="chat" to="juliet@here.example/phone"/>')
    assert.ok(pending instanceof Promise)
    const done = pending.then(() => (isDone = true))
    await new Promise(resolve => setImmediate(resolve))
    assert.equal(isDone, false)
    held.shift()!()
    await done
    juliet.receives('<message id="slow"/>')
    assert.equal(route('<message to="juliet@elsewhere.example"/>'), undefined)
  },
  { extra: [slowStore] },
)
