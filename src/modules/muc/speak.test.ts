/** XEP-0045 §7.4, §8.1, §7.2.13 to §7.2.15, §17.2: what is said to all, the subject, and what those hear of it who come later. */
import assert from 'node:assert/strict'
import { configured, coven, DELAY, heard, joinXml, OCCUPANT, open, ROOM, roomIn, SERVICE, SID } from '../../../test/muc-story.ts'
import { type Client, story } from '../../../test/story.ts'

const say = (body: string, id = 'm', more = ''): string =>
  `<message type="groupchat" id="${id}" to="${ROOM}"><body>${body}</body>${more}</message>`

/** What a client is told of the past when it enters: bodies, then the subject. */
async function past(client: Client, nick: string, history = ''): Promise<string[]> {
  await client.sends(joinXml(nick, history))
  const told = heard(client, 'message').map(message =>
    String(message.elements().find(({ name }) => name === 'body' || name === 'subject')?.text),
  )
  await client.sends(`<presence type="unavailable" to="${ROOM}/${nick}"/>`)
  for (const other of client.world.clients) other.forget()
  return told
}

story(
  'XEP-0045 §7.4: a message to all comes to all from the occupant, and with the id that it had',
  async world => {
    const [crone, wicca] = await coven(world, 'secondwitch')
    await wicca!.sends(
      `<message type="groupchat" id="hysf1v37" to="${ROOM}" xml:lang="en"><body>Harpier cries</body><thread>t</thread></message>`,
    )
    for (const client of [crone, wicca!]) {
      const told =
        client.receives(`<message type="groupchat" id="hysf1v37" from="${ROOM}/secondwitch" to="${client.session.jid}" xml:lang="en">
        <body>Harpier cries</body><thread>t</thread><stanza-id xmlns="${SID}" by="${ROOM}" id="*"/><occupant-id xmlns="${OCCUPANT}" id="*"/></message>`)
      assert.equal(told.elements().length, 4)
    }
    await wicca!.sends(`<message type="groupchat" to="${ROOM}"><body>’tis time</body></message>`)
    const [one, other] = [crone, wicca!].map(client => client.receives(`<message id="*"/>`).attrs['id'])
    assert.equal(one, other, 'MAY generate an id, and use it for all')
  },
  open,
)

story(
  'XEP-0045 §7.4, §17.2: visitors and strangers are not heard',
  async world => {
    const [crone, wicca] = await coven(world, 'secondwitch')
    roomIn(world).occupants.named('secondwitch')!.role = 'visitor'
    await wicca!.sends(say('Hail'))
    wicca!.receivesError('m', 'forbidden')
    const hag = await world.online('hag66')
    await hag.sends(say('Hail'))
    hag.receivesError('m', 'not-acceptable')
    await hag.sends(`<message type="groupchat" id="m" to="nowhere@${SERVICE}"><body>Hail</body></message>`)
    hag.receivesError('m', 'item-not-found')
    configured(world, { isPublic: false, isMembersOnly: true })
    await hag.sends(say('Hail'))
    hag.receivesError('m', 'item-not-found')
    crone.receivesNothing()
  },
  open,
)

story(
  'XEP-0045 §17.2: what is not for all is refused',
  async world => {
    const [crone] = await coven(world, 'secondwitch')
    for (const type of ['chat', 'normal', 'headline']) {
      await crone.sends(`<message type="${type}" id="m" to="${ROOM}"><body>Hail</body></message>`)
      crone.receivesError('m', 'bad-request')
    }
  },
  open,
)

story(
  'XEP-0045 §7.2.13, §7.2.15: history comes with delays, from who has said it; then the subject, which is no part of it',
  async world => {
    const [crone, wicca] = await coven(world, 'secondwitch')
    await wicca!.sends(say('Thrice the brinded cat'))
    await crone.sends(`<message type="groupchat" to="${ROOM}"><subject>Fire Burn</subject></message>`)
    await world.later(60_000)
    await crone.sends(say('’tis time', 'n', '<no-store xmlns="urn:xmpp:hints"/>'))
    await crone.sends(`<message type="groupchat" to="${ROOM}"><composing xmlns="http://jabber.org/protocol/chatstates"/></message>`)
    for (const client of [crone, wicca!]) client.forget()
    const hag = await world.online('hag66')
    await hag.sends(joinXml('thirdwitch'))
    const delay = `<delay xmlns="${DELAY}" from="${ROOM}" stamp="2026-01-01T00:00:00.000Z"/>`
    assert.equal(heard(hag, 'presence').length, 3)
    hag.receives(`<message type="groupchat" id="m" from="${ROOM}/secondwitch"><body>Thrice the brinded cat</body>${delay}
      <occupant-id xmlns="${OCCUPANT}" id="*"/><stanza-id xmlns="${SID}" by="${ROOM}" id="*"/></message>`)
    const subject = hag.receives(`<message type="groupchat" from="${ROOM}/firstwitch"><subject>Fire Burn</subject>${delay}
      <occupant-id xmlns="${OCCUPANT}" id="*"/></message>`)
    assert.equal(subject.elements().length, 3)
    for (const client of [crone, wicca!]) client.forget()
  },
  open,
)

story(
  'XEP-0045 §7.2.14: who enters says how much he wants to hear, and hears the least that he may mean',
  async world => {
    const [crone] = await coven(world)
    for (let i = 0; i < 25; i++) {
      await crone.sends(say(`line ${i}`))
      await world.later(1000)
    }
    crone.forget()
    const hag = await world.online('hag66')
    const last = (count: number): string[] => Array.from({ length: count }, (_, i) => `line ${25 - count + i}`).concat('')
    assert.deepEqual(await past(hag, 'thirdwitch'), last(20), 'the service keeps 20')
    assert.deepEqual(await past(hag, 'thirdwitch', '<history maxstanzas="3"/>'), last(3))
    assert.deepEqual(await past(hag, 'thirdwitch', '<history maxstanzas="0"/>'), [''])
    assert.deepEqual(await past(hag, 'thirdwitch', '<history maxchars="0"/>'), [''], 'MUST')
    // As a client hears it: with its own address in it.
    const two = roomIn(world)
      .history.all()
      .slice(-2)
      .map(({ late }) => late.with({ to: String(hag.session.jid) }).toString('jabber:client'))
    for (const [characters, count] of [
      [two.join('').length, 2],
      [two.join('').length - 1, 1],
    ] as const)
      assert.deepEqual(await past(hag, 'thirdwitch', `<history maxchars="${characters}"/>`), last(count), 'MUST: complete stanzas only')
    assert.deepEqual(await past(hag, 'thirdwitch', '<history seconds="5"/>'), last(5))
    assert.deepEqual(await past(hag, 'thirdwitch', '<history since="2026-01-01T00:00:21Z"/>'), last(4))
    assert.deepEqual(await past(hag, 'thirdwitch', '<history seconds="5" maxstanzas="2" maxchars="100000"/>'), last(2))
    assert.deepEqual(await past(hag, 'thirdwitch', '<history since="1970-01-01T00:00:00Z"/>'), last(20))
    configured(world, { maxHistory: 1 })
    assert.deepEqual(await past(hag, 'thirdwitch'), last(1))
    for (const bad of ['since="yesterday"', 'maxchars="-1"', 'seconds="few"']) {
      await hag.sends(joinXml('thirdwitch', `<history ${bad}/>`, ROOM, 'j'))
      hag.receivesError('j', 'bad-request')
    }
    assert.equal(roomIn(world).occupants.size, 1)
  },
  open,
)

story(
  'XEP-0045 §7.3, §8.1: the subject is changed by those who may, and only by what is nothing else',
  async world => {
    const [crone, wicca] = await coven(world, 'secondwitch')
    const subject = (text: string, more = ''): string =>
      `<message type="groupchat" id="lh2bs617" to="${ROOM}"><subject>${text}</subject>${more}</message>`
    await wicca!.sends(subject('Fire Burn'))
    wicca!.receivesError('lh2bs617', 'forbidden')
    configured(world, { changeSubject: true })
    await wicca!.sends(subject('Fire Burn'))
    for (const client of [crone, wicca!])
      client.receives(`<message id="lh2bs617" from="${ROOM}/secondwitch"><subject>Fire Burn</subject></message>`)
    for (const more of ['<body>Hail</body>', '<thread>t</thread>']) {
      await crone.sends(subject('Other', more))
      for (const client of [crone, wicca!]) client.receives('<message><subject>Other</subject></message>')
    }
    const hag = await world.online('hag66')
    assert.deepEqual(await past(hag, 'thirdwitch'), ['Other', 'Fire Burn'])
    await crone.sends(subject(''))
    for (const client of [crone, wicca!]) client.receives('<message><subject/></message>')
    assert.deepEqual((await past(hag, 'thirdwitch')).at(-1), '')
    await crone.sends(subject('x'.repeat(4097)))
    crone.receivesError('lh2bs617', 'policy-violation')
  },
  open,
)

story(
  'XEP-0421 §3 and §4, XEP-0359 §6: nobody can say what the room alone says',
  async world => {
    const [crone, wicca] = await coven(world, 'secondwitch')
    const forged = `<occupant-id xmlns="${OCCUPANT}" id="forged1"/><occupant-id xmlns="${OCCUPANT}" id="forged2"/>
      <stanza-id xmlns="${SID}" by="${ROOM}" id="forged3"/><stanza-id xmlns="${SID}" by="COVEN@${SERVICE}" id="forged4"/>
      <delay xmlns="${DELAY}" from="${ROOM}" stamp="2002-10-13T23:58:37Z"/><x xmlns="jabber:x:delay" from="${ROOM}/firstwitch" stamp="20021013T23:58:37"/>
      <x xmlns="http://jabber.org/protocol/muc#user"><item affiliation="owner" role="moderator"/></x>
      <addresses xmlns="http://jabber.org/protocol/address"><address type="ofrom" jid="forged5@here.example"/></addresses>`
    const honest = `<stanza-id xmlns="${SID}" by="witch2@here.example" id="theirs"/><origin-id xmlns="${SID}" id="own"/>`
    await wicca!.sends(say('Hail', 'm', forged + honest))
    for (const client of [crone, wicca!]) {
      const told = client.receives(`<message><body>Hail</body><origin-id xmlns="${SID}" id="own"/></message>`)
      assert.doesNotMatch(String(told), /forged|muc#user|delay/)
      assert.equal(told.elements().filter(({ ns }) => ns === OCCUPANT).length, 1, 'MUST NOT contain more than one')
    }
    await wicca!.sends(`<presence to="${ROOM}/secondwitch"><show>dnd</show>${forged}</presence>`)
    const shown = crone.receives(`<presence from="${ROOM}/secondwitch"><show>dnd</show></presence>`)
    assert.doesNotMatch(String(shown), /forged|'owner'/)
    await wicca!.sends(`<message type="chat" to="${ROOM}/firstwitch"><body>Psst</body>${forged}</message>`)
    assert.doesNotMatch(String(crone.receives('<message><body>Psst</body></message>')), /forged|'owner'/)
    wicca!.forget()
  },
  open,
)

story(
  'XEP-0421 §4: an occupant id is one person’s, whatever the nick, and another one in each room',
  async world => {
    const [crone, wicca] = await coven(world, 'secondwitch')
    const idIn = async (client: Client): Promise<string> => {
      await client.sends(say('Hail'))
      const told = client.receives('<message><body>Hail</body></message>')
      crone.forget()
      return told.elements().find(({ ns }) => ns === OCCUPANT)!.attrs['id']!
    }
    const first = await idIn(wicca!)
    assert.ok(first.length <= 128 && !first.includes('witch2'))
    await wicca!.sends(`<presence type="unavailable" to="${ROOM}/secondwitch"/>`)
    const desk = await world.online('witch2', 'desk')
    await desk.sends(joinXml('otherwitch'))
    for (const client of [crone, wicca!, desk]) client.forget()
    assert.equal(await idIn(desk), first)
    assert.notEqual(await idIn(crone), first)
    const other = roomIn(world).state.occupantSecret
    assert.equal(other.length, 32)
    for (const client of [wicca!, desk]) client.forget()
  },
  open,
)
