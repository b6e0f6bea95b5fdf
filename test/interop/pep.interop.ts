/**
 * What people show of themselves, and what their devices share (XEP-0163). Converse.js has pictures in vCards (XEP-0153) and
 * bookmarks in XEP-0402, profanity in XEP-0084 and in private XML (XEP-0048): the server translates.
 */
import assert from 'node:assert/strict'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { unlessInstalled } from './installed.ts'
import { addressOf } from './network/acquaintance.ts'
import { Clients, SIDES } from './network/clients.ts'
import { enterNetwork } from './network/isolation.ts'
import { LOG } from './profanity.ts'

const skip = enterNetwork() ?? unlessInstalled('converse', 'profanity', 'slixmpp', 'prosody').skip
const BOOKMARKS = 'urn:xmpp:bookmarks:1'
const DEVICES = 'eu.siacs.conversations.axolotl.devicelist'
const GARDEN = 'garden@rooms.example'
const LIBRARY = 'library@rooms.example'
const RED = '#b8143c'
const BLUE = '#1464b8'
const [OURS] = SIDES

let clients: Clients
before(async () => {
  if (!skip) clients = await Clients.open()
})
after(() => clients?.[Symbol.asyncDispose]())

for (const sides of SIDES) {
  test(`the picture that Converse.js has chosen profanity sees, and the other way round: ${sides.where}`, { skip }, async () => {
    const [alice, bob] = await clients.contacts(sides)
    await using terminal = await clients.profanity(bob)
    await using chat = await clients.converse(alice)
    await chat.turnTo(addressOf(bob))

    const chosen = await chat.chooseAvatar(RED)
    await terminal.type(`/avatar get ${addressOf(alice)}`)
    await terminal.shows('Avatar saved as')
    const saved = `data/profanity/avatars/${addressOf(alice).replace('@', '_at_')}.png`
    assert.deepEqual(await readFile(join(terminal.home, saved)), chosen)

    await writeFile(join(terminal.home, 'mine.png'), await chat.paint(BLUE))
    await terminal.type('/avatar set ~/mine.png')
    // XEP-0398 §5.1: the next presence has it; the server need not send the last one again.
    await terminal.type('/status set away')
    await chat.showsAvatar(BLUE)
  })
}

test('what Converse.js and profanity bookmark slixmpp hears of at once', { skip }, async () => {
  const [alice] = await clients.contacts(OURS)
  await using chat = await clients.converse(alice)
  await using terminal = await clients.profanity(alice)
  await chat.announced()
  await using watcher = await clients.watcher(alice, BOOKMARKS, DEVICES)
  // XEP-0163 §4.3.4: this comes as soon as the server knows what slixmpp wants to hear of.
  await watcher.hears('published', { node: DEVICES })
  await chat.hasBookmarked()
  await chat.bookmark(GARDEN, 'The garden', 'Alice')
  await watcher.hears('published', { node: BOOKMARKS, id: GARDEN })
  await chat.unbookmark(GARDEN)
  await watcher.hears('retracted', { node: BOOKMARKS, id: GARDEN })
  await terminal.type(`/bookmark add ${LIBRARY} nick Al name Library autojoin off`)
  await watcher.hears('published', { node: BOOKMARKS, id: LIBRARY })
})

/** Converse.js 14 has itself told of `storage:bookmarks`, yet reads nothing but the node of XEP-0402: it learns of changes when it logs in. */
test('a second and a third Converse.js have the bookmarks of the first', { skip }, async () => {
  const [alice] = await clients.contacts(OURS)
  await using desk = await clients.converse(alice)
  await desk.hasBookmarked()
  await desk.bookmark(GARDEN, 'The garden', 'Alice')
  await desk.bookmark(LIBRARY, 'The library', 'Al')
  await using laptop = await clients.converse(alice)
  await laptop.hasBookmarked(`The garden <${GARDEN}> as Alice`, `The library <${LIBRARY}> as Al`)
  await laptop.unbookmark(GARDEN)
  await using phone = await clients.converse(alice)
  await phone.hasBookmarked(`The library <${LIBRARY}> as Al`)
})

test('Converse.js and profanity have the same bookmarks', { skip }, async () => {
  const [alice] = await clients.contacts(OURS)
  {
    await using terminal = await clients.profanity(alice)
    await terminal.type(`/bookmark add ${GARDEN} nick Alice name Garden autojoin off`)
    await terminal.writes(LOG, /SENT: <iq id="(\S+)" [^\n]*garden.*RECV: <iq id="\1"/s)
  }
  await using chat = await clients.converse(alice)
  await chat.hasBookmarked(`Garden <${GARDEN}> as Alice`)
  await chat.bookmark(LIBRARY, 'Library', 'Al')
  await using terminal = await clients.profanity(alice)
  await terminal.type('/bookmark list')
  await terminal.shows(LIBRARY)
  await terminal.shows(GARDEN)
})
