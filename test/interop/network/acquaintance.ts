import { Guest } from './guest.ts'
import type { Member } from './member.ts'

/** An account of a member. */
export interface Party {
  readonly server: Member
  readonly name: string
}

export const addressOf = ({ server, name }: Party): string => `${name}@${server.domain}`
export const passwordOf = ({ server, name }: Party): string => server.login(name).password

const online = ({ server, name }: Party): Promise<Guest> => Guest.online(server.login(name))

/** Makes each a contact of the other (RFC 6121 §3.1). */
export async function acquaint(one: Party, other: Party): Promise<void> {
  const [alice, bob] = await Promise.all([online(one), online(other)])
  await using _ = alice
  await using __ = bob
  await alice.subscribesTo(bob)
  await bob.subscribesTo(alice)
}

/** Leaves what a client with OMEMO leaves that is used no more: a list of devices, with none in it. */
export async function hadOmemo(party: Party): Promise<void> {
  const namespace = 'eu.siacs.conversations.axolotl'
  const item = `<item id="current"><list xmlns="${namespace}"/></item>`
  const open = '<field var="pubsub#access_model"><value>open</value></field>'
  const form = `<x xmlns="jabber:x:data" type="submit"><field var="FORM_TYPE"><value>http://jabber.org/protocol/pubsub#publish-options</value></field>${open}</x>`
  await using guest = await online(party)
  await guest.asks(
    'set',
    `<pubsub xmlns="http://jabber.org/protocol/pubsub"><publish node="${namespace}.devicelist">${item}</publish><publish-options>${form}</publish-options></pubsub>`,
  )
}
