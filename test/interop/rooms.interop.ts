/** Rooms (XEP-0045), to which people of three servers come with the clients they have. */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { unlessInstalled } from './installed.ts'
import { addressOf } from './network/acquaintance.ts'
import { enterNetwork } from './network/isolation.ts'
import { Gathering, host } from './rooms/gathering.ts'
import { allRead, allSee } from './rooms/occupant.ts'
import { ProfanityOccupant } from './rooms/profanity.ts'
import { nickOf, SlixmppOccupant } from './rooms/slixmpp.ts'

const skip = enterNetwork() ?? unlessInstalled('converse', 'profanity', 'slixmpp', 'prosody', 'ejabberd').skip
const PICTURE = join(import.meta.dirname, '../../docs/images/rooms.png')
const OPEN = { membersonly: false, publicroom: true, persistentroom: true }
const WORDS = [
  'Who is here, and where from?',
  'I live next door, and write with slixmpp',
  'So do I, in a terminal: profanity',
  'My server is a Prosody, in another town',
  'And mine an ejabberd',
]
/** By the names that each server gives to an archive. */
const KEPT = { ...OPEN, enablelogging: true, mam: true }
/** Members may invite, by the name that each server gives to that. */
const CLOSED = {
  membersonly: true,
  publicroom: false,
  allowinvites: true,
  '{http://prosody.im/protocol/muc}roomconfig_allowmemberinvites': true,
}
const unlessOurs = host.name !== 'conexizan' && `Debian's ${host.name} does not know today's XEP-0425`
const unlessShared = host.name === 'ejabberd' && 'ejabberd gives each nick to one client'

let there: Gathering
before(async () => {
  if (!skip) there = await Gathering.open()
})
after(() => there?.[Symbol.asyncDispose]())

test('people of three servers meet in one room, talk to all and to one, take other nicks, and leave', { skip }, async () => {
  const room = there.room()
  await using alice = await there.converse(there.here, room, 'Alice', { ...OPEN, roomname: 'The orchard' })
  await using bob = await there.slixmpp(there.here, room, 'Bob')
  await using carol = await there.profanity(there.here, room, 'Carol')
  await using dave = await there.slixmpp(there.prosody, room, 'Dave')
  await using erin = await there.slixmpp(there.ejabberd, room, 'Erin')
  const everybody = [alice, bob, carol, dave, erin]
  const nicks = everybody.map(({ nick }) => nick)
  await allSee(everybody, nicks)
  assert.deepEqual(erin.entrance.others, nicks)

  const said: string[] = []
  for (const [at, occupant] of everybody.entries()) {
    await occupant.says(WORDS[at]!)
    said.push(`${occupant.nick}: ${WORDS[at]}`)
    await allRead(everybody, said)
  }

  await alice.says('/subject Where we met')
  for (const { device } of [bob, dave, erin]) await device.hears('subject', { from: `${room}/Alice`, subject: 'Where we met' })
  await alice.seesSubject('Where we met')
  await carol.terminal.shows('Where we met')
  if (process.env['INTEROP_PICTURE']) await alice.capture(PICTURE, 900, 560)

  await dave.whispers('Alice', 'Between us')
  await alice.hearsFrom('Dave', ['Between us'])
  // Converse.js says that this is from the room, and ejabberd ends its stream (RFC 6120 §8.1.2.1).
  if (host.name !== 'ejabberd') {
    await alice.whispers('Dave', 'Nobody else hears it')
    await dave.device.hears('message', { from: `${room}/Alice`, body: 'Nobody else hears it', type: 'chat' })
  }
  await allRead(everybody, said)

  await erin.takesNick('Eve')
  assert.deepEqual((await dave.sees('Erin', { type: 'unavailable', nick: 'Eve' }))['codes'], [303])
  await allSee(everybody, [...nicks.slice(0, 4), 'Eve'])
  await carol.takesNick('Caroline')
  await allSee(everybody, ['Alice', 'Bob', 'Caroline', 'Dave', 'Eve'])

  for (const leaving of [dave, carol, erin, bob]) {
    await leaving.leaves()
    everybody.splice(everybody.indexOf(leaving), 1)
    await allSee(
      everybody,
      everybody.map(({ nick }) => nick),
    )
  }
})

test('in a moderated room those who come may listen, and talk when a moderator lets them', { skip }, async () => {
  const room = there.room()
  await using alice = await there.converse(there.here, room, 'Alice', { ...OPEN, moderatedroom: true, members_by_default: false })
  await using bob = await there.slixmpp(there.here, room, 'Bob')
  await using carol = await there.profanity(there.here, room, 'Carol')
  await using erin = await there.slixmpp(there.ejabberd, room, 'Erin')
  await alice.sees('Erin', 'visitor')
  await erin.says('May I?')
  await erin.device.hears('refused', { from: room, condition: 'forbidden' })

  await alice.says('/voice Erin Let us hear')
  const { reason } = await erin.sees('Erin', { role: 'participant', type: 'available', codes: [110] })
  assert.equal(reason, 'Let us hear')
  await erin.says('Thank you')
  await allRead([alice, bob, carol, erin], ['Erin: Thank you'])
  await alice.says('/mute Erin')
  await erin.sees('Erin', { role: 'visitor' })
  await erin.says('But')
  await erin.device.hears('refused', { condition: 'forbidden' })

  await alice.says('/admin Bob')
  await bob.sees('Bob', { role: 'moderator', affiliation: 'admin' })
  assert.equal(await bob.asks('role', { nick: 'Erin', role: 'participant' }), null)
  await erin.says('And now')
  await allRead([alice, bob, carol, erin], ['Erin: Thank you', 'Erin: And now'])
})

test('those who may only listen ask to talk, and whichever moderator says so lets them', { skip }, async () => {
  const room = there.room()
  await using alice = await there.converse(there.here, room, 'Alice', { ...OPEN, moderatedroom: true, members_by_default: false })
  await using bob = await there.slixmpp(there.here, room, 'Bob')
  await using dave = await there.slixmpp(there.prosody, room, 'Dave')
  await using erin = await there.slixmpp(there.ejabberd, room, 'Erin')
  await alice.says('/admin Bob')
  await bob.sees('Bob', { role: 'moderator' })
  for (const [visitor, isAllowed] of [
    [dave, false],
    [erin, true],
  ] as const) {
    await visitor.device.asks('ask-voice', 'did', { room })
    const { jid } = await bob.device.hears('voice', { room, nick: visitor.nick })
    assert.equal(String(jid).split('/')[0], visitor.address)
    await bob.device.asks('answer-voice', 'did', { room, isAllowed })
  }
  await erin.sees('Erin', { role: 'participant', codes: [110] })
  await erin.says('Thank you')
  await allRead([alice, bob, dave, erin], ['Erin: Thank you'])
  await dave.says('And I?')
  await dave.device.hears('refused', { from: room, condition: 'forbidden' })
})

test('moderators put others out, and whoever is banned does not come back', { skip }, async () => {
  const room = there.room()
  await using alice = await there.converse(there.here, room, 'Alice', OPEN)
  await using bob = await there.slixmpp(there.here, room, 'Bob')
  await using carol = await there.profanity(there.here, room, 'Carol')
  await using dave = await there.slixmpp(there.prosody, room, 'Dave')
  await using erin = await there.slixmpp(there.ejabberd, room, 'Erin')
  await allSee([alice, bob, carol, dave, erin], ['Alice', 'Bob', 'Carol', 'Dave', 'Erin'])

  await alice.says('/kick Carol Too loud')
  await carol.terminal.shows(`Kicked from ${room} by Alice, reason: Too loud`)
  const kicked = await dave.sees('Carol', { type: 'unavailable', role: 'none' })
  assert.deepEqual([kicked['codes'], kicked['reason']], [[307], 'Too loud'])
  await allSee([alice, bob, dave, erin], ['Alice', 'Bob', 'Dave', 'Erin'])
  await carol.entersAgain()
  await alice.says('/op Carol')
  await erin.sees('Carol', { role: 'moderator' })
  await carol.terminal.type('/kick Erin Hush')
  const hushed = await erin.sees('Erin', { type: 'unavailable', role: 'none' })
  assert.deepEqual([hushed['codes'], hushed['reason']], [[110, 307], 'Hush'])
  assert.notEqual(await erin.asks('ping', { nick: 'Erin' }), null)
  await erin.entersAgain()
  assert.equal(await erin.asks('ping', { nick: 'Erin' }), null)

  await alice.says(`/admin ${bob.address}`)
  await bob.sees('Bob', { affiliation: 'admin' })
  assert.equal(await bob.asks('affiliate', { jid: dave.address, affiliation: 'outcast', reason: 'Spam' }), null)
  const banned = await dave.sees('Dave', { type: 'unavailable', affiliation: 'outcast' })
  assert.deepEqual([banned['codes'], banned['reason']], [[110, 301], 'Spam'])
  await allSee([alice, bob, carol, erin], ['Alice', 'Bob', 'Carol', 'Erin'])
  // slixmpp overlooks refusals that do not repeat its request, as those of Prosody.
  if (host.name !== 'prosody') {
    assert.equal((await dave.device.asks('enter', 'entered', { room, nick: 'David' }))['refused'], 'forbidden')
  }
  assert.notEqual(await bob.asks('affiliate', { jid: alice.address, affiliation: 'none' }), null)
  assert.equal(await bob.asks('role', { nick: 'Alice', role: 'none' }), 'not-allowed')
  assert.notEqual(await erin.asks('role', { nick: 'Carol', role: 'none' }), null)

  await using frank = await there.converse(there.prosody, room, 'Frank')
  assert.equal(await bob.asks('role', { nick: 'Frank', role: 'none', reason: 'Shouting' }), null)
  await frank.isTold('You have been kicked', 'by Bob', 'Shouting')
  assert.equal(await bob.asks('affiliate', { jid: dave.address, affiliation: 'none' }), null)
  await dave.entersAgain()
  await alice.says('/ban Bob Enough')
  await bob.sees('Bob', { type: 'unavailable', affiliation: 'outcast' })
  await allSee([alice, carol, dave, erin], ['Alice', 'Carol', 'Dave', 'Erin'])
})

test('into a room for members come those who are invited, whichever way, and others do not learn of it', { skip }, async () => {
  const room = there.room()
  await using alice = await there.converse(there.here, room, 'Alice', CLOSED)
  const [bob, carol, dave, erin] = await Promise.all([
    there.guest(there.here, 'bob'),
    there.guest(there.here, 'carol'),
    there.guest(there.prosody, 'dave'),
    there.guest(there.ejabberd, 'erin'),
  ])
  await using terminal = await there.terminal(carol)
  await alice.invites(addressOf(carol), 'We need you')
  await terminal.shows('We need you')
  const inside = await ProfanityOccupant.enter(terminal, addressOf(carol), room, 'Carol')
  await allSee([alice, inside], ['Alice', 'Carol'])

  await using bobs = await there.device(bob)
  await inside.invites(addressOf(bob), 'Bring the book')
  await bobs.hears('invited', { room, reason: 'Bring the book', isMediated: true })
  const reader = await SlixmppOccupant.enter(bobs, room, 'Bob')
  await using daves = await there.device(dave)
  await reader.invites(addressOf(dave), 'And you?')
  await daves.hears('invited', { room, reason: 'And you?' })
  const listener = await SlixmppOccupant.enter(daves, room, 'Dave')
  await allSee([alice, inside, reader, listener], ['Alice', 'Bob', 'Carol', 'Dave'])

  await using erins = await there.device(erin)
  if (host.name === 'conexizan') {
    assert.equal((await erins.asks('discover', 'found', { of: room }))['refused'], 'item-not-found')
    assert.equal((await erins.asks('enter', 'entered', { room, nick: 'Erin' }))['refused'], 'registration-required')
  }
  await alice.says('/revoke Dave Too late')
  const gone = await listener.sees('Dave', { type: 'unavailable', affiliation: 'none' })
  assert.deepEqual(gone['codes'], [110, 321])
  await allSee([alice, inside, reader], ['Alice', 'Bob', 'Carol'])
})

test('a room with a password lets in those who know it, whatever they write with and wherever they come from', { skip }, async () => {
  const room = there.room()
  const word = 'open sesame'
  await using alice = await there.converse(there.here, room, 'Alice', { ...OPEN, passwordprotectedroom: true, roomsecret: word })
  await using bob = await there.converse(there.here, room, 'Bob', undefined, ['Sesame', word])
  await using carol = await there.profanity(there.here, room, 'Carol', `"${word}"`)
  await using dave = await there.slixmpp(there.prosody, room, 'Dave', word)
  await using device = await there.device(await there.guest(there.ejabberd, 'erin'))
  // slixmpp overlooks refusals that do not repeat its request, as those of Prosody.
  for (const password of host.name === 'prosody' ? [] : [undefined, 'Sesame']) {
    const { refused } = await device.asks('enter', 'entered', { room, nick: 'Erin', password })
    assert.equal(refused, 'not-authorized')
  }
  const erin = await SlixmppOccupant.enter(device, room, 'Erin', word)
  await allSee([alice, bob, carol, dave, erin], ['Alice', 'Bob', 'Carol', 'Dave', 'Erin'])
})

test('whoever comes later reads what was said before, and nothing twice', { skip }, async () => {
  const room = there.room()
  await using alice = await there.converse(there.here, room, 'Alice', KEPT)
  await using dave = await there.slixmpp(there.prosody, room, 'Dave')
  const said = Array.from({ length: 8 }, (_, at) => `${at % 2 === 0 ? 'Alice' : 'Dave'}: No. ${at}`)
  for (const [at] of said.entries()) {
    await (at % 2 === 0 ? alice : dave).says(`No. ${at}`)
    await allRead([alice, dave], said.slice(0, at + 1))
  }
  await using frank = await there.converse(there.here, room, 'Frank')
  await using carol = await there.profanity(there.here, room, 'Carol')
  await using erin = await there.slixmpp(there.ejabberd, room, 'Erin')
  assert.deepEqual(
    erin.entrance.history.map(({ from, body }) => `${nickOf(from)}: ${body}`),
    said,
  )
  await dave.says('No. 8')
  await allRead([alice, dave, frank, carol, erin], [...said, 'Dave: No. 8'])
})

test('what its author or a moderator retracts is gone for all, and for those who come later', { skip: skip || unlessOurs }, async () => {
  const room = there.room()
  await using alice = await there.converse(there.here, room, 'Alice', KEPT)
  await using bob = await there.slixmpp(there.here, room, 'Bob')
  await using dave = await there.slixmpp(there.prosody, room, 'Dave')
  await dave.says('Buy now')
  await allRead([alice, bob], ['Dave: Buy now'])
  await bob.says('No')
  await allRead([alice, bob], ['Dave: Buy now', 'Bob: No'])
  await alice.says('Oops')
  await allRead([alice, bob], ['Dave: Buy now', 'Bob: No', 'Alice: Oops'])

  await alice.retracts('Buy now', 'Spam')
  for (const { device } of [bob, dave]) await device.hears('retraction', { from: room, isModerated: true })
  await alice.retracts('Oops')
  for (const { device } of [bob, dave]) await device.hears('retraction', { from: `${room}/Alice`, isModerated: false })
  const left = ['Dave: (gone)', 'Bob: No', 'Alice: (gone)']
  await allRead([alice], left)

  await using frank = await there.converse(there.here, room, 'Frank')
  await allRead([frank], left)
  await using erin = await there.slixmpp(there.ejabberd, room, 'Erin')
  const history = JSON.stringify(erin.entrance.history)
  assert.ok(history.includes('No') && !history.includes('Buy now') && !history.includes('Oops'), history)
  const { messages } = await erin.device.asks('read-room', 'history', { room })
  const kept = (messages as { from: string; body: string; isRetracted: boolean }[]).filter(({ isRetracted }) => !isRetracted)
  assert.deepEqual(
    kept.map(({ from, body }) => `${nickOf(from)}: ${body}`),
    ['Bob: No', 'Alice: /me retracted a message'], // what Converse.js says to those who know no retraction
  )
  assert.notEqual(await erin.asks('moderate', { id: 'nothing', reason: 'I like it' }), null)
})

test('two clients of one person have one nick, and one place in the room', { skip: skip || unlessShared }, async () => {
  const room = there.room()
  const person = await there.guest(there.here, 'alice')
  await using desk = await there.converse(person, room, 'Alice', OPEN)
  await using phone = await there.slixmpp(person, room, 'Alice')
  await using dave = await there.slixmpp(there.prosody, room, 'Dave')
  await allSee([desk, phone, dave], ['Alice', 'Dave'])
  await phone.says('From the phone')
  await allRead([desk, phone, dave], ['Alice: From the phone'])
  await dave.whispers('Alice', 'Both of you')
  await desk.hearsFrom('Dave', ['Both of you'])
  await phone.device.hears('message', { from: `${room}/Dave`, body: 'Both of you', type: 'chat' })
  await phone.leaves()
  await desk.says('From the desk')
  await allRead([desk, dave], ['Alice: From the phone', 'Alice: From the desk'])
  await allSee([desk, dave], ['Alice', 'Dave'])
})

test('a room that is destroyed sends all away, and tells where to', { skip }, async () => {
  const [room, instead] = [there.room(), there.room()]
  await using alice = await there.converse(there.here, room, 'Alice', OPEN)
  await using bob = await there.slixmpp(there.here, room, 'Bob')
  await using carol = await there.profanity(there.here, room, 'Carol')
  await using dave = await there.slixmpp(there.prosody, room, 'Dave')
  await alice.says('/owner Bob')
  await bob.sees('Bob', { affiliation: 'owner' })
  await bob.configures({ 'muc#roomconfig_roomname': 'The little hall' })
  assert.deepEqual((await dave.device.asks('discover', 'found', { of: room }))['names'], ['The little hall'])
  assert.equal(await bob.asks('destroy', { reason: 'Too small', instead }), null)
  await dave.sees('Dave', { type: 'unavailable', instead, reason: 'Too small' })
  await carol.terminal.shows('Too small')
  assert.notEqual(await dave.asks('ping', { nick: 'Dave' }), null)
})
