import assert from 'node:assert/strict'
import type { Element } from '../../../src/xml/element.ts'
import type { Client } from '../../faults/client.ts'
import { type Day, xml } from '../day.ts'

const PUBSUB = 'http://jabber.org/protocol/pubsub'
const DAY = 86_400_000

/** What clients publish (XEP-0060, XEP-0163): for all, for contacts, for their own devices alone; at their accounts and at the service. */
export async function publishAtNodes(day: Day): Promise<void> {
  const { mint, server } = day
  const resource = mint.word('resource', 'publishes')
  const heard = mint.word('node that a client wants to hear of')
  const alice = await day.online(day.login('alice', 'publishes'), resource, stanza => answerDiscovery(alice, stanza, day, heard))
  const node = mint.word('node')
  alice.send(
    `<presence><c xmlns="http://jabber.org/protocol/caps" hash="sha-1" node="urn:x-test" ver="${mint.word('client', 'ver')}"/></presence>`,
  )
  await asks(alice, create(`urn:${node}`, { access_model: 'open', title: mint.text('title of a node'), item_expire: '86400' }))
  await asks(alice, publish(`urn:${node}`, mint.word('id of an item'), mint.text('item')))
  const named = `${mint.word('address of somebody affiliated')}@${mint.domain('address of somebody affiliated', 'domain')}`
  await asks(alice, xml`<affiliations node="urn:${node}"><affiliation jid="${named}" affiliation="publisher"/></affiliations>`, '', true)
  const moved = mint.word('node', 'moved')
  await asks(alice, create(`urn:${moved}`, { access_model: 'open' }))
  await asks(alice, xml`<delete node="urn:${moved}"><redirect uri="xmpp:${mint.domain('where a node went')}"/></delete>`, '', true)

  const retracted = mint.text('item that was retracted')
  await asks(alice, publish('urn:x-retracted', 'a', retracted))
  await asks(alice, '<retract node="urn:x-retracted"><item id="a"/></retract>')
  const room = `${mint.word('address of a bookmark')}@${mint.domain('address of a bookmark', 'domain')}`
  await asks(alice, publish('urn:xmpp:bookmarks:1', room, mint.text('private item')))
  await asks(alice, create(`urn:${mint.word('private node')}`, { access_model: 'whitelist', title: mint.text('title of a private node') }))

  const service = `pubsub.${server.domain}`
  await asks(alice, create(`urn:${mint.word('node', 'of the service')}`, {}), service)
  await asks(alice, create('urn:x-moved', {}), service)
  await asks(alice, '<delete node="urn:x-moved"><redirect uri="xmpp:a@b"/></delete>', service, true)

  const bob = await day.online(day.login('bob', 'subscribes'), mint.word('resource', 'subscribes'))
  const ends = new Date(Date.now() + DAY).toISOString()
  const options = form('subscribe_options', { expire: ends })
  const subscribe = xml`<subscribe node="urn:${node}" jid="${day.jid('bob')}"/>`
  await asks(bob, `${subscribe}<options>${options}</options>`, day.jid('alice'))
  await bob.leave()
  await alice.leave()
}

/** What goes with an account that is removed. */
export async function publishAndGo(day: Day): Promise<void> {
  const { mint } = day
  const hermit = await day.online(day.login('hermit', 'publishes'), mint.word('resource', 'hermit publishes'))
  const kept = (detail: string): string => mint.text('what a removed account had', detail)
  await asks(hermit, publish('urn:x-test', 'a', kept('item')))
  await asks(hermit, publish('urn:xmpp:bookmarks:1', 'a@b', kept('private item')))
  await hermit.leave()
}

async function asks(client: Client, xml: string, to?: string, isOwner = false): Promise<void> {
  const request = `<pubsub xmlns="${PUBSUB}${isOwner ? '#owner' : ''}">${xml}</pubsub>`
  const answer = await (to === undefined || to === '' ? client.asks('set', request) : client.asks('set', request, to))
  assert.equal(answer.attrs['type'], 'result', String(answer))
}

const publish = (node: string, id: string, text: string): string =>
  xml`<publish node="${node}"><item id="${id}"><entry xmlns="urn:x-test">${text}</entry></item></publish>`

const create = (node: string, fields: Readonly<Record<string, string>>): string =>
  `${xml`<create node="${node}"/>`}<configure>${form('node_config', fields)}</configure>`

function form(type: string, fields: Readonly<Record<string, string>>): string {
  const all = Object.entries(fields).map(([name, value]) => xml`<field var="pubsub#${name}"><value>${value}</value></field>`)
  const formType = `<field var="FORM_TYPE" type="hidden"><value>${PUBSUB}#${type}</value></field>`
  return `<x xmlns="jabber:x:data" type="submit">${formType}${all.join('')}</x>`
}

/** XEP-0115 §6.2: the server asks what the client can do. */
function answerDiscovery(client: Client, { name, attrs }: Element, { mint }: Day, node: string): void {
  if (name !== 'iq' || attrs['type'] !== 'get') return
  const identity = xml`<identity category="client" type="pc" name="${mint.word('client', 'name')}"/><feature var="${node}+notify"/>`
  client.send(
    xml`<iq type="result" id="${attrs['id'] ?? ''}" to="${attrs['from'] ?? ''}">` +
      `<query xmlns="http://jabber.org/protocol/disco#info">${identity}</query></iq>`,
  )
}
