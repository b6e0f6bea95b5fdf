/** XEP-0045 §7.8, §7.9, §9.5 and XEP-0249: invitations. */
import assert from 'node:assert/strict'
import {
  affiliated,
  arranges,
  configured,
  coven,
  Elsewhere,
  forgets,
  heard,
  joins,
  joinXml,
  opens,
  ROOM,
  roomIn,
  tells,
  USER,
} from '../../../test/muc-story.ts'
import { type Client, story } from '../../../test/story.ts'

const invites = (to: string, inside = '<reason>Hey Hecate!</reason>'): string =>
  `<message id="nzd143v8" to="${ROOM}"><x xmlns="${USER}"><invite to="${to}">${inside}</invite></x></message>`
const declines = (to: string): string =>
  `<message id="jk2vs61v" to="${ROOM}"><x xmlns="${USER}"><decline to="${to}"><reason>Too busy</reason></decline></x></message>`
const HECATE = 'hecate@here.example'

tells('XEP-0045 §7.8.2: the room invites in the name of an occupant, and tells him if it is declined', async world => {
  const [crone] = await coven(world)
  configured(world, { whois: 'anyone', password: 'cauldronburn' })
  const hecate = await world.online('hecate', 'broom')
  await crone.sends(invites(HECATE, '<reason>Hey Hecate!</reason><continue thread="e0ffe42b"/>'))
  hecate.receives(`<message from="${ROOM}" id="nzd143v8" to="${HECATE}"><x xmlns="${USER}">
    <invite from="crone1@here.example"><reason>Hey Hecate!</reason><continue thread="e0ffe42b"/></invite><password>cauldronburn</password></x></message>`)
  await hecate.sends(declines('crone1@here.example'))
  crone.receives(
    `<message from="${ROOM}" id="jk2vs61v"><x xmlns="${USER}"><decline from="${HECATE}"><reason>Too busy</reason></decline></x></message>`,
  )
  assert.equal(roomIn(world).affiliations.get(HECATE), undefined, '§9.5: MUST NOT make a member')
  await hecate.sends(declines('crone1@here.example'))
  crone.receivesNothing()
})

tells('XEP-0045 §7.8.2, §17.4: where addresses are hidden, it is the occupant who invites', async world => {
  const [, hag] = await coven(world, 'thirdwitch')
  const hecate = await world.online('hecate', 'broom')
  await hag!.sends(invites(HECATE))
  const invitation = hecate.receives(`<message from="${ROOM}"><x xmlns="${USER}"><invite from="${ROOM}/thirdwitch"/></x></message>`)
  assert.ok(!String(invitation).includes('witch2@'))
  await hecate.sends(declines(`${ROOM}/thirdwitch`))
  hag!.receives(`<message from="${ROOM}"><x xmlns="${USER}"><decline from="${HECATE}"/></x></message>`)
})

tells('XEP-0045 §9.5: to a members-only room admins invite, and who is invited is a member', async world => {
  const [crone, hag] = await coven(world, 'thirdwitch')
  configured(world, { isMembersOnly: true, whois: 'anyone' })
  affiliated(world, 'witch2@here.example', 'member')
  const hecate = await world.online('hecate', 'broom')
  await hag!.sends(invites(HECATE))
  hag!.receivesError('nzd143v8', 'forbidden')
  hecate.receivesNothing()
  await crone.sends(invites(HECATE))
  hecate.receives(`<message from="${ROOM}"><x xmlns="${USER}"><invite from="crone1@here.example"/></x></message>`)
  hecate.receivesNothing()
  for (const client of [crone, hag!])
    client.receives(`<message from="${ROOM}"><x xmlns="${USER}"><item jid="${HECATE}" affiliation="member" role="none"/></x></message>`)
  await joins(hecate, 'hecate')
  forgets(world)
})

tells('XEP-0045 §9.5: or members, if the room is so; a ban they do not lift', async world => {
  const [, hag] = await coven(world, 'thirdwitch')
  configured(world, { isMembersOnly: true, allowInvites: true })
  affiliated(world, 'witch2@here.example', 'member')
  affiliated(world, 'macbeth@here.example', 'outcast')
  const hecate = await world.online('hecate')
  await hag!.sends(invites(HECATE))
  assert.equal(roomIn(world).affiliations.get(HECATE)?.affiliation, 'member')
  forgets(world)
  await hag!.sends(invites('macbeth@here.example'))
  hag!.receivesNothing()
  assert.equal(roomIn(world).affiliations.get('macbeth@here.example')?.affiliation, 'outcast')
  await hag!.sends(invites('not@an@address'))
  hag!.receivesError('nzd143v8', 'jid-malformed')
  hecate.receivesNothing()
})

tells('XEP-0045 §9.2: who is banned is told to admins, and not to whoever invites', async world => {
  const [crone, hag] = await coven(world, 'thirdwitch')
  const macbeth = await world.online('macbeth')
  affiliated(world, 'macbeth@here.example', 'outcast')
  const hecate = await world.online('hecate')
  const both = `<message id="i" to="${ROOM}"><x xmlns="${USER}"><invite to="macbeth@here.example"/><invite to="${HECATE}"/></x></message>`
  await hag!.sends(both)
  hag!.receivesNothing()
  hecate.receives(`<message from="${ROOM}"/>`)
  await crone.sends(both)
  crone.receivesError('i', 'forbidden')
  for (const client of [hecate, macbeth]) client.receivesNothing()
})

tells('who has entered with a former password does not learn the present one by inviting', async world => {
  const [crone] = await coven(world)
  await arranges(crone, { passwordprotectedroom: '1', roomsecret: 'cauldronburn' })
  const hag = await world.online('witch2')
  await joins(hag, 'thirdwitch', ROOM, '<password>cauldronburn</password>')
  const other = await world.online('witch2', 'other')
  const isTold = async (by: Client): Promise<boolean> => {
    await by.sends(invites('witch2@here.example'))
    const [invitation] = heard(other, 'message')
    forgets(world)
    return String(invitation).includes('<password>')
  }
  assert.equal(await isTold(hag), true)
  await arranges(crone, { passwordprotectedroom: '1', roomsecret: 'doubletoil' })
  assert.equal(await isTold(hag), false)
  assert.equal(await isTold(crone), true)
  await hag.sends(`<presence type="unavailable" to="${ROOM}/thirdwitch"/>`)
  forgets(world)
  await joins(hag, 'thirdwitch', ROOM, '<password>doubletoil</password>')
  assert.equal(await isTold(hag), true)
})

tells('XEP-0045 §17.2: who is not in the room invites nobody, and says nothing to anybody through it', async world => {
  const [crone] = await coven(world)
  const stranger = await world.online('stranger')
  const hecate = await world.online('hecate')
  await stranger.sends(invites(HECATE))
  stranger.receivesError('nzd143v8', 'forbidden')
  await stranger.sends(declines(HECATE))
  await stranger.sends(declines('crone1@here.example'))
  for (const client of [crone, hecate, stranger]) client.receivesNothing()
})

tells('of a hidden room who may not enter hears that there is none', async world => {
  await coven(world)
  configured(world, { isMembersOnly: true, isPublic: false })
  const stranger = await world.online('stranger')
  await stranger.sends(invites(HECATE))
  stranger.receivesError('nzd143v8', 'item-not-found')
})

tells('people of other servers are invited as well, and decline', async world => {
  const [crone] = await coven(world)
  const hecate = new Elsewhere(world).user('hecate@olymp.example/broom')
  await crone.sends(invites('hecate@olymp.example'))
  hecate.receives(`<message from="${ROOM}" to="hecate@olymp.example"><x xmlns="${USER}"><invite from="${ROOM}/firstwitch"/></x></message>`)
  await hecate.sends(declines(`${ROOM}/firstwitch`))
  crone.receives(`<message from="${ROOM}"><x xmlns="${USER}"><decline from="hecate@olymp.example"/></x></message>`)
})

tells('XEP-0045 §7.8.2: who has invited somebody that there is not is told so', async world => {
  const [crone] = await coven(world)
  new Elsewhere(world)
  await crone.sends(invites('nobody@olymp.example'))
  crone.receives(`<message type="error" id="nzd143v8" from="${ROOM}"><x xmlns="${USER}"><invite to="nobody@olymp.example"/></x>
    <error type="cancel"><item-not-found xmlns="urn:ietf:params:xml:ns:xmpp-stanzas"/></error></message>`)
  await world.arrives(
    `<message type="error" id="nzd143v8" from="nobody@olymp.example" to="${ROOM}"><error type="cancel"><gone xmlns="urn:ietf:params:xml:ns:xmpp-stanzas"/></error></message>`,
  )
  crone.receivesNothing()
})

tells('XEP-0045 §7.9: a conversation of two goes on in a room, with a third', async world => {
  const crone = await world.online('crone1', 'desktop')
  const wicca = await world.online('wiccarocks', 'laptop')
  const phone = await world.online('wiccarocks', 'phone')
  const hag = await world.online('hag66', 'pda')
  // I: she makes the room.
  await opens(crone, 'firstwitch')
  // II: what was said before goes to the room as it was, with its thread, and from whom and when it was.
  const delay = '<delay xmlns="urn:xmpp:delay" from="crone1@here.example/desktop" stamp="2004-09-29T01:54:37Z"/>'
  const said = `<thread>e0ffe42b</thread><body>Thrice the brinded cat hath mew'd.</body>${delay}`
  await crone.sends(`<message type="groupchat" id="b4va73n0" to="${ROOM}">${said}</message>`)
  const live = crone.receives(`<message type="groupchat" id="b4va73n0" from="${ROOM}/firstwitch">${said}</message>`)
  assert.equal(live.elements().filter(({ name }) => name === 'delay').length, 1)
  // III: she invites both: of one she knows the client.
  const inside = '<reason>This coven needs both.</reason><continue thread="e0ffe42b"/>'
  await crone.sends(`<message id="gl3s85n7" to="${ROOM}"><x xmlns="${USER}">
    <invite to="wiccarocks@here.example/laptop">${inside}</invite><invite to="hag66@here.example">${inside}</invite></x></message>`)
  for (const client of [wicca, hag])
    client.receives(`<message from="${ROOM}"><x xmlns="${USER}"><invite from="${ROOM}/firstwitch">${inside}</invite></x></message>`)
  phone.receivesNothing()
  // They accept, and see what was said.
  await wicca.sends(joinXml('secondwitch'))
  wicca.receives(`<presence from="${ROOM}/firstwitch"/>`)
  wicca.receives(`<presence from="${ROOM}/secondwitch"/>`)
  wicca.receives(`<message type="groupchat" id="b4va73n0" from="${ROOM}/firstwitch">${said}</message>`)
  forgets(world)
})

story(
  'nobody invites too many, or at too great length',
  async world => {
    const [crone] = await coven(world)
    const many = Array.from({ length: 51 }, (_, i) => `<invite to="a${i}@here.example"/>`).join('')
    await crone.sends(`<message id="i" to="${ROOM}"><x xmlns="${USER}">${many}</x></message>`)
    crone.receivesError('i', 'policy-violation')
    await crone.sends(invites(HECATE, `<reason>${'x'.repeat(501)}</reason>`))
    crone.receivesError('nzd143v8', 'policy-violation')
    const hecate = await world.online('hecate')
    for (let i = 0; i < 4; i++) await crone.sends(invites(HECATE))
    crone.receivesError('nzd143v8', 'policy-violation')
    assert.equal(hecate.unread.length, 3)
    forgets(world)
  },
  { settings: { muc: { newRooms: 'public', changes: 5 } } },
)

tells('XEP-0249: a direct invitation goes from one to the other as it is, and makes nobody a member', async world => {
  const [crone] = await coven(world)
  configured(world, { isMembersOnly: true })
  const hecate = await world.online('hecate')
  await crone.sends(
    `<message to="${HECATE}"><x xmlns="jabber:x:conference" jid="${ROOM}" password="cauldronburn" reason="Hey Hecate"/></message>`,
  )
  hecate.receives(
    `<message from="crone1@here.example/desktop"><x xmlns="jabber:x:conference" jid="${ROOM}" password="cauldronburn" reason="Hey Hecate"/></message>`,
  )
  await hecate.sends(joinXml('hecate'))
  hecate.receivesError('join', 'registration-required')
})
