/** Rooms whose server ends and comes back, and rooms whose occupants' servers do. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { unlessInstalled } from './installed.ts'
import { enterNetwork } from './network/isolation.ts'
import type { Member } from './network/member.ts'
import { Gathering, host } from './rooms/gathering.ts'
import { allHear, allSee } from './rooms/occupant.ts'
import type { SlixmppOccupant } from './rooms/slixmpp.ts'

const skip = enterNetwork() ?? unlessInstalled('converse', 'profanity', 'slixmpp', 'prosody', 'ejabberd').skip
const OPEN = { membersonly: false, publicroom: true, persistentroom: true }
/** Our server tries for a minute to reach one that was there before. */
const UNTIL_RETURNED = 90_000
const NICKS = ['Alice', 'Bob', 'Carol', 'Dave', 'Erin']

let there: Gathering
before(async () => {
  if (!skip) there = await Gathering.open()
})
after(() => there?.[Symbol.asyncDispose]())

/** It is, until the end of the block. */
async function ended(server: Member, ending: 'stop' | 'kill' = 'kill'): Promise<AsyncDisposable> {
  await server[ending]()
  return { [Symbol.asyncDispose]: () => server.start() }
}

test('those whose server has died go, and the others talk on', { skip }, async () => {
  const room = there.room()
  await using alice = await there.converse(there.here, room, 'Alice', OPEN)
  await using bob = await there.slixmpp(there.here, room, 'Bob')
  await using dave = await there.slixmpp(there.prosody, room, 'Dave')
  await using erin = await there.slixmpp(there.ejabberd, room, 'Erin')
  await allSee([alice, bob, dave, erin], ['Alice', 'Bob', 'Dave', 'Erin'])
  {
    await using _ = await ended(there.prosody)
    await erin.says('Is Dave still here?')
    await allHear([alice, bob, erin], 'Erin: Is Dave still here?')
    await allSee([alice, bob, erin], ['Alice', 'Bob', 'Erin'], UNTIL_RETURNED)
  }
  await dave.comesBack()
  await dave.entersAgain()
  await allSee([alice, bob, dave, erin], ['Alice', 'Bob', 'Dave', 'Erin'])
  await dave.says('I am now')
  await allHear([alice, bob, dave, erin], 'Dave: I am now')
})

test('those whose server has died and come back without them go when it says so', { skip }, async () => {
  const room = there.room()
  await using alice = await there.converse(there.here, room, 'Alice', OPEN)
  await using dave = await there.slixmpp(there.prosody, room, 'Dave')
  await using erin = await there.slixmpp(there.ejabberd, room, 'Erin')
  await allSee([alice, dave, erin], ['Alice', 'Dave', 'Erin'])
  {
    await using _ = await ended(there.prosody)
  }
  await alice.says('Is anybody missing?')
  await allSee([alice, erin], ['Alice', 'Erin'])
  {
    await using _ = await ended(there.ejabberd)
  }
  await alice.says('And now?')
  await allSee([alice], ['Alice'])
})

/** As who has been away comes to know it, too (XEP-0410 §3.1). */
async function learnsThatItIsOut(occupant: SlixmppOccupant): Promise<void> {
  await occupant.says('Does anybody hear me?')
  await occupant.device.hears('refused', { from: occupant.room, condition: 'not-acceptable' })
  assert.equal(await occupant.asks('ping', { nick: occupant.nick }), 'not-acceptable')
}

for (const ending of ['stop', 'kill'] as const) {
  const keeps = ending === 'stop'
  const unless = keeps && host.name !== 'conexizan' && `${host.name} keeps some of them`
  const how = keeps ? 'those of others have never left' : 'those of others learn that they are out'
  test(`after a ${ending} of the server its users come again, and ${how}`, { skip: skip || unless }, async () => {
    const room = there.room()
    await using alice = await there.converse(there.here, room, 'Alice', OPEN)
    await using bob = await there.slixmpp(there.here, room, 'Bob')
    await using carol = await there.profanity(there.here, room, 'Carol')
    await using dave = await there.slixmpp(there.prosody, room, 'Dave')
    await using erin = await there.slixmpp(there.ejabberd, room, 'Erin')
    await carol.terminal.type('/reconnect 1')
    await allSee([alice, bob, carol, dave, erin], NICKS)

    {
      await using _ = await ended(there.here, ending)
    }
    await bob.comesBack()
    await bob.entersAgain()
    await alice.isIn()
    await carol.terminal.shows('Connection re-established')
    for (const guest of keeps ? [] : [dave, erin]) {
      await learnsThatItIsOut(guest)
      await guest.entersAgain()
    }
    await allSee([alice, bob, carol, dave, erin], NICKS)
    for (const occupant of [dave, erin, alice, bob, carol]) {
      await occupant.says(`${occupant.nick} is here`)
      await allHear([alice, bob, carol, dave, erin], `${occupant.nick}: ${occupant.nick} is here`)
    }
  })
}
