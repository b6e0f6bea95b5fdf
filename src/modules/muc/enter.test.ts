/** XEP-0045 §7.2: entering a room. The examples are those of the XEP, with the witches on this server. */
import assert from 'node:assert/strict'
import { codesOf, conditionIn, heard, item, joins, joinXml, MUC, OCCUPANT, open, opens, ROOM, USER } from '../../../test/muc-story.ts'
import { story } from '../../../test/story.ts'

const presence = (nick: string, inside = '', more = ''): string => `<presence from="${ROOM}/${nick}" ${more}>${inside}</presence>`

story(
  'XEP-0045 §7.1, §7.2.2: who enters is shown the others, then himself, then the subject; the others are shown him',
  async world => {
    const crone = await world.online('crone1', 'desktop')
    const wicca = await world.online('wiccarocks', 'laptop')
    const hag = await world.online('hag66', 'pda')
    await opens(crone, 'firstwitch')
    await joins(wicca, 'secondwitch')
    await hag.sends(joinXml('thirdwitch'))
    hag.receives(presence('firstwitch', item('owner', 'moderator'), 'to="hag66@here.example/pda"'))
    hag.receives(presence('secondwitch', item('none', 'participant')))
    const own = hag.receives(presence('thirdwitch', item('none', 'participant'), 'id="join"'))
    assert.deepEqual(codesOf(own), [110], '§7.2.2: MUST')
    hag.receives(`<message type="groupchat" from="${ROOM}"><subject/></message>`)
    for (const other of [crone, wicca]) {
      const shown = other.receives(presence('thirdwitch', item('none', 'participant')))
      assert.equal(shown.elements().filter(({ ns }) => ns === USER).length, 1, 'one <x/>')
      assert.ok(shown.elements().some(({ ns }) => ns === OCCUPANT))
    }
  },
  open,
)

story(
  'XEP-0045 §7.2.1: a nick is needed, and one that can be seen',
  async world => {
    const hag = await world.online('hag66')
    await hag.sends(`<presence id="j" to="${ROOM}"><x xmlns="${MUC}"/></presence>`)
    hag.receivesError('j', 'jid-malformed')
    await hag.sends(joinXml('\u00a0', '', ROOM, 'j'))
    assert.equal(conditionIn(heard(hag, 'presence')[0]), 'jid-malformed')
  },
  open,
)
