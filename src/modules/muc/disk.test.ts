/** What becomes of rooms when the disk fails: nothing is half done, and nothing that was refused is there. */
import assert from 'node:assert/strict'
import { changes, configures, coven, forgets, roomIn, tells } from '../../../test/muc-story.ts'
import type { World } from '../../../test/story.ts'
import { sql } from '../../storage/db.ts'

/** Meanwhile no room can be written, or read. */
async function whileBroken(world: World, work: () => Promise<void>): Promise<void> {
  await world.store.run(sql`ALTER TABLE muc_room RENAME TO away`)
  await work()
  await world.store.run(sql`ALTER TABLE away RENAME TO muc_room`)
}

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
