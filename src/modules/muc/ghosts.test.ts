/** XEP-0045 §18.1.2: who seems to be in a room and is not. */
import assert from 'node:assert/strict'
import { setImmediate } from 'node:timers/promises'
import { codesOf, coven, Elsewhere, heard, item, joinXml, open, ROOM, roomIn, type Stranger } from '../../../test/muc-story.ts'
import { type Client, story, type World } from '../../../test/story.ts'
import { Jid } from '../../xmpp/jid.ts'

const error = (condition: string, kind: 'message' | 'presence' = 'message', id = 'm'): string =>
  `<${kind} type="error" id="${id}" to="${ROOM}/firstwitch"><error type="cancel"><${condition} xmlns="urn:ietf:params:xml:ns:xmpp-stanzas"/></error></${kind}>`
const PING = '<iq type="get"><ping xmlns="urn:xmpp:ping"/></iq>'
const QUIET = 10 * 60_000

/** Crone's room, with witches of other servers in it. */
async function strangers(world: World, ...addresses: string[]): Promise<[Elsewhere, Client, ...Stranger[]]> {
  const [crone] = await coven(world)
  const elsewhere = new Elsewhere(world)
  const users: Stranger[] = []
  for (const address of addresses) {
    const user = elsewhere.user(address)
    await user.sends(joinXml(address.split('@')[0]!))
    users.push(user)
  }
  for (const each of [crone, ...users]) each.forget()
  return [elsewhere, crone, ...users]
}

const nicks = (world: World): string[] => Array.from(roomIn(world).occupants.all(), ({ nick }) => nick)
const hail = (client: Client): Promise<void> => client.sends(`<message type="groupchat" id="m" to="${ROOM}"><body>Hail</body></message>`)

for (const condition of ['gone', 'item-not-found', 'recipient-unavailable', 'redirect', 'remote-server-not-found', 'remote-server-timeout'])
  for (const kind of ['message', 'presence'] as const)
    story(
      `XEP-0045 §11.1, §18.1.2: whose ${kind} comes back with ${condition} is not in the room any more`,
      async world => {
        const [, crone, hag] = await strangers(world, 'hag@there.example/pda')
        await hag!.sends(error(condition, kind))
        const gone = crone.receives(`<presence type="unavailable" from="${ROOM}/hag">${item('none', 'none')}</presence>`)
        assert.deepEqual(codesOf(gone), [333], '§11.1: MUST, and no 307')
        const own = hag!.receives(`<presence type="unavailable" from="${ROOM}/hag">${item('none', 'none')}</presence>`)
        assert.deepEqual(codesOf(own).toSorted(), [110, 333], '§11.1: MUST')
        assert.deepEqual(nicks(world), ['firstwitch'])
      },
      open,
    )

story(
  'other errors say nothing about where somebody is',
  async world => {
    const [, , hag] = await strangers(world, 'hag@there.example/pda')
    for (const condition of ['not-acceptable', 'policy-violation', 'forbidden', 'internal-server-error']) await hag!.sends(error(condition))
    await hag!.sends(`<message type="error" to="${ROOM}/firstwitch"/>`)
    assert.deepEqual(nicks(world), ['firstwitch', 'hag'])
  },
  open,
)

story(
  'service-unavailable may mean that an occupant is blocked: who answers a ping stays',
  async world => {
    const [elsewhere, crone, hag] = await strangers(world, 'hag@there.example/pda')
    await hag!.sends(error('service-unavailable'))
    const ping = hag!.receives(PING)
    await hag!.sends(error('service-unavailable'))
    hag!.receivesNothing()
    await hag!.sends(`<iq type="result" id="${ping.attrs['id']}" to="${ROOM}"/>`)
    assert.deepEqual(nicks(world), ['firstwitch', 'hag'])
    elsewhere.leaves(hag!)
    await hail(crone)
    crone.receives('<message/>')
    crone.receives(`<presence type="unavailable" from="${ROOM}/hag"/>`)
    assert.deepEqual(nicks(world), ['firstwitch'])
  },
  open,
)

story(
  'a user of this server who blocks an occupant stays in the room',
  async world => {
    const [crone, wicca] = await coven(world, 'secondwitch')
    await wicca!.sends(`<iq type="set" id="b"><block xmlns="urn:xmpp:blocking"><item jid="${ROOM}/firstwitch"/></block></iq>`)
    wicca!.forget()
    await hail(crone)
    const ping = wicca!.receives(PING)
    await wicca!.sends(`<iq type="result" id="${ping.attrs['id']}" to="${ROOM}"/>`)
    crone.forget()
    assert.deepEqual(nicks(world), ['firstwitch', 'secondwitch'])
  },
  open,
)

story(
  'when a server cannot be reached, all of its users are asked, and leave; others stay',
  async world => {
    const all = ['hag@there.example/pda', 'wicca@there.example/broom', 'banquo@other.example/horse']
    const [elsewhere, crone, , , banquo] = await strangers(world, ...all)
    elsewhere.down.add('there.example')
    await hail(crone)
    assert.deepEqual(nicks(world), ['firstwitch', 'banquo'])
    crone.receives('<message/>')
    assert.deepEqual(
      heard(crone, 'presence').map(({ attrs }) => attrs['type']),
      ['unavailable', 'unavailable'],
    )
    banquo!.forget()
  },
  open,
)

story(
  'nobody can say of others that their server is gone',
  async world => {
    const [, crone, hag, wicca] = await strangers(world, 'hag@there.example/pda', 'wicca@there.example/broom')
    await hag!.sends(error('remote-server-not-found'))
    assert.deepEqual(nicks(world), ['firstwitch', 'wicca'])
    const ping = wicca!.unread.find(stanza => stanza !== 'end of stream' && stanza.name === 'iq')
    assert.ok(ping !== undefined && ping !== 'end of stream', 'she is asked')
    await wicca!.sends(`<iq type="result" id="${ping.attrs['id']}" to="${ROOM}"/>`)
    for (const each of [crone, hag!, wicca!]) each.forget()
  },
  open,
)

story(
  'nor make somebody leave who knows no pings, or have all asked again and again',
  async world => {
    const [, crone, hag, wicca] = await strangers(world, 'hag@there.example/pda', 'wicca@there.example/broom')
    await hag!.sends(error('remote-server-not-found'))
    const [ping] = wicca!.unread.filter(stanza => stanza !== 'end of stream' && stanza.name === 'iq')
    assert.ok(ping !== undefined && ping !== 'end of stream', 'she is asked')
    await wicca!.sends(
      `<iq type="error" id="${ping.attrs['id']}" to="${ROOM}"><error type="cancel"><service-unavailable xmlns="urn:ietf:params:xml:ns:xmpp-stanzas"/></error></iq>`,
    )
    assert.deepEqual(nicks(world), ['firstwitch', 'wicca'])
    wicca!.forget()
    await hag!.sends(joinXml('hag'))
    await hag!.sends(error('remote-server-not-found'))
    assert.ok(!wicca!.unread.some(stanza => stanza !== 'end of stream' && stanza.name === 'iq'))
    for (const each of [crone, hag!, wicca!]) each.forget()
  },
  open,
)

story(
  'what a user of this server says of it moves nobody',
  async world => {
    const [crone, hag, wicca] = await coven(world, 'thirdwitch', 'secondwitch')
    await hag!.sends(error('remote-server-not-found'))
    for (const client of [crone, wicca!]) client.receives('<presence type="unavailable"/>')
    for (const client of [crone, wicca!]) client.receivesNothing()
    hag!.forget()
  },
  open,
)

story(
  'who is quiet for long and on another server is asked; who knows no pings is there',
  async world => {
    const [elsewhere, crone, hag, wicca] = await strangers(world, 'hag@there.example/pda', 'wicca@other.example/broom')
    await world.later(QUIET - 60_000)
    await wicca!.sends(`<message type="groupchat" to="${ROOM}"><body>Here</body></message>`)
    for (const each of [crone, hag!, wicca!]) each.forget()
    await world.later(2 * 60_000)
    const ping = hag!.receives(PING)
    wicca!.receivesNothing()
    await hag!.sends(
      `<iq type="error" id="${ping.attrs['id']}" to="${ROOM}"><error type="cancel"><service-unavailable xmlns="urn:ietf:params:xml:ns:xmpp-stanzas"/></error></iq>`,
    )
    await world.later(QUIET / 2)
    hag!.receivesNothing()
    assert.deepEqual(nicks(world), ['firstwitch', 'hag', 'wicca'])
    elsewhere.down.add('there.example')
    await world.later(QUIET)
    assert.deepEqual(nicks(world), ['firstwitch', 'wicca'])
    for (const each of [crone, wicca!]) each.forget()
  },
  open,
)

story(
  'a room in which nobody is from elsewhere has nothing to look after',
  async world => {
    const [crone] = await coven(world, 'secondwitch')
    await world.later(24 * 3_600_000)
    crone.receivesNothing()
  },
  open,
)

story(
  'those who do not come back after a restart leave some at a time: who speaks meanwhile is heard',
  async world => {
    const [crone] = await coven(world)
    const room = roomIn(world)
    for (let i = 0; i < 100; i++) {
      const client = Jid.parse(`witch${i}@here.example/broom`)
      room.readmit(client, room.jid.withResource(`n${i}`), 'participant', [], 0, undefined)
    }
    world.clock.pass(60_000)
    while (crone.unread.length === 0) await setImmediate()
    const before = crone.unread.length
    await hail(crone)
    const left = crone.unread.findIndex(({ name }) => name === 'message') - before
    assert.ok(left >= 0 && left <= 25, `${left} left before she was heard`)
    for (let i = 0; i < 10; i++) await world.later(200)
    assert.equal(heard(crone, 'presence').length, 100)
    assert.deepEqual(nicks(world), ['firstwitch'])
    crone.forget()
  },
  open,
)
