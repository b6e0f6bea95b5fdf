import assert from 'node:assert/strict'
import { acknowledge, acknowledging, apart, appear, friendsApart, hears, kept, rows, say } from '../../../test/offline-story.ts'
import { type Client, story, type World } from '../../../test/story.ts'
import { sql } from '../../storage/db.ts'

/** All that is on disk of what waits, as one text. */
async function disk(world: World): Promise<string> {
  const batches = await world.store.all(sql`SELECT * FROM spool_unfiled`)
  await world.filed()
  const all = [
    ...batches,
    ...(await world.store.all(sql`SELECT seg, header, body, note FROM spool_message`)),
    ...(await world.store.all(sql`SELECT * FROM spool_segment`)),
  ]
  return all
    .flatMap(row => Object.values(row as object))
    .map(value => (value instanceof Uint8Array ? Buffer.from(value).toString('latin1') : String(value)))
    .join('\n')
}

const sizes = async (world: World): Promise<unknown[]> => {
  await world.filed()
  return world.store.all(sql`SELECT LENGTH(header) AS header, LENGTH(body) AS body, LENGTH(note) AS note FROM spool_message ORDER BY place`)
}

story('of what waits neither text nor sender nor time nor place stand on disk', async world => {
  const romeo = await apart(world)
  await romeo.sends(say('wherefore'))
  const juliet = await acknowledging(world, 'stream-of-the-phone')
  await appear(juliet)
  const found = await disk(world)
  for (const word of ['wherefore', 'romeo', 'juliet', 'phone', String(world.clock.now()), 'stream'])
    assert.ok(!found.includes(word), `${word} stands in the clear`)
  assert.deepEqual(await kept(world), ['wherefore'])
})

story('a message of a stranger looks like that of a contact, and one that was sent like one that was not', async world => {
  const romeo = await friendsApart(world)
  const tybalt = await world.online('tybalt')
  await romeo.sends(say('one'))
  await tybalt.sends(say('t'))
  const before = await sizes(world)
  assert.deepEqual(before[0], before[1])
  await appear(await acknowledging(world, 's1', { seq: 2 ** 32 - 5 }))
  assert.deepEqual(await sizes(world), before)
  romeo.forget()
})

/** A client whose login does not open what is sealed, as where its wrap is gone. */
async function locked(world: World, resource: string): Promise<Client> {
  await world.store.run(sql`UPDATE credential SET wrap = NULL WHERE account = ${'juliet'}`)
  return world.connect('juliet', resource)
}

story('a session that opens nothing gets what comes, and what waits is not lost', async world => {
  const romeo = await apart(world)
  await romeo.sends(say('waits'))
  const juliet = await locked(world, 'phone')
  assert.deepEqual(await appear(juliet), [])
  await romeo.sends(say('live'))
  assert.deepEqual(hears(juliet), ['live'])
  assert.equal(await rows(world), 1)
})

story('where the operator gave another password, what waited is lost, takes no room, and what comes then is kept', async world => {
  const romeo = await apart(world)
  await romeo.sends(say('before'))
  assert.deepEqual(await world.host.life.resetPassword('juliet', 'another'), { isLost: true })
  await romeo.sends(say('after'))
  const juliet = await world.connect('juliet', 'phone', 'another')
  const [notice, ...others] = await appear(juliet)
  assert.match(notice!, /nobody can read it any more/)
  assert.deepEqual(others, ['after'])
  await world.settled()
  assert.equal(await rows(world), 0)
})

story('the owner who changes the password gets what was sealed before', async world => {
  const romeo = await apart(world)
  await romeo.sends(say('before'))
  const laptop = await world.connect('juliet', 'laptop')
  await world.host.life.changePassword(laptop.session.account, 'another', laptop.session.jid)
  await romeo.sends(say('after'))
  await laptop.leaves()
  assert.deepEqual(await appear(await world.connect('juliet', 'phone', 'another')), ['before', 'after'])
})

story('after a restart the account is locked, what waits is counted, and comes with the next login', async world => {
  const romeo = await apart(world)
  await romeo.sends(say('one'))
  world.restarts()
  const again = await world.online('romeo')
  await again.sends(say('two'))
  const account = world.host.accounts.of('juliet')
  assert.equal(world.host.keys.of(account)?.isOpen, false)
  const juliet = await acknowledging(world, 's1')
  assert.deepEqual(await appear(juliet), ['one', 'two'])
  await acknowledge(world, 's1', juliet.position!.seq)
  assert.equal(await rows(world), 0)
})
