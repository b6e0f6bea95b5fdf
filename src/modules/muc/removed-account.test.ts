/** What becomes of rooms when an account is removed. */
import assert from 'node:assert/strict'
import { askRoom, changes, conditionIn, configures, coven, forgets, joins, list, ROOM, roomIn } from '../../../test/muc-story.ts'
import { type Client, story, type World } from '../../../test/story.ts'
import { sql } from '../../storage/db.ts'
import { muc } from './muc.ts'

/** Crone's room, which lasts; hag and wicca are members. */
async function lasting(world: World): Promise<Client[]> {
  const [crone] = await coven(world)
  assert.equal(await configures(crone, { 'muc#roomconfig_persistentroom': '1' }), 'ok')
  const others: Client[] = []
  for (const name of ['hag66', 'wicca']) {
    assert.equal(await changes(crone, `<item jid="${name}@here.example" affiliation="member" nick="${name}"/>`), 'ok')
    others.push(await world.online(name))
    await joins(others.at(-1)!, name)
  }
  return [crone, ...others]
}

const removed = (world: World, name: string): Promise<boolean> =>
  world.host.life.remove(name).then(async done => {
    await world.settled()
    return done
  })

story('a member whose account is gone is none any more, and his nick is free', async world => {
  const [crone, hag] = await lasting(world)
  await removed(world, 'hag66')
  assert.equal(roomIn(world).affiliations.get('hag66@here.example'), undefined)
  assert.equal(roomIn(world).affiliations.holderOf('hag66'), undefined)
  assert.equal(roomIn(world).occupants.named('hag66'), undefined)
  forgets(world)
  world.restarts()
  const again = await world.online('crone1')
  assert.deepEqual(await list(again, 'affiliation="member"'), [{ affiliation: 'member', jid: 'wicca@here.example', nick: 'wicca' }])
  const next = await world.online('hag66')
  assert.equal(conditionIn(await askRoom(next, 'get', '<query xmlns="http://jabber.org/protocol/disco#info"/>')), 'item-not-found')
  assert.ok(crone && hag)
})

story('also of a room that was not in memory', async world => {
  await lasting(world)
  world.restarts()
  await removed(world, 'hag66')
  const again = await world.online('crone1')
  assert.equal(((await list(again, 'affiliation="member"')) as unknown[]).length, 1)
})

story('XEP-0045 §10: the last owner has a successor: an admin, or else a member', async world => {
  const [crone] = await lasting(world)
  assert.equal(await changes(crone!, '<item jid="wicca@here.example" affiliation="admin"/>'), 'ok')
  await removed(world, 'crone1')
  assert.deepEqual([...roomIn(world).affiliations.having('owner')], ['wicca@here.example'])
  assert.deepEqual(await world.store.all(sql`SELECT creator FROM muc_room`), [{ creator: 'wicca@here.example' }])
  assert.deepEqual(await world.store.all(sql`SELECT jid, affiliation FROM muc_affiliation`), [
    { jid: 'wicca@here.example', affiliation: 'owner' },
  ])
  await removed(world, 'wicca')
  assert.deepEqual([...roomIn(world).affiliations.having('owner')], ['hag66@here.example'])
  forgets(world)
})

story('without one it is destroyed', async world => {
  const [crone] = await coven(world)
  assert.equal(await configures(crone, { 'muc#roomconfig_persistentroom': '1' }), 'ok')
  await crone.sends(`<presence type="unavailable" to="${ROOM}/firstwitch"/>`)
  await removed(world, 'crone1')
  assert.equal(world.host.apiOf(muc)!.rooms.at('coven').room, undefined)
  assert.deepEqual(await world.store.all(sql`SELECT name FROM muc_room`), [])
  forgets(world)
})

story('what could not be done then is done when the server starts again', async world => {
  await lasting(world)
  await world.store.run(sql`ALTER TABLE muc_room RENAME TO away`)
  await removed(world, 'hag66')
  await world.store.run(sql`ALTER TABLE away RENAME TO muc_room`)
  forgets(world)
  world.restarts()
  await world.settled()
  const again = await world.online('crone1')
  assert.deepEqual(await list(again, 'affiliation="member"'), [{ affiliation: 'member', jid: 'wicca@here.example', nick: 'wicca' }])
  assert.deepEqual(await world.store.all(sql`SELECT jid FROM muc_departed`), [])
})

story('nor does a crash behind it leave somebody his place', async world => {
  await lasting(world)
  await world.host.life.remove('hag66')
  world.restarts()
  await world.settled()
  const again = await world.online('crone1')
  assert.equal(((await list(again, 'affiliation="member"')) as unknown[]).length, 1)
  assert.deepEqual(await world.store.all(sql`SELECT jid FROM muc_departed`), [])
})
