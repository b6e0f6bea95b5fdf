/** OMEMO (XEP-0384) between clients that people use: Alice's Converse.js knows its present form and the older one, Bob's profanity the older one alone. */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import type { Chat } from './converse-chat.ts'
import { unlessInstalled } from './installed.ts'
import { addressOf, hadOmemo, type Party } from './network/acquaintance.ts'
import { Clients, profanityOptions, SIDES, type Sides } from './network/clients.ts'
import { enterNetwork } from './network/isolation.ts'
import { encryptTo, login, startOmemo } from './profanity.ts'

const skip = enterNetwork() ?? unlessInstalled('converse', 'profanity', 'prosody').skip
const PICTURE = join(import.meta.dirname, '../../docs/images/omemo.png')
/** What clients say of themselves they encrypt too, and two that begin a session with each other at once may fail. */
const SETTINGS = { omemo_default: true, send_chat_markers: [], send_chat_state_notifications: false }

let clients: Clients
before(async () => {
  if (!skip) clients = await Clients.open()
})
after(() => clients?.[Symbol.asyncDispose]())

const converse = (party: Party): Promise<Chat> => clients.converse(party, SETTINGS)

/** Bob had another client before: profanity begins no list of devices where the error has no `code="404"`, as in XEP-0086. */
async function contacts(sides: Sides): Promise<[alice: Party, bob: Party]> {
  const [alice, bob] = await clients.contacts(sides)
  await hadOmemo(bob)
  return [alice, bob]
}

for (const sides of SIDES.slice(0, 2)) {
  test(`what one device encrypts all devices of both can read, the older ones too: ${sides.where}`, { skip }, async () => {
    const [alice, bob] = await contacts(sides)
    await using desk = await converse(alice)
    await using laptop = await converse(alice)
    await using phone = await converse(bob)
    const chats = [desk, laptop, phone]
    for (const chat of chats) await chat.announced()
    await using terminal = await clients.profanity(bob)
    await startOmemo(terminal)
    await encryptTo(terminal, addressOf(alice), 2)
    for (const chat of chats) {
      await chat.turnTo(addressOf(chat === phone ? alice : bob))
      await chat.encryptsTo(addressOf(alice), 2, 2)
      await chat.encryptsTo(addressOf(bob), 2, 1)
    }

    const said = ['Who can read this?', 'You and I, on all our devices', 'And nobody in between']
    await terminal.type(said[0]!)
    for (const chat of chats) await chat.shows(said.slice(0, 1))
    await desk.write(said[1]!)
    for (const chat of chats) await chat.shows(said.slice(0, 2))
    await terminal.shows(`: ${said[1]}`)
    await phone.write(said[2]!)
    for (const chat of chats) await chat.shows(said)
    await terminal.shows(`: ${said[2]}`)
    for (const chat of chats) assert.deepEqual(await chat.secrets(), said)
    if (process.env['INTEROP_PICTURE'] && sides === SIDES[0]) await desk.capture(PICTURE)
  })
}

for (const sides of SIDES) {
  test(`Converse.js and profanity encrypt to each other: ${sides.where}`, { skip }, async () => {
    const [alice, bob] = await contacts(sides)
    await using terminal = await clients.profanity(bob)
    await startOmemo(terminal)
    await using chat = await converse(alice)
    await chat.announced()
    await chat.turnTo(addressOf(bob))
    await chat.encryptsTo(addressOf(bob), 1, 0)
    await encryptTo(terminal, addressOf(alice), 1)

    await terminal.type('Are you there?')
    await chat.shows(['Are you there?'])
    await chat.write('Yes, who else?')
    await terminal.shows(/~ \S+: Yes, who else/)
    assert.deepEqual(await chat.secrets(), ['Are you there?', 'Yes, who else?'])
  })
}

test(`Converse.js encrypts to a profanity that is not there, and can read it later: ${SIDES[2].where}`, { skip }, async () => {
  const [alice, bob] = await contacts(SIDES[2])
  await using terminal = await clients.profanity(bob)
  await startOmemo(terminal)
  await terminal.type('/disconnect')
  await terminal.shows('logged out successfully')
  await using chat = await converse(alice)
  await chat.turnTo(addressOf(bob))
  await chat.encryptsTo(addressOf(bob), 1, 0)
  await chat.write('Read this when you are back')
  await chat.shows(['Read this when you are back'])
  await login(terminal, profanityOptions(bob))
  await terminal.shows(`chat message: ${addressOf(alice)}`)
  await terminal.type(`/msg ${addressOf(alice)}`)
  await terminal.shows(/~ \S+: Read this when you are back/)
  assert.deepEqual(await chat.secrets(), ['Read this when you are back'])
})

test('those who do not know each other encrypt the first message already, from one server to the other', { skip }, async () => {
  const [alice, bob] = await clients.strangers({ alice: 'left', bob: 'right' })
  const settings = { ...SETTINGS, allow_non_roster_messaging: true }
  await using desk = await clients.converse(alice, settings)
  await using phone = await clients.converse(bob, settings)
  for (const chat of [desk, phone]) await chat.announced()
  await desk.turnTo(addressOf(bob))
  await desk.encryptsTo(addressOf(bob), 1, 1)
  await desk.write('You do not know me')
  await phone.turnTo(addressOf(alice))
  await phone.encryptsTo(addressOf(alice), 1, 1)
  await phone.shows(['You do not know me'])
  await phone.write('Now I do')
  await desk.shows(['You do not know me', 'Now I do'])
  for (const chat of [desk, phone]) assert.deepEqual(await chat.secrets(), ['You do not know me', 'Now I do'])
})
