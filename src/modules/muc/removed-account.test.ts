/** What becomes of rooms when an account is removed. */
import assert from 'node:assert/strict'
import {
  arranges,
  askRoom,
  changes,
  conditionIn,
  configured,
  configures,
  coven,
  forgets,
  joins,
  joinXml,
  list,
  ROOM,
  roomIn,
  says,
  submit,
} from '../../../test/muc-story.ts'
import { type Client, story, type World } from '../../../test/story.ts'
import { sql } from '../../storage/db.ts'
import { StreamError } from '../../xmpp/error.ts'
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

const occupantIdOf = (world: World, nick: string): string => roomIn(world).occupants.named(nick)!.id.attrs['id']!

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

for (const keeps of ['1', '0'])
  story(
    `who has the name next is another one (XEP-0421), and takes nothing back of what was said before; archive: ${keeps}`,
    async world => {
      const [crone, hag] = await lasting(world)
      await arranges(crone!, { enablearchiving: keeps })
      const id = await says(hag!, 'Thrice', '', 'mine')
      const former = occupantIdOf(world, 'hag66')
      await removed(world, 'hag66')
      forgets(world)
      assert.equal(await changes(crone!, '<item jid="hag66@here.example" affiliation="member"/>'), 'ok')
      const next = await world.online('hag66', 'other')
      await joins(next, 'hag66')
      assert.notEqual(occupantIdOf(world, 'hag66'), former)
      for (const named of [id, 'mine']) {
        await next.sends(
          `<message type="groupchat" id="r" to="${ROOM}"><retract xmlns="urn:xmpp:message-retract:1" id="${named}"/></message>`,
        )
        forgets(world)
      }
      const newcomer = await world.online('wicca', 'other')
      await newcomer.sends(joinXml('wicca'))
      assert.ok(newcomer.unread.some(stanza => String(stanza).includes('<body>Thrice</body>')))
      forgets(world)
    },
  )

story('as long as the account is there, he is the same: with another password, and after a restart', async world => {
  const [, hag] = await lasting(world)
  const id = occupantIdOf(world, 'hag66')
  await world.host.close(new StreamError('system-shutdown'))
  world.restarts()
  await world.settled()
  assert.equal(occupantIdOf(world, 'hag66'), id)
  await world.host.life.resetPassword('hag66', 'other')
  const again = await world.online('hag66', 'phone', '<presence/>', 'other')
  await joins(again, 'hag66-2')
  assert.equal(occupantIdOf(world, 'hag66-2'), id)
  assert.ok(hag)
  forgets(world)
})

story('who has asked to be a member, and is gone, is not made one later', async world => {
  const [crone] = await coven(world)
  configured(world, { isPublic: true, isModerated: true, isMembersOnly: false })
  const hag = await world.online('hag66')
  const form = submit('http://jabber.org/protocol/muc#register', { 'muc#register_roomnick': 'hag' })
  assert.equal(conditionIn(await askRoom(hag, 'set', `<query xmlns="jabber:iq:register">${form}</query>`)), undefined)
  await removed(world, 'hag66')
  crone.forget()
  const allow = submit('http://jabber.org/protocol/muc#register', { 'muc#jid': 'hag66@here.example', 'muc#register_allow': '1' })
  await crone.sends(`<message id="a" to="${ROOM}">${allow}</message>`)
  crone.receivesError('a', 'item-not-found')
  assert.equal(roomIn(world).affiliations.get('hag66@here.example'), undefined)
})
