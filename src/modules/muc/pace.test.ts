/** Stories of what rooms say of how much is said in them, and how fast (XEP-0500, XEP-0502). */
import assert from 'node:assert/strict'
import { arranges, askRoom, coven, joins, open, ROOM, says, sayXml } from '../../../test/muc-story.ts'
import { type Client, story, type World } from '../../../test/story.ts'

const HOUR = 3_600_000

async function fieldOf(client: Client, name: string): Promise<string | undefined> {
  const info = await askRoom(client, 'get', '<query xmlns="http://jabber.org/protocol/disco#info"/>')
  const fields = info
    .first()!
    .elements()
    .flatMap(child => (child.name === 'x' ? child.elements() : []))
  return fields.find(({ attrs }) => attrs['var'] === name)?.elements()[0]?.text
}

story(
  'XEP-0500 §4, §5: people wait between two messages, and nobody hears what came too early',
  async world => {
    const [crone, hag] = await coven(world, 'hag')
    assert.equal(await fieldOf(hag!, 'muc#roominfo_slow_mode_duration'), '0')
    await arranges(crone, { slow_mode_duration: '20' })
    assert.equal(await fieldOf(hag!, 'muc#roominfo_slow_mode_duration'), '20')
    await says(hag!, 'one')
    await world.later(19_000)
    await hag!.sends(sayXml('two'))
    hag!.receives(
      `<message type="error" id="m-two" from="${ROOM}"><error type="wait"><policy-violation xmlns="urn:ietf:params:xml:ns:xmpp-stanzas"/><text xmlns="urn:ietf:params:xml:ns:xmpp-stanzas"/></error></message>`,
    )
    crone.receivesNothing()
    await world.later(1000)
    await says(hag!, 'two')
  },
  open,
)

story(
  'XEP-0500 §5, §7: admins and owners need not wait, nor does what nobody reads; other nicks and clients are the same person',
  async world => {
    const [crone, hag] = await coven(world, 'hag')
    await arranges(crone, { slow_mode_duration: '20' })
    await says(crone, 'one')
    await says(crone, 'two')
    await says(hag!, 'one')
    await hag!.sends(`<message type="groupchat" to="${ROOM}" id="c1"><active xmlns="http://jabber.org/protocol/chatstates"/></message>`)
    for (const client of [crone, hag!]) client.receives('<message id="c1"/>')
    const laptop = await world.online('witch2', 'laptop')
    await joins(laptop, 'otherhag')
    await laptop.sends(sayXml('again'))
    laptop.receivesError('m-again', 'policy-violation')
  },
  open,
)

story(
  'XEP-0500 §5: what has no body does not count there, but as every message does among so many in ten seconds',
  async world => {
    const [crone, hag] = await coven(world, 'hag')
    await arranges(crone, { slow_mode_duration: '20' })
    const typing = `<message type="groupchat" to="${ROOM}" id="c"><composing xmlns="http://jabber.org/protocol/chatstates"/></message>`
    for (let i = 0; i < 100; i++) await hag!.gives(typing)
    await world.settled()
    assert.equal(crone.unread.length, 40)
    for (const client of [crone, hag!]) client.forget()
  },
  open,
)

/** No timer goes off: what others do in an hour is none of the story. */
const later = (world: World, hours: number): void => world.clock.set(world.clock.now() + hours * HOUR)

const ACTIVITY = '{urn:xmpp:muc-activity}message-activity'

/** The coven, which everybody can find and enter, and which stays. */
async function lively(world: World): Promise<Client> {
  const [crone] = await coven(world)
  await arranges(crone, { persistentroom: '1' })
  return crone
}

story(
  'XEP-0502 §3.1, §4: how much is said in an hour; corrections and what nobody reads do not count',
  async world => {
    const crone = await lively(world)
    await says(crone, 'one')
    assert.equal(await fieldOf(crone, ACTIVITY), undefined)
    await says(crone, 'two')
    await says(crone, 'too', '<replace xmlns="urn:xmpp:message-correct:0" id="m-two"/>', 'm-too')
    await crone.sends(`<message type="groupchat" to="${ROOM}" id="c1"><active xmlns="http://jabber.org/protocol/chatstates"/></message>`)
    crone.receives('<message id="c1"/>')
    later(world, 1)
    assert.equal(await fieldOf(crone, ACTIVITY), '2.00')
    later(world, 3)
    assert.equal(await fieldOf(crone, ACTIVITY), '0.50')
  },
  open,
)

story(
  'XEP-0502 §3.1, §9: of rooms that not everybody can find and enter, or that do not stay, it is not said',
  async world => {
    const crone = await lively(world)
    await says(crone, 'one')
    later(world, 1)
    for (const hiding of [
      { publicroom: '0' },
      { membersonly: '1' },
      { roomsecret: 'cauldronburn', passwordprotectedroom: '1' },
      { persistentroom: '0' },
    ]) {
      await arranges(crone, { publicroom: '1', membersonly: '0', passwordprotectedroom: '0', persistentroom: '1' })
      assert.equal(await fieldOf(crone, ACTIVITY), '1.00')
      await arranges(crone, hiding)
      assert.equal(await fieldOf(crone, ACTIVITY), undefined)
    }
  },
  open,
)
