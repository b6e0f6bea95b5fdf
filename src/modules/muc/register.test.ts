/** XEP-0045 §7.10, §7.12 and §9.9: nicks that are reserved, and who becomes a member by himself. */
import assert from 'node:assert/strict'
import {
  affiliated,
  askRoom,
  conditionIn,
  configured,
  coven,
  forgets,
  item,
  joins,
  joinXml,
  presence,
  ROOM,
  roomIn,
  submit,
  tells,
} from '../../../test/muc-story.ts'
import { type Client, story } from '../../../test/story.ts'
import { readForm } from '../../xmpp/forms.ts'

const NS = 'jabber:iq:register'
const REGISTER = 'http://jabber.org/protocol/muc#register'
const WHO = 'muc#jid'

async function registers(client: Client, nick: string): Promise<string> {
  const form = submit(REGISTER, { 'muc#register_roomnick': nick })
  return conditionIn(await askRoom(client, 'set', `<query xmlns="${NS}">${form}</query>`)) ?? 'ok'
}
const asks = (client: Client, room = ROOM) => askRoom(client, 'get', `<query xmlns="${NS}"/>`, room)
const decides = (jid: string, allow: string): string =>
  `<message to="${ROOM}" id="d1">${submit(REGISTER, { [WHO]: jid, 'muc#register_roomnick': 'x', 'muc#register_allow': allow })}</message>`
const HAG = 'witch2@here.example'

tells('XEP-0045 §7.10: somebody has a nick reserved, becomes a member with it, and all hear so', async world => {
  const [crone, hag] = await coven(world, 'thirdwitch')
  const offered = readForm(
    (await asks(hag!))
      .first()!
      .elements()
      .find(({ name }) => name === 'x'),
  )
  assert.equal(offered.formType, REGISTER)
  assert.equal(offered.field('muc#register_roomnick')?.isRequired, true)
  await hag!.sends(
    `<iq type="set" id="nv71va54" to="${ROOM}"><query xmlns="${NS}">${submit(REGISTER, { 'muc#register_roomnick': 'thirdwitch' })}</query></iq>`,
  )
  hag!.receives('<iq type="result" id="nv71va54"/>')
  for (const client of [crone, hag!]) client.receives(presence('thirdwitch', item('member', 'participant')))
  const again = (await asks(hag!)).first()!
  assert.deepEqual(
    again.elements().map(({ name, text }) => [name, text]),
    [
      ['registered', ''],
      ['username', 'thirdwitch'],
    ],
    '§7.10: MUST',
  )
  const info = await askRoom(hag!, 'get', '<query xmlns="http://jabber.org/protocol/disco#info" node="x-roomuser-item"/>')
  assert.equal(info.first()!.first()!.attrs['name'], 'thirdwitch', '§7.12')
})

tells('XEP-0045 §7.10, §7.12: what is reserved for one, nobody else has', async world => {
  const [crone, hag, wicca] = await coven(world, 'thirdwitch', 'secondwitch')
  assert.equal(await registers(hag!, 'thirdwitch'), 'ok')
  assert.equal(await registers(wicca!, 'thirdwitch'), 'conflict', '§7.10: MUST')
  assert.equal(await registers(wicca!, 'THIRDWITCH'), 'conflict')
  assert.equal(await registers(wicca!, 'firstwitch'), 'conflict', 'somebody has it just now')
  await hag!.sends(`<presence type="unavailable" to="${ROOM}/thirdwitch"/>`)
  forgets(world)
  await wicca!.sends(`<presence id="n1" to="${ROOM}/thirdwitch"/>`)
  wicca!.receivesError('n1', 'conflict')
  const stranger = await world.online('stranger')
  await stranger.sends(joinXml('thirdwitch'))
  stranger.receivesError('join', 'conflict')
  await joins(hag!, 'another')
  assert.equal(crone.unread.length, 0)
})

tells('XEP-0045 §7.10: what is no form is a bad request; who is banned may not', async world => {
  const [, hag] = await coven(world, 'thirdwitch')
  for (const inside of [
    '',
    '<username>thirdwitch</username>',
    '<x xmlns="jabber:x:data" type="submit"/>',
    '<x xmlns="jabber:x:data" type="form"/>',
  ])
    assert.equal(conditionIn(await askRoom(hag!, 'set', `<query xmlns="${NS}">${inside}</query>`)), 'bad-request', inside)
  assert.equal(await registers(hag!, '&#x3164;'), 'jid-malformed')
  affiliated(world, 'macbeth@here.example', 'outcast')
  const macbeth = await world.online('macbeth')
  assert.equal(conditionIn(await asks(macbeth)), 'not-allowed', '§7.10: MUST')
  assert.equal(await registers(macbeth, 'thane'), 'not-allowed')
  assert.equal(conditionIn(await asks(macbeth, ROOM.replace('coven', 'heath'))), 'item-not-found', '§7.10: MUST')
})

tells('XEP-0077 §3.2: and gives it back', async world => {
  const [crone, hag] = await coven(world, 'thirdwitch')
  const removes = `<query xmlns="${NS}"><remove/></query>`
  assert.equal(conditionIn(await askRoom(hag!, 'set', removes)), 'registration-required')
  assert.equal(await registers(hag!, 'thirdwitch'), 'ok')
  forgets(world)
  assert.equal((await askRoom(hag!, 'set', removes)).attrs['type'], 'result')
  crone.receives(presence('thirdwitch', item('none', 'participant')))
  assert.equal(roomIn(world).affiliations.get(HAG), undefined)
  assert.equal(await registers(crone, 'firstwitch'), 'ok')
  assert.equal((await askRoom(crone, 'set', removes)).attrs['type'], 'result')
  assert.deepEqual(roomIn(world).affiliations.get('crone1@here.example'), { affiliation: 'owner' })
  forgets(world)
})

tells('XEP-0045 §9.9: to a members-only room an admin lets him in', async world => {
  const [crone] = await coven(world)
  configured(world, { isMembersOnly: true })
  const hag = await world.online('witch2', 'pda')
  assert.equal(await registers(hag, 'thirdwitch'), 'ok', '§7.10: it was received')
  crone.receives(`<message from="${ROOM}"><x xmlns="jabber:x:data" type="form"><field var="FORM_TYPE"><value>${REGISTER}</value></field>
    <field var="${WHO}"><value>${HAG}</value></field><field var="muc#register_roomnick"><value>thirdwitch</value></field>
    <field var="muc#register_allow" type="boolean"><value>0</value></field></x></message>`)
  await hag.sends(joinXml('thirdwitch'))
  hag.receivesError('join', 'registration-required')
  await hag.sends(decides(HAG, '1'))
  hag.receivesError('d1', 'forbidden')
  await crone.sends(decides(HAG, '1'))
  hag.receives(`<message from="${ROOM}"><x xmlns="http://jabber.org/protocol/muc#user"><invite from="*"/></x></message>`)
  assert.deepEqual(roomIn(world).affiliations.get(HAG), { affiliation: 'member', nick: 'thirdwitch' })
  await joins(hag, 'thirdwitch')
  await crone.sends(decides(HAG, '1'))
  crone.receivesError('d1', 'item-not-found')
})

tells('XEP-0045 §9.9: or does not; and nobody is let in who has not asked', async world => {
  const [crone] = await coven(world)
  configured(world, { isMembersOnly: true })
  const hag = await world.online('witch2', 'pda')
  assert.equal(await registers(hag, 'thirdwitch'), 'ok')
  forgets(world)
  await crone.sends(decides(HAG, '0'))
  await crone.sends(decides('stranger@here.example', '1'))
  crone.receivesError('d1', 'item-not-found')
  assert.deepEqual([...roomIn(world).affiliations.having('member')], [])
})

tells('XEP-0045 §9.9: an admin who comes later is asked when he is in', async world => {
  await coven(world)
  configured(world, { isMembersOnly: true })
  affiliated(world, 'admin@here.example', 'admin')
  const hag = await world.online('witch2', 'pda')
  assert.equal(await registers(hag, 'thirdwitch'), 'ok')
  const admin = await world.online('admin')
  await admin.sends(joinXml('wise'))
  assert.ok(String(admin.unread.at(-1)).includes(REGISTER))
  forgets(world)
})

tells('in a moderated room nobody gets voice by having a nick reserved', async world => {
  const [crone] = await coven(world)
  configured(world, { isModerated: true })
  const hag = await world.online('witch2', 'pda')
  await joins(hag, 'thirdwitch')
  assert.equal(await registers(hag, 'thirdwitch'), 'ok')
  assert.equal(roomIn(world).affiliations.get(HAG), undefined)
  assert.equal(roomIn(world).occupants.named('thirdwitch')!.role, 'visitor')
  assert.equal(crone.unread.length, 1)
  forgets(world)
})

tells('so many may wait, and no more', async world => {
  await coven(world)
  configured(world, { isMembersOnly: true })
  const crowd = async (domain: string): Promise<void> => {
    for (let i = 0; i < 51; i++) {
      await world.arrives(
        `<iq type="set" id="r" from="a${i}@${domain}/x" to="${ROOM}"><query xmlns="${NS}">${submit(REGISTER, { 'muc#register_roomnick': `a${i}` })}</query></iq>`,
      )
    }
  }
  await crowd('olymp.example')
  const hag = await world.online('witch2', 'pda')
  assert.equal(await registers(hag, 'thirdwitch'), 'ok', 'nobody fills it from one server')
  await crowd('parnass.example')
  const wicca = await world.online('witch3', 'pda')
  assert.equal(await registers(wicca, 'secondwitch'), 'resource-constraint')
  await world.later(7 * 86_400_000)
  assert.equal(await registers(wicca, 'secondwitch'), 'ok', 'nor for ever')
  forgets(world)
})

story('of a hidden room nobody learns by registering', async world => {
  await coven(world)
  const stranger = await world.online('stranger')
  assert.equal(conditionIn(await asks(stranger)), 'item-not-found')
  assert.equal(await registers(stranger, 'x'), 'item-not-found')
})
