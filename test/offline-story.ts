/** Juliet is away, and hears later: what the stories of offline messages have in common. */

import { messagesAcknowledged } from '../src/core/points.ts'
import { sql } from '../src/storage/db.ts'
import { spooled } from './spool.ts'
import { type Client, fakeClientKey, PASSWORD, type World } from './story.ts'

/** A chat message to Juliet, with its text as its id. */
export const say = (text: string, more = '', to = 'juliet@here.example'): string =>
  `<message type="chat" to="${to}" id="${text}"><body>${text}</body>${more}</message>`

/** Juliet has an account and is away; Romeo is there. */
export async function apart(world: World): Promise<Client> {
  const juliet = await world.connect('juliet')
  await juliet.leaves()
  return world.online('romeo')
}

/** The same, and they are contacts. */
export async function friendsApart(world: World): Promise<Client> {
  const juliet = await world.online('juliet')
  const romeo = await world.online('romeo')
  await world.befriend(romeo, juliet)
  await juliet.leaves()
  romeo.forget()
  return romeo
}

/** A session of Juliet's whose client acknowledges when the story says so. */
export async function acknowledging(world: World, stream: string, { seq = 0, resource = 'phone' } = {}): Promise<Client> {
  const client = await world.connect('juliet', resource)
  client.position = { stream, seq }
  return client
}

export async function acknowledge(world: World, stream: string, seq: number): Promise<void> {
  const account = world.host.accounts.of('juliet')
  await account.turn.take(() => world.host.hooks.tell(messagesAcknowledged, { account, position: { stream, seq } }, world.host.failed))
}

/** Sends initial presence; gives the bodies of the messages that come. */
export async function appear(client: Client, presence = '<presence/>'): Promise<string[]> {
  await client.sends(presence)
  return hears(client)
}

export function hears(client: Client): string[] {
  const bodies = client.unread.filter(({ name }) => name === 'message').map(message => message.elements()[0]!.text)
  client.forget()
  return bodies
}

/** What is on disk for Juliet, in order. */
export async function kept(world: World): Promise<string[]> {
  return (await spooled(world.host, 'juliet', fakeClientKey('juliet', PASSWORD))).map(({ text }) => text)
}

/** How many messages are on disk, whether they can be opened or not. */
export async function rows(world: World): Promise<number> {
  await world.filed()
  const [row] = await world.store.all<{ n: number }>(sql`SELECT COUNT(*) AS n FROM spool_message`)
  return Number(row!.n)
}
