import assert from 'node:assert/strict'
import { setImmediate } from 'node:timers/promises'
import { acknowledge, acknowledging, apart, appear, hears, kept, say } from '../../../test/offline-story.ts'
import { type Client, type StoryOptions, story, type World } from '../../../test/story.ts'
import { sql } from '../../storage/db.ts'

const PAUSE = 1000
const many = (count: number): string[] => Array.from({ length: count }, (_, i) => `m${i}`)

async function saysAll(client: Client, texts: readonly string[]): Promise<void> {
  for (const text of texts) await client.sends(say(text))
}

/** A client that acknowledges all that it gets, until nothing more comes. */
async function hearsAll(world: World, client: Client, heard: string[]): Promise<string[]> {
  for (let more = heard; more.length > 0; more = hears(client)) {
    if (more !== heard) heard.push(...more)
    await acknowledge(world, client.position!.stream, client.position!.seq)
  }
  return heard
}

for (const count of [1, 99, 100, 101, 240]) {
  story(`RFC 6120 §10.1: what comes while ${count} kept messages are being sent comes behind them`, async world => {
    const romeo = await apart(world)
    await saysAll(romeo, many(count))
    const juliet = await acknowledging(world, 's1')
    const heard = await appear(juliet)
    await romeo.sends(say('live'))
    heard.push(...hears(juliet))
    await acknowledge(world, 's1', juliet.position!.seq)
    await romeo.sends(say('later', '', 'juliet@here.example/phone'))
    heard.push(...hears(juliet))
    assert.deepEqual(await hearsAll(world, juliet, heard), [...many(count), 'live', 'later'])
    await romeo.sends(say('at once'))
    assert.deepEqual(hears(juliet), ['at once'])
    await acknowledge(world, 's1', juliet.position!.seq)
    assert.deepEqual(await kept(world), [])
  })
}

story('RFC 6120 §10.1: the same where the client does not acknowledge, and it hears all without asking', async world => {
  const romeo = await apart(world)
  await saysAll(romeo, many(250))
  const juliet = await world.connect('juliet')
  const heard = await appear(juliet)
  await romeo.sends(say('live'))
  while (heard.length < 251) {
    await world.later(PAUSE)
    await setImmediate()
    heard.push(...hears(juliet))
  }
  await romeo.sends(say('at once'))
  assert.deepEqual([...heard, ...hears(juliet)], [...many(250), 'live', 'at once'])
  assert.deepEqual(await kept(world), [])
})

const few: StoryOptions = { settings: { offline: { messages: 440 }, retention: { usual: 'delivered' } } } // of which strangers have 110

story(
  'RFC 6120 §10.1: there is room for it where all the room is taken',
  async world => {
    const romeo = await apart(world)
    await saysAll(romeo, many(110))
    await romeo.sends(say('more'))
    romeo.receivesError('more', 'service-unavailable')
    const juliet = await acknowledging(world, 's1')
    const heard = await appear(juliet)
    await romeo.sends(say('live'))
    assert.deepEqual(hears(juliet), [])
    assert.deepEqual(await hearsAll(world, juliet, heard), [...many(110), 'live'])
  },
  few,
)

story('what cannot be kept, or is of use only now, does not wait', async world => {
  const romeo = await apart(world)
  await saysAll(romeo, many(150))
  const juliet = await acknowledging(world, 's1')
  await appear(juliet)
  await romeo.sends(say('secret', '<no-store xmlns="urn:xmpp:hints"/>'))
  await romeo.sends('<message type="chat" to="juliet@here.example"><composing xmlns="http://jabber.org/protocol/chatstates"/></message>')
  await romeo.sends('<message type="headline" to="juliet@here.example"><body>news</body></message>')
  assert.deepEqual(hears(juliet), ['secret', '', 'news'])
})

story('another client that appears gets the rest, and then each what comes', async world => {
  const romeo = await apart(world)
  await saysAll(romeo, many(150))
  const phone = await acknowledging(world, 's1')
  assert.deepEqual(await appear(phone), many(150).slice(0, 100))
  const laptop = await acknowledging(world, 's2', { resource: 'laptop' })
  assert.deepEqual(await appear(laptop), many(150).slice(100))
  await romeo.sends(say('live'))
  assert.deepEqual([hears(phone), hears(laptop)], [['live'], ['live']])
  await acknowledge(world, 's1', phone.position!.seq)
  await acknowledge(world, 's2', laptop.position!.seq)
  assert.deepEqual(await kept(world), [])
  await phone.sends('<presence><show>away</show></presence>')
  assert.deepEqual([hears(phone), hears(laptop)], [[], []])
})

story('what waited behind comes to another client when the first one goes', async world => {
  const romeo = await apart(world)
  await saysAll(romeo, many(150))
  const phone = await acknowledging(world, 's1')
  await appear(phone)
  await romeo.sends(say('live'))
  await acknowledge(world, 's1', 61) // its presence and sixty messages
  await phone.leaves()
  const laptop = await acknowledging(world, 's2', { resource: 'laptop' })
  assert.deepEqual(await hearsAll(world, laptop, await appear(laptop)), [...many(150).slice(60), 'live'])
})

story('nothing waits behind what cannot be read from the disk', async world => {
  const romeo = await apart(world)
  await saysAll(romeo, many(150))
  const juliet = await acknowledging(world, 's1')
  await appear(juliet)
  await world.store.run(sql`ALTER TABLE spool_message RENAME TO away`)
  await world.store.run(sql`ALTER TABLE spool_unfiled RENAME TO away_too`)
  await romeo.sends(say('first'))
  assert.deepEqual(hears(juliet), ['first'])
  await world.store.run(sql`ALTER TABLE away RENAME TO spool_message`)
  await world.store.run(sql`ALTER TABLE away_too RENAME TO spool_unfiled`)
})
