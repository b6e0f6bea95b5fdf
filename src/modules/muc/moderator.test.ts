/** XEP-0045 §8 and §9.6 to §9.8: what moderators do, and who is one. */
import assert from 'node:assert/strict'
import {
  affiliated,
  change,
  changes,
  codesOf,
  configured,
  coven,
  forgets,
  gone,
  heard,
  item,
  joins,
  list,
  presence,
  ROOM,
  roomIn,
  tells,
  USER,
} from '../../../test/muc-story.ts'
import type { World } from '../../../test/story.ts'

tells(
  'XEP-0045 §8.2: who is kicked hears why and from whom, the moderator that it is done, then all the others that he is gone',
  async world => {
    const [crone, pistol, gower] = await coven(world, 'pistol', 'gower')
    const { router } = world
    const route = router.route.bind(router)
    const order: string[] = []
    router.route = (stanza, from, to, ...rest) => {
      if (from.bare.equals(roomIn(world).jid)) order.push(`${to.local} ${stanza.name}`)
      return route(stanza, from, to, ...rest)
    }
    await crone.sends(`<iq type="set" id="kick1" to="${ROOM}"><query xmlns="http://jabber.org/protocol/muc#admin">
    <item nick="pistol" role="none"><reason>Avaunt, you cullion!</reason></item></query></iq>`)
    assert.deepEqual(order, ['witch2 presence', 'crone1 iq', 'crone1 presence', 'witch3 presence'], '§8.2: MUST')
    const own = pistol!.receives(
      gone('pistol', '<item affiliation="none" role="none"><actor nick="firstwitch"/><reason>Avaunt, you cullion!</reason></item>'),
    )
    assert.deepEqual(codesOf(own).toSorted(), [110, 307], '§8.2: MUST')
    crone.receives(`<iq type="result" id="kick1" from="${ROOM}"/>`)
    for (const other of [crone, gower!]) {
      const shown = other.receives(gone('pistol', '<item affiliation="none" role="none"/>'))
      assert.deepEqual(codesOf(shown), [307])
    }
    assert.equal(String(crone.world).includes('actor jid'), false)
    // It is for this visit.
    await joins(pistol!, 'pistol')
  },
)

tells('XEP-0045 §8.2: whoever has several clients leaves with all of them', async world => {
  const [crone, pistol] = await coven(world, 'pistol')
  const laptop = await world.online('witch2', 'laptop')
  await joins(laptop, 'pistol')
  assert.equal(await changes(crone, '<item nick="pistol" role="none"/>'), 'ok')
  for (const client of [pistol!, laptop]) assert.deepEqual(codesOf(heard(client, 'presence')[0]!).toSorted(), [110, 307])
  assert.equal(roomIn(world).occupants.size, 1)
  forgets(world)
})

tells('XEP-0045 §8.2: nobody with a lower affiliation kicks, nor who is no moderator, nor anybody himself', async world => {
  const [crone, wicca, hag] = await coven(world, 'secondwitch', 'thirdwitch')
  assert.equal(await changes(hag!, '<item nick="secondwitch" role="none"/>'), 'forbidden')
  assert.equal(await changes(crone, '<item nick="secondwitch" role="moderator"/>'), 'ok')
  assert.equal(await changes(wicca!, '<item nick="firstwitch" role="none"/>'), 'not-allowed', '§8.2: MUST')
  assert.equal(await changes(wicca!, '<item nick="secondwitch" role="none"/>'), 'conflict')
  assert.equal(await changes(wicca!, '<item nick="nobody" role="none"/>'), 'item-not-found')
  forgets(world)
  assert.equal(await changes(wicca!, '<item nick="thirdwitch" role="none"/>'), 'ok')
  forgets(world)
})

tells('XEP-0045 §8.3, §8.4: voice is given and taken, and all hear of it', async world => {
  const [crone, hag] = await coven(world, 'thirdwitch')
  await crone.sends(`<iq type="set" id="voice2" to="${ROOM}"><query xmlns="http://jabber.org/protocol/muc#admin">
    <item nick="thirdwitch" role="visitor"><reason>Not so worthy after all!</reason></item></query></iq>`)
  crone.receives('<iq type="result" id="voice2"/>')
  for (const client of [crone, hag!])
    client.receives(
      presence(
        'thirdwitch',
        `<x xmlns="${USER}"><item affiliation="none" role="visitor"><reason>Not so worthy after all!</reason></item></x>`,
      ),
    )
  await hag!.sends(`<message type="groupchat" to="${ROOM}" id="m1"><body>Harpier cries</body></message>`)
  hag!.receivesError('m1', 'forbidden')
  await crone.sends(`<iq type="set" id="voice1" to="${ROOM}"><query xmlns="http://jabber.org/protocol/muc#admin">
    <item nick="thirdwitch" role="participant"/></query></iq>`)
  crone.receives('<iq type="result" id="voice1"/>')
  for (const client of [crone, hag!]) client.receives(presence('thirdwitch', item('none', 'participant')))
})

tells('XEP-0045 §5.1: in a moderated room who has voice, or has lost it, finds that so when he comes again', async world => {
  const [crone, wicca, hag] = await coven(world, 'secondwitch', 'thirdwitch')
  configured(world, { isModerated: true })
  affiliated(world, 'witch3@here.example', 'member')
  const comesAgain = async (client: NonNullable<typeof hag>, nick: string): Promise<string> => {
    await client.sends(`<presence type="unavailable" to="${ROOM}/${nick}"/>`)
    client.forget()
    await joins(client, nick)
    return roomIn(world).occupants.named(nick)!.role
  }
  assert.equal(await comesAgain(wicca!, 'secondwitch'), 'visitor')
  assert.equal(await changes(crone, '<item nick="secondwitch" role="participant"/><item nick="thirdwitch" role="visitor"/>'), 'ok')
  assert.equal(await comesAgain(wicca!, 'secondwitch'), 'participant', 'SHOULD persist')
  assert.equal(await comesAgain(hag!, 'thirdwitch'), 'visitor', 'SHOULD persist')
  // Another affiliation has the role that is usual for it.
  await hag!.sends(`<presence type="unavailable" to="${ROOM}/thirdwitch"/>`)
  assert.equal(await changes(crone, '<item affiliation="none" jid="witch3@here.example"/>'), 'ok')
  assert.equal(await changes(crone, '<item affiliation="member" jid="witch3@here.example"/>'), 'ok')
  forgets(world)
  await joins(hag!, 'thirdwitch')
  assert.equal(roomIn(world).occupants.named('thirdwitch')!.role, 'participant')
  configured(world, { isModerated: false })
  assert.equal(await changes(crone, '<item nick="thirdwitch" role="visitor"/>'), 'ok')
  assert.equal(await comesAgain(hag!, 'thirdwitch'), 'participant')
  forgets(world)
})

tells('XEP-0045 §8.4: from admins and owners nobody takes voice, nor from anybody who is as high as the moderator', async world => {
  const [crone, wicca, hag] = await coven(world, 'secondwitch', 'thirdwitch')
  affiliated(world, 'witch2@here.example', 'member')
  affiliated(world, 'witch3@here.example', 'member')
  assert.equal(await changes(crone, '<item nick="secondwitch" role="moderator"/>'), 'ok')
  assert.equal(await changes(wicca!, '<item nick="thirdwitch" role="visitor"/>'), 'not-allowed', '§8.4: MUST NOT')
  assert.equal(await changes(wicca!, '<item nick="firstwitch" role="visitor"/>'), 'not-allowed', '§8.4: MUST')
  assert.equal(await changes(crone, '<item nick="firstwitch" role="visitor"/>'), 'not-allowed')
  assert.equal(hag!.session.account.name, 'witch3')
  forgets(world)
})

tells(
  'XEP-0045 §8.5: the list of voice is for moderators, with nick, role, affiliation and address; its changes are a delta',
  async world => {
    const [crone, wicca, hag] = await coven(world, 'secondwitch', 'thirdwitch')
    affiliated(world, 'witch2@here.example', 'member')
    assert.deepEqual(await list(crone, 'role="participant"'), [
      { nick: 'secondwitch', role: 'participant', affiliation: 'member', jid: 'witch2@here.example/broom' },
      { nick: 'thirdwitch', role: 'participant', affiliation: 'none', jid: 'witch3@here.example/broom' },
    ])
    assert.equal(await list(hag!, 'role="participant"'), 'forbidden')
    assert.equal(await changes(crone, '<item nick="secondwitch" role="visitor"/><item nick="thirdwitch" role="visitor"/>'), 'ok')
    assert.equal(heard(wicca!, 'presence').length, 2)
    assert.deepEqual(await list(crone, 'role="participant"'), [])
    forgets(world)
  },
)

tells('XEP-0045 §8.5, §9.2: if one of the changes may not be, none is made', async world => {
  const [crone, wicca, hag] = await coven(world, 'secondwitch', 'thirdwitch')
  affiliated(world, 'crone1@here.example', 'owner')
  assert.equal(await changes(crone, '<item nick="secondwitch" role="moderator"/>'), 'ok')
  forgets(world)
  assert.equal(await changes(wicca!, '<item nick="thirdwitch" role="none"/><item nick="firstwitch" role="none"/>'), 'not-allowed')
  for (const client of [crone, hag!]) client.receivesNothing()
  assert.equal(roomIn(world).occupants.size, 3)
})

tells('XEP-0045 §9.6 to §9.8: admins make moderators, and unmake those who are no admins; the list of them is theirs', async world => {
  const [crone, wicca, hag] = await coven(world, 'secondwitch', 'thirdwitch')
  affiliated(world, 'witch2@here.example', 'admin')
  assert.equal(await changes(wicca!, '<item nick="thirdwitch" role="moderator"/>'), 'forbidden', 'he has entered before he was an admin')
  await joinsAgain(world)
  assert.equal(await changes(wicca!, '<item nick="thirdwitch" role="moderator"><reason>A worthy witch indeed!</reason></item>'), 'ok')
  hag!.receives(presence('thirdwitch', item('none', 'moderator'), ''))
  assert.equal(((await list(wicca!, 'role="moderator"')) as unknown[]).length, 3)
  assert.equal(await list(hag!, 'role="moderator"'), 'forbidden', '§9: MUST')
  assert.equal(await changes(hag!, '<item nick="firstwitch" role="participant"/>'), 'not-allowed')
  assert.equal(await changes(wicca!, '<item nick="firstwitch" role="participant"/>'), 'not-allowed', '§9.7: MUST NOT')
  assert.equal(await changes(crone, '<item nick="secondwitch" role="participant"/>'), 'not-allowed', '§9.8')
  forgets(world)
  assert.equal(await changes(wicca!, '<item nick="thirdwitch" role="participant"/>'), 'ok')
  hag!.receives(presence('thirdwitch', item('none', 'participant')))
  forgets(world)

  async function joinsAgain({ clients }: World): Promise<void> {
    await clients[1]!.sends(`<presence type="unavailable" to="${ROOM}/secondwitch"/>`)
    forgets(world)
    await joins(clients[1]!, 'secondwitch')
  }
})

tells('XEP-0045 §8: by another of his clients somebody is a moderator, too', async world => {
  await coven(world, 'pistol')
  const phone = await world.online('crone1', 'phone')
  assert.equal(await changes(phone, '<item nick="pistol" role="none"/>'), 'ok')
  forgets(world)
})

tells('XEP-0045 §17.4: a role or an affiliation, never both, and what there is', async world => {
  const [crone] = await coven(world, 'pistol')
  for (const [items, condition] of [
    ['', 'bad-request'],
    ['<item nick="pistol"/>', 'bad-request'],
    ['<item nick="pistol" role="none" affiliation="outcast"/>', 'bad-request'],
    ['<item nick="pistol" role="king"/>', 'bad-request'],
    ['<item jid="witch2@here.example" affiliation="king"/>', 'bad-request'],
    ['<item affiliation="member"/>', 'bad-request'],
    ['<item jid="a@b@c" affiliation="member"/>', 'jid-malformed'],
    ['<item nick="pistol" role="visitor"/><item nick="pistol" role="none"/>', 'bad-request'],
    [`<item nick="pistol" role="visitor"><reason>${'x'.repeat(501)}</reason></item>`, 'policy-violation'],
    ['<item jid="a@here.example" affiliation="member"/>'.repeat(101), 'policy-violation'],
  ] as const)
    assert.equal(await changes(crone, items), condition, items.slice(0, 100))
  for (const attribute of ['', 'role="none"', 'affiliation="none"', 'role="king"', 'role="visitor" affiliation="member"'])
    assert.equal(await list(crone, attribute), 'bad-request', attribute)
})

tells('what others are told of a change has nothing of who made it but his nick', async world => {
  const [crone, hag] = await coven(world, 'thirdwitch')
  await change(crone, '<item nick="thirdwitch" role="visitor"/>')
  const [shown] = heard(hag!, 'presence')
  assert.ok(String(shown).includes('actor nick'))
  assert.ok(!String(shown).includes('crone1@'))
  forgets(world)
})

tells('presence of whose role is not told is not told either, but to himself and to moderators', async world => {
  const [crone, hag, witch] = await coven(world, 'thirdwitch', 'fourthwitch')
  configured(world, { presenceBroadcast: ['moderator', 'participant'] })
  assert.equal(await changes(crone, '<item nick="thirdwitch" role="visitor"/>'), 'ok')
  witch!.receives(gone('thirdwitch', '<item affiliation="none" role="none"/>'))
  witch!.receivesNothing()
  assert.equal(heard(hag!, 'presence').length, 1)
  assert.equal(heard(crone, 'presence').length, 1)
  assert.equal(await changes(crone, '<item nick="thirdwitch" role="participant"/>'), 'ok')
  witch!.receives(presence('thirdwitch', item('none', 'participant')))
  forgets(world)
})

tells('XEP-0045 §8: who becomes a moderator is shown who the others are', async world => {
  const [crone, hag, witch] = await coven(world, 'thirdwitch', 'fourthwitch')
  assert.equal(await changes(crone, '<item nick="thirdwitch" role="moderator"/>'), 'ok')
  hag!.receives(presence('thirdwitch', item('none', 'moderator')))
  hag!.receives(presence('firstwitch', `<x xmlns="${USER}"><item jid="crone1@here.example/desktop"/></x>`))
  hag!.receives(presence('fourthwitch', `<x xmlns="${USER}"><item jid="witch3@here.example/broom"/></x>`))
  const [shown] = heard(witch!, 'presence')
  assert.ok(!String(shown).includes('jid='))
  forgets(world)
})
