/** The table of access.ts over the wire: it is asked before anything is done; and what nobody must learn of rooms that are hidden. */
import assert from 'node:assert/strict'
import {
  ADMIN,
  askRoom,
  conditionIn,
  configured,
  coven,
  forgets,
  joinXml,
  OWNER,
  open,
  ROOM,
  roomIn,
  SERVICE,
  submit,
  USER,
} from '../../../test/muc-story.ts'
import { type Client, story, type World } from '../../../test/story.ts'
import { type Action, refusalOf } from './access.ts'
import { INITIAL, type RoomConfig, USUAL_PUBLIC } from './config.ts'
import { AFFILIATIONS, ROLES } from './standing.ts'

type Ask = (client: Client, room: string) => Promise<string>

/** The condition of the error to it, or `'ok'`. */
async function condition(client: Client, stanza: string): Promise<string> {
  client.forget()
  await client.sends(stanza)
  const error = client.unread.find(({ attrs }) => attrs['type'] === 'error')
  return conditionIn(error) ?? 'ok'
}
const message =
  (inside: string, type = 'normal', at = ''): Ask =>
  (client, room) =>
    condition(client, `<message type="${type}" id="m" to="${room}${at}">${inside}</message>`)
const request =
  (type: 'get' | 'set', payload: string, at = ''): Ask =>
  async (client, room) =>
    conditionIn(await askRoom(client, type, payload, `${room}${at}`)) ?? 'ok'
const listed = (attribute: string): Ask => request('get', `<query xmlns="${ADMIN}"><item ${attribute}/></query>`)
const command = (name: string): Ask =>
  request('set', `<command xmlns="http://jabber.org/protocol/commands" node="urn:xmpp:hats:commands:${name}"/>`)
const form = (name: string, fields: Record<string, string>): string => submit(`http://jabber.org/protocol/muc#${name}`, fields)

/** Something that needs the right, and does no harm. */
const ASKS: Partial<Readonly<Record<Action, Ask>>> = {
  speak: message('<body>Thrice</body>', 'groupchat'),
  changeSubject: message('<subject>Thrice</subject>', 'groupchat'),
  sendPrivately: message('<body>Thrice</body>', 'chat', '/firstwitch'),
  invite: message(`<x xmlns="${USER}"><invite to="hecate@here.example"/></x>`),
  register: request('get', '<query xmlns="jabber:iq:register"/>'),
  requestVoice: message(form('request', { 'muc#role': 'participant' })),
  approveVoice: message(form('request', { 'muc#role': 'participant', 'muc#request_allow': '0' })),
  approveRegistration: message(form('register', { 'muc#jid': 'nobody@here.example', 'muc#register_allow': '0' })),
  moderate: request('set', '<moderate xmlns="urn:xmpp:message-moderate:1" id="x"><retract xmlns="urn:xmpp:message-retract:1"/></moderate>'),
  listVoice: listed('role="participant"'),
  listModerators: listed('role="moderator"'),
  listMembers: listed('affiliation="member"'),
  listAdmins: listed('affiliation="admin"'),
  listOwners: listed('affiliation="owner"'),
  listOutcasts: listed('affiliation="outcast"'),
  listHats: command('list'),
  changeHats: command('create'),
  configure: request('get', `<query xmlns="${OWNER}"/>`),
  destroy: request('set', `<query xmlns="${OWNER}"><destroy jid="not@an@address"/></query>`),
  changeAvatar: request('set', '<vCard xmlns="vcard-temp"/>'),
}

const REFUSED = ['forbidden', 'not-allowed', 'not-acceptable', 'registration-required']

for (const [kind, config] of [
  ['public', USUAL_PUBLIC],
  ['public, addresses open, participants may', { ...USUAL_PUBLIC, whois: 'anyone', changeSubject: true }],
  ['public, with less for all', { ...USUAL_PUBLIC, allowPm: 'moderators', getMemberList: [], password: 'cauldronburn' }],
  ['private', INITIAL],
  ['private, members may invite', { ...INITIAL, allowInvites: true, allowPm: 'none', whois: 'moderators' }],
] as const satisfies readonly (readonly [string, RoomConfig])[])
  story(`XEP-0045 §5.1.1, §5.2.1: who may do what, over the wire, in a room that is ${kind}`, async world => {
    await coven(world)
    const witch = await world.online('witch2', 'broom')
    for (const role of [...ROLES, 'none'] as const)
      for (const affiliation of AFFILIATIONS) {
        if (affiliation === 'outcast' && role !== 'none') continue
        for (const [action, ask] of Object.entries(ASKS) as [Action, Ask][]) {
          await become(world, witch, role, affiliation)
          configured(world, config)
          const standing = { role, affiliation }
          const expected = refusalOf('know', standing, config) ?? refusalOf(action, standing, config)
          const is = await ask(witch, ROOM)
          const told = `${action} by a ${role} whose affiliation is ${affiliation}`
          if (expected !== undefined) assert.equal(is, expected.condition, told)
          else assert.ok(!REFUSED.includes(is), `${told}: ${is}`)
          await world.later(60_000)
        }
      }
    forgets(world)
  })

/** Is in the room so, or out of it. */
async function become(
  world: World,
  client: Client,
  role: (typeof ROLES)[number] | 'none',
  affiliation: (typeof AFFILIATIONS)[number],
): Promise<void> {
  const room = roomIn(world)
  room.affiliations.set('witch2@here.example', { affiliation: 'none' })
  configured(world, USUAL_PUBLIC)
  const isIn = room.occupants.visit(client.session.jid) !== undefined
  if (isIn && role === 'none') await client.sends(`<presence type="unavailable" to="${ROOM}/secondwitch"/>`)
  if (!isIn && role !== 'none') await client.sends(joinXml('secondwitch'))
  const occupant = room.occupants.visit(client.session.jid)?.occupant
  if (role !== 'none') occupant!.role = role
  room.affiliations.set('witch2@here.example', { affiliation })
}

/** All that somebody may try from outside. */
const TRIES: readonly Ask[] = [
  ...Object.values(ASKS),
  request('get', '<query xmlns="http://jabber.org/protocol/disco#info"/>'),
  request('get', '<query xmlns="http://jabber.org/protocol/disco#info" node="x-roomuser-item"/>'),
  request('get', '<query xmlns="http://jabber.org/protocol/disco#items"/>'),
  request('get', '<query xmlns="http://jabber.org/protocol/disco#info"/>', '/firstwitch'),
  request('get', '<vCard xmlns="vcard-temp"/>'),
  request('get', '<vCard xmlns="vcard-temp"/>', '/firstwitch'),
  request('get', '<ping xmlns="urn:xmpp:ping"/>'),
  request('get', '<ping xmlns="urn:xmpp:ping"/>', '/firstwitch'),
  request('get', '<query xmlns="urn:example:unknown"/>'),
  request('set', '<query xmlns="urn:xmpp:mam:2"/>'),
  request('set', `<query xmlns="${OWNER}"/>`),
  request('set', `<query xmlns="${ADMIN}"/>`),
  request('set', `<query xmlns="${ADMIN}"><item nick="firstwitch" role="none"/></query>`),
  request('set', `<query xmlns="${ADMIN}"><item affiliation="owner" jid="stranger@here.example"/></query>`),
  request('set', '<query xmlns="jabber:iq:register"/>'),
  request('set', '<query xmlns="jabber:iq:register"><remove/></query>'),
  message(`<x xmlns="${USER}"><decline to="crone1@here.example"/></x>`),
  message('<body>Hello?</body>'),
  message(`<body>${'x'.repeat(70_000)}</body>`),
  message('<body>Hello?</body>', 'groupchat', '/firstwitch'),
]

for (const who of ['stranger', 'outcast'] as const)
  story(`whatever a ${who} asks of a hidden room, it answers as one that does not exist`, async world => {
    await coven(world)
    configured(world, { ...INITIAL, archive: true })
    const stranger = await world.online('stranger')
    if (who === 'outcast') roomIn(world).affiliations.set('stranger@here.example', { affiliation: 'outcast' })
    const answers = async (ask: Ask, room: string): Promise<string> => {
      stranger.forget()
      const is = await ask(stranger, room)
      await world.later(60_000)
      return `${is} ${stranger.unread.join('')}`.replace(/id='room\d+'/g, '').replaceAll(room, 'ROOM')
    }
    for (const ask of TRIES) assert.equal(await answers(ask, ROOM), await answers(ask, `heath@${SERVICE}`))
    assert.equal(roomIn(world).occupants.size, 1)
    forgets(world)
  })

story('nor is a hidden room listed, or found in a search', async world => {
  await coven(world)
  configured(world, { isSearchable: true })
  const stranger = await world.online('stranger')
  for (const payload of [
    '<query xmlns="http://jabber.org/protocol/disco#items"/>',
    `<search xmlns="urn:xmpp:channel-search:0:search">${submit('urn:xmpp:channel-search:0:search-params', { all: '1' })}</search>`,
  ])
    assert.ok(!String(await askRoom(stranger, 'get', payload, SERVICE)).includes('coven'))
})

for (const affiliation of ['none', 'member', 'outcast'] as const)
  story(
    `XEP-0045 §5.1: whoever may change nothing learns by trying neither addresses nor nicks: ${affiliation}`,
    async world => {
      await coven(world, 'secondwitch')
      const stranger = await world.online('stranger')
      roomIn(world).affiliations.set('stranger@here.example', { affiliation })
      for (const who of ['jid="witch2@here.example/broom"', 'jid="witch3@here.example/broom"', 'nick="secondwitch"', 'nick="nobody"'])
        for (const what of ['role="visitor"', 'role="none"', 'affiliation="member"']) {
          const change = request('set', `<query xmlns="${ADMIN}"><item ${who} ${what}/></query>`)
          assert.equal(await change(stranger, ROOM), 'forbidden', `${who} ${what}`)
        }
      forgets(world)
    },
    open,
  )
