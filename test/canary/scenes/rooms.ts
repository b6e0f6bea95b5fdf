import assert from 'node:assert/strict'
import type { Element } from '../../../src/xml/element.ts'
import type { Client } from '../../faults/client.ts'
import { type Day, xml } from '../day.ts'

const MUC = 'http://jabber.org/protocol/muc'

/** Rooms (XEP-0045): a private one that lasts, one for everybody, one that does not last, and one that is destroyed. */
export async function meetInRooms(day: Day): Promise<void> {
  const { mint } = day
  const alice = await day.online(day.login('alice', 'meets'), mint.word('resource of an occupant', 'alice'))
  const bob = await day.online(day.login('bob', 'meets'), mint.word('resource of an occupant', 'bob'))
  await talkAmongMembers(day, alice, bob)
  await talkInPublic(day, alice, bob)

  const passing = room(day, mint.word('room that does not last'))
  await makes(alice, passing, mint.word('room that does not last', 'nick'), { roomname: mint.text('room that does not last', 'title') })
  await says(alice, passing, mint.text('room that does not last', 'message'))

  const doomed = room(day, mint.word('room that was destroyed'))
  const had = (detail: string): string => mint.text('room that was destroyed', detail)
  await makes(alice, doomed, mint.word('room that was destroyed', 'nick'), { persistentroom: '1', publicroom: '1', roomname: had('title') })
  await says(alice, doomed, had('message'))
  await asks(alice, doomed, xml`<query xmlns="${MUC}#owner"><destroy><reason>${had('why')}</reason></destroy></query>`)
  await bob.leave()
  await alice.leave()
}

/** Who may enter is sealed, and so is what is said. */
async function talkAmongMembers(day: Day, alice: Client, bob: Client): Promise<void> {
  const { mint } = day
  const at = room(day, mint.word('name of a room', 'private'))
  const password = mint.word('password of a room')
  await makes(alice, at, mint.word('nick of an occupant', 'alice'), {
    persistentroom: '1',
    roomname: mint.text('title of a private room'),
    roomsecret: password,
  })
  const member = address(day, 'address of a member of a private room')
  const reserved = mint.word('nick that is reserved in a private room')
  await admin(alice, at, 'member', member, mint.text('reason of an affiliation', 'of a member'), reserved)
  await admin(alice, at, 'member', day.jid('bob'))
  await admin(alice, at, 'member', day.jid('hermit'), '', mint.word('name of a removed account', 'nick of hermit'))
  await hat(alice, at, day.jid('bob'), mint.word('hat of a private room'))
  const card = xml`<vCard xmlns="vcard-temp"><FN>${mint.text('card of a room')}</FN></vCard>`
  await asks(alice, at, card)
  await enters(bob, at, mint.word('nick of an occupant', 'bob'), password)
  await sets(alice, at, mint.text('subject of a private room'))
  await says(bob, at, mint.text('message in a private room'), mint.word('id of a message', 'in a room'))
  const taken = await says(bob, at, mint.text('message in a room that was taken back'))
  const id = taken.elements().find(({ name }) => name === 'stanza-id')!.attrs['id']!
  await heard(
    bob,
    xml`<message type="groupchat" to="${at}"><retract xmlns="urn:xmpp:message-retract:1" id="${id}"/></message>`,
    ({ name }) => name === 'message',
  )
  alice.send(xml`<message to="${at}"><x xmlns="${MUC}#user"><invite to="${day.jid('eve')}"/></x></message>`)
}

/** What everybody may see stands in the clear; what is said is kept nowhere. */
async function talkInPublic(day: Day, alice: Client, bob: Client): Promise<void> {
  const { mint } = day
  const at = room(day, mint.word('name of a room', 'public'))
  await makes(alice, at, mint.word('nick in a public room', 'alice'), {
    persistentroom: '1',
    publicroom: '1',
    membersonly: '0',
    enablearchiving: '0',
    whois: 'moderators',
    roomname: mint.text('title of a room that can be found'),
  })
  const reason = mint.text('reason of an affiliation', 'of a ban')
  await admin(alice, at, 'outcast', address(day, 'address in a list of a public room'), reason)
  const member = address(day, 'address in a list of a public room', 'of a member')
  await admin(alice, at, 'member', member, '', mint.word('nick that is reserved in a public room'))
  await admin(alice, at, 'owner', day.jid('alice'), '', mint.word('nick that is reserved in a public room', 'alice'))
  await hat(alice, at, member, mint.word('hat of a public room'))
  await enters(bob, at, mint.word('nick in a public room', 'bob'))
  await sets(alice, at, mint.text('subject of a public room'))
  await says(bob, at, mint.text('message in a public room'))
}

/** Somebody is in a room when the server stops. */
export async function stay(day: Day): Promise<void> {
  const { mint } = day
  const alice = await day.online(day.login('alice', 'stays in a room'), mint.word('resource of an occupant', 'stays'))
  await makes(alice, room(day, mint.word('name of a room', 'with somebody in it')), mint.word('nick of an occupant', 'stays'), {})
}

const room = ({ server }: Day, name: string): string => `${name}@conference.${server.domain}`
const address = ({ mint }: Day, datum: string, detail = ''): string =>
  `${mint.word(datum, detail)}@${mint.domain(datum, `${detail}, domain`)}`

async function makes(client: Client, at: string, nick: string, fields: Readonly<Record<string, string>>): Promise<void> {
  await enters(client, at, nick)
  const all = Object.entries(fields).map(([name, value]) => xml`<field var="muc#roomconfig_${name}"><value>${value}</value></field>`)
  const formType = `<field var="FORM_TYPE"><value>${MUC}#roomconfig</value></field>`
  await asks(client, at, `<query xmlns="${MUC}#owner"><x xmlns="jabber:x:data" type="submit">${formType}${all.join('')}</x></query>`)
}

async function enters(client: Client, at: string, nick: string, password = ''): Promise<void> {
  const join = `<x xmlns="${MUC}">${password && xml`<password>${password}</password>`}</x>`
  await heard(
    client,
    `<presence to="${at}/${nick}">${join}</presence>`,
    ({ name, attrs }) => name === 'message' || attrs['type'] === 'error',
  )
}

/** As all hear it. */
const says = (client: Client, at: string, text: string, id = 'm'): Promise<Element> =>
  heard(
    client,
    xml`<message type="groupchat" to="${at}" id="${id}"><body>${text}</body></message>`,
    ({ name, attrs }) => name === 'message' && attrs['id'] === id,
  )

const sets = (client: Client, at: string, subject: string): Promise<Element> =>
  heard(
    client,
    xml`<message type="groupchat" to="${at}" id="subject"><subject>${subject}</subject></message>`,
    ({ attrs }) => attrs['id'] === 'subject',
  )

const admin = (client: Client, at: string, affiliation: string, jid: string, reason = '', nick = ''): Promise<void> =>
  asks(
    client,
    at,
    `<query xmlns="${MUC}#admin">${xml`<item affiliation="${affiliation}" jid="${jid}"`}${nick && xml` nick="${nick}"`}>${xml`<reason>${reason}</reason>`}</item></query>`,
  )

async function hat(client: Client, at: string, jid: string, word: string): Promise<void> {
  for (const [name, fields] of [
    ['create', { uri: `urn:${word}`, title: word }],
    ['assign', { uri: `urn:${word}`, jid }],
  ] as const) {
    const all = Object.entries(fields).map(([field, value]) => xml`<field var="hats#${field}"><value>${value}</value></field>`)
    const form = `<x xmlns="jabber:x:data" type="submit">${all.join('')}</x>`
    await asks(client, at, `<command xmlns="http://jabber.org/protocol/commands" node="urn:xmpp:hats:commands:${name}">${form}</command>`)
  }
}

async function asks(client: Client, at: string, payload: string): Promise<void> {
  const answer = await client.asks('set', payload, at)
  assert.equal(answer.attrs['type'], 'result', String(answer))
}

/** Done when the client hears that. */
async function heard(client: Client, sent: string, isIt: (stanza: Element) => boolean): Promise<Element> {
  const { promise, resolve } = Promise.withResolvers<Element>()
  client.onStanza = stanza => {
    if (isIt(stanza)) resolve(stanza)
  }
  client.send(sent)
  const stanza = await promise
  client.onStanza = () => {}
  assert.notEqual(stanza.attrs['type'], 'error', String(stanza))
  return stanza
}
