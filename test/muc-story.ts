/** For stories about rooms (XEP-0045): who is in, what they say, and what they hear of each other. */
import assert from 'node:assert/strict'
import type { Destination } from '../src/core/router.ts'
import type { RoomConfig } from '../src/modules/muc/config.ts'
import { muc } from '../src/modules/muc/muc.ts'
import type { Room } from '../src/modules/muc/room.ts'
import type { Affiliation } from '../src/modules/muc/standing.ts'
import type { Element } from '../src/xml/element.ts'
import { parseElement } from '../src/xml/parser.ts'
import { StanzaError } from '../src/xmpp/error.ts'
import type { Jid } from '../src/xmpp/jid.ts'
import { type Asked, ask, type Told } from './archive-story.ts'
import { Ear } from './ear.ts'
import { answerTo } from './pubsub-story.ts'
import { type Client, story, type World } from './story.ts'

export const MUC = 'http://jabber.org/protocol/muc'
export const USER = `${MUC}#user`
export const OWNER = `${MUC}#owner`
export const ADMIN = `${MUC}#admin`
export const OCCUPANT = 'urn:xmpp:occupant-id:0'
export const SID = 'urn:xmpp:sid:0'
export const DELAY = 'urn:xmpp:delay'

/** Where the service of a story is, and its room. */
export const SERVICE = 'conference.here.example'
export const ROOM = `coven@${SERVICE}`

let asked = 0

/** Rooms as they were before there was privacy: open to all. */
export const open = { settings: { muc: { newRooms: 'public' } } }

/** A story about rooms that are open to all. */
export const tells = (title: string, tell: (world: World) => Promise<void>): void => story(title, tell, open)

/** What is heard of an occupant of the room. */
export const presence = (nick: string, inside = '', more = ''): string => `<presence from="${ROOM}/${nick}" ${more}>${inside}</presence>`
/** The same of one who is not there any more. */
export const gone = (nick: string, inside = ''): string => presence(nick, `<x xmlns="${USER}">${inside}</x>`, 'type="unavailable"')

export const joinXml = (nick: string, inside = '', room = ROOM, id = 'join'): string =>
  `<presence id="${id}" to="${room}/${nick}"><x xmlns="${MUC}">${inside}</x></presence>`

export const item = (affiliation: string, role: string, more = ''): string =>
  `<x xmlns="${USER}"><item affiliation="${affiliation}" role="${role}"/>${more}</x>`

export const status = (...codes: number[]): string => codes.map(code => `<status xmlns="${USER}" code="${code}"/>`).join('')

/** A request to a room: the answer, whatever else is heard meanwhile. */
export async function askRoom(client: Client, type: 'get' | 'set', payload: string, to = ROOM): Promise<Element> {
  const id = `room${++asked}`
  await client.sends(`<iq type="${type}" id="${id}" to="${to}">${payload}</iq>`)
  return answerTo(client, id)
}

/** The condition of an error. */
export const conditionIn = (stanza: Element | undefined): string | undefined =>
  stanza
    ?.elements()
    .find(({ name }) => name === 'error')
    ?.first()?.name

/** Enters, and leaves out of the story what all hear of it. */
export async function joins(client: Client, nick: string, room = ROOM, inside = ''): Promise<void> {
  await client.sends(joinXml(nick, inside, room))
  const own = client.unread.find(({ name, attrs }) => name === 'presence' && attrs['from'] === `${room}/${nick}`)
  assert.equal(own?.attrs['type'], undefined, `${client.session.jid} could not enter: ${own ?? client.unread.join()}`)
  assert.ok(own, `${client.session.jid} heard nothing`)
  for (const other of client.world.clients) other.forget()
}

/** Makes a room that others may enter; what is heard meanwhile is left out of the story. */
export async function opens(owner: Client, nick: string, room = ROOM): Promise<void> {
  await joins(owner, nick, room)
  const answer = await askRoom(owner, 'set', `<query xmlns="${OWNER}"><x xmlns="jabber:x:data" type="submit"/></query>`, room)
  assert.equal(answer.attrs['type'], 'result', String(answer))
  owner.forget()
}

/** Crone has made the coven, and the witches are in it: firstwitch, then the others by their nicks. */
export async function coven(world: World, ...nicks: string[]): Promise<[owner: Client, ...others: Client[]]> {
  const owner = await world.online('crone1', 'desktop')
  await opens(owner, 'firstwitch')
  const others: Client[] = []
  for (const [i, nick] of nicks.entries()) {
    const client = await world.online(`witch${i + 2}`, 'broom')
    await joins(client, nick)
    others.push(client)
  }
  return [owner, ...others]
}

/** The other servers of a story, and their users. */
export class Elsewhere implements Destination {
  readonly #world: World
  readonly #users = new Map<string, Stranger>()
  /** Domains that cannot be reached. */
  readonly down = new Set<string>()

  constructor(world: World) {
    this.#world = world
    world.router.foreign = this
  }

  user(address: string): Stranger {
    const user = new Stranger(this.#world, address)
    this.#users.set(address, user)
    return user
  }

  /** He has gone, and his server says so to whoever writes to him. */
  leaves(user: Stranger): void {
    this.#users.delete(user.address)
  }

  deliver(stanza: Element, from: Jid, to: Jid): void {
    const user = this.#users.get(String(to)) ?? [...this.#users.values()].find(({ address }) => address.startsWith(`${to}/`))
    if (this.down.has(to.domain)) this.#world.router.refuse(stanza, from, to, new StanzaError('remote-server-not-found'))
    else if (user !== undefined) user.unread.push(stanza)
    else if (stanza.name !== 'presence') this.#world.router.refuse(stanza, from, to, new StanzaError('service-unavailable'))
  }
}

/** A client on another server. */
export class Stranger extends Ear {
  readonly world: World
  readonly address: string

  constructor(world: World, address: string) {
    super()
    this.world = world
    this.address = address
  }

  async sends(xml: string): Promise<void> {
    await this.world.arrives(xml.replace(/^<(\w+)/, `<$1 from="${this.address}"`))
  }
}

/** The room as the server sees it. */
export function roomIn(world: World, name = 'coven'): Room {
  const room = world.host.apiOf(muc)?.rooms.at(name).room
  assert.ok(room, 'there is no such room')
  return room
}

/** Its owner has configured it, without a story of its own. */
export function configured(world: World, config: Partial<RoomConfig>, name = 'coven'): Room {
  const room = roomIn(world, name)
  room.state.config = { ...room.config, ...config }
  return room
}

/** Somebody's affiliation was changed while he was not there. */
export function affiliated(world: World, jid: string, affiliation: Affiliation, nick?: string): void {
  roomIn(world).affiliations.set(jid, { affiliation, nick })
}

/** What was heard of a name, in its order; the rest stays unheard. */
export function heard(client: Client, name: string): Element[] {
  const all = client.unread.filter(stanza => stanza.name === name)
  for (const stanza of all) client.unread.splice(client.unread.indexOf(stanza), 1)
  return all
}

/** The status codes of a presence. */
export const codesOf = (presence: Element): number[] =>
  presence
    .elements()
    .filter(({ ns }) => ns === USER)
    .flatMap(x => x.elements())
    .filter(({ name }) => name === 'status')
    .map(({ attrs }) => Number(attrs['code']))

export const parse = (xml: string): Element => parseElement(xml, undefined, 'jabber:client')

/** A moderator or admin wants that. */
export const change = (client: Client, items: string, room = ROOM): Promise<Element> =>
  askRoom(client, 'set', `<query xmlns="${ADMIN}">${items}</query>`, room)

/** The same: what becomes of it, `'ok'` or the condition of the error. What others hear stays unheard. */
export async function changes(client: Client, items: string, room = ROOM): Promise<string> {
  return conditionIn(await change(client, items, room)) ?? 'ok'
}

/** A list of the room, as its items; or the condition of the error. */
export async function list(client: Client, attribute: string, room = ROOM): Promise<Record<string, string>[] | string> {
  const answer = await askRoom(client, 'get', `<query xmlns="${ADMIN}"><item ${attribute}/></query>`, room)
  return (
    conditionIn(answer) ??
    answer
      .first()!
      .elements()
      .map(({ attrs }) => ({ ...attrs }) as Record<string, string>)
  )
}

/** A submitted form. */
export const submit = (formType: string, fields: Readonly<Record<string, string | readonly string[]>>): string =>
  `<x xmlns="jabber:x:data" type="submit"><field var="FORM_TYPE"><value>${formType}</value></field>${Object.entries(fields)
    .map(
      ([name, values]) =>
        `<field var="${name}">${[values]
          .flat()
          .map(value => `<value>${value}</value>`)
          .join('')}</field>`,
    )
    .join('')}</x>`

/** An owner configures a room: what becomes of it, `'ok'` or the condition of the error. */
export async function configures(
  owner: Client,
  fields: Readonly<Record<string, string | readonly string[]>>,
  room = ROOM,
): Promise<string> {
  const answer = await askRoom(owner, 'set', `<query xmlns="${OWNER}">${submit(`${MUC}#roomconfig`, fields)}</query>`, room)
  return conditionIn(answer) ?? 'ok'
}

/** Nothing of what was heard so far belongs to the story. */
export function forgets(world: World): void {
  for (const client of world.clients) client.forget()
}

/** The same by the names of fields without what they have in common; what all hear of it is left out of the story. */
export async function arranges(owner: Client, fields: Readonly<Record<string, string>>, room = ROOM): Promise<void> {
  const named = Object.entries(fields).map(([name, value]) => [name.startsWith('{') ? name : `muc#roomconfig_${name}`, value])
  assert.equal(await configures(owner, Object.fromEntries(named), room), 'ok')
  forgets(owner.world)
}

/** A message to all. */
export const sayXml = (body: string, more = '', id = `m-${body}`, room = ROOM): string =>
  `<message type="groupchat" to="${room}" id="${id}"><body>${body}</body>${more}</message>`

/** Somebody says something; gives the id that the room has given it. What all hear is left out of the story. */
export async function says(client: Client, body: string, more = '', id = `m-${body}`, room = ROOM): Promise<string | undefined> {
  await client.sends(sayXml(body, more, id, room))
  const message = client.receives(`<message type="groupchat" id="${id}"><body>${body}</body></message>`)
  forgets(client.world)
  return message.elements().find(({ ns, name, attrs }) => ns === SID && name === 'stanza-id' && attrs['by'] === room)?.attrs['id']
}

/** A room that stays and keeps what is said, with members. */
export async function archiving(world: World, ...members: string[]): Promise<[owner: Client, ...members: Client[]]> {
  const owner = await world.online('crone1', 'desktop')
  await opens(owner, 'firstwitch')
  await arranges(owner, { persistentroom: '1', enablearchiving: '1', membersonly: '0', publicroom: '1', whois: 'moderators' })
  const others: Client[] = []
  for (const name of members) {
    const client = await world.online(name, 'broom')
    await joins(client, name)
    others.push(client)
  }
  return [owner, ...others]
}

/** Asks the archive of the room. */
export const query = (client: Client, asked: Asked = {}): Promise<Told> => ask(client, { ...asked, of: ROOM })
