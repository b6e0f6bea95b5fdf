import assert from 'node:assert/strict'
import { setImmediate } from 'node:timers/promises'
import { ask, outlive } from '../../../test/archive-story.ts'
import { apart, appear, friendsApart, kept, rows, say } from '../../../test/offline-story.ts'
import { type StoryOptions, story } from '../../../test/story.ts'
import { sql } from '../../storage/db.ts'

const DAY = 86_400_000

/** So much room, and no archive beside it. */
const few = (messages: number): StoryOptions => ({ settings: { offline: { messages }, retention: { usual: 'delivered' } } })

story(
  'XEP-0160 §2: when too many messages wait, senders are told',
  async world => {
    const romeo = await friendsApart(world)
    for (const text of ['one', 'two', 'three']) await romeo.sends(say(text))
    romeo.receivesError('three', 'service-unavailable')
    assert.deepEqual(await appear(await world.connect('juliet')), ['one', 'two'])
    romeo.receives('<presence/>')
  },
  few(2),
)

story(
  'what there is no room for, but is in the archive, has not failed: its sender is not told, and a client finds it there',
  async world => {
    const romeo = await friendsApart(world)
    for (const text of ['one', 'two', 'three']) await romeo.sends(say(text))
    await romeo.sends(say('four', '<no-permanent-store xmlns="urn:xmpp:hints"/>'))
    romeo.receivesError('four', 'service-unavailable')
    const juliet = await world.connect('juliet')
    assert.deepEqual((await ask(juliet)).bodies, ['one', 'two', 'three'])
    assert.deepEqual(await appear(juliet), [])
    romeo.forget()
  },
  { settings: { offline: { messages: 2 } } },
)

story(
  'when they are too large together, senders are told, and there is room again once they were delivered',
  async world => {
    const romeo = await friendsApart(world)
    const long = `<x xmlns="urn:example:x">${'x'.repeat(150_000)}</x>`
    await romeo.sends(say('one', long))
    await romeo.sends(say('two', long))
    romeo.receivesError('two', 'service-unavailable')
    const juliet = await world.connect('juliet')
    assert.deepEqual(await appear(juliet), ['one'])
    await juliet.leaves()
    romeo.forget()
    await romeo.sends(say('three', long))
    romeo.receivesNothing()
  },
  { settings: { offline: { bytes: '256KiB' }, retention: { usual: 'delivered' } } },
)

story(
  'however much strangers send, there is room for what contacts send, and strangers are told when theirs is full',
  async world => {
    const romeo = await friendsApart(world)
    const tybalt = await world.online('tybalt')
    const sampson = await world.online('sampson')
    await tybalt.sends(say('t1'))
    await sampson.sends(say('s1'))
    for (const stranger of [tybalt, sampson]) {
      await stranger.sends(say('more'))
      stranger.receivesError('more', 'service-unavailable')
    }
    for (const text of ['r1', 'r2', 'r3', 'r4', 'r5', 'r6']) await romeo.sends(say(text))
    romeo.receivesNothing()
    await romeo.sends(say('r7'))
    romeo.receivesError('r7', 'service-unavailable')
    world.restarts()
    const juliet = await world.connect('juliet')
    assert.deepEqual(await appear(juliet), ['t1', 's1', 'r1', 'r2', 'r3', 'r4', 'r5', 'r6'])
  },
  few(8),
)
story(
  'the room of strangers is counted after a restart too, and in bytes',
  async world => {
    await apart(world)
    const tybalt = await world.online('tybalt')
    const long = `<x xmlns="urn:example:x">${'x'.repeat(40_000)}</x>`
    await tybalt.sends(say('t1', long))
    world.restarts()
    const again = await world.online('tybalt')
    await again.sends(say('t2', long))
    again.receivesError('t2', 'service-unavailable')
    await again.sends(say('short'))
    assert.deepEqual(await kept(world), ['t1', 'short'])
  },
  { settings: { offline: { bytes: '256KiB' }, retention: { usual: 'delivered' } } },
)

story('a message waits for a week after its day; then it opens never again', async world => {
  const romeo = await apart(world)
  await romeo.sends(say('old'))
  await outlive(world, 1 * DAY)
  await romeo.sends(say('new'))
  await outlive(world, 7 * DAY - 1)
  assert.deepEqual(await kept(world), ['old', 'new'])
  await outlive(world, 1)
  assert.deepEqual(await appear(await world.connect('juliet')), ['new'])
})

story('what waits for somebody who never comes back is removed too', async world => {
  const romeo = await apart(world)
  await romeo.sends(say('old'))
  await outlive(world, 8 * DAY)
  while ((await rows(world)) > 0) await setImmediate()
})

story(
  'what is removed because its time is over leaves its room',
  async world => {
    const romeo = await friendsApart(world)
    for (const text of ['one', 'two']) await romeo.sends(say(text))
    await outlive(world, 8 * DAY)
    while ((await rows(world)) > 0) await setImmediate()
    for (const text of ['three', 'four', 'five']) await romeo.sends(say(text))
    romeo.receivesError('five', 'service-unavailable')
    assert.deepEqual(await appear(await world.connect('juliet')), ['three', 'four'])
    romeo.forget()
  },
  few(2),
)

story(
  'how much waits is still known when the account has left the memory and is back, without opening a note',
  async world => {
    const romeo = await friendsApart(world)
    await romeo.sends(say('one'))
    const forget = (): void => world.host.accounts.forget(world.host.accounts.of('juliet'))
    forget()
    await romeo.sends(say('two'))
    forget()
    await world.filed()
    await world.store.run(sql`UPDATE spool_message SET note = ${Buffer.alloc(10)}`)
    await romeo.sends(say('three'))
    romeo.receivesError('three', 'service-unavailable')
    await world.later(3_600_000)
    // Then the disk is asked again: notes that do not open are of no message that could be read.
    await romeo.sends(say('four'))
    romeo.receivesNothing()
  },
  few(2),
)

story(
  'when the secrets are lost, what was sealed with them is, and takes no room',
  async world => {
    const romeo = await friendsApart(world)
    for (const text of ['one', 'two']) await romeo.sends(say(text))
    world.losesSecrets()
    const again = await world.online('romeo')
    await again.sends(say('three'))
    again.receivesNothing()
    assert.deepEqual(await appear(await world.connect('juliet')), ['three'])
    again.forget()
  },
  few(2),
)
