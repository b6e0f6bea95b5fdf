/** For stories about nodes (XEP-0060): requests, and what they are answered. */
import assert from 'node:assert/strict'
import type { Element } from '../src/xml/element.ts'
import { parseElement } from '../src/xml/parser.ts'
import { capsHash } from '../src/xmpp/caps-hash.ts'
import { readInfo } from '../src/xmpp/disco.ts'
import type { Client } from './story.ts'

export const PUBSUB = 'http://jabber.org/protocol/pubsub'
export const OWNER = `${PUBSUB}#owner`
const ERRORS = `${PUBSUB}#errors`
const STANZAS = 'urn:ietf:params:xml:ns:xmpp-stanzas'

/** Where the service of a story is. */
export const SERVICE = 'pubsub.here.example'

/** Nodes of accounts. */
export const TUNE = 'http://jabber.org/protocol/tune'
export const GEOLOC = 'http://jabber.org/protocol/geoloc'

interface Asking {
  /** The service; the client's own account where it is `''`. */
  readonly to?: string
  readonly ns?: string
}

/** Of the client's own account. */
export const own: Asking = { to: '' }

let asked = 0

/** The answer of an IQ, whatever else the client hears meanwhile: that stays to be read. */
export async function ask(client: Client, type: 'get' | 'set', xml: string, { to = SERVICE, ns = PUBSUB }: Asking = {}): Promise<Element> {
  const id = `ask${++asked}`
  const address = to === '' ? '' : `to="${to}"`
  await client.sends(`<iq type="${type}" id="${id}" ${address}><pubsub xmlns="${ns}">${xml}</pubsub></iq>`)
  return answerTo(client, id)
}

/** Takes the answer to that request out of what was heard. */
export function answerTo(client: Client, id: string): Element {
  const at = client.unread.findIndex(
    ({ name, attrs }) => name === 'iq' && attrs['id'] === id && attrs['type'] !== 'get' && attrs['type'] !== 'set',
  )
  assert.ok(at >= 0, `${client.session.jid} heard no answer, but ${client.unread.join('\n')}`)
  return client.unread.splice(at, 1)[0]!
}

/** Asks, and must get what it asks for: the payload, if there is one. */
export async function gets(client: Client, type: 'get' | 'set', xml: string, asking?: Asking): Promise<Element | undefined> {
  const answer = await ask(client, type, xml, asking)
  assert.equal(answer.attrs['type'], 'result', String(answer))
  return answer.first()
}

/** The condition of the error, with that of pubsub itself behind a slash; `'ok'` for a result. */
export function conditionOf(answer: Element): string {
  if (answer.attrs['type'] === 'result') return 'ok'
  const error = answer.elements().find(({ name }) => name === 'error')!
  const named = (ns: string): string[] =>
    error
      .elements()
      .filter(each => each.ns === ns && each.name !== 'text')
      .map(({ name }) => name)
  return [...named(STANZAS), ...named(ERRORS)].join('/')
}

export async function refuses(client: Client, type: 'get' | 'set', xml: string, condition: string, asking?: Asking): Promise<Element> {
  const answer = await ask(client, type, xml, asking)
  assert.equal(conditionOf(answer), condition, String(answer))
  return answer
}

export const entry = (text: string): string => `<entry xmlns="http://www.w3.org/2005/Atom"><title>${text}</title></entry>`
export const item = (id: string, text = id): string => `<item id="${id}">${entry(text)}</item>`
export const publishXml = (node: string, items: string): string => `<publish node="${node}">${items}</publish>`
export const tuneXml = (id: string): string => `<items node="${TUNE}">${item(id)}</items>`
export const affiliationXml = (node: string, jid: string, affiliation: string): string =>
  `<affiliations node="${node}"><affiliation jid="${jid}" affiliation="${affiliation}"/></affiliations>`
export const form = (formType: string, fields: Readonly<Record<string, string | readonly string[]>>, type = 'submit'): string => {
  const field = (name: string, values: string | readonly string[]): string =>
    `<field var="${name}">${[values]
      .flat()
      .map(value => `<value>${value}</value>`)
      .join('')}</field>`
  const all = Object.entries(fields).map(([name, values]) => field(name, values))
  return `<x xmlns="jabber:x:data" type="${type}"><field var="FORM_TYPE" type="hidden"><value>${formType}</value></field>${all.join('')}</x>`
}
export const configXml = (fields: Readonly<Record<string, string | readonly string[]>>): string =>
  form(`${PUBSUB}#node_config`, Object.fromEntries(Object.entries(fields).map(([name, value]) => [`pubsub#${name}`, value])))
export const createXml = (node: string, fields: Readonly<Record<string, string | readonly string[]>> = {}): string =>
  `<create node="${node}"/><configure>${configXml(fields)}</configure>`

/** The ids of the items in an answer or an event, in their order. */
export function idsIn(element: Element): string[] {
  const items = element.elements().find(({ name }) => name === 'items')!
  return items.elements().map(({ attrs }) => attrs['id']!)
}

/** The event in the next message that a client has heard. */
export function event(client: Client, xml: string, from = SERVICE): Element {
  return client.receives(`<message from="${from}"><event xmlns="${PUBSUB}#event">${xml}</event></message>`)
}

export const element = (xml: string): Element => parseElement(xml)

const INFO = 'http://jabber.org/protocol/disco#info'

/** Of a client that wants to hear of these nodes: what it puts into its presence, and what it answers when it is asked (XEP-0115 §6.2). */
export function clientFor(...nodes: string[]): { caps: string; features: string } {
  const features = `<identity category="client" type="phone"/>${nodes.map(node => `<feature var="${node}+notify"/>`).join('')}`
  const ver = capsHash(readInfo(parseElement(`<query xmlns="${INFO}">${features}</query>`)))
  return { caps: `<c xmlns="http://jabber.org/protocol/caps" hash="sha-1" node="urn:example:client" ver="${ver}"/>`, features }
}

/** Answers each question that the client was asked of late in the name of an account. */
export async function tellsFeatures(client: Client, features: string): Promise<void> {
  for (;;) {
    const at = client.unread.findIndex(({ attrs, first }) => attrs['type'] === 'get' && first !== undefined)
    if (at === -1) return
    const { from, id } = client.unread.splice(at, 1)[0]!.attrs
    await client.sends(`<iq type="result" id="${id}" to="${from}"><query xmlns="${INFO}">${features}</query></iq>`)
  }
}

/** Is available from now on, and wants to hear of these nodes; what was said for that is left out of the story, but for events. */
export async function listens(client: Client, ...nodes: string[]): Promise<void> {
  const { caps, features } = clientFor(...nodes)
  await client.sends(`<presence>${caps}</presence>`)
  for (const other of client.world.clients) await tellsFeatures(other, other === client ? features : '')
  for (const other of client.world.clients) {
    const kept = other.unread.filter(({ name }) => name === 'message')
    other.unread.splice(0, other.unread.length, ...kept)
  }
}
