import assert from 'node:assert/strict'
import { ask } from '../../../test/archive-story.ts'
import { arranges, askRoom, conditionIn, coven, heard, joins, MUC, ROOM, SID, says, sayXml } from '../../../test/muc-story.ts'
import { type Client, story, type World } from '../../../test/story.ts'
import type { Element } from '../../xml/element.ts'

const RETRACT = 'urn:xmpp:message-retract:1'
const MODERATE = 'urn:xmpp:message-moderate:1'

const retractXml = (id: string | undefined, by = 'r1', more = ''): string =>
  `<message type="groupchat" to="${ROOM}" id="${by}"><retract xmlns="${RETRACT}" id="${id}">${more}</retract><body>/me retracted a message</body></message>`

const moderateXml = (id: string | undefined, reason = ''): string =>
  `<moderate xmlns="${MODERATE}" id="${id}"><retract xmlns="${RETRACT}"/>${reason}</moderate>`

const correctionXml = (id: string): string => `<replace xmlns="urn:xmpp:message-correct:0" id="${id}"/>`

/** What a newcomer is shown of before. */
async function shown(world: World, name = 'newcomer'): Promise<Element[]> {
  const client = await world.online(name)
  await client.sends(`<presence to="${ROOM}/${name}"><x xmlns="${MUC}"/></presence>`)
  const messages = heard(client, 'message').filter(message => message.elements().every(({ name }) => name !== 'subject'))
  for (const other of world.clients) other.forget()
  return messages
}

const stone = (message: Element | undefined): Element | undefined =>
  message?.elements().find(({ ns, name }) => ns === RETRACT && name === 'retracted')

/** A room that stays and keeps what is said, or one that does neither. */
async function rooms(world: World, isKept: boolean, ...nicks: string[]): Promise<Client[]> {
  const all = await coven(world, ...nicks)
  await arranges(all[0], { membersonly: '0', ...(isKept && { persistentroom: '1', enablearchiving: '1' }) })
  return all
}

const open = { settings: { muc: { newRooms: 'public' } } }

story(
  'XEP-0424 §5: by the id that he gave it himself somebody takes back what is in the archive alone',
  async world => {
    const [crone, hag] = await rooms(world, true, 'hag')
    await says(hag!, 'oops')
    await crone!.sends(sayXml('wise words', '', 'm-oops'))
    await hag!.sends(retractXml('m-oops'))
    for (const client of world.clients) client.forget()
    assert.deepEqual((await ask(crone!, { of: ROOM })).bodies, ['', 'wise words', '/me retracted a message'])
  },
  { settings: { muc: { newRooms: 'public', history: 0 } } },
)

for (const isKept of [true, false]) {
  const where = isKept ? 'in the archive and in what is shown' : 'in what is shown of a room without an archive'

  story(
    `XEP-0424 §4, §5: a tombstone takes the place of what its author takes back, ${where}`,
    async world => {
      const [crone, hag] = await rooms(world, isKept, 'hag')
      const id = await says(hag!, 'oops')
      await says(crone!, 'what?')
      await hag!.sends(retractXml(id))
      for (const client of [crone!, hag!])
        client.receives(`<message id="r1" from="${ROOM}/hag"><retract xmlns="${RETRACT}" id="${id}"/></message>`)
      const messages = await shown(world)
      assert.deepEqual(
        messages.map(({ attrs }) => attrs['id']),
        ['m-oops', 'm-what?', 'r1'],
      )
      assert.equal(stone(messages[0])?.attrs['id'], 'r1')
      assert.doesNotMatch(String(messages[0]), /oops<|<body/)
      assert.match(String(messages[0]), new RegExp(`<stanza-id xmlns='${SID}' id='${id}'`))
      if (!isKept) return
      const told = await ask(crone!, { of: ROOM })
      assert.deepEqual(told.bodies, ['', 'what?', '/me retracted a message'])
      assert.equal(told.ids[0], id)
      assert.equal(stone(told.messages[0])?.attrs['id'], 'r1')
      assert.equal(stone(told.messages[0])?.attrs['stamp'], new Date(world.clock.now()).toISOString())
    },
    open,
  )

  story(
    `XEP-0424 §5: by the id that he gave it himself somebody takes back his own message alone, ${where}`,
    async world => {
      const [crone, hag] = await rooms(world, isKept, 'hag')
      await says(hag!, 'oops')
      await crone!.sends(sayXml('wise words', '', 'm-oops'))
      await hag!.sends(retractXml('m-oops'))
      const [first, second] = await shown(world)
      assert.equal(stone(first)?.attrs['id'], 'r1')
      assert.match(String(second), /wise words/)
      if (isKept) assert.deepEqual((await ask(crone!, { of: ROOM })).bodies, ['', 'wise words', '/me retracted a message'])
    },
    open,
  )

  story(
    `XEP-0424 §5: nobody takes back what another one has written, ${where}`,
    async world => {
      const [crone, hag] = await rooms(world, isKept, 'hag')
      const id = await says(crone!, 'wise words')
      await hag!.sends(retractXml(id))
      hag!.receivesError('r1', 'forbidden')
      crone!.receivesNothing()
      assert.equal(stone((await shown(world))[0]), undefined)
    },
    open,
  )

  story(
    `XEP-0425 §4, §5: a moderator takes back what others have said, ${where}`,
    async world => {
      const [crone, hag] = await rooms(world, isKept, 'hag')
      const id = await says(hag!, 'DM me for free magic potions!', '', 'm1')
      const answer = await askRoom(crone!, 'set', moderateXml(id, '<reason>no potions here</reason>'))
      assert.equal(answer.attrs['type'], 'result')
      for (const client of [crone!, hag!])
        client.receives(`<message type="groupchat" from="${ROOM}" id="*"><retract xmlns="${RETRACT}" id="${id}">
          <moderated xmlns="${MODERATE}" by="${ROOM}/firstwitch"><occupant-id xmlns="urn:xmpp:occupant-id:0" id="*"/></moderated>
          <reason>no potions here</reason></retract></message>`)
      const [message, moderation] = await shown(world)
      assert.match(
        String(stone(message)),
        /<moderated [^>]*by='coven@conference.here.example\/firstwitch'>.*<reason>no potions here<\/reason>/,
      )
      assert.doesNotMatch(String(message), /magic/)
      assert.equal(moderation?.attrs['from'], ROOM)
      if (!isKept) return
      const told = await ask(crone!, { of: ROOM })
      assert.doesNotMatch(told.messages.join(), /magic/)
      assert.equal(stone(told.messages[0])?.attrs['id'], told.messages[1]?.attrs['id'])
      assert.equal((await ask(crone!, { of: ROOM, fields: { with: `${ROOM}/hag` } })).messages.length, 1)
    },
    open,
  )
}

story(
  'XEP-0425 §4.2: moderators alone moderate; others, and those who are not in, do not',
  async world => {
    const [crone, hag] = await rooms(world, true, 'hag')
    const id = await says(crone!, 'wise words')
    const stranger = await world.online('stranger')
    for (const client of [hag!, stranger]) assert.equal(conditionIn(await askRoom(client, 'set', moderateXml(id))), 'forbidden')
    // The owner, but with a client that is not in the room.
    const phone = await world.online('crone1', 'phone')
    assert.equal(conditionIn(await askRoom(phone, 'set', moderateXml(id))), 'forbidden')
    for (const client of [crone!, hag!]) client.receivesNothing()
  },
  open,
)

story(
  'XEP-0425 §4.2: what is not there, or gone already, is not moderated',
  async world => {
    const [crone, hag] = await rooms(world, true, 'hag')
    const id = await says(hag!, 'potions')
    assert.equal(conditionIn(await askRoom(crone!, 'set', moderateXml('nonsense'))), 'item-not-found')
    assert.equal(conditionIn(await askRoom(crone!, 'set', `<moderate xmlns="${MODERATE}" id="${id}"/>`)), 'feature-not-implemented')
    await askRoom(crone!, 'set', moderateXml(id))
    for (const client of [crone!, hag!]) client.forget()
    assert.equal(conditionIn(await askRoom(crone!, 'set', moderateXml(id))), 'not-acceptable')
  },
  open,
)

story(
  'XEP-0425 §4: in a room that keeps nothing, what is out of its memory is taken back for those who have it',
  async world => {
    const [crone, hag] = await rooms(world, false, 'hag')
    const id = await says(hag!, 'potions')
    for (let i = 0; i < 20; i++) await says(crone!, String(i))
    assert.equal((await askRoom(crone!, 'set', moderateXml(id))).attrs['type'], 'result')
    for (const client of [crone!, hag!]) client.receives(`<message from="${ROOM}"><retract xmlns="${RETRACT}" id="${id}"/></message>`)
  },
  open,
)

story(
  'XEP-0425 §6: nobody but the room says that something was moderated',
  async world => {
    const [crone, hag] = await rooms(world, true, 'hag')
    const id = await says(hag!, 'my own words')
    const moderated = `<moderated xmlns="${MODERATE}" by="${ROOM}/firstwitch"/>`
    await hag!.sends(retractXml(id, 'f1', moderated))
    hag!.receivesError('f1', 'forbidden')
    await hag!.sends(sayXml('forged', `<retracted xmlns="${RETRACT}" id="x">${moderated}</retracted>`, 'f2'))
    hag!.receivesError('f2', 'forbidden')
    crone!.receivesNothing()
  },
  open,
)

story(
  'XEP-0424 §5: under another nick, and with another client, it is the same author',
  async world => {
    const [crone, hag] = await rooms(world, true, 'hag')
    const id = await says(hag!, 'oops')
    const laptop = await world.online('witch2', 'laptop')
    await joins(laptop, 'elsewho')
    await laptop.sends(retractXml(id))
    crone!.receives('<message id="r1"/>')
    for (const client of [crone!, hag!, laptop]) client.forget()
    assert.ok(stone((await ask(crone!, { of: ROOM })).messages[0]))
  },
  open,
)

story(
  'who takes over a nick takes nothing back that another one has said under it',
  async world => {
    const [crone, hag] = await rooms(world, true, 'hag')
    const id = await says(hag!, 'mine')
    await hag!.sends(`<presence type="unavailable" to="${ROOM}/hag"/>`)
    const other = await world.online('impostor')
    await joins(other, 'hag')
    await other.sends(retractXml(id))
    other.receivesError('r1', 'forbidden')
    crone!.receivesNothing()
  },
  open,
)

story(
  'XEP-0308 §3: with a message go those that correct it, and no others',
  async world => {
    const [crone, hag] = await rooms(world, true, 'hag')
    const id = await says(hag!, 'free magic', '', 'o1')
    await says(hag!, 'cheap magic', correctionXml('o1'), 'o2')
    await says(crone!, 'no magic', correctionXml('o1'), 'o3')
    await says(hag!, 'else', correctionXml('o9'), 'o4')
    await askRoom(crone!, 'set', moderateXml(id))
    for (const client of [crone!, hag!]) client.forget()
    assert.deepEqual((await ask(crone!, { of: ROOM })).bodies, ['', '', 'no magic', 'else', ''])
    const messages = await shown(world)
    assert.deepEqual(
      messages.map(message => stone(message) !== undefined),
      [true, true, false, false, false],
    )
  },
  open,
)

story(
  'XEP-0424 §5: what takes something back is not taken back',
  async world => {
    const [crone, hag] = await rooms(world, true, 'hag')
    const id = await says(hag!, 'oops')
    await hag!.sends(retractXml(id))
    const retraction = hag!.receives('<message id="r1"/>')
    crone!.forget()
    const ids = retraction.elements().find(({ name, ns }) => ns === SID && name === 'stanza-id')!.attrs['id']
    await hag!.sends(retractXml(ids, 'r2'))
    for (const client of [crone!, hag!]) client.forget()
    assert.deepEqual((await ask(crone!, { of: ROOM })).bodies, ['', '/me retracted a message', '/me retracted a message'])
  },
  open,
)

story(
  'what takes back something long ago finds it after a restart',
  async world => {
    const [, hag] = await rooms(world, true, 'hag')
    const id = await says(hag!, 'oops')
    for (let i = 0; i < 25; i++) await says(hag!, String(i))
    world.restarts()
    const again = await world.online('witch2', 'broom')
    await joins(again, 'hag')
    await again.sends(retractXml(id))
    again.receives('<message id="r1"/>')
    assert.ok(stone((await ask(again, { of: ROOM })).messages[0]))
  },
  open,
)
