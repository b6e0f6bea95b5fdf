/** What is meant to hurt a room, or those in it: floods, storms, names and sizes. Others must not notice, and memory is bounded. */
import assert from 'node:assert/strict'
import {
  conditionIn,
  configures,
  coven,
  Elsewhere,
  heard,
  joins,
  joinXml,
  open,
  opens,
  parse,
  ROOM,
  roomIn,
  SERVICE,
  type Stranger,
} from '../../../test/muc-story.ts'
import { type Client, story } from '../../../test/story.ts'
import { Jid } from '../../xmpp/jid.ts'
import { muc } from './muc.ts'

const WITNESS = Jid.parse('witness@there.example/x')
const say = (body: string, to = ROOM): string => `<message type="groupchat" id="m" to="${to}"><body>${body}</body></message>`
const errors = (client: Client): (string | undefined)[] =>
  client.unread.filter(({ attrs }) => attrs['type'] === 'error').map(stanza => conditionIn(stanza))

const refusalOf = ({ unread }: Stranger): string | undefined =>
  unread.flatMap(stanza => (stanza === 'end of stream' ? [] : (conditionIn(stanza) ?? [])))[0]

/** Those that nobody but this client sends. */
async function floods(client: Client, count: number, xml: (i: number) => string): Promise<void> {
  for (let i = 0; i < count; i++) await client.gives(xml(i))
  await client.world.settled()
}

story(
  'a flood of messages: so many are heard, the rest is refused, and others are heard meanwhile',
  async world => {
    const [crone, hag, wicca] = await coven(world, 'thirdwitch', 'secondwitch')
    await floods(hag!, 500, i => say(`line ${i}`))
    await wicca!.sends(say('Peace'))
    const bodies = heard(crone, 'message')
    assert.equal(bodies.length, 41)
    assert.equal(bodies.at(-1)!.attrs['from'], `${ROOM}/secondwitch`)
    assert.equal(errors(hag!).length, 460)
    assert.deepEqual(new Set(errors(hag!)), new Set(['policy-violation']))
    await world.later(10_000)
    hag!.forget()
    await hag!.sends(say('Sorry'))
    assert.equal(heard(crone, 'message').length, 1)
    // To leave and to enter again does not help.
    await floods(hag!, 39, i => say(`line ${i}`))
    await hag!.sends(`<presence type="unavailable" to="${ROOM}/thirdwitch"/>`)
    await hag!.sends(joinXml('thirdwitch'))
    hag!.forget()
    await hag!.sends(say('Again'))
    assert.deepEqual(errors(hag!), ['policy-violation'])
    for (const client of world.clients) client.forget()
  },
  open,
)

story(
  'a room passes on so much, whoever speaks; whoever is alone can always speak',
  async world => {
    const [crone, hag, wicca] = await coven(world, 'thirdwitch', 'secondwitch')
    for (const client of [crone, hag!, wicca!]) await floods(client, 5, () => say('Hail'))
    assert.equal([crone, hag!, wicca!].flatMap(errors).length, 5)
    await world.later(10_000)
    for (const client of world.clients) client.forget()
    for (let i = 4; i < 50; i++) await joins(await world.online(`witch${i}`), `witch${i}`)
    await crone.sends(say('Hail'))
    assert.equal(heard(crone, 'message').length, 1)
    for (const client of world.clients) client.forget()
  },
  { settings: { muc: { newRooms: 'public', deliveries: 30 } } },
)

story(
  'games with nicks: others see ten changes in a minute, and no nick that looks like theirs',
  async world => {
    const [crone, hag] = await coven(world, 'thirdwitch')
    await floods(hag!, 100, i => `<presence to="${ROOM}/hag${i}"/>`)
    assert.equal(heard(crone, 'presence').length, 20)
    assert.equal(errors(hag!).length, 90)
    assert.equal(roomIn(world).occupants.size, 2)
    await world.later(60_000)
    hag!.forget()
    for (const nick of [
      'FIRSTWITCH',
      'first witch',
      '\u00a0firstwitch',
      'ｆirstwitch',
      'first\u00adwitch',
      'firstwitch\u202e',
      'first\u2060witch',
    ]) {
      await hag!.sends(`<presence id="n" to="${ROOM}/${nick}"/>`)
      assert.match(errors(hag!).at(-1) ?? '', /conflict|jid-malformed/, JSON.stringify(nick))
    }
    crone.receivesNothing()
    hag!.forget()
  },
  open,
)

story(
  'nobody fills a room alone: he has so many clients there, whatever their nicks, and others still enter',
  async world => {
    const [crone] = await coven(world)
    const elsewhere = new Elsewhere(world)
    for (let i = 0; i < 20; i++) {
      const hag = elsewhere.user(`hag66@there.example/${i}`)
      await hag.sends(joinXml(i % 2 === 0 ? 'hag' : `hag${i}`))
      const refused = i < 10 ? undefined : 'resource-constraint'
      assert.equal(refusalOf(hag), refused, `client ${i}`)
    }
    assert.equal(roomIn(world).occupants.clients, 11)
    const wicca = elsewhere.user('wicca@there.example/x')
    await wicca.sends(joinXml('wicca'))
    assert.equal(roomIn(world).occupants.clients, 12)
    crone.forget()
  },
  open,
)

story(
  'presence and requests are bounded, too',
  async world => {
    const [crone, hag] = await coven(world, 'thirdwitch')
    await floods(hag!, 200, i => `<presence to="${ROOM}/thirdwitch"><status>${i}</status></presence>`)
    assert.equal(heard(crone, 'presence').length, 59, 'and he has entered')
    hag!.forget()
    await floods(hag!, 300, i => `<iq type="get" id="v${i}" to="${ROOM}/firstwitch"><query xmlns="jabber:iq:version"/></iq>`)
    assert.equal(heard(crone, 'iq').length, 120)
    assert.equal(errors(hag!).length, 180)
    hag!.forget()
    await floods(hag!, 100, () => `<message type="chat" to="${ROOM}/firstwitch"><body>Psst</body></message>`)
    assert.equal(heard(crone, 'message').length, 40)
    hag!.forget()
  },
  open,
)

story(
  'but whoever is in many rooms may tell each of them that he is away, or that he is still there',
  async world => {
    const hag = await world.online('hag66')
    const rooms = Array.from({ length: 20 }, (_, i) => `room${i}@${SERVICE}`)
    for (const room of rooms) await opens(hag, 'hag', room)
    await floods(hag, rooms.length, i => `<presence to="${rooms[i]}/hag"><show>away</show></presence>`)
    assert.deepEqual(errors(hag), [])
    await floods(hag, rooms.length, i => joinXml('hag', '', rooms[i]))
    assert.deepEqual(errors(hag), [])
    hag.forget()
  },
  { settings: { muc: { newRooms: 'public', presences: 5 } } },
)

story(
  'what owners and moderators do is bounded, too: cards, messages that they take back, and each of those whom a form names',
  async world => {
    const [crone] = await coven(world)
    const card = (i: number): string => `<iq type="set" id="c${i}" to="${ROOM}"><vCard xmlns="vcard-temp"><FN>${i}</FN></vCard></iq>`
    await floods(crone, 30, card)
    assert.equal(errors(crone).length, 11)
    await world.later(60_000)
    crone.forget()
    const moderate = `<moderate xmlns="urn:xmpp:message-moderate:1" id="x"><retract xmlns="urn:xmpp:message-retract:1"/></moderate>`
    await floods(crone, 30, i => `<iq type="set" id="r${i}" to="${ROOM}">${moderate}</iq>`)
    assert.equal(errors(crone).length, 10)
    await world.later(60_000)
    const admins = (count: number): string[] => Array.from({ length: count }, (_, i) => `admin${i}@here.example`)
    assert.equal(await configures(crone, { 'muc#roomconfig_roomadmins': admins(15) }), 'ok')
    assert.equal(await configures(crone, { 'muc#roomconfig_roomadmins': admins(5) }), 'policy-violation')
    await world.later(60_000)
    assert.equal(await configures(crone, { 'muc#roomconfig_roomadmins': admins(100) }), 'ok')
    crone.forget()
  },
  { settings: { muc: { newRooms: 'public', changes: 20 } } },
)

story(
  'what is too large goes nowhere',
  async world => {
    const [crone, hag] = await coven(world, 'thirdwitch')
    const large = 'x'.repeat(70_000)
    for (const xml of [
      say(large),
      `<message type="chat" id="m" to="${ROOM}/firstwitch"><body>${large}</body></message>`,
      `<message id="m" to="${ROOM}"><x xmlns="http://jabber.org/protocol/muc#user"><invite to="a@here.example"><reason>${large}</reason></invite></x></message>`,
      `<presence to="${ROOM}/thirdwitch"><status>${large}</status></presence>`,
      `<presence to="${ROOM}/${'x'.repeat(101)}"/>`,
    ]) {
      await hag!.sends(xml)
      assert.equal(errors(hag!).at(-1), 'policy-violation', xml.slice(0, 60))
    }
    await crone.sends(`<message type="groupchat" id="m" to="${ROOM}"><subject>${'x'.repeat(5000)}</subject></message>`)
    crone.receivesError('m', 'policy-violation')
    hag!.forget()
    for (let i = 0; i < 20; i++) {
      await crone.sends(say('y'.repeat(20_000)))
      await world.later(1000)
    }
    assert.ok(roomIn(world).history.all().length <= 3, 'history is bounded')
    for (const client of world.clients) client.forget()
  },
  open,
)

story(
  'who leaves leaves, but nobody hears what is too large',
  async world => {
    const [crone, hag] = await coven(world, 'thirdwitch')
    await hag!.sends(`<presence type="unavailable" to="${ROOM}/thirdwitch"><status>${'x'.repeat(70_000)}</status></presence>`)
    const gone = crone.receives(`<presence type="unavailable" from="${ROOM}/thirdwitch"/>`)
    assert.ok(gone.inner.length < 1000)
    hag!.forget()
  },
  open,
)

story(
  'somebody makes so many rooms, and enters them so often',
  async world => {
    const crone = await world.online('crone1')
    for (let i = 0; i < 7; i++) await crone.sends(joinXml('crone', '', `room${i}@${SERVICE}`, `j${i}`))
    assert.deepEqual(errors(crone), ['resource-constraint', 'resource-constraint'])
    crone.forget()
    await floods(crone, 60, () => joinXml('crone', '', `room0@${SERVICE}`))
    assert.ok(errors(crone).length > 0)
    assert.deepEqual(new Set(errors(crone)), new Set(['policy-violation']))
    crone.forget()
    const hag = await world.online('hag66')
    await hag.sends(joinXml('hag', '', `other@${SERVICE}`))
    assert.deepEqual(errors(hag), [])
    hag.forget()
  },
  { settings: { muc: { newRooms: 'public', roomsPerUser: 5, joins: 50 } } },
)

story(
  'nor more by making them all at once',
  async world => {
    const crone = await world.online('crone1')
    await floods(crone, 20, i => joinXml('crone', '', `room${i}@${SERVICE}`, `j${i}`))
    assert.deepEqual(errors(crone), Array(15).fill('resource-constraint'))
    crone.forget()
  },
  { settings: { muc: { newRooms: 'public', roomsPerUser: 5 } } },
)

story(
  'names at which there is no room leave nothing in memory',
  async world => {
    const crone = await world.online('crone1')
    const hag = new Elsewhere(world).user('hag66@there.example/pda')
    const { rooms } = world.host.apiOf(muc)!
    for (let i = 0; i < 3000; i++) {
      const to = `room${i}@${SERVICE}`
      world.host.send(parse(`<message type="groupchat" from="${hag.address}" to="${to}"><body>Hail</body></message>`))
      world.host.send(
        parse(`<iq type="get" id="a" from="${hag.address}" to="${to}"><query xmlns="http://jabber.org/protocol/disco#info"/></iq>`),
      )
      world.host.send(parse(`<presence from="${hag.address}" to="${to}/hag"><x xmlns="http://jabber.org/protocol/muc"/></presence>`))
    }
    await world.settled()
    assert.equal(rooms.size, 0)
    hag.forget()
    crone.receivesNothing()
  },
  open,
)

story(
  'odd names of rooms and nicks are names like any other',
  async world => {
    const crone = await world.online('crone1')
    const hag = await world.online('hag66')
    for (const name of ['__proto__', 'constructor', '%', '*', 'null', 'room!', '..']) {
      const room = `${name}@${SERVICE}`
      await opens(crone, 'constructor', room)
      for (const nick of ['__proto__', "'; DROP TABLE muc_room; --", '💣', '/', '@']) {
        await joins(hag, nick, room)
        await hag.sends(say('Hail', room))
        assert.equal(heard(crone, 'message').at(-1)?.attrs['from'], `${room}/${nick}`)
        await hag.sends(`<presence type="unavailable" to="${room}/${nick}"/>`)
      }
    }
    for (const client of world.clients) client.forget()
  },
  open,
)

story(
  'a storm of a thousand who enter at once: all are in, each at the same price, and another room does not notice',
  async world => {
    const crone = await world.online('crone1')
    const calm = `calm@${SERVICE}`
    await opens(crone, 'crone', calm)
    const hag = await world.online('hag66')
    await joins(hag, 'hag', calm)
    await opens(hag, 'hag')
    const elsewhere = new Elsewhere(world)
    const witness = elsewhere.user('witness@there.example/x')
    world.router.foreign = { deliver: (stanza, _, to) => void (to.equals(WITNESS) ? witness.unread.push(stanza) : heardByAll++) }
    let heardByAll = 0
    await witness.sends(joinXml('witness'))
    const times: number[] = []
    for (let from = 0; from < 1000; from += 250) {
      const before = { at: performance.now(), heardByAll }
      for (let i = from; i < from + 250; i++)
        world.host.send(parse(joinXml(`n${i}`).replace('<presence', `<presence from="u${i}@there.example/r"`)))
      await crone.sends(say('Calm', calm))
      assert.equal(heard(hag, 'message').filter(({ attrs }) => attrs['from'] === `${calm}/crone`).length, 1, 'at once')
      await world.settled()
      times.push((performance.now() - before.at) / (heardByAll - before.heardByAll))
      hag.forget()
    }
    assert.equal(roomIn(world).occupants.size, 1002)
    assert.equal(witness.unread.filter(stanza => stanza !== 'end of stream' && stanza.name === 'presence').length, 1002)
    // Whom each one is shown, himself, the subject, and whoever comes after him.
    assert.equal(heardByAll, (1000 * 1001) / 2 + 1000 + (1000 * 999) / 2 + 1000 + 1000)
    assert.ok(times[3]! < 5 * times[0]!, `the price of a presence grows: ${times.join()}`)
    for (const client of world.clients) client.forget()
  },
  open,
)
