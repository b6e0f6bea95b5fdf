/** Nodes of the service of a domain (XEP-0060), for people of other servers. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { Device, type Told } from './device.ts'
import { unlessInstalled } from './installed.ts'
import { passwordOf } from './network/acquaintance.ts'
import { conexizan } from './network/conexizan.ts'
import { ejabberd } from './network/ejabberd.ts'
import { enterNetwork } from './network/isolation.ts'
import { KEEPER, type Member, nodesOf } from './network/member.ts'
import { Network } from './network/network.ts'
import { prosody } from './network/prosody.ts'

const skip = enterNetwork() ?? unlessInstalled('slixmpp', 'prosody', 'ejabberd').skip

let network: Network
before(async () => {
  if (!skip) network = await Network.open({ connection: 'direct', mechanism: 'external' }, [conexizan, prosody, ejabberd])
})
after(() => network?.[Symbol.asyncDispose]())

let guests = 0

/** A new account, online with slixmpp. */
async function guest(server: Member, name = `guest${guests++}`): Promise<Device> {
  await server.addUser(name)
  return Device.online('slixmpp', { server, name, password: passwordOf({ server, name }), tls: 'direct' })
}

/** A node that may not be there yet. */
class Node {
  readonly of: string
  readonly node: string

  constructor(server: Member, node: string) {
    this.of = nodesOf(server.domain)
    this.node = node
  }

  /** The condition with which the service refused, or null. */
  async asks(who: Device, command: string, args: Record<string, unknown> = {}): Promise<unknown> {
    return (await this.#ask(who, command, args))['refused']
  }

  /** What somebody is after asking to be subscribed. */
  async subscribes(who: Device): Promise<unknown> {
    const { refused, subscription } = await this.#ask(who, 'subscribe')
    return refused ?? subscription
  }

  /** The texts of all items. */
  async reads(who: Device): Promise<unknown> {
    const { refused, texts } = await this.#ask(who, 'read')
    return refused ?? texts
  }

  async publishes(who: Device, id: string, text: string): Promise<unknown> {
    return this.asks(who, 'publish', { id, text })
  }

  /** Waits until all are told; they have been told nothing else meanwhile. */
  async isHeard(by: readonly Device[], id: string, text: string): Promise<void> {
    for (const device of by) {
      await device.hears('published', { from: this.of, node: this.node, id, text })
      assert.deepEqual(device.told('published', { from: this.of }), [], device.address)
    }
  }

  #ask(who: Device, command: string, args: Record<string, unknown> = {}): Promise<Told> {
    return who.asks(command, 'answered', { of: this.of, node: this.node, ...args })
  }
}

test('people of other servers find the nodes, subscribe, and hear of each item until they have enough', { skip }, async () => {
  const [here, right, third] = network.members as [Member, Member, Member]
  await using alice = await guest(here)
  await using dave = await guest(right)
  await using erin = await guest(third)
  const node = new Node(here, 'news')
  assert.equal(
    await node.asks(alice, 'create-node', { config: { title: 'News of the orchard', send_last_published_item: 'on_sub' } }),
    null,
  )
  for (const seeker of [dave, erin]) {
    const { items } = await seeker.asks('items', 'items', { of: here.domain })
    assert.ok((items as string[]).includes(node.of), String(items))
    assert.deepEqual((await seeker.asks('kinds', 'found', { of: node.of }))['kinds'], ['pubsub/service'])
    assert.deepEqual((await seeker.asks('nodes', 'found', { of: node.of }))['nodes'], [node.node])
    assert.equal(await node.subscribes(seeker), 'subscribed')
  }
  assert.equal(await node.publishes(alice, 'first', 'The apples are ripe'), null)
  await node.isHeard([dave, erin], 'first', 'The apples are ripe')
  assert.deepEqual(await node.reads(erin), ['The apples are ripe'])

  assert.equal(await node.asks(alice, 'retract', { id: 'first' }), null)
  for (const device of [dave, erin]) await device.hears('retracted', { node: node.node, id: 'first' })
  assert.equal(await node.asks(dave, 'unsubscribe'), null)
  assert.equal(await node.publishes(alice, 'second', 'They are eaten'), null)
  await node.isHeard([erin], 'second', 'They are eaten')
  assert.equal(await node.subscribes(dave), 'subscribed')
  // XEP-0060 §6.1.7
  await node.isHeard([dave], 'second', 'They are eaten')
  assert.equal(await node.publishes(alice, 'third', 'There are pears'), null)
  await node.isHeard([dave, erin], 'third', 'There are pears')
})

test('people of other servers publish where they may, and make no nodes of their own', { skip }, async () => {
  const [here, right, third] = network.members as [Member, Member, Member]
  await using alice = await guest(here)
  await using dave = await guest(right)
  await using erin = await guest(third)
  const node = new Node(here, 'board')
  assert.equal(await node.asks(dave, 'create-node', { config: {} }), 'forbidden')
  assert.equal(await node.asks(alice, 'create-node', { config: { publish_model: 'publishers' } }), null)
  for (const reader of [alice, erin]) assert.equal(await node.subscribes(reader), 'subscribed')
  for (const outsider of [dave, erin]) assert.equal(await node.publishes(outsider, 'no', 'No'), 'forbidden')
  assert.equal(await node.asks(alice, 'affiliate-node', { jid: dave.address, affiliation: 'publisher' }), null)
  assert.equal(await node.publishes(dave, 'a', 'By a publisher'), null)
  await node.isHeard([alice, erin], 'a', 'By a publisher')

  assert.equal(await node.asks(alice, 'configure-node', { config: { publish_model: 'subscribers' } }), null)
  assert.equal(await node.publishes(erin, 'b', 'By a subscriber'), null)
  await node.isHeard([alice, erin], 'b', 'By a subscriber')
  assert.equal(await node.asks(erin, 'retract', { id: 'a' }), 'forbidden')
  assert.equal(await node.asks(erin, 'affiliate-node', { jid: erin.address, affiliation: 'owner' }), 'forbidden')
  assert.equal(await node.asks(alice, 'affiliate-node', { jid: erin.address, affiliation: 'outcast' }), null)
  assert.equal(await node.publishes(erin, 'no', 'No'), 'forbidden')
  assert.equal(await node.publishes(alice, 'c', 'Among us'), null)
  await node.isHeard([alice], 'c', 'Among us')
  assert.deepEqual(erin.told('published', { from: node.of }), [])
})

test('a node with a list of readers is for those alone, whichever server they are of', { skip }, async () => {
  const [here, right, third] = network.members as [Member, Member, Member]
  await using alice = await guest(here)
  await using dave = await guest(right)
  await using erin = await guest(third)
  const node = new Node(here, 'cellar')
  assert.equal(await node.asks(alice, 'create-node', { config: { access_model: 'whitelist' } }), null)
  assert.equal(await node.asks(alice, 'affiliate-node', { jid: dave.address, affiliation: 'member' }), null)
  assert.equal(await node.subscribes(dave), 'subscribed')
  assert.equal(await node.publishes(alice, 'a', 'For members'), null)
  await node.isHeard([dave], 'a', 'For members')
  assert.deepEqual(await node.reads(dave), ['For members'])
  assert.equal(await node.subscribes(erin), 'not-allowed')
  assert.equal(await node.reads(erin), 'not-allowed')
})

for (const [which, software] of [
  [1, prosody],
  [2, ejabberd],
] as const)
  test(`a user of ours subscribes to a node of ${software.name}, and publishes there where he may`, { skip }, async () => {
    const there = network.members[which]!
    await using keeper = await guest(there, KEEPER)
    await using alice = await guest(network.left)
    const node = new Node(there, 'gazette')
    assert.equal(await node.asks(keeper, 'create-node', { config: {} }), null)
    const { items } = await alice.asks('items', 'items', { of: there.domain })
    assert.ok((items as string[]).includes(node.of), String(items))
    assert.ok(((await alice.asks('kinds', 'found', { of: node.of }))['kinds'] as string[]).includes('pubsub/service'))
    assert.deepEqual((await alice.asks('nodes', 'found', { of: node.of }))['nodes'], [node.node])
    assert.equal(await node.subscribes(alice), 'subscribed')
    assert.equal(await node.publishes(keeper, 'first', 'From there'), null)
    await node.isHeard([alice], 'first', 'From there')
    assert.equal(await node.publishes(alice, 'no', 'No'), 'forbidden')
    assert.equal(await node.asks(keeper, 'affiliate-node', { jid: alice.address, affiliation: 'publisher' }), null)
    assert.equal(await node.publishes(alice, 'second', 'From here'), null)
    await node.isHeard([alice], 'second', 'From here')
    assert.deepEqual(new Set((await node.reads(alice)) as string[]), new Set(['From there', 'From here']))
  })
