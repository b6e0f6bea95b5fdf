/** XEP-0045 §7.6, §7.7, §7.14: another nick, another presence, and leaving. */
import assert from 'node:assert/strict'
import {
  affiliated,
  askRoom,
  codesOf,
  configured,
  coven,
  heard,
  item,
  joins,
  MUC,
  OWNER,
  open,
  ROOM,
  roomIn,
  USER,
} from '../../../test/muc-story.ts'
import { story } from '../../../test/story.ts'
import { muc } from './muc.ts'

const nickTo = (nick: string): string => `<presence id="n" to="${ROOM}/${nick}"/>`
const unavailable = (nick: string, inside = ''): string => `<presence type="unavailable" from="${ROOM}/${nick}">${inside}</presence>`

story(
  'XEP-0045 §7.6: a nick is changed by two presences, which say what the new one is',
  async world => {
    const [crone, hag, wicca] = await coven(world, 'thirdwitch', 'secondwitch')
    await hag!.sends(nickTo('oldhag'))
    for (const client of [crone, hag!, wicca!]) {
      const isOwn = client === hag
      const gone = client.receives(
        unavailable('thirdwitch', `<x xmlns="${USER}"><item affiliation="none" role="participant" nick="oldhag"/></x>`),
      )
      assert.deepEqual(codesOf(gone), isOwn ? [110, 303] : [303], 'MUST')
      const now = client.receives(`<presence from="${ROOM}/oldhag">${item('none', 'participant')}</presence>`)
      assert.deepEqual(codesOf(now), isOwn ? [110] : [])
      assert.equal(String(gone).includes('witch2@'), client !== wicca, 'moderators see the address')
    }
    await hag!.sends(`<message type="groupchat" to="${ROOM}"><body>Hail</body></message>`)
    for (const client of [crone, hag!, wicca!]) client.receives(`<message from="${ROOM}/oldhag"/>`)
    await wicca!.sends(`<message type="chat" id="p" to="${ROOM}/thirdwitch"><body>Hail</body></message>`)
    wicca!.receivesError('p', 'item-not-found')
  },
  open,
)

story(
  'XEP-0045 §7.6: not to the nick of somebody else, nor to one that is reserved; but to another spelling of one’s own',
  async world => {
    const [crone, hag] = await coven(world, 'thirdwitch', 'secondwitch')
    affiliated(world, 'ghost@here.example', 'member', 'banquo')
    for (const nick of ['secondwitch', 'FirstWitch', 'banquo']) {
      await hag!.sends(nickTo(nick))
      hag!.receivesError('n', 'conflict')
    }
    crone.receivesNothing()
    await hag!.sends(nickTo('ThirdWitch'))
    assert.equal(roomIn(world).occupants.named('ThirdWitch')?.nick, 'ThirdWitch')
    assert.equal(roomIn(world).occupants.size, 3)
    for (const client of world.clients) client.forget()
  },
  open,
)

story(
  'XEP-0045 §7.6: with two clients, both have the new nick, and leave when their sessions end',
  async world => {
    const [crone, hag] = await coven(world, 'thirdwitch')
    const desk = await world.online('witch2', 'desk')
    await joins(desk, 'thirdwitch')
    await desk.sends(nickTo('oldhag'))
    for (const client of [hag!, desk]) {
      assert.deepEqual(codesOf(client.receives(unavailable('thirdwitch'))), [110, 303])
      client.receives(`<presence from="${ROOM}/oldhag"/>`)
    }
    crone.forget()
    await hag!.leaves()
    await desk.leaves()
    const gone = heard(crone, 'presence')
    assert.equal(gone.length, 1)
    assert.equal(gone[0]!.attrs['type'], 'unavailable')
    desk.forget()
    assert.equal(roomIn(world).occupants.size, 1)
  },
  open,
)

story(
  'XEP-0045 §7.7: a changed presence goes to all, with the role, and the address for those who may see it',
  async world => {
    const [crone, hag, wicca] = await coven(world, 'thirdwitch', 'secondwitch')
    await hag!.sends(`<presence to="${ROOM}/thirdwitch"><show>xa</show><status>gone where the goblins go</status></presence>`)
    const said = '<show>xa</show><status>gone where the goblins go</status>'
    crone.receives(
      `<presence from="${ROOM}/thirdwitch">${said}<x xmlns="${USER}"><item jid="witch2@here.example/broom" role="participant"/></x></presence>`,
    )
    assert.doesNotMatch(
      String(wicca!.receives(`<presence from="${ROOM}/thirdwitch">${said}${item('none', 'participant')}</presence>`)),
      /witch2@/,
    )
    hag!.receives(`<presence>${said}</presence>`)
    const late = await world.online('witch9')
    await late.sends(`<presence to="${ROOM}/latewitch"><x xmlns="${MUC}"/></presence>`)
    assert.ok(heard(late, 'presence').some(presence => String(presence).includes('goblins')))
    for (const client of world.clients) client.forget()
  },
  open,
)

story(
  'XEP-0045 §16.5.3: of roles that are not broadcast only moderators and they themselves are told',
  async world => {
    const [crone, wicca] = await coven(world, 'secondwitch')
    configured(world, { presenceBroadcast: ['moderator', 'participant'], isModerated: true })
    const hag = await world.online('hag66', 'pda')
    await hag.sends(`<presence to="${ROOM}/thirdwitch"><x xmlns="${MUC}"/></presence>`)
    assert.deepEqual(
      heard(hag, 'presence').map(({ attrs }) => attrs['from']),
      [`${ROOM}/firstwitch`, `${ROOM}/secondwitch`, `${ROOM}/thirdwitch`],
    )
    crone.receives(`<presence from="${ROOM}/thirdwitch">${item('none', 'visitor')}</presence>`)
    wicca!.receivesNothing()
    await hag.leaves()
    crone.receives(unavailable('thirdwitch'))
    wicca!.receivesNothing()
    hag.forget()
  },
  open,
)

story(
  'XEP-0045 §16.5.3: when the room is configured otherwise, those are shown who were not, and the other way round',
  async world => {
    const [crone, wicca] = await coven(world, 'secondwitch')
    const broadcast = (...roles: string[]): string =>
      `<query xmlns="${OWNER}"><x xmlns="jabber:x:data" type="submit"><field var="FORM_TYPE"><value>${MUC}#roomconfig</value></field>
        <field var="muc#roomconfig_presencebroadcast">${roles.map(role => `<value>${role}</value>`).join('')}</field></x></query>`
    configured(world, { isModerated: true })
    affiliated(world, 'hag66@here.example', 'none')
    const hag = await world.online('hag66')
    await joins(hag, 'thirdwitch')
    await askRoom(crone, 'set', broadcast('moderator', 'participant'))
    assert.equal(heard(crone, 'presence').length, 0)
    wicca!.receives('<message type="groupchat"/>')
    wicca!.receives(unavailable('thirdwitch', item('none', 'none')))
    await askRoom(crone, 'set', broadcast('moderator', 'participant', 'visitor'))
    assert.deepEqual(
      heard(wicca!, 'presence').map(({ attrs }) => attrs['from']),
      [`${ROOM}/thirdwitch`],
    )
    for (const client of world.clients) client.forget()
  },
  open,
)

story(
  'XEP-0045 §7.14: who leaves is told first, then the others; what he says at last goes with it',
  async world => {
    const [crone, hag] = await coven(world, 'thirdwitch')
    await hag!.sends(`<presence type="unavailable" to="${ROOM}/thirdwitch"><status>gone</status></presence>`)
    const own = hag!.receives(unavailable('thirdwitch', `<status>gone</status>${item('none', 'none')}`))
    assert.deepEqual(codesOf(own), [110], 'MUST')
    const told = crone.receives(unavailable('thirdwitch', `<status>gone</status>${item('none', 'none')}`))
    assert.deepEqual(codesOf(told), [])
    await crone.sends(`<message type="groupchat" to="${ROOM}"><body>Alone</body></message>`)
    hag!.receivesNothing()
    crone.forget()
    await hag!.sends(`<presence type="unavailable" to="${ROOM}/thirdwitch"/>`)
    hag!.receivesNothing()
  },
  open,
)

story(
  'XEP-0045 §7.14: a room that is not persistent ends with the last who leaves; another one does not',
  async world => {
    const [crone] = await coven(world)
    const { rooms } = world.host.apiOf(muc)!
    await crone.sends(`<presence type="unavailable" to="${ROOM}/firstwitch"/>`)
    assert.deepEqual([...rooms.all()], [])
    crone.forget()
    const [owner] = [crone]
    await joins(owner, 'firstwitch')
    roomIn(world).isLocked = false
    await rooms.change(roomIn(world), state => {
      state.config = { ...state.config, isPersistent: true, name: 'A Dark Cave' }
    })
    await owner.sends(`<presence type="unavailable"/>`)
    assert.equal([...rooms.all()].length, 1)
    world.restarts()
    const hag = await world.online('hag66')
    await joins(hag, 'thirdwitch')
    assert.equal(roomIn(world).config.name, 'A Dark Cave')
  },
  open,
)
