/** XEP-0045 §9 and §10.3 to §10.8: what admins and owners do with affiliations. */
import assert from 'node:assert/strict'
import {
  affiliated,
  askRoom,
  changes,
  codesOf,
  configured,
  configures,
  coven,
  Elsewhere,
  forgets,
  gone,
  heard,
  item,
  joins,
  joinXml,
  list,
  presence,
  ROOM,
  roomIn,
  tells,
  USER,
} from '../../../test/muc-story.ts'
import { story } from '../../../test/story.ts'

const set = (id: string, items: string): string =>
  `<iq type="set" id="${id}" to="${ROOM}"><query xmlns="http://jabber.org/protocol/muc#admin">${items}</query></iq>`

tells('XEP-0045 §9.1: who is banned hears why and from whom, and all the others that he is gone; he does not come back', async world => {
  const [crone, earl, exeter] = await coven(world, 'cambridge', 'exeter')
  affiliated(world, 'witch2@here.example', 'member', 'cambridge')
  await crone.sends(set('ban1', '<item affiliation="outcast" jid="witch2@here.example"><reason>Treason</reason></item>'))
  const own = earl!.receives(
    gone('cambridge', '<item affiliation="outcast" role="none"><actor nick="firstwitch"/><reason>Treason</reason></item>'),
  )
  assert.ok(codesOf(own).includes(301), '§9.1: MUST')
  crone.receives('<iq type="result" id="ban1"/>')
  crone.receives(gone('cambridge', '<item affiliation="outcast" role="none" jid="witch2@here.example/broom"/><status code="301"/>'))
  exeter!.receives(gone('cambridge', '<item affiliation="outcast" role="none"/><status code="301"/>'))
  await earl!.sends(joinXml('cambridge'))
  earl!.receivesError('join', 'forbidden')
  assert.equal(roomIn(world).affiliations.holderOf('cambridge'), undefined, '§9.1: MUST remove the nickname')
  assert.deepEqual(await list(crone, 'affiliation="outcast"'), [{ affiliation: 'outcast', jid: 'witch2@here.example' }])
})

tells('XEP-0045 §9.1: who is away is banned, too; an admin bans no owner, and nobody himself', async world => {
  const [crone, wicca] = await coven(world, 'secondwitch')
  affiliated(world, 'witch2@here.example', 'admin')
  assert.equal(await changes(wicca!, '<item affiliation="outcast" jid="macbeth@castle.example/x"/>'), 'ok')
  assert.equal(await changes(wicca!, '<item affiliation="outcast" jid="crone1@here.example"/>'), 'not-allowed', '§9.1: MUST')
  assert.equal(await changes(wicca!, '<item affiliation="outcast" jid="witch2@here.example"/>'), 'conflict', '§9.1: MUST')
  assert.equal(await changes(crone, '<item affiliation="outcast" jid="crone1@here.example"/>'), 'conflict')
  const [ban] = await list(crone, 'affiliation="outcast"')
  assert.deepEqual(ban, { affiliation: 'outcast', jid: 'macbeth@castle.example' }, '§9.1: on the bare address')
  forgets(world)
})

tells('XEP-0045 §9.2: a domain is banned with all who are of it, but who is affiliated; the ban is lifted', async world => {
  const [crone, wicca] = await coven(world, 'secondwitch')
  const elsewhere = new Elsewhere(world)
  const macbeth = elsewhere.user('macbeth@castle.example/x')
  await macbeth.sends(joinXml('macbeth'))
  affiliated(world, 'lady@castle.example', 'member')
  const lady = elsewhere.user('lady@castle.example/x')
  await lady.sends(joinXml('lady'))
  forgets(world)
  assert.equal(await changes(crone, '<item affiliation="outcast" jid="castle.example"/>'), 'ok')
  assert.deepEqual(
    heard(wicca!, 'presence').map(each => [each.attrs['from'], codesOf(each)[0]]),
    [[`${ROOM}/macbeth`, 301]],
  )
  // Who loses what she was is banned like the others.
  assert.equal(await changes(crone, '<item affiliation="none" jid="lady@castle.example"/>'), 'ok')
  const [left] = heard(wicca!, 'presence')
  assert.deepEqual([left!.attrs['from'], codesOf(left!)], [`${ROOM}/lady`, [301]])
  assert.match(String(left), /affiliation='outcast'/)
  macbeth.unread.length = 0
  await macbeth.sends(joinXml('macbeth'))
  macbeth.receives('<presence type="error" id="join"><error><forbidden xmlns="urn:ietf:params:xml:ns:xmpp-stanzas"/></error></presence>')
  assert.equal(await changes(crone, '<item affiliation="none" jid="castle.example"/>'), 'ok')
  await macbeth.sends(joinXml('macbeth'))
  assert.equal(roomIn(world).occupants.size, 3)
  forgets(world)
})

tells('XEP-0045 §9.2: if one of the bans may not be, none is', async world => {
  const [crone, wicca] = await coven(world, 'secondwitch')
  affiliated(world, 'witch2@here.example', 'admin')
  const items = '<item affiliation="outcast" jid="a@here.example"/><item affiliation="outcast" jid="crone1@here.example"/>'
  assert.equal(await changes(wicca!, items), 'not-allowed')
  assert.deepEqual(await list(crone, 'affiliation="outcast"'), [])
  forgets(world)
})

tells('XEP-0045 §9.3: somebody becomes a member, with a nick of his own, and all hear of it', async world => {
  const [crone, hag] = await coven(world, 'thirdwitch')
  await crone.sends(
    set('member1', '<item affiliation="member" jid="witch2@here.example" nick="thirdwitch"><reason>A worthy witch indeed!</reason></item>'),
  )
  crone.receives('<iq type="result" id="member1"/>')
  for (const client of [crone, hag!]) client.receives(presence('thirdwitch', item('member', 'participant')))
  const other = await world.online('hag66')
  await hag!.sends(`<presence type="unavailable" to="${ROOM}/thirdwitch"/>`)
  forgets(world)
  await other.sends(joinXml('ThirdWitch'))
  other.receivesError('join', 'conflict')
  assert.equal(await changes(crone, '<item affiliation="member" jid="hag66@here.example" nick="thirdwitch"/>'), 'conflict')
  assert.equal(await changes(crone, '<item affiliation="member" jid="witch2@here.example" nick=""/>'), 'ok')
  assert.equal(await changes(crone, '<item affiliation="member" jid="hag66@here.example" nick="thirdwitch"/>'), 'ok')
  forgets(world)
})

tells('XEP-0045 §9.3: a nick that somebody has just now is reserved for nobody else', async world => {
  const [crone] = await coven(world, 'thirdwitch')
  assert.equal(await changes(crone, '<item affiliation="member" jid="hag66@here.example" nick="thirdwitch"/>'), 'conflict')
  assert.equal(await changes(crone, '<item affiliation="member" jid="hag66@here.example" nick="&#x2800;"/>'), 'jid-malformed')
})

tells('XEP-0045 §9.4: somebody is no member any more, and stays in an open room', async world => {
  const [crone, hag] = await coven(world, 'thirdwitch')
  affiliated(world, 'witch2@here.example', 'member')
  await crone.sends(set('member2', '<item affiliation="none" jid="witch2@here.example"><reason>Not so worthy after all!</reason></item>'))
  crone.receives('<iq type="result" id="member2"/>')
  for (const client of [crone, hag!])
    client.receives(
      presence(
        'thirdwitch',
        `<x xmlns="${USER}"><item affiliation="none" role="participant"><reason>Not so worthy after all!</reason></item></x>`,
      ),
    )
})

tells('XEP-0045 §9.4: from a members-only room he is removed, and nobody hears anything else before', async world => {
  const [crone, hag, witch] = await coven(world, 'thirdwitch', 'fourthwitch')
  configured(world, { isMembersOnly: true })
  for (const jid of ['witch2@here.example', 'witch3@here.example']) affiliated(world, jid, 'member')
  assert.equal(await changes(crone, '<item affiliation="none" jid="witch2@here.example"/>'), 'ok')
  const own = hag!.receives(gone('thirdwitch', '<item affiliation="none" role="none"><actor nick="firstwitch"/></item>'))
  assert.deepEqual(codesOf(own).toSorted(), [110, 321], '§9.4: MUST')
  witch!.receives(gone('thirdwitch', '<item affiliation="none" role="none"/><status code="321"/>'))
  await hag!.sends(joinXml('thirdwitch'))
  hag!.receivesError('join', 'registration-required')
  forgets(world)
})

tells('XEP-0045 §9.5: the list of members is for admins; who is new to a members-only room is invited', async world => {
  const [crone, hag] = await coven(world, 'thirdwitch')
  configured(world, { isMembersOnly: true, password: 'cauldronburn' })
  const hecate = await world.online('hecate')
  assert.equal(await changes(crone, '<item affiliation="member" jid="hecate@here.example"/>'), 'ok')
  hecate.receives(
    `<message from="${ROOM}"><x xmlns="${USER}"><invite from="${ROOM}/firstwitch"/><password>cauldronburn</password></x></message>`,
  )
  assert.deepEqual(await list(crone, 'affiliation="member"'), [{ affiliation: 'member', jid: 'hecate@here.example' }])
  assert.equal(await list(hag!, 'affiliation="member"'), 'forbidden', 'addresses are hidden here')
  await joins(hecate, 'hecate', ROOM, '<password>cauldronburn</password>')
  assert.equal(await changes(hecate, '<item affiliation="member" jid="witch2@here.example"/>'), 'forbidden')
  forgets(world)
})

tells('XEP-0045 §7.11, §9.5: where addresses are open, members have the list, in the room or not, and nobody else', async world => {
  const [crone, hag] = await coven(world, 'thirdwitch')
  configured(world, { isMembersOnly: true, whois: 'anyone' })
  affiliated(world, 'witch2@here.example', 'member')
  affiliated(world, 'away@here.example', 'member', 'gone')
  const expected = [
    { affiliation: 'member', jid: 'witch2@here.example' },
    { affiliation: 'member', jid: 'away@here.example', nick: 'gone' },
  ]
  assert.deepEqual(await list(hag!, 'affiliation="member"'), expected)
  assert.deepEqual(await list(await world.online('away'), 'affiliation="member"'), expected)
  assert.deepEqual(await list(hag!, 'affiliation="owner"'), [{ affiliation: 'owner', jid: 'crone1@here.example' }])
  assert.equal(await list(hag!, 'affiliation="outcast"'), 'forbidden')
  assert.equal(await list(await world.online('stranger'), 'affiliation="member"'), 'forbidden')
  assert.equal(crone.unread.length, 0)
})

tells('XEP-0045 §9.5: to no open room somebody is invited with that', async world => {
  const [crone] = await coven(world)
  const hecate = await world.online('hecate')
  assert.equal(await changes(crone, '<item affiliation="member" jid="hecate@here.example"/>'), 'ok')
  hecate.receivesNothing()
  forgets(world)
})

tells('XEP-0045 §10.3, §10.4: owners make owners, and unmake them, but the last one', async world => {
  const [crone, wicca, hag] = await coven(world, 'secondwitch', 'thirdwitch')
  assert.equal(await changes(crone, '<item affiliation="admin" jid="crone1@here.example"/>'), 'conflict', '§10.4: MUST NOT')
  assert.equal(await changes(hag!, '<item affiliation="owner" jid="witch3@here.example"/>'), 'forbidden', '§10.3: MUST')
  assert.equal(await changes(crone, '<item affiliation="owner" jid="witch2@here.example/broom"/>'), 'ok', '§10.3: the bare address counts')
  for (const client of [wicca!, hag!]) client.receives(presence('secondwitch', item('owner', 'moderator')))
  forgets(world)
  const both = '<item affiliation="none" jid="crone1@here.example"/><item affiliation="none" jid="witch2@here.example"/>'
  assert.equal(await changes(crone, both), 'conflict')
  assert.equal(await changes(crone, '<item affiliation="admin" jid="witch2@here.example"/>'), 'ok')
  hag!.receives(presence('secondwitch', item('admin', 'moderator')))
  assert.equal(await changes(crone, '<item affiliation="owner" jid="witch3@here.example"/>'), 'ok')
  assert.equal(await changes(crone, '<item affiliation="none" jid="crone1@here.example"/>'), 'ok', '§10.4: there is another one')
  forgets(world)
  assert.equal(await list(crone, 'affiliation="owner"'), 'forbidden', '§10.5: MUST')
  assert.deepEqual(await list(hag!, 'affiliation="owner"'), [{ affiliation: 'owner', jid: 'witch3@here.example' }])
})

tells(
  'XEP-0045 §10.6 to §10.8: owners make admins, and unmake them; nobody else has their list where addresses are hidden',
  async world => {
    const [crone, wicca, hag] = await coven(world, 'secondwitch', 'thirdwitch')
    assert.equal(await changes(crone, '<item affiliation="admin" jid="witch2@here.example"/>'), 'ok')
    hag!.receives(presence('secondwitch', item('admin', 'moderator')))
    forgets(world)
    assert.equal(await changes(wicca!, '<item affiliation="admin" jid="witch3@here.example"/>'), 'forbidden', '§10.8: MUST')
    assert.equal(await changes(wicca!, '<item affiliation="none" jid="crone1@here.example"/>'), 'forbidden', '§10.5: MUST')
    assert.equal(await list(wicca!, 'affiliation="admin"'), 'forbidden', '§10.8: MUST')
    assert.deepEqual(await list(crone, 'affiliation="admin"'), [{ affiliation: 'admin', jid: 'witch2@here.example' }])
    assert.equal(await changes(crone, '<item affiliation="none" jid="witch2@here.example"/>'), 'ok')
    hag!.receives(presence('secondwitch', item('none', 'participant')))
    forgets(world)
  },
)

tells('XEP-0045 §10.7: who was an admin has in a moderated room the role of what is left to her', async world => {
  const [crone, wicca, hag] = await coven(world, 'secondwitch', 'thirdwitch')
  configured(world, { isModerated: true })
  for (const [affiliation, role] of [
    ['none', 'visitor'],
    ['member', 'participant'],
  ] as const) {
    assert.equal(await changes(crone, '<item affiliation="admin" jid="witch2@here.example"/>'), 'ok')
    forgets(world)
    const worthless = '<reason>Not so worthy after all!</reason>'
    assert.equal(await changes(crone, `<item affiliation="${affiliation}" jid="witch2@here.example">${worthless}</item>`), 'ok')
    for (const client of [crone, wicca!, hag!])
      client.receives(
        presence('secondwitch', `<x xmlns="${USER}"><item affiliation="${affiliation}" role="${role}">${worthless}</item></x>`),
      )
  }
  assert.equal(await changes(crone, '<item affiliation="admin" jid="hecate@here.example"/>'), 'ok')
  forgets(world)
  assert.equal(await changes(crone, '<item affiliation="none" jid="hecate@here.example"/>'), 'ok')
  crone.receives(
    `<message from="${ROOM}" id="*"><x xmlns="${USER}"><item affiliation="none" jid="hecate@here.example" role="none"/></x></message>`,
  )
  forgets(world)
})

tells('by his nick somebody is known as well, as clients do', async world => {
  const [crone] = await coven(world, 'thirdwitch')
  assert.equal(await changes(crone, '<item affiliation="member" nick="thirdwitch"/>'), 'ok')
  assert.deepEqual(await list(crone, 'affiliation="member"'), [{ affiliation: 'member', jid: 'witch2@here.example' }])
  assert.equal(await changes(crone, '<item affiliation="member" nick="nobody"/>'), 'item-not-found')
  forgets(world)
})

tells('somebody with two nicks is banned with both', async world => {
  const [crone, hag] = await coven(world, 'thirdwitch')
  const laptop = await world.online('witch2', 'laptop')
  await joins(laptop, 'fourthwitch')
  assert.equal(await changes(crone, '<item affiliation="outcast" jid="witch2@here.example"/>'), 'ok')
  assert.deepEqual(
    heard(crone, 'presence')
      .map(({ attrs }) => attrs['from'])
      .toSorted(),
    [`${ROOM}/fourthwitch`, `${ROOM}/thirdwitch`],
  )
  assert.equal(roomIn(world).occupants.size, 1)
  assert.ok(hag!.unread.length > 0)
  forgets(world)
})

story(
  'there are so many affiliations, and no more',
  async world => {
    const [crone] = await coven(world)
    const [a, b] = ['a', 'b'].map(name => `<item affiliation="member" jid="${name}@here.example"/>`)
    assert.equal(await changes(crone, `${a}${b}`), 'resource-constraint')
    assert.equal(await changes(crone, a!), 'ok')
    assert.equal(await changes(crone, b!), 'resource-constraint')
    assert.equal(await changes(crone, '<item affiliation="outcast" jid="a@here.example"/>'), 'ok')
    forgets(world)
  },
  { settings: { muc: { newRooms: 'public', affiliations: 2 } } },
)

story(
  'nobody changes too much at once',
  async world => {
    const [crone] = await coven(world)
    const items = Array.from({ length: 6 }, (_, i) => `<item affiliation="member" jid="a${i}@here.example"/>`).join('')
    assert.equal(await changes(crone, items), 'policy-violation')
    await world.later(60_000)
    assert.equal(await changes(crone, '<item affiliation="member" jid="a@here.example"/>'), 'ok')
    forgets(world)
  },
  { settings: { muc: { newRooms: 'public', changes: 5 } } },
)

story('of a hidden room nobody learns by asking who may not enter', async world => {
  await coven(world)
  const stranger = await world.online('stranger')
  for (const [type, query] of [
    ['get', '<item affiliation="member"/>'],
    ['set', '<item affiliation="owner" jid="stranger@here.example"/>'],
    ['set', ''],
  ] as const) {
    const there = await askRoom(stranger, type, `<query xmlns="http://jabber.org/protocol/muc#admin">${query}</query>`)
    const nowhere = await askRoom(
      stranger,
      type,
      `<query xmlns="http://jabber.org/protocol/muc#admin">${query}</query>`,
      ROOM.replace('coven', 'heath'),
    )
    const blank = (text: string): string => text.replace(/(?:coven|heath)@/g, '').replace(/id='\w+'/g, '')
    assert.equal(blank(String(there)), blank(String(nowhere)))
  }
})

tells('what admins have changed is there after a restart, if the room lasts', async world => {
  const [crone] = await coven(world)
  assert.equal(await configures(crone, { 'muc#roomconfig_persistentroom': '1' }), 'ok')
  assert.equal(await changes(crone, '<item affiliation="admin" jid="a@here.example" nick="Anna"><reason>Wise</reason></item>'), 'ok')
  assert.equal(await changes(crone, '<item affiliation="outcast" jid="castle.example"/>'), 'ok')
  world.restarts()
  const again = await world.online('crone1')
  assert.deepEqual(await list(again, 'affiliation="admin"'), [{ affiliation: 'admin', jid: 'a@here.example', nick: 'Anna' }])
  assert.deepEqual(await list(again, 'affiliation="outcast"'), [{ affiliation: 'outcast', jid: 'castle.example' }])
})

tells('XEP-0045 §9.3: with one request a nick is reserved for one', async world => {
  const [crone] = await coven(world)
  const both = ['wicca', 'hecate'].map(
    (name, i) => `<item affiliation="member" jid="${name}@here.example" nick="${i === 0 ? 'Hag' : 'hag'}"/>`,
  )
  assert.equal(await changes(crone, both.join('')), 'conflict')
  assert.equal(roomIn(world).affiliations.holderOf('hag'), undefined)
})

tells('XEP-0045 §9.1: who is banned and given a role with one request is gone', async world => {
  const [crone, earl] = await coven(world, 'cambridge')
  for (const role of ['moderator', 'none']) {
    const both = `<item affiliation="outcast" jid="witch2@here.example"/><item role="${role}" nick="cambridge"/>`
    await crone.sends(set('both', both))
    crone.receives('<iq type="result" id="both"/>')
    const told = heard(crone, 'presence').map(({ attrs }) => attrs['type'])
    assert.deepEqual(told, ['unavailable'])
    assert.equal(await changes(crone, '<item affiliation="none" jid="witch2@here.example"/>'), 'ok')
    await earl!.sends(joinXml('cambridge'))
    forgets(world)
  }
})
