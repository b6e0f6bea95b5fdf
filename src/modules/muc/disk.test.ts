/** What becomes of rooms when the disk fails: nothing is half done, and nothing that was refused is there. */
import assert from 'node:assert/strict'
import { outlive } from '../../../test/archive-story.ts'
import { askRoom, changes, configures, coven, forgets, gone, OWNER, roomIn, tells } from '../../../test/muc-story.ts'
import { story, type World } from '../../../test/story.ts'
import { sql } from '../../storage/db.ts'
import { muc } from './muc.ts'

/** Meanwhile no room can be written, or read. */
async function whileBroken(world: World, work: () => Promise<void>): Promise<void> {
  await world.store.run(sql`ALTER TABLE muc_room RENAME TO away`)
  await work()
  await world.store.run(sql`ALTER TABLE away RENAME TO muc_room`)
}

story(
  'a room that was destroyed is gone, also when its secret cannot be destroyed yet; that is tried again',
  async world => {
    const [crone, hag] = await coven(world, 'hag')
    assert.equal(await configures(crone, { 'muc#roomconfig_persistentroom': '1' }), 'ok')
    forgets(world)
    const { id } = roomIn(world).state
    const remove = world.shred.removeAccount.bind(world.shred)
    world.shred.removeAccount = () => Promise.reject(new Error('the disk is full'))
    const answer = await askRoom(crone, 'set', `<query xmlns="${OWNER}"><destroy/></query>`)
    assert.equal(answer.attrs['type'], 'result')
    hag!.receives(gone('hag', '<destroy/>'))
    assert.equal(world.host.apiOf(muc)!.rooms.at('coven').room, undefined)
    assert.ok(world.shred.account(id) !== undefined)
    world.shred.removeAccount = remove
    await outlive(world, 0)
    assert.equal(world.shred.account(id), undefined)
    forgets(world)
  },
  { settings: { muc: { newRooms: 'public' } }, arrangements: { showsPasswords: false, secrets: 'file' } },
)

const HAG = 'hag66@here.example'

for (const lasts of ['0', '1'])
  tells(
    `a change that fails leaves nothing of itself, ${lasts === '1' ? 'also of a room that is on disk already' : 'of a room that is not on disk yet'}`,
    async world => {
      const [crone] = await coven(world)
      assert.equal(await configures(crone, { 'muc#roomconfig_persistentroom': lasts }), 'ok')
      assert.equal(await changes(crone, `<item jid="macbeth@here.example" affiliation="outcast"><reason>Treason</reason></item>`), 'ok')
      const before = roomIn(world)
      before.state.hats.set({ uri: 'urn:example:seer', title: 'Seer' })
      before.state.hats.give('macbeth@here.example', 'urn:example:seer')
      const { latest } = before.affiliations.versions
      await whileBroken(world, async () => {
        const wanted = { 'muc#roomconfig_persistentroom': '1', 'muc#roomconfig_roomname': 'A Dark Cave', 'muc#roomconfig_roomadmins': HAG }
        assert.notEqual(await configures(crone, wanted), 'ok')
      })
      const room = roomIn(world)
      assert.equal(room.config.name, '')
      assert.equal(room.config.isPersistent, lasts === '1')
      assert.equal(room.affiliations.get(HAG), undefined)
      assert.deepEqual(room.affiliations.get('macbeth@here.example'), { affiliation: 'outcast', reason: 'Treason' })
      assert.equal(room.affiliations.versions.latest, latest)
      assert.equal(room.state.hats.of('macbeth@here.example').length, 1)
      assert.equal(await configures(crone, { 'muc#roomconfig_persistentroom': '1', 'muc#roomconfig_roomadmins': HAG }), 'ok')
      assert.equal(room.affiliations.get(HAG)?.affiliation, 'admin')
      forgets(world)
    },
  )
