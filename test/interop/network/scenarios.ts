/** What two servers must be able to do together. Each scenario takes the one that begins, and the other one. */
import assert from 'node:assert/strict'
import { conditionOf, Guest } from './guest.ts'
import type { Member } from './member.ts'

const MANY = 1000
/** The name of an account that each domain has. */
export const NAME = 'guest'

const online = (member: Member, domain?: string): Promise<Guest> => Guest.online(member.login(NAME, domain))
const both = (one: Member, other: Member): Promise<[Guest, Guest]> => Promise.all([online(one), online(other)])

/** All domains of a server speak for themselves, also where they share connections (XEP-0220 §2.6). */
export async function chat(one: Member, other: Member): Promise<void> {
  await using stack = new AsyncDisposableStack()
  const all = (member: Member): Promise<Guest[]> => Promise.all(member.domains.map(async domain => stack.use(await online(member, domain))))
  const [ours, theirs] = await Promise.all([all(one), all(other)])
  const body = 'Good morrow, “you” <&> 🌍'
  for (const alice of ours) {
    for (const bob of theirs) {
      alice.say(bob.address, body)
      bob.say(alice.address, body)
      await bob.hears('message', { from: alice.address, body })
      await alice.hears('message', { from: bob.address, body })
    }
  }
}

/** RFC 6121 §3.1: they become contacts, and §4: see each other come and go. */
export async function subscribe(one: Member, other: Member): Promise<void> {
  const [alice, bob] = await both(one, other)
  await using _ = alice
  for (const [asking, asked] of [
    [alice, bob],
    [bob, alice],
  ] as const) {
    await asking.subscribesTo(asked)
    await asking.hears('presence', { type: undefined, from: asked.address })
  }
  await bob.leave()
  await alice.hears('presence', { type: 'unavailable', from: bob.address })
  await using again = await online(other)
  await alice.hears('presence', { type: undefined, from: again.address })
  await again.hears('presence', { type: undefined, from: alice.address })
}

/** XEP-0030 §3.1 */
export async function discover(one: Member, other: Member): Promise<void> {
  await using alice = await online(one)
  const info = await alice.asks('get', '<query xmlns="http://jabber.org/protocol/disco#info"/>', other.domain)
  const isServer = ({ name, attrs }: { name: string; attrs: Readonly<Record<string, string>> }): boolean =>
    name === 'identity' && attrs['category'] === 'server' && attrs['type'] === 'im'
  assert.ok(info!.elements().some(isServer), String(info))
}

/** XEP-0191 §3: the one blocks a contact, and relents. */
export async function block(one: Member, other: Member): Promise<void> {
  const [alice, bob] = await both(one, other)
  await using _ = alice
  await using __ = bob
  const item = `<item jid="${bob.address}"/>`
  await alice.hears('presence', { type: undefined, from: bob.address })
  await bob.hears('presence', { type: undefined, from: alice.address })

  await alice.asks('set', `<block xmlns="urn:xmpp:blocking">${item}</block>`)
  if (one.software.leavesBlocked) await bob.hears('presence', { type: 'unavailable', from: alice.address })
  bob.say(alice.address, 'are you there?', 'refused')
  const refused = await bob.hears('message', { id: 'refused', from: alice.address, type: 'error' })
  assert.equal(conditionOf(refused), 'service-unavailable')
  alice.say(bob.address, 'I am not', 'held')
  const held = await alice.hears('message', { id: 'held', from: bob.address, type: 'error' })
  assert.equal(conditionOf(held), 'not-acceptable')

  await alice.asks('set', `<unblock xmlns="urn:xmpp:blocking">${item}</unblock>`)
  if (one.software.leavesBlocked) await bob.hears('presence', { type: undefined, from: alice.address })
  bob.say(alice.address, 'so you are')
  alice.say(bob.address, 'so I am')
  assert.deepEqual(await alice.bodiesUntil('so you are', bob.address), [])
  assert.deepEqual(await bob.bodiesUntil('so I am', alice.address), [])
}

/** RFC 6120 §10.1: in order, with very many on the way at once. */
export async function flood(one: Member, other: Member): Promise<void> {
  const [alice, bob] = await both(one, other)
  await using _ = alice
  await using __ = bob
  const bodies = Array.from({ length: MANY }, (_, at) => `message ${at}`)
  for (const body of [...bodies, 'the end']) {
    alice.say(bob.address, body)
    bob.say(alice.address, body)
  }
  assert.deepEqual(await bob.bodiesUntil('the end', alice.address), bodies)
  assert.deepEqual(await alice.bodiesUntil('the end', bob.address), bodies)
}

/** RFC 6120 §8.3.3.16: what cannot be delivered comes back. */
export async function miss(one: Member): Promise<void> {
  await using alice = await online(one)
  alice.say('nobody@nowhere.example', 'is there anybody?', 'lost')
  const lost = await alice.hears('message', { id: 'lost', from: 'nobody@nowhere.example', type: 'error' })
  assert.equal(conditionOf(lost), 'remote-server-not-found')
}
