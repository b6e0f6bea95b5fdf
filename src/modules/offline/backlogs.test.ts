import assert from 'node:assert/strict'
import { acknowledge, acknowledging, apart, appear, hears, kept, rows, say } from '../../../test/offline-story.ts'
import { spoolOf } from '../../../test/spool.ts'
import { type Client, story, type World } from '../../../test/story.ts'
import { messageUndelivered } from '../../core/points.ts'
import { type Db, sql } from '../../storage/db.ts'
import { StreamManagement } from '../../stream/c2s/management.ts'
import { ResumableStreams } from '../../stream/c2s/resumable-streams.ts'
import { parseElement } from '../../xml/parser.ts'
import type { Note } from './note.ts'

/** The first message on disk is damaged. */
async function damage(world: World): Promise<void> {
  await world.filed()
  await world.store.run(sql`UPDATE spool_message SET body = ${Buffer.alloc(272)} WHERE place = (SELECT MIN(place) FROM spool_message)`)
}

for (const client of ['acknowledges', 'does not acknowledge'] as const) {
  const comes = (world: World): Promise<Client> => (client === 'acknowledges' ? acknowledging(world, 's') : world.connect('juliet'))

  story(`a message that does not open keeps none back behind it, where the client ${client}`, async world => {
    const romeo = await apart(world)
    for (const text of ['1', '2', '3']) await romeo.sends(say(text))
    await damage(world)
    const juliet = await comes(world)
    assert.deepEqual(await appear(juliet), ['2', '3'])
    await romeo.sends(say('live'))
    assert.deepEqual(hears(juliet), ['live'])
    if (juliet.position !== undefined) await acknowledge(world, 's', juliet.position.seq)
    assert.equal(await rows(world), 1)
  })

  story(`nor does one that is no XML, where the client ${client}; that one goes`, async world => {
    const romeo = await apart(world)
    const account = world.host.accounts.of('juliet')
    const note = { size: 1, isFromStranger: true, archived: undefined, place: undefined }
    await account.turn.take(() => spoolOf(world.host).add(account, 8, { at: world.clock.now(), xml: '<' }, note))
    world.restarts()
    const again = await world.online('romeo')
    await again.sends(say('2'))
    const juliet = await comes(world)
    assert.deepEqual(await appear(juliet), ['2'])
    if (juliet.position !== undefined) await acknowledge(world, 's', juliet.position.seq)
    assert.equal(await rows(world), 0)
    void romeo
  })
}

story('more than can be sent at once may be damaged, and what is behind it comes', async world => {
  const romeo = await apart(world)
  for (let i = 0; i < 120; i++) await romeo.sends(say(`m${i}`))
  await world.filed()
  await world.store.run(sql`UPDATE spool_message SET body = ${Buffer.alloc(272)}
    WHERE place < (SELECT MAX(place) FROM spool_message)`)
  assert.deepEqual(await appear(await world.connect('juliet')), ['m119'])
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

story('where it will stand is on disk before it is sent, so that a crash at that moment makes nothing come twice', async world => {
  const romeo = await apart(world)
  for (const text of ['one', 'two', 'three']) await romeo.sends(say(text))
  const juliet = await acknowledging(world, 's1', { seq: 2 ** 32 - 2 })
  const spool = spoolOf(world.host)
  const seen: Promise<Note[]>[] = []
  juliet.send = stanza => {
    if (stanza.name === 'message') seen.push(spool.notes(juliet.session.account))
    Object.getPrototypeOf(juliet).send.call(juliet, stanza)
  }
  await appear(juliet)
  assert.equal(seen.length, 3)
  for (const notes of await Promise.all(seen))
    assert.deepEqual(
      notes.map(({ place }) => place?.seq),
      [0, 1, 2],
    )
})

story('what is sent meanwhile by another way stands before it', async world => {
  const romeo = await apart(world)
  for (const text of ['one', 'two']) await romeo.sends(say(text))
  const juliet = await acknowledging(world, 's1')
  const { store } = world
  const { tx } = store
  store.tx = <T>(work: (db: Db) => Promise<T>): Promise<T> => {
    store.tx = tx
    juliet.session.sendNow(parseElement('<presence xmlns="jabber:client" from="late@here.example"/>'))
    return tx.call(store, work as never) as Promise<T>
  }
  assert.deepEqual(await appear(juliet), ['one', 'two'])
  await acknowledge(world, 's1', 3) // both presences and the first message
  assert.deepEqual(await kept(world), ['two'])
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
