import assert from 'node:assert/strict'
import { setImmediate } from 'node:timers/promises'
import { type Client, type StoryOptions, story, type World } from '../../../test/story.ts'
import { messagesAcknowledged, messageUndelivered } from '../../core/points.ts'
import { sql } from '../../storage/db.ts'
import { StreamManagement } from '../../stream/c2s/management.ts'
import { ResumableStreams } from '../../stream/c2s/resumable-streams.ts'
import { parseElement } from '../../xml/parser.ts'

const DAY = 86_400_000

const say = (text: string, more = '', to = 'juliet@here.example'): string =>
  `<message type="chat" to="${to}" id="${text}"><body>${text}</body>${more}</message>`

/** Juliet has an account and is away; Romeo is there. */
async function apart(world: World): Promise<Client> {
  const juliet = await world.connect('juliet')
  await juliet.leaves()
  return world.online('romeo')
}

/** A session of Juliet's whose client acknowledges when the story says so. */
async function acknowledging(world: World, stream: string, { seq = 0, resource = 'phone' } = {}): Promise<Client> {
  const client = await world.connect('juliet', resource)
  client.position = { stream, seq }
  return client
}

async function acknowledge(world: World, stream: string, seq: number): Promise<void> {
  const account = world.host.accounts.of('juliet')
  await account.turn.take(() => world.host.hooks.tell(messagesAcknowledged, { account, position: { stream, seq } }, world.host.failed))
}

/** Sends initial presence; gives the bodies of the messages that come. */
async function appear(client: Client, presence = '<presence/>'): Promise<string[]> {
  await client.sends(presence)
  return hears(client)
}

function hears(client: Client): string[] {
  const bodies = client.unread.filter(({ name }) => name === 'message').map(message => message.elements()[0]!.text)
  client.forget()
  return bodies
}

/** What is on disk, in order. */
async function kept(world: World): Promise<string[]> {
  const rows = await world.store.all<{ stanza: string }>(sql`SELECT stanza FROM offline_message ORDER BY id`)
  return rows.map(({ stanza }) => parseElement(stanza).elements()[0]!.text)
}

const few = (messages: number): StoryOptions => ({ settings: { offline: { messages } } })

story('XEP-0160 §2: messages wait until their recipient is available, and come in order with the time of their arrival', async world => {
  const romeo = await apart(world)
  await romeo.sends(say('one'))
  await world.later(60_000)
  await romeo.sends(say('two'))
  const juliet = await world.connect('juliet')
  juliet.receivesNothing()
  await juliet.sends('<presence/>')
  juliet.receives('<presence/>')
  juliet.receives(`<message from="romeo@here.example/phone" id="one"><body>one</body>
    <delay xmlns="urn:xmpp:delay" from="here.example" stamp="2026-01-01T00:00:00.000Z"/></message>`)
  juliet.receives('<message id="two"><delay xmlns="urn:xmpp:delay" from="here.example" stamp="2026-01-01T00:01:00.000Z"/></message>')
})

story('XEP-0160 §2: they come to the first session that takes messages, once', async world => {
  const romeo = await apart(world)
  await romeo.sends(say('one'))
  const watch = await world.connect('juliet', 'watch')
  assert.deepEqual(await appear(watch, '<presence><priority>-1</priority></presence>'), [])
  const phone = await world.connect('juliet', 'phone')
  assert.deepEqual(await appear(phone), ['one'])
  const laptop = await world.connect('juliet', 'laptop')
  assert.deepEqual(await appear(laptop), [])
  assert.deepEqual(await appear(watch, '<presence><priority>1</priority></presence>'), [])
  for (const client of [watch, phone, laptop]) assert.deepEqual(hears(client), [])
  assert.deepEqual(await kept(world), [])
})

story('XEP-0160 §2: what came while the client was unavailable comes when it is back', async world => {
  const romeo = await apart(world)
  const juliet = await world.online('juliet')
  await juliet.sends('<presence type="unavailable"/>')
  await romeo.sends(say('one'))
  assert.deepEqual(await appear(juliet), ['one'])
})

story('XEP-0160 §3: messages without a type wait too, chat states alone do not, and nobody is told of that', async world => {
  const romeo = await apart(world)
  await romeo.sends('<message to="juliet@here.example" id="n"><body>normal</body></message>')
  await romeo.sends(
    '<message type="chat" to="juliet@here.example"><composing xmlns="http://jabber.org/protocol/chatstates"/><thread>t</thread></message>',
  )
  await romeo.sends('<message type="chat" to="juliet@here.example"/>')
  await romeo.sends('<message type="chat" to="juliet@here.example"><received xmlns="urn:xmpp:receipts" id="x"/></message>')
  romeo.receivesNothing()
  assert.deepEqual(await kept(world), ['normal', ''])
})

story('XEP-0160 §3: a headline does not wait', async world => {
  const romeo = await apart(world)
  await romeo.sends('<message type="headline" to="juliet@here.example"><body>news</body></message>')
  romeo.receivesNothing()
  assert.deepEqual(await kept(world), [])
})

story('XEP-0334 §4: a message that must not be kept is refused, and one that must be is kept', async world => {
  const juliet = await world.online('juliet')
  const romeo = await world.online('romeo')
  await world.befriend(romeo, juliet)
  await juliet.leaves()
  romeo.forget()
  await romeo.sends(say('secret', '<no-store xmlns="urn:xmpp:hints"/>'))
  romeo.receivesError('secret', 'service-unavailable')
  const tybalt = await world.online('tybalt')
  await tybalt.sends(say('probe', '<no-store xmlns="urn:xmpp:hints"/>'))
  tybalt.receivesNothing() // it would tell a stranger that she is away
  await romeo.sends(say('passing', '<no-permanent-store xmlns="urn:xmpp:hints"/>'))
  await romeo.sends('<message to="juliet@here.example"><thread>t</thread><store xmlns="urn:xmpp:hints"/></message>')
  romeo.receivesNothing()
  assert.deepEqual(await kept(world), ['passing', 't'])
})

story('XEP-0160 §4: the server says that it keeps messages', async world => {
  const romeo = await world.online('romeo')
  await romeo.sends('<iq type="get" id="d" to="here.example"><query xmlns="http://jabber.org/protocol/disco#info"/></iq>')
  romeo.receives('<iq type="result" id="d"><query xmlns="http://jabber.org/protocol/disco#info"><feature var="msgoffline"/></query></iq>')
})

story('XEP-0203 §4: a delay that a sender wrote in our name is taken out', async world => {
  const romeo = await apart(world)
  await romeo.sends(say('one', '<delay xmlns="urn:xmpp:delay" from="here.example" stamp="2001-01-01T00:00:00Z"/>'))
  await romeo.sends(say('two', '<delay xmlns="urn:xmpp:delay" from="romeo@here.example" stamp="2001-01-01T00:00:00Z"/>'))
  const juliet = await world.connect('juliet')
  await juliet.sends('<presence/>')
  const delays = juliet.unread.slice(1).map(message =>
    message
      .elements()
      .filter(({ name }) => name === 'delay')
      .map(({ attrs }) => attrs['from']),
  )
  assert.deepEqual(delays, [['here.example'], ['romeo@here.example', 'here.example']])
  juliet.forget()
})

story(
  'XEP-0160 §2: when too many messages wait, senders are told',
  async world => {
    const romeo = await apart(world)
    for (const text of ['one', 'two', 'three']) await romeo.sends(say(text))
    romeo.receivesError('three', 'service-unavailable')
    assert.deepEqual(await appear(await world.connect('juliet')), ['one', 'two'])
  },
  few(2),
)

story(
  'when they are too large together, senders are told, and there is room again once they were delivered',
  async world => {
    const romeo = await apart(world)
    const long = `<x xmlns="urn:example:x">${'x'.repeat(150_000)}</x>`
    await romeo.sends(say('one', long))
    await romeo.sends(say('two', long))
    romeo.receivesError('two', 'service-unavailable')
    const juliet = await world.connect('juliet')
    assert.deepEqual(await appear(juliet), ['one'])
    await juliet.leaves()
    await romeo.sends(say('three', long))
    romeo.receivesNothing()
  },
  { settings: { offline: { bytes: '256KiB' } } },
)

story('a message that has waited too long is removed', async world => {
  const romeo = await apart(world)
  await romeo.sends(say('old'))
  await world.later(6 * DAY)
  await romeo.sends(say('new'))
  await world.later(1.5 * DAY)
  assert.deepEqual(await appear(await world.connect('juliet')), ['new'])
})

story('what waits for somebody who never comes back is removed too', async world => {
  const romeo = await apart(world)
  await romeo.sends(say('old'))
  await world.later(7.5 * DAY)
  while ((await kept(world)).length > 0) await setImmediate()
})

story('a message that cannot be read does not keep back those behind it', async world => {
  const romeo = await apart(world)
  for (const text of ['1', '2', '3']) await romeo.sends(say(text))
  await world.store.run(sql`UPDATE offline_message SET stanza = ${'<'} WHERE id = (SELECT MIN(id) FROM offline_message)`)
  assert.deepEqual(await appear(await world.connect('juliet')), ['2', '3'])
  assert.deepEqual(await world.store.all(sql`SELECT id FROM offline_message`), [])
})

story('nor where the client acknowledges', async world => {
  const romeo = await apart(world)
  for (const text of ['1', '2']) await romeo.sends(say(text))
  await world.store.run(sql`UPDATE offline_message SET stanza = ${'<'} WHERE id = (SELECT MIN(id) FROM offline_message)`)
  assert.deepEqual(await appear(await acknowledging(world, 's')), ['2'])
  assert.equal((await world.store.all(sql`SELECT id FROM offline_message`)).length, 1)
})

story('what waits goes with its account', async world => {
  const romeo = await apart(world)
  await romeo.sends(say('one'))
  await world.host.removeAccount('juliet')
  assert.deepEqual(await kept(world), [])
  assert.deepEqual(await appear(await world.connect('juliet')), [])
})

story('XEP-0198 §4: what was delivered is removed when the client has acknowledged it', async world => {
  const romeo = await apart(world)
  for (const text of ['one', 'two', 'three']) await romeo.sends(say(text))
  const juliet = await acknowledging(world, 's1')
  assert.deepEqual(await appear(juliet), ['one', 'two', 'three'])
  assert.equal(juliet.session.hasKept, true)
  await acknowledge(world, 's1', 2) // its presence and the first message
  assert.deepEqual(await kept(world), ['two', 'three'])
  await acknowledge(world, 'another', 4)
  assert.deepEqual(await kept(world), ['two', 'three'])
  await acknowledge(world, 's1', 4)
  assert.deepEqual(await kept(world), [])
  assert.equal(juliet.session.hasKept, false)
})

story('XEP-0198 §4: counting begins again at 2³²', async world => {
  const romeo = await apart(world)
  for (const text of ['one', 'two', 'three']) await romeo.sends(say(text))
  await appear(await acknowledging(world, 's1', { seq: 2 ** 32 - 3 })) // presence is −2, then −1, 0, 1
  await acknowledge(world, 's1', 2 ** 32 - 2)
  assert.deepEqual(await kept(world), ['one', 'two', 'three'])
  await acknowledge(world, 's1', 0)
  assert.deepEqual(await kept(world), ['three'])
})

story('what one session was sent and has not acknowledged does not go to another, until the first is over', async world => {
  const romeo = await apart(world)
  await romeo.sends(say('one'))
  await romeo.sends(say('two'))
  const phone = await acknowledging(world, 's1')
  assert.deepEqual(await appear(phone), ['one', 'two'])
  const laptop = await acknowledging(world, 's2', { resource: 'laptop' })
  assert.deepEqual(await appear(laptop), [])
  await acknowledge(world, 's1', 2)
  await phone.leaves()
  assert.deepEqual(hears(laptop), ['two'])
  await acknowledge(world, 's1', 3)
  assert.deepEqual(await kept(world), ['two'])
  await acknowledge(world, 's2', 10)
  assert.deepEqual(await kept(world), [])
  phone.forget()
})

story('what nobody has acknowledged waits again when the session is over', async world => {
  const romeo = await apart(world)
  await romeo.sends(say('one'))
  const phone = await acknowledging(world, 's1')
  await appear(phone)
  await phone.leaves()
  assert.deepEqual(await appear(await world.connect('juliet', 'laptop')), ['one'])
  assert.deepEqual(await kept(world), [])
})

story('after a crash a message comes again to a client that had not acknowledged it', async world => {
  const romeo = await apart(world)
  await romeo.sends(say('one'))
  await romeo.sends(say('two'))
  assert.deepEqual(await appear(await acknowledging(world, 's1')), ['one', 'two'])
  world.restarts()
  assert.deepEqual(await appear(await world.connect('juliet', 'laptop')), ['one', 'two'])
})

story('XEP-0198 §5: after a crash a client that says what it has got does not get it again', async world => {
  const romeo = await apart(world)
  await romeo.sends(say('one'))
  await romeo.sends(say('two'))
  assert.deepEqual(await appear(await acknowledging(world, 's1')), ['one', 'two'])
  world.restarts()
  await acknowledge(world, 's1', 2)
  assert.deepEqual(await appear(await acknowledging(world, 's2')), ['two'])
})

story('many messages come in parts, each after the one before was acknowledged', async world => {
  const romeo = await apart(world)
  const texts = Array.from({ length: 150 }, (_, i) => `m${i}`)
  for (const text of texts) await romeo.sends(say(text))
  const juliet = await acknowledging(world, 's1')
  assert.deepEqual(await appear(juliet), texts.slice(0, 100))
  assert.deepEqual(await appear(juliet), [])
  await acknowledge(world, 's1', 60)
  assert.deepEqual(hears(juliet), [])
  await acknowledge(world, 's1', juliet.position!.seq)
  assert.deepEqual(hears(juliet), texts.slice(100))
  await acknowledge(world, 's1', juliet.position!.seq)
  assert.deepEqual(await kept(world), [])
})

story('a client that does not acknowledge gets them in parts, with pauses', async world => {
  const romeo = await apart(world)
  const texts = Array.from({ length: 120 }, (_, i) => `m${i}`)
  for (const text of texts) await romeo.sends(say(text))
  const juliet = await world.connect('juliet')
  assert.deepEqual(await appear(juliet), texts.slice(0, 100))
  await world.later(1000)
  await juliet.session.account.turn.take(async () => {})
  assert.deepEqual(hears(juliet), texts.slice(100))
  await world.later(1000)
})

story('what a stream has sent is kept once, whoever asks for it', async world => {
  const romeo = await apart(world)
  await romeo.sends(say('one'))
  const juliet = await acknowledging(world, 's1')
  await juliet.sends('<presence/>')
  const { account } = juliet.session
  const event = { account, stanza: juliet.unread.at(-1)!, position: juliet.position }
  assert.equal(await account.turn.take(() => world.host.hooks.run(messageUndelivered, event)), 'kept')
  assert.deepEqual(await kept(world), ['one'])
  juliet.forget()
})

/** A session that stream management looks after, as for a real client. */
async function managed(world: World, resource: string): Promise<{ client: Client; management: StreamManagement; drops(): void }> {
  const client = await world.connect('juliet', resource)
  const carrier = {
    sendElement(element: Parameters<Client['send']>[0]) {
      if (element.ns === 'jabber:client') client.send(element)
      return String(element).length
    },
    close() {},
  }
  const limits = { resumeFor: 60_000, queue: 1000, queueBytes: 2 ** 20 }
  const management = new StreamManagement(client.session, carrier, world.host, new ResumableStreams(), limits, true)
  client.session.transport = management
  return { client, management, drops: () => management.detach(carrier) }
}

story('XEP-0198 §5: what a client in the dark was sent is kept, and comes to another session when it stays away', async world => {
  const romeo = await apart(world)
  await romeo.sends(say('before'))
  const phone = await managed(world, 'phone')
  assert.deepEqual(await appear(phone.client), ['before'])
  phone.drops()
  await romeo.sends(say('meanwhile'))
  await world.settled()
  assert.deepEqual(await kept(world), ['before', 'meanwhile'])
  const laptop = await world.connect('juliet', 'laptop')
  assert.deepEqual(await appear(laptop), [])
  await world.later(60_000)
  assert.deepEqual(hears(laptop), ['before', 'meanwhile'])
  assert.deepEqual(await kept(world), [])
})

story('what was delivered and not acknowledged is not sent twice when the stream is closed', async world => {
  const romeo = await apart(world)
  await romeo.sends(say('one'))
  const phone = await managed(world, 'phone')
  await appear(phone.client)
  await phone.client.leaves()
  assert.deepEqual(await kept(world), ['one'])
  assert.deepEqual(await appear(await world.connect('juliet', 'laptop')), ['one'])
})

story('XEP-0198 §4: acknowledgements of a real stream remove what it delivered', async world => {
  const romeo = await apart(world)
  await romeo.sends(say('one'))
  await romeo.sends(say('two'))
  const { client, management } = await managed(world, 'phone')
  await appear(client)
  management.acknowledge(2)
  await client.session.account.turn.take(async () => {})
  assert.deepEqual(await kept(world), ['two'])
  management.acknowledge(3)
  await client.session.account.turn.take(async () => {})
  assert.deepEqual(await kept(world), [])
})

story('of two sessions that both got a message, the one that goes does not give it to the other again', async world => {
  const phone = await world.online('romeo', 'phone')
  const laptop = await world.online('romeo', 'laptop')
  const juliet = await world.online('juliet')
  await juliet.sends('<message type="chat" id="m1" to="romeo@here.example"><body>hi</body></message>')
  phone.receives('<message id="m1"/>')
  laptop.receives('<message id="m1"/>')
  await phone.leaves()
  laptop.receives('<presence type="unavailable"/>')
  laptop.receivesNothing()
})
