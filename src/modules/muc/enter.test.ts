/** XEP-0045 §7.1 and §7.2: entering a room. The examples are those of the XEP, with the witches on this server. */
import assert from 'node:assert/strict'
import {
  affiliated,
  arranges,
  codesOf,
  conditionIn,
  configured,
  coven,
  Elsewhere,
  heard,
  item,
  joins,
  joinXml,
  MUC,
  OCCUPANT,
  open,
  presence,
  ROOM,
  roomIn,
  SERVICE,
  USER,
} from '../../../test/muc-story.ts'
import { type Client, story, type World } from '../../../test/story.ts'
import { muc } from './muc.ts'

/** Tries to enter; gives the condition of the error, or undefined if he could. */
async function tries(client: Client, nick: string, inside = '', room = ROOM): Promise<string | undefined> {
  await client.sends(joinXml(nick, inside, room))
  return conditionIn(heard(client, 'presence').find(({ attrs }) => attrs['type'] === 'error'))
}

const enters = (title: string, tell: (world: World) => Promise<void>): void =>
  story(
    title,
    async world => {
      await tell(world)
      for (const client of world.clients) client.forget()
    },
    open,
  )

story(
  'XEP-0045 §7.1, §7.2.2: who enters is shown the others, then himself, then the subject; the others are shown him',
  async world => {
    const [crone, wicca] = await coven(world, 'secondwitch')
    affiliated(world, 'witch2@here.example', 'admin')
    const hag = await world.online('hag66', 'pda')
    await hag.sends(joinXml('thirdwitch'))
    hag.receives(presence('firstwitch', item('owner', 'moderator'), 'to="hag66@here.example/pda"'))
    hag.receives(presence('secondwitch', item('admin', 'participant')))
    const own = hag.receives(presence('thirdwitch', item('none', 'participant'), 'id="join"'))
    assert.deepEqual(codesOf(own), [110], '§7.2.2: MUST')
    hag.receives(`<message type="groupchat" from="${ROOM}"><subject/></message>`)
    for (const other of [crone, wicca!]) {
      const shown = other.receives(presence('thirdwitch', item('none', 'participant')))
      assert.equal(shown.elements().filter(({ ns }) => ns === USER).length, 1, '§7.2.2: MUST NOT include more than one <x/>')
      assert.ok(shown.elements().some(({ ns }) => ns === OCCUPANT))
    }
  },
  open,
)

enters('XEP-0045 §7.1, §7.2.16: the others, oneself, history, the subject, then what happens, in this order', async world => {
  const [crone, wicca] = await coven(world, 'secondwitch')
  await wicca!.sends(`<message type="groupchat" to="${ROOM}"><body>Thrice</body></message>`)
  await crone.sends(`<message type="groupchat" to="${ROOM}"><subject>Fire Burn</subject></message>`)
  const hag = await world.online('hag66', 'pda')
  await hag.sends(joinXml('thirdwitch'))
  await crone.sends(`<message type="groupchat" to="${ROOM}"><body>All hail</body></message>`)
  await wicca!.sends(`<presence type="unavailable" to="${ROOM}/secondwitch"/>`)
  hag.receives(presence('firstwitch'))
  hag.receives(presence('secondwitch'))
  assert.deepEqual(codesOf(hag.receives(presence('thirdwitch'))), [110])
  hag.receives(`<message from="${ROOM}/secondwitch"><body>Thrice</body><delay xmlns="urn:xmpp:delay" from="${ROOM}" stamp="*"/></message>`)
  hag.receives(`<message from="${ROOM}/firstwitch"><subject>Fire Burn</subject></message>`)
  hag.receives(`<message from="${ROOM}/firstwitch"><body>All hail</body></message>`)
  hag.receives(presence('secondwitch', item('none', 'none'), 'type="unavailable"'))
  hag.receivesNothing()
})

enters('XEP-0045 §7.2.1, §17.1: a nick is needed, and one that can be seen', async world => {
  const hag = await world.online('hag66')
  await hag.sends(`<presence id="j" to="${ROOM}"><x xmlns="${MUC}"/></presence>`)
  hag.receivesError('j', 'jid-malformed')
  assert.equal(await tries(hag, '\u00a0'), 'jid-malformed')
  assert.equal(await tries(hag, '\u3164'), 'jid-malformed', 'a filler is no nick')
  assert.equal(await tries(hag, 'x'.repeat(101)), 'policy-violation')
  assert.equal(await tries(hag, 'thirdwitch'), undefined)
})

enters('XEP-0045 §7.2.1, §17.3: who is in the room and enters again is told everything again', async world => {
  const [crone, hag] = await coven(world, 'thirdwitch')
  await crone.sends(`<message type="groupchat" to="${ROOM}"><body>Thrice</body></message>`)
  for (const client of [crone, hag!]) client.forget()
  await hag!.sends(joinXml('thirdwitch'))
  hag!.receives(presence('firstwitch'))
  assert.deepEqual(codesOf(hag!.receives(presence('thirdwitch'))), [110])
  hag!.receives(`<message from="${ROOM}/firstwitch"><body>Thrice</body></message>`)
  hag!.receives(`<message from="${ROOM}"><subject/></message>`)
  hag!.receivesNothing()
  assert.equal(roomIn(world).occupants.clients, 2)
})

enters('XEP-0045 §7.2.3: in a room that is not anonymous everybody learns real addresses, and is warned', async world => {
  const [crone] = await coven(world)
  configured(world, { whois: 'anyone' })
  const hag = await world.online('hag66', 'pda')
  await hag.sends(joinXml('thirdwitch'))
  hag.receives(presence('firstwitch', `<x xmlns="${USER}"><item jid="crone1@here.example/desktop"/></x>`))
  const own = hag.receives(presence('thirdwitch', `<x xmlns="${USER}"><item jid="hag66@here.example/pda"/></x>`))
  assert.deepEqual(codesOf(own), [110, 100], 'MUST warn')
  crone.receives(presence('thirdwitch', `<x xmlns="${USER}"><item jid="hag66@here.example/pda"/></x>`))
})

enters('XEP-0045 §7.2.12: where messages are archived, who enters is warned', async world => {
  const [crone] = await coven(world)
  await arranges(crone, { whois: 'anyone', enablearchiving: '1' })
  const hag = await world.online('hag66', 'pda')
  await hag.sends(joinXml('thirdwitch'))
  hag.receives(presence('firstwitch'))
  assert.deepEqual(codesOf(hag.receives(presence('thirdwitch'))).toSorted(), [100, 110], 'nothing is kept of what does not stay')
  await arranges(crone, { persistentroom: '1' })
  await hag.sends(joinXml('thirdwitch'))
  hag.receives(presence('firstwitch'))
  assert.deepEqual(codesOf(hag.receives(presence('thirdwitch'))).toSorted(), [100, 110, 170], 'MUST also warn')
})

enters('XEP-0045 §7.2.4: in a semi-anonymous room moderators alone learn real addresses', async world => {
  const [crone, wicca] = await coven(world, 'secondwitch')
  const hag = await world.online('hag66', 'pda')
  await hag.sends(joinXml('thirdwitch'))
  crone.receives(presence('thirdwitch', `<x xmlns="${USER}"><item jid="hag66@here.example/pda"/></x>`))
  assert.doesNotMatch(String(wicca!.receives(presence('thirdwitch'))), /hag66/)
  assert.doesNotMatch(heard(hag, 'presence').slice(0, 2).map(String).join(), /crone1|witch2@/)
  await hag.sends(`<presence type="unavailable" to="${ROOM}/thirdwitch"/>`)
  crone.receives(presence('thirdwitch', `<x xmlns="${USER}"><item jid="hag66@here.example/pda"/></x>`, 'type="unavailable"'))
  assert.doesNotMatch(String(wicca!.receives(presence('thirdwitch', '', 'type="unavailable"'))), /hag66/)
})

enters('XEP-0045 §7.2.5: the password has to be right', async world => {
  await coven(world)
  configured(world, { password: 'cauldronburn' })
  const hag = await world.online('hag66')
  assert.equal(await tries(hag, 'thirdwitch'), 'not-authorized')
  assert.equal(await tries(hag, 'thirdwitch', '<password>cauldron</password>'), 'not-authorized')
  assert.equal(await tries(hag, 'thirdwitch', '<password>cauldronburn</password>'), undefined)
})

enters('XEP-0045 §7.2.6, §7.2.7: members enter a room for members, and nobody who is banned', async world => {
  await coven(world)
  configured(world, { isMembersOnly: true })
  const hag = await world.online('hag66')
  assert.equal(await tries(hag, 'thirdwitch'), 'registration-required')
  affiliated(world, 'hag66@here.example', 'member')
  assert.equal(await tries(hag, 'thirdwitch'), undefined)
  await hag.sends(`<presence type="unavailable" to="${ROOM}/thirdwitch"/>`)
  affiliated(world, 'hag66@here.example', 'outcast')
  hag.forget()
  assert.equal(await tries(hag, 'thirdwitch'), 'forbidden')
})

enters('XEP-0045 §7.2.8: a nick that somebody else has, or has reserved, is taken', async world => {
  await coven(world, 'secondwitch')
  affiliated(world, 'ghost@here.example', 'member', 'banquo')
  const hag = await world.online('hag66')
  for (const nick of ['secondwitch', 'SecondWitch', 'second\u200bwitch', 'ｓecondwitch', ' secondwitch '])
    assert.match((await tries(hag, nick))!, /conflict|jid-malformed/, nick)
  assert.equal(await tries(hag, 'banquo'), 'conflict')
  assert.equal(await tries(hag, 'Banquo'), 'conflict', 'nor one that looks like it')
  const ghost = await world.online('ghost')
  assert.equal(await tries(ghost, 'banquo'), undefined)
})

story(
  'XEP-0045 §7.2.8: two clients of one person have one nick; both hear all, and others see the latest presence',
  async world => {
    const [crone] = await coven(world)
    const pda = await world.online('hag66', 'pda')
    const desk = await world.online('hag66', 'desk')
    await joins(pda, 'thirdwitch')
    await desk.sends(joinXml('ThirdWitch', '', ROOM, 'again').replace('<x', '<show>away</show><x'))
    desk.receives(presence('firstwitch'))
    const own = desk.receives(presence('thirdwitch', '<show>away</show>', 'id="again"'))
    assert.deepEqual(codesOf(own), [110, 210], '§7.2.2: the room has written the nick in another way')
    desk.receives(`<message><subject/></message>`)
    assert.deepEqual(codesOf(pda.receives(presence('thirdwitch', '<show>away</show>'))).includes(110), true)
    crone.receives(presence('thirdwitch', '<show>away</show>'))
    assert.equal(roomIn(world).occupants.size, 2)

    await crone.sends(`<message type="groupchat" id="m" to="${ROOM}"><body>Hail</body></message>`)
    for (const client of [crone, pda, desk]) client.receives(`<message from="${ROOM}/firstwitch" id="m"><body>Hail</body></message>`)
    await pda.sends(`<message type="groupchat" id="n" to="${ROOM}"><body>All hail</body></message>`)
    for (const client of [crone, pda, desk]) client.receives(`<message from="${ROOM}/thirdwitch" id="n"/>`)

    await desk.sends(`<presence type="unavailable" to="${ROOM}/thirdwitch"/>`)
    assert.deepEqual(codesOf(desk.receives(presence('thirdwitch', item('none', 'none'), 'type="unavailable"'))), [110])
    crone.receives(presence('thirdwitch', item('none', 'participant')))
    pda.receives(presence('thirdwitch'))
    await pda.leaves()
    crone.receives(presence('thirdwitch', item('none', 'none'), 'type="unavailable"'))
    desk.forget()
  },
  open,
)

enters('XEP-0045 §7.2.9: a room that is full takes nobody but admins and owners', async world => {
  await coven(world, 'secondwitch')
  configured(world, { maxUsers: 2 })
  const hag = await world.online('hag66')
  assert.equal(await tries(hag, 'thirdwitch'), 'service-unavailable')
  affiliated(world, 'hag66@here.example', 'admin')
  assert.equal(await tries(hag, 'thirdwitch'), undefined, 'MUST allow')
  const desk = await world.online('witch2', 'desk')
  assert.equal(await tries(desk, 'secondwitch'), undefined, 'another client is no other occupant')
})

enters('XEP-0045 §7.2.10, §10.1: a new room is locked until its owner has said how it shall be', async world => {
  const crone = await world.online('crone1', 'desktop')
  const hag = await world.online('hag66', 'pda')
  await crone.sends(joinXml('firstwitch'))
  const own = crone.receives(presence('firstwitch', item('owner', 'moderator')))
  assert.deepEqual(codesOf(own), [110, 201])
  crone.forget()
  await crone.sends(joinXml('firstwitch'))
  assert.deepEqual(codesOf(crone.receives(presence('firstwitch'))), [110, 201], '§17.3: everything that would be sent on a normal join')
  crone.forget()
  assert.equal(await tries(hag, 'thirdwitch'), 'item-not-found', 'MUST refuse')
  await hag.sends(`<message type="groupchat" id="m" to="${ROOM}"><body>Hail</body></message>`)
  hag.receivesError('m', 'item-not-found')
  // §10.1.3: its owner leaves before.
  await crone.leaves()
  const { rooms } = world.host.apiOf(muc)!
  await world.settled()
  assert.equal(rooms.size, 0, 'MUST destroy the room')
})

enters('XEP-0045 §7.2.1, §7.2.5 to §7.2.10: each refusal is as in the examples, and as the table of §7.2.17 says', async world => {
  await coven(world, 'secondwitch')
  const hag = await world.online('hag66', 'pda')
  const config = { isMembersOnly: false, password: '', maxUsers: 'none' } as const
  for (const [section, change, to, type, condition] of [
    ['§7.2.5', { password: 'cauldronburn' }, 'thirdwitch', 'auth', 'not-authorized'],
    ['§7.2.6', { isMembersOnly: true }, 'thirdwitch', 'auth', 'registration-required'],
    ['§7.2.8', {}, 'secondwitch', 'cancel', 'conflict'],
    ['§7.2.9', { maxUsers: 2 }, 'thirdwitch', 'wait', 'service-unavailable'],
  ] as const) {
    configured(world, { ...config, ...change })
    await hag.sends(joinXml(to, '', ROOM, section))
    hag.receives(`<presence type="error" id="${section}" from="${ROOM}/${to}"><x xmlns="${MUC}"/>
      <error type="${type}" by="${ROOM}"><${condition} xmlns="urn:ietf:params:xml:ns:xmpp-stanzas"/></error></presence>`)
  }
  configured(world, config)
  affiliated(world, 'hag66@here.example', 'outcast')
  await hag.sends(joinXml('thirdwitch', '', ROOM, '§7.2.7'))
  hag.receives(`<presence type="error" id="§7.2.7" from="${ROOM}/thirdwitch"><x xmlns="${MUC}"/>
    <error type="auth" by="${ROOM}"><forbidden xmlns="urn:ietf:params:xml:ns:xmpp-stanzas"/></error></presence>`)
  roomIn(world).isLocked = true
  await hag.sends(joinXml('thirdwitch', '', ROOM, '§7.2.10'))
  hag.receives(`<presence type="error" id="§7.2.10" from="${ROOM}/thirdwitch"><x xmlns="${MUC}"/>
    <error type="cancel" by="${ROOM}"><item-not-found xmlns="urn:ietf:params:xml:ns:xmpp-stanzas"/></error></presence>`)
  roomIn(world).isLocked = false
  await hag.sends(`<presence to="${ROOM}" id="273hs51g"><x xmlns="${MUC}"/></presence>`)
  hag.receives(`<presence type="error" id="273hs51g" from="${ROOM}">
    <error type="modify" by="${ROOM}"><jid-malformed xmlns="urn:ietf:params:xml:ns:xmpp-stanzas"/></error></presence>`)
})

enters('XEP-0045 §7.2: who is refused finds the mark of rooms beside the error, and of a password nothing', async world => {
  await coven(world)
  const hag = await world.online('hag66', 'pda')
  await hag.sends(joinXml('firstwitch', '<password>cauldronburn</password>', ROOM, 'j'))
  const refused = hag.receives(`<presence type="error" id="j"><x xmlns="http://jabber.org/protocol/muc"/><error/></presence>`)
  assert.equal(conditionIn(refused), 'conflict')
  assert.ok(!String(refused).includes('cauldronburn'))
})

for (const [why, settings, from] of [
  ['the operator says so', { create: 'nobody' }, 'here.example'],
  ['they are of another server', {}, 'there.example'],
] as const)
  story(
    `XEP-0045 §10.1.1: nobody makes rooms where ${why}`,
    async world => {
      const hag = await world.online('hag66', 'pda')
      const away = new Elsewhere(world).user('hag66@there.example/pda')
      const who = from === 'here.example' ? hag : away
      await who.sends(joinXml('thirdwitch', '', ROOM, 'j'))
      who.receives(`<presence type="error" id="j"><error><not-allowed xmlns="urn:ietf:params:xml:ns:xmpp-stanzas"/></error></presence>`)
    },
    { settings: { muc: settings } },
  )

enters('XEP-0045 §7.2.18: presence without a request to enter is answered with a kick', async world => {
  await coven(world)
  const hag = await world.online('hag66', 'pda')
  for (const room of [ROOM, `nowhere@${SERVICE}`]) {
    await hag.sends(`<presence to="${room}/thirdwitch"><show>away</show></presence>`)
    const kick = hag.receives(`<presence from="${room}/thirdwitch" type="unavailable">${item('none', 'none')}</presence>`)
    assert.deepEqual(codesOf(kick), [110, 307, 333], 'MUST contain')
  }
  assert.equal(roomIn(world).occupants.size, 1)
})

enters('XEP-0045 §17.3: a probe is no request to enter, and unavailable presence of strangers is ignored', async world => {
  await coven(world)
  const hag = await world.online('hag66', 'pda')
  for (const type of ['probe', 'unavailable', 'subscribe', 'unsubscribed']) {
    await hag.sends(`<presence type="${type}" to="${ROOM}/thirdwitch"><x xmlns="${MUC}"/></presence>`)
    assert.equal(roomIn(world).occupants.size, 1)
  }
})
