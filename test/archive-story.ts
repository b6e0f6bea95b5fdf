/** What clients ask archives, for stories. */
import assert from 'node:assert/strict'
import { Expiry } from '../src/core/expiry.ts'
import { silentLog } from '../src/core/log.ts'
import { Mam } from '../src/modules/archive/query.ts'
import { stanzaIdOf } from '../src/modules/stanza-id.ts'
import type { Element } from '../src/xml/element.ts'
import { readForwarded } from '../src/xmpp/forward.ts'
import { Rsm } from '../src/xmpp/rsm.ts'
import { Client as Stanzas } from '../src/xmpp/stanza.ts'
import type { Client, World } from './story.ts'

export const MAM = 'urn:xmpp:mam:2'
export const ROMEO = 'romeo@here.example'
export const JULIET = 'juliet@here.example'

export interface Asked {
  /** Whose archive, if not one's own. */
  readonly of?: string
  /** Fields of the form, each with its values. */
  readonly fields?: Readonly<Record<string, string | readonly string[]>>
  /** Inside `<set/>`. */
  readonly rsm?: string
  readonly isFlipped?: boolean
  readonly queryid?: string
}

export interface Told {
  readonly messages: readonly Element[]
  /** Of the messages, in the order in which they came. */
  readonly bodies: readonly string[]
  readonly ids: readonly string[]
  readonly times: readonly (number | undefined)[]
  readonly fin: Element
  readonly isComplete: boolean
  readonly first: string | undefined
  readonly last: string | undefined
  readonly index: string | undefined
  readonly count: string | undefined
}

export function queryXml({ of, fields = {}, rsm, isFlipped = false, queryid }: Asked, id = 'q1'): string {
  const field = (name: string, values: readonly string[]): string =>
    `<field var="${name}">${values.map(value => `<value>${value}</value>`).join('')}</field>`
  const form = Object.entries({ FORM_TYPE: MAM, ...fields }).map(([name, value]) => field(name, [value].flat()))
  return `<iq type="set" id="${id}"${of === undefined ? '' : ` to="${of}"`}><query xmlns="${MAM}"${queryid === undefined ? '' : ` queryid="${queryid}"`}>
    <x xmlns="jabber:x:data" type="submit">${form.join('')}</x>
    ${rsm === undefined ? '' : `<set xmlns="http://jabber.org/protocol/rsm">${rsm}</set>`}${isFlipped ? '<flip-page/>' : ''}</query></iq>`
}

/** Asks for messages, and hears them. */
export async function ask(client: Client, asked: Asked = {}): Promise<Told> {
  await client.sends(queryXml(asked))
  return hear(client, asked.of)
}

/** Hears the messages that were asked for, and what comes after them. */
export function hear(client: Client, of = String(client.session.account.jid)): Told {
  const results: Element[] = []
  while (client.unread[0]?.name === 'message') {
    const message = client.receives(`<message from="${of}" to="${client.session.jid}"/>`)
    results.push(message.child(Mam, 'result')!)
  }
  const iq = client.receives(`<iq type="result" id="q1"><fin xmlns="${MAM}"><set xmlns="http://jabber.org/protocol/rsm"/></fin></iq>`)
  const fin = iq.child(Mam, 'fin')!
  const set = fin.child(Rsm, 'set')!
  const messages = results.map(result => readForwarded(result)!.stanza)
  return {
    messages,
    bodies: messages.map(message => message.child(Stanzas, 'body')?.text ?? ''),
    ids: results.map(result => result.attrs['id']!),
    times: results.map(result => readForwarded(result)!.at),
    fin,
    isComplete: fin.attrs['complete'] === 'true',
    first: set.child(Rsm, 'first')?.text,
    last: set.child(Rsm, 'last')?.text,
    index: set.child(Rsm, 'first')?.attrs['index'],
    count: set.child(Rsm, 'count')?.text,
  }
}

/** A chat message. */
export const say = (to: string, body: string, more = '', id = `m-${body}`): string =>
  `<message type="chat" to="${to}" id="${id}"><body>${body}</body>${more}</message>`

/** Hears a message, and gives the id that it has in the archive. */
export function hearId(client: Client, body: string): string {
  const message = client.receives(`<message><body>${body}</body></message>`)
  const id = stanzaIdOf(message, client.session.account)
  assert.ok(id !== undefined, 'the message has no id')
  return id
}

/** A conversation: what `from` says to `to`, a minute apart. Gives the ids in the archive of `to`. */
export async function converse(world: World, from: Client, to: Client, ...bodies: readonly string[]): Promise<string[]> {
  const ids: string[] = []
  for (const body of bodies) {
    await from.sends(say(String(to.session.account.jid), body))
    ids.push(hearId(to, body))
    await world.later(60_000)
  }
  return ids
}

/** Lets so many ms pass in steps of a day; what is over is destroyed. */
export async function outlive(world: World, ms: number): Promise<void> {
  const expiry = new Expiry(world.shred, [world.host], world.clock, silentLog)
  await expiry.run()
  for (let left = ms; left > 0; left -= 86_400_000) {
    await world.later(Math.min(left, 86_400_000))
    await expiry.run()
  }
}
