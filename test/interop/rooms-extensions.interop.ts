/** What rooms have besides XEP-0045: pictures, hats, a slower pace, a search and an archive, for people of three servers. */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { after, before, test } from 'node:test'
import { unlessInstalled } from './installed.ts'
import { enterNetwork } from './network/isolation.ts'
import { roomsOf } from './network/member.ts'
import { Gathering, host, keeping } from './rooms/gathering.ts'
import { allRead } from './rooms/occupant.ts'
import type { SlixmppOccupant } from './rooms/slixmpp.ts'

const skip = enterNetwork() ?? unlessInstalled('converse', 'slixmpp', 'prosody', 'ejabberd').skip
const unlessOurs = skip || (host.name !== 'conexizan' && `Debian's ${host.name} does not know it`)
const OPEN = { 'muc#roomconfig_membersonly': '0', 'muc#roomconfig_publicroom': '1', 'muc#roomconfig_persistentroom': '1' }

let there: Gathering
before(async () => {
  if (!skip) there = await Gathering.open()
})
after(() => there?.[Symbol.asyncDispose]())

/** Somebody with slixmpp makes the room. */
async function opens(room: string, values: Record<string, string> = {}): Promise<SlixmppOccupant> {
  const owner = await there.slixmpp(there.here, room, 'Bob')
  await keeping(owner, () => owner.configures({ ...OPEN, ...values }))
  return owner
}

test('XEP-0486: the picture that an owner gives a room is seen by whoever comes, from whichever server', { skip: unlessOurs }, async () => {
  const room = there.room()
  await using bob = await opens(room)
  await using painter = await there.converse(there.here, room, 'Alice')
  await using dave = await there.slixmpp(there.prosody, room, 'Dave')
  assert.deepEqual((await dave.device.asks('card', 'card', { room }))['refused'], 'item-not-found')
  const photo = await painter.paint('#aa5500')
  assert.equal(await dave.asks('set-card', { photo }), 'forbidden')
  assert.equal(await bob.asks('set-card', { photo }), null)
  await dave.device.hears('reconfigured', { room, codes: [104] })
  const { fields } = await dave.device.asks('form', 'form', { room })
  assert.equal((fields as Record<string, string>)['muc#roominfo_avatarhash'], createHash('sha1').update(photo, 'base64').digest('hex'))
  assert.equal((await dave.device.asks('card', 'card', { room }))['photo'], photo)
  await using frank = await there.converse(there.prosody, room, 'Frank')
  await frank.seesAvatar('#aa5500')

  assert.equal(await bob.asks('set-card', {}), null)
  await dave.device.hears('reconfigured', { room, codes: [104] })
  assert.deepEqual((await dave.device.asks('card', 'card', { room }))['refused'], 'item-not-found')
})

test('XEP-0317: an admin of another server makes a hat and gives it to somebody, who wears it until it is taken', {
  skip: unlessOurs,
}, async () => {
  const room = there.room()
  const node = (name: string): string => `urn:xmpp:hats:commands:${name}`
  await using bob = await opens(room)
  await using alice = await there.converse(there.here, room, 'Alice')
  await using dave = await there.slixmpp(there.prosody, room, 'Dave')
  await using erin = await there.slixmpp(there.ejabberd, room, 'Erin')
  const hat = { 'hats#uri': 'http://orchard.example/gardener', 'hats#title': 'Gardener' }
  assert.equal(await dave.asks('command', { node: node('create'), values: hat }), 'forbidden')
  assert.equal(await bob.asks('affiliate', { jid: dave.address, affiliation: 'admin' }), null)
  assert.equal(await dave.asks('command', { node: node('create'), values: hat }), null)
  const given = { 'hats#jid': erin.address, 'hats#uri': hat['hats#uri'] }
  assert.equal(await dave.asks('command', { node: node('assign'), values: given }), null)
  await erin.sees('Erin', { hats: ['Gardener'], codes: [110] })
  await bob.sees('Erin', { hats: ['Gardener'] })
  await alice.seesHats('Erin', ['Gardener'])
  await using frank = await there.slixmpp(there.prosody, room, 'Frank')
  await frank.sees('Erin', { hats: ['Gardener'] })
  assert.equal(await dave.asks('command', { node: node('unassign'), values: given }), null)
  await erin.sees('Erin', { hats: [], codes: [110] })
  await alice.seesHats('Erin', [])
})

test('XEP-0500: in slow mode people of all servers wait between two messages, and those who may moderate need not', {
  skip: unlessOurs,
}, async () => {
  const room = there.room()
  await using bob = await opens(room, { 'muc#roomconfig_slow_mode_duration': '600' })
  await using dave = await there.slixmpp(there.prosody, room, 'Dave')
  await using erin = await there.slixmpp(there.ejabberd, room, 'Erin')
  const { fields } = await dave.device.asks('form', 'form', { room })
  assert.equal((fields as Record<string, string>)['muc#roominfo_slow_mode_duration'], '600')
  const said: string[] = []
  const saying = async (occupant: SlixmppOccupant, text: string): Promise<void> => {
    await occupant.says(text)
    said.push(`${occupant.nick}: ${text}`)
    await allRead([bob, dave, erin], said)
  }
  await saying(dave, 'One')
  await dave.says('Two')
  await dave.device.hears('refused', { from: room, condition: 'policy-violation' })
  await saying(erin, 'Three')
  await saying(bob, 'Four')
  await saying(bob, 'Five')
  await bob.configures({ 'muc#roomconfig_slow_mode_duration': '0' })
  await saying(dave, 'Six')
  await saying(dave, 'Seven')
})

test('XEP-0433: whoever searches from another server finds the rooms whose owners want that, and no others', {
  skip: unlessOurs,
}, async () => {
  const [found, hidden] = [there.room(), there.room()]
  const searchable = { '{urn:xmpp:channel-search:0}searchable': '1' }
  await using _ = await opens(found, { 'muc#roomconfig_roomname': 'The orchard of apples', ...searchable })
  await using __ = await opens(hidden, { 'muc#roomconfig_roomname': 'The cellar of apples' })
  const of = roomsOf(there.here.domain)
  for (const server of [there.here, there.prosody, there.ejabberd]) {
    await using device = await there.device(await there.guest(server, 'seeker'))
    assert.deepEqual((await device.asks('search', 'found', { of, words: 'apples' }))['rooms'], [found])
    assert.deepEqual((await device.asks('search', 'found', { of, words: 'pears' }))['rooms'], [])
  }
})

interface Page {
  readonly said: readonly { readonly id: string; readonly body: string }[]
  readonly isComplete: boolean
}

test('XEP-0313: whoever may enter pages through what was said, forwards and backwards, from whichever server', { skip }, async () => {
  const room = there.room()
  await using bob = await opens(room, { [host.name === 'ejabberd' ? 'mam' : 'muc#roomconfig_enablearchiving']: '1' })
  await using dave = await there.slixmpp(there.prosody, room, 'Dave')
  const bodies = Array.from({ length: 7 }, (_, at) => `No. ${at}`)
  for (const [at, body] of bodies.entries()) {
    await (at % 2 === 0 ? bob : dave).says(body)
    await allRead(
      [bob, dave],
      bodies.slice(0, at + 1).map((said, by) => `${by % 2 === 0 ? 'Bob' : 'Dave'}: ${said}`),
    )
  }
  await using erin = await there.device(await there.guest(there.ejabberd, 'erin'))
  for (const device of [bob.device, dave.device, erin]) {
    const onwards: string[][] = []
    for (let after: string | undefined; onwards.length < 3; ) {
      const { said, isComplete } = (await device.asks('page', 'page', { room, max: 3, after })) as unknown as Page
      onwards.push(said.map(({ body }) => body))
      assert.equal(isComplete, onwards.length === 3)
      after = said.at(-1)!.id
    }
    assert.deepEqual(onwards, [bodies.slice(0, 3), bodies.slice(3, 6), bodies.slice(6)])
    const { messages } = await device.asks('read-room', 'history', { room, max: 3, isBackwards: true })
    assert.deepEqual(
      (messages as Page['said']).map(({ body }) => body),
      bodies.toReversed(),
    )
  }
  assert.equal(await bob.asks('affiliate', { jid: erin.address, affiliation: 'outcast' }), null)
  assert.equal((await erin.asks('page', 'page', { room, max: 3 }))['refused'], 'forbidden')
})
