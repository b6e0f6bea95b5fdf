/** What was said behind a closed door, when it is open. */
import assert from 'node:assert/strict'
import {
  archiving,
  arranges,
  askRoom,
  changes,
  forgets,
  joins,
  joinXml,
  MUC,
  OWNER,
  open,
  opens,
  query,
  ROOM,
  says,
  submit,
  USER,
} from '../../../../test/muc-story.ts'
import { story } from '../../../../test/story.ts'

story('what was said under a password is not for those who need none any more, but for those who were members', async world => {
  const [crone, hag] = await archiving(world, 'hag66')
  await arranges(crone, { passwordprotectedroom: '1', roomsecret: 'cauldronburn' })
  assert.equal(await changes(crone, '<item jid="hag66@here.example" affiliation="member"/>'), 'ok')
  forgets(world)
  await says(crone, 'among us')
  await crone.sends(`<message type="groupchat" to="${ROOM}"><subject>Macbeth</subject></message>`)
  forgets(world)
  const wicca = await world.online('wicca')
  await joins(wicca, 'wicca', ROOM, '<password>cauldronburn</password>')
  assert.deepEqual((await query(wicca)).bodies, ['among us', ''])
  await crone.sends(
    `<iq type="set" id="open" to="${ROOM}"><query xmlns="${OWNER}">${submit(`${MUC}#roomconfig`, { 'muc#roomconfig_passwordprotectedroom': '0' })}</query></iq>`,
  )
  hag!.receives(`<message type="groupchat" from="${ROOM}"><x xmlns="${USER}"><status code="104"/></x></message>`)
  hag!.receives(`<message type="groupchat" from="${ROOM}"><subject/></message>`)
  forgets(world)
  await says(crone, 'for all')
  for (const when of ['now', 'after a restart']) {
    if (when !== 'now') world.restarts()
    const stranger = await world.online('stranger')
    await stranger.sends(joinXml('stranger'))
    const shown = stranger.unread.join()
    assert.match(shown, /for all/)
    assert.doesNotMatch(shown, /among us|Macbeth/)
    stranger.forget()
    assert.deepEqual((await query(stranger)).bodies, ['for all'])
    assert.deepEqual((await query(await world.online('hag66', 'tv'))).bodies, ['among us', '', 'for all'])
    assert.doesNotMatch(String(await askRoom(stranger, 'get', '<query xmlns="http://jabber.org/protocol/disco#info"/>')), /Macbeth/)
    forgets(world)
  }
})

story(
  'the same where nothing is kept, among members too: who enters a room that was opened is shown nothing of before',
  async world => {
    for (const [closed, opened] of [
      [{ membersonly: '1' }, { membersonly: '0' }],
      [{ passwordprotectedroom: '1', roomsecret: 'cauldronburn' }, { passwordprotectedroom: '0' }],
    ] as Record<string, string>[][]) {
      const crone = await world.online('crone1', 'desktop')
      await opens(crone, 'firstwitch')
      await arranges(crone, closed!)
      await says(crone, 'among us')
      await crone.sends(`<message type="groupchat" to="${ROOM}"><subject>Macbeth</subject></message>`)
      await arranges(crone, opened!)
      const stranger = await world.online('stranger')
      await stranger.sends(joinXml('stranger'))
      assert.doesNotMatch(stranger.unread.join(), /among us|Macbeth/)
      for (const [client, nick] of [
        [stranger, 'stranger'],
        [crone, 'firstwitch'],
      ] as const)
        await client.sends(`<presence type="unavailable" to="${ROOM}/${nick}"/>`)
      forgets(world)
    }
  },
  open,
)
