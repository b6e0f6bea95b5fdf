/** What the XMPP Compliance Tester asks of an account, asked over TLS as it does: from the resource `caas` of a new account. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { Element } from '../src/xml/element.ts'
import { Client } from './faults/client.ts'
import { Server } from './faults/server.ts'

const DISCO = 'http://jabber.org/protocol/disco#info'
const PUBSUB = 'http://jabber.org/protocol/pubsub'
const OWNER = `${PUBSUB}#owner`
const FORMS = 'jabber:x:data'

let server: Server
let client: Client

before(async () => {
  server = await Server.make()
  await server.addAccounts(['caas', 'other'])
  await server.start()
  client = await Client.online(server.login('caas'), 'caas', false)
})
after(async () => {
  await client?.leave()
  await server?.[Symbol.asyncDispose]()
})

/** All elements of that name, at whatever depth. */
function find(element: Element, name: string): Element[] {
  return element.elements().flatMap(child => [...(child.name === name ? [child] : []), ...find(child, name)])
}

async function ask(type: 'get' | 'set', payload: string, by = client): Promise<Element> {
  const answer = await by.asks(type, payload)
  assert.equal(answer.attrs['type'], 'result', String(answer))
  return answer
}

/** What service discovery says of the account's bare address. */
async function info(): Promise<{ identities: string[]; features: Set<string | undefined> }> {
  const answer = await client.asks('get', `<query xmlns="${DISCO}"/>`, `caas@${server.domain}`)
  return {
    identities: find(answer, 'identity').map(({ attrs }) => `${attrs['category']}/${attrs['type']}`),
    features: new Set(find(answer, 'feature').map(({ attrs }) => attrs['var'])),
  }
}

const items = (node: string, by = client): Promise<Element> => ask('get', `<pubsub xmlns="${PUBSUB}"><items node="${node}"/></pubsub>`, by)

const form = (of: string, fields: Record<string, string>): string =>
  `<x xmlns="${FORMS}" type="submit"><field var="FORM_TYPE" type="hidden"><value>${PUBSUB}#${of}</value></field>${Object.entries(fields)
    .map(([name, value]) => `<field var="pubsub#${name}"><value>${value}</value></field>`)
    .join('')}</x>`

const publish = (node: string, item: string, options: Record<string, string> = {}): string =>
  `<pubsub xmlns="${PUBSUB}"><publish node="${node}">${item}</publish><publish-options>${form('publish-options', options)}</publish-options></pubsub>`

async function accessModel(node: string): Promise<string | undefined> {
  const answer = await ask('get', `<pubsub xmlns="${OWNER}"><configure node="${node}"/></pubsub>`)
  return find(answer, 'field')
    .find(({ attrs }) => attrs['var'] === 'pubsub#access_model')
    ?.first()?.text
}

test('xep0163: the account is a pubsub service', async () => {
  assert.ok((await info()).identities.includes('pubsub/pep'))
})

test('xep0384: a new node is open if it shall be, and an old one can become so', async () => {
  const { features } = await info()
  assert.ok(features.has(`${PUBSUB}#publish-options`))
  const node = 'eu.siacs.conversations.axolotl.devicelist'
  const list = '<item id="current"><list xmlns="eu.siacs.conversations.axolotl"><device id="1"/></list></item>'
  const isOpen = { access_model: 'open' }
  await ask('set', publish(node, list, isOpen))
  assert.equal(await accessModel(node), 'open')
  const former = 'urn:example:from-before'
  await ask('set', publish(former, list))
  assert.equal(await accessModel(former), 'presence')
  const conflict = await client.asks('set', publish(former, list, isOpen))
  assert.equal(find(conflict, 'conflict').length, 1)
  await ask('set', `<pubsub xmlns="${OWNER}"><configure node="${former}">${form('node_config', isOpen)}</configure></pubsub>`)
  await ask('set', publish(former, list, isOpen))
  assert.equal(await accessModel(former), 'open')
})

test('OMEMO 2: bundles of several devices are items of one node, and strangers read them', async () => {
  const node = 'urn:xmpp:omemo:2:bundles'
  for (const device of ['1', '2', '3']) {
    const item = `<item id="${device}"><bundle xmlns="urn:xmpp:omemo:2"><ik>${device}</ik></bundle></item>`
    await ask('set', publish(node, item, { access_model: 'open', max_items: 'max' }))
  }
  const other = await Client.online(server.login('other'), 'caas', false)
  const answer = await other.asks('get', `<pubsub xmlns="${PUBSUB}"><items node="${node}"/></pubsub>`, `caas@${server.domain}`)
  assert.deepEqual(
    find(answer, 'item')
      .map(({ attrs }) => attrs['id'])
      .sort(),
    ['1', '2', '3'],
  )
  await other.leave()
})

test('xep0398: the account turns avatars into photos, and photos into avatars', async () => {
  assert.ok((await info()).features.has('urn:xmpp:pep-vcard-conversion:0'))
  const photo = '<PHOTO><TYPE>image/gif</TYPE><BINVAL>R0lGODlhQAAwADs=</BINVAL></PHOTO>'
  await ask('set', `<vCard xmlns="vcard-temp"><FN>Caas</FN>${photo}</vCard>`)
  const [metadata] = find(await items('urn:xmpp:avatar:metadata'), 'info')
  assert.equal(metadata?.attrs['type'], 'image/gif')
  const [data] = find(await items('urn:xmpp:avatar:data'), 'item')
  assert.deepEqual([data?.attrs['id'], data?.first()?.text], [metadata?.attrs['id'], 'R0lGODlhQAAwADs='])
  await ask('set', publish('urn:xmpp:avatar:metadata', '<item><metadata xmlns="urn:xmpp:avatar:metadata"/></item>'))
  assert.equal(find(await ask('get', '<vCard xmlns="vcard-temp"/>'), 'PHOTO').length, 0)
})

test('vcard: both formats show the same card', async () => {
  assert.ok((await info()).features.has('vcard-temp'))
  await ask('set', '<vCard xmlns="vcard-temp"><FN>Caas</FN><URL>https://example.org/</URL></vCard>')
  assert.equal(find(await items('urn:xmpp:vcard4'), 'uri')[0]?.text, 'https://example.org/')
  const card = '<vcard xmlns="urn:ietf:params:xml:ns:vcard-4.0"><fn><text>Tester</text></fn></vcard>'
  await ask('set', publish('urn:xmpp:vcard4', `<item>${card}</item>`))
  assert.equal(find(await ask('get', '<vCard xmlns="vcard-temp"/>'), 'FN')[0]?.text, 'Tester')
})

test('bookmarks: those of all three formats are the same', async () => {
  const { features } = await info()
  for (const feature of ['urn:xmpp:bookmarks:1#compat', 'urn:xmpp:bookmarks:1#compat-pep', 'urn:xmpp:bookmarks-conversion:0']) {
    assert.ok(features.has(feature), feature)
  }
  const storage = '<storage xmlns="storage:bookmarks"><conference jid="room@rooms.example" name="Room" autojoin="true"/></storage>'
  await ask('set', `<query xmlns="jabber:iq:private">${storage}</query>`)
  assert.deepEqual(
    find(await items('urn:xmpp:bookmarks:1'), 'item').map(({ attrs }) => attrs['id']),
    ['room@rooms.example'],
  )
  await ask('set', publish('urn:xmpp:bookmarks:1', '<item id="den@rooms.example"><conference xmlns="urn:xmpp:bookmarks:1"/></item>'))
  const rooms = (answer: Element): unknown[] => find(answer, 'conference').map(({ attrs }) => attrs['jid'])
  const both = ['room@rooms.example', 'den@rooms.example']
  assert.deepEqual(rooms(await items('storage:bookmarks')), both)
  assert.deepEqual(rooms(await ask('get', '<query xmlns="jabber:iq:private"><storage xmlns="storage:bookmarks"/></query>')), both)
})

test('mds: the account takes markers out of messages', async () => {
  assert.ok((await info()).features.has('urn:xmpp:mds:server-assist:0'))
})

const ROOM_INFO = 'http://jabber.org/protocol/muc#roominfo'
const ROOM_CONFIG = 'http://jabber.org/protocol/muc#roomconfig'

/** The service for rooms, found as the tester finds it: among the items of the domain, by its feature. */
async function conference(): Promise<string> {
  const found = find(await client.asks('get', '<query xmlns="http://jabber.org/protocol/disco#items"/>', server.domain), 'item')
  for (const { attrs } of found) {
    const answer = await client.asks('get', `<query xmlns="${DISCO}"/>`, attrs['jid'])
    if (find(answer, 'feature').some(({ attrs }) => attrs['var'] === 'http://jabber.org/protocol/muc')) return attrs['jid']!
  }
  return assert.fail('there is no service for rooms')
}

/** Makes a room; gives its address. */
async function makeRoom(name: string): Promise<string> {
  const room = `${name}@${await conference()}`
  const entered = new Promise<void>(resolve => {
    client.onStanza = stanza => stanza.name === 'presence' && stanza.attrs['from'] === `${room}/caas` && resolve()
  })
  client.send(`<presence to="${room}/caas"><x xmlns="http://jabber.org/protocol/muc"/></presence>`)
  await entered
  client.onStanza = () => {}
  return room
}

const toOwner = (inner: string): string => `<query xmlns="http://jabber.org/protocol/muc#owner">${inner}</query>`

async function askRoom(room: string, type: 'get' | 'set', payload: string): Promise<Element> {
  const answer = await client.asks(type, payload, room)
  assert.equal(answer.attrs['type'], 'result', String(answer))
  return answer
}

const roomFeatures = async (room: string): Promise<Set<string | undefined>> =>
  new Set(find(await askRoom(room, 'get', `<query xmlns="${DISCO}"/>`), 'feature').map(({ attrs }) => attrs['var']))

test('xep0045: the domain has rooms', async () => {
  assert.equal(await conference(), `conference.${server.domain}`)
})

test('vcard_muc: a room that was just made has a card', async () => {
  const room = await makeRoom('vcard')
  await askRoom(room, 'set', toOwner(`<x xmlns="${FORMS}" type="submit"/>`))
  assert.ok((await roomFeatures(room)).has('vcard-temp'))
  await askRoom(room, 'set', '<vCard xmlns="vcard-temp"><PHOTO><TYPE>image/gif</TYPE><BINVAL>R0lGODlhQAAwADs=</BINVAL></PHOTO></vCard>')
  const fields = find(await askRoom(room, 'get', `<query xmlns="${DISCO}"/>`), 'field')
  assert.ok(fields.some(({ attrs }) => attrs['var'] === 'FORM_TYPE') && fields.some(field => field.first()?.text === ROOM_INFO))
  assert.match(fields.find(({ attrs }) => attrs['var'] === 'muc#roominfo_avatarhash')?.first()?.text ?? '', /^[0-9a-f]{40}$/)
})

test('xep0313muc: a room can have an archive, and says so when it has', async () => {
  const room = await makeRoom('archive')
  const config = await askRoom(room, 'get', toOwner(''))
  assert.ok(find(config, 'field').some(({ attrs }) => attrs['var'] === 'muc#roomconfig_enablearchiving'))
  const fields = ['muc#roomconfig_enablearchiving', 'muc#roomconfig_persistentroom'].map(
    name => `<field var="${name}"><value>1</value></field>`,
  )
  const formType = `<field var="FORM_TYPE" type="hidden"><value>${ROOM_CONFIG}</value></field>`
  await askRoom(room, 'set', toOwner(`<x xmlns="${FORMS}" type="submit">${formType}${fields.join('')}</x>`))
  const features = await roomFeatures(room)
  for (const feature of ['urn:xmpp:mam:2', 'urn:xmpp:mam:2#extended']) assert.ok(features.has(feature), feature)
  client.send(`<message type="groupchat" to="${room}" id="m1"><body>Thrice the brinded cat hath mew'd.</body></message>`)
  const fin = find(await askRoom(room, 'set', '<query xmlns="urn:xmpp:mam:2"/>'), 'fin')
  assert.equal(find(fin[0]!, 'count')[0]?.text, '1')
})
