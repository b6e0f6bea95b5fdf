/** XEP-0463: versions of affiliations. */
import assert from 'node:assert/strict'
import {
  affiliated,
  askRoom,
  changes,
  configures,
  coven,
  forgets,
  heard,
  joins,
  joinXml,
  open,
  ROOM,
  USER,
} from '../../../test/muc-story.ts'
import { type Client, story, type World } from '../../../test/story.ts'
import type { Element } from '../../xml/element.ts'

const MAV = 'urn:xmpp:muc:affiliations:1'
const CRONE = 'crone1@here.example'
const mav = (since?: string): string => `<mav xmlns="${MAV}"${since === undefined ? '' : ` since="${since}"`}/>`

const userIn = (stanza: Element | undefined): Element | undefined => stanza?.elements().find(({ ns }) => ns === USER)
const mavIn = (stanza: Element | undefined): { since?: string; until?: string } | undefined => {
  const found = userIn(stanza)
    ?.elements()
    .find(({ ns }) => ns === MAV)
  return found && { ...found.attrs }
}
const itemsIn = (stanza: Element | undefined): string[] =>
  userIn(stanza)!
    .elements()
    .filter(({ name }) => name === 'item')
    .map(({ attrs }) => `${attrs['jid']} ${attrs['affiliation']}`)

interface Entered {
  /** Before any presence. */
  readonly messages: readonly Element[]
  readonly until: string | undefined
}

/** Enters, and asks for what has changed. */
async function enters(client: Client, nick: string, asked = mav()): Promise<Entered> {
  await client.sends(joinXml(nick, asked))
  const first = client.unread.findIndex(({ name }) => name === 'presence')
  const messages = client.unread.slice(0, first)
  const own = client.unread.find(({ name, attrs }) => name === 'presence' && attrs['from'] === `${ROOM}/${nick}`)
  forgets(client.world)
  return { messages, until: mavIn(own)?.until }
}

async function exits(client: Client, nick: string): Promise<void> {
  await client.sends(`<presence type="unavailable" to="${ROOM}/${nick}"/>`)
  forgets(client.world)
}

/** A members-only room in which all see who is in it: for those the XEP is made. */
const tells = (title: string, tell: (world: World) => Promise<void>): void => story(title, tell)

async function group(world: World): Promise<[crone: Client, hag: Client]> {
  const [crone] = await coven(world)
  affiliated(world, 'hag66@here.example', 'member')
  affiliated(world, 'macbeth@here.example', 'outcast')
  return [crone, await world.online('hag66', 'pda')]
}

tells('XEP-0463 §3: a room says that it has versions', async world => {
  const [crone] = await coven(world)
  const info = await askRoom(crone, 'get', '<query xmlns="http://jabber.org/protocol/disco#info"/>')
  assert.ok(String(info).includes(MAV))
})

tells('XEP-0463 §4.2.1: who asks for all is told all that he may see, before any presence, and then its version', async world => {
  const [, hag] = await group(world)
  const { messages, until } = await enters(hag, 'thirdwitch')
  assert.equal(messages.length, 1)
  assert.equal(messages[0]!.attrs['from'], ROOM)
  assert.deepEqual(itemsIn(messages[0]), [`${CRONE} owner`, 'hag66@here.example member'])
  assert.deepEqual(mavIn(messages[0]), { until })
})

tells('XEP-0463 §4.2.1: who knows a version is told what has changed since, each once; who knows the last, nothing', async world => {
  const [crone, hag] = await group(world)
  const { until } = await enters(hag, 'thirdwitch')
  await exits(hag, 'thirdwitch')
  assert.deepEqual((await enters(hag, 'thirdwitch', mav(until))).messages, [])
  await exits(hag, 'thirdwitch')
  for (const affiliation of ['member', 'admin', 'none', 'member'])
    assert.equal(await changes(crone, `<item jid="a@here.example" affiliation="${affiliation}"/>`), 'ok')
  assert.equal(await changes(crone, '<item jid="b@here.example" affiliation="member"/>'), 'ok')
  assert.equal(await changes(crone, '<item jid="b@here.example" affiliation="outcast"/>'), 'ok')
  const later = await enters(hag, 'thirdwitch', mav(until))
  assert.deepEqual(itemsIn(later.messages[0]), ['a@here.example member', 'b@here.example none'], 'who is banned is not told to members')
  assert.deepEqual(mavIn(later.messages[0]), { since: until, until: later.until })
})

tells('XEP-0463 §4.2.1: a version that is not known is answered with all', async world => {
  const [, hag] = await group(world)
  const { messages, until } = await enters(hag, 'thirdwitch', mav('9pacabr2q1'))
  assert.equal(itemsIn(messages[0]).length, 2)
  assert.deepEqual(mavIn(messages[0]), { until }, '§4.2.1: MUST be without since')
})

tells('XEP-0463 §4.1: what somebody asks for is told to nobody else', async world => {
  const [crone, hag] = await group(world)
  await hag.sends(joinXml('thirdwitch', mav('9pacabr2q1')))
  assert.ok(!String(crone.unread).includes('9pacabr2q1'), '§4.1: MUST NOT')
  forgets(world)
})

tells('XEP-0463 §4.2.2: each change goes from the version before to the one after, in the room or not', async world => {
  const [crone, hag] = await group(world)
  let { until } = await enters(hag, 'thirdwitch')
  const next = (stanza: Element): void => {
    const span = mavIn(stanza)!
    assert.equal(span.since, until)
    assert.notEqual(span.until, until)
    until = span.until
  }
  assert.equal(await changes(crone, '<item jid="hag66@here.example" affiliation="admin"/>'), 'ok')
  assert.equal(await changes(crone, '<item jid="hag66@here.example" affiliation="member"/>'), 'ok')
  forgets(world)
  // As a member again he sees what he saw before; what he was told as an admin counts for more.
  await exits(hag, 'thirdwitch')
  until = (await enters(hag, 'thirdwitch')).until
  assert.equal(await changes(crone, '<item jid="a@here.example" affiliation="member"/>'), 'ok')
  const [message] = heard(hag, 'message')
  assert.deepEqual(itemsIn(message), ['a@here.example member'])
  assert.equal(
    userIn(message)!
      .elements()
      .find(({ name }) => name === 'item')!.attrs['role'],
    'none',
  )
  next(message!)
  assert.equal(await changes(crone, '<item jid="c@here.example" affiliation="outcast"/>'), 'ok')
  assert.deepEqual(heard(hag, 'message'), [], 'of bans he does not hear, nor of their versions')
  const a = await world.online('a')
  await joins(a, 'anna')
  assert.equal(await changes(crone, '<item jid="a@here.example" affiliation="admin"/>'), 'ok')
  next(heard(hag, 'presence')[0]!)
  assert.equal(await changes(crone, '<item jid="a@here.example" affiliation="none"/>'), 'ok')
  const [left] = heard(hag, 'presence')
  assert.equal(left!.attrs['type'], 'unavailable')
  next(left!)
  forgets(world)
  await exits(hag, 'thirdwitch')
  assert.deepEqual((await enters(hag, 'thirdwitch', mav(until))).messages, [])
})

tells('somebody with two nicks is one change', async world => {
  const [crone, hag] = await group(world)
  await enters(hag, 'thirdwitch')
  const laptop = await world.online('hag66', 'laptop')
  await enters(laptop, 'fourthwitch')
  assert.equal(await changes(crone, '<item jid="hag66@here.example" affiliation="admin"/>'), 'ok')
  assert.deepEqual(
    heard(crone, 'presence').map(each => mavIn(each) !== undefined),
    [true, false],
  )
  forgets(world)
})

story(
  'XEP-0463 §4.2.3: where he may not see who is what, he is told so, and no version',
  async world => {
    const [, hag] = await coven(world, 'secondwitch')
    await exits(hag!, 'secondwitch')
    const { messages, until } = await enters(hag!, 'thirdwitch')
    assert.equal(messages.length, 1)
    const [error] = messages[0]!.elements()
    assert.equal(messages[0]!.attrs['type'], 'error')
    assert.equal(error!.attrs['type'], 'auth')
    assert.equal(error!.attrs['by'], ROOM)
    assert.equal(error!.first()!.name, 'forbidden')
    assert.equal(until, undefined)
    forgets(world)
  },
  open,
)

story(
  'where addresses are hidden, nobody hears whose affiliation changes that is not in the room',
  async world => {
    const [crone, hag] = await coven(world, 'thirdwitch')
    assert.equal(await changes(crone, '<item jid="secret@here.example" affiliation="member"/>'), 'ok')
    hag!.receivesNothing()
    assert.equal(heard(crone, 'message').length, 1)
  },
  open,
)

tells('a long list comes in parts, each of which begins where the one before it ends', async world => {
  const [crone, hag] = await group(world)
  for (let i = 0; i < 450; i++) affiliated(world, `a${i}@here.example`, 'member')
  const { messages, until } = await enters(hag, 'thirdwitch')
  assert.deepEqual(
    messages.map(each => itemsIn(each).length),
    [200, 200, 52],
  )
  const spans = messages.map(each => mavIn(each)!)
  assert.equal(spans[0]!.since, undefined)
  assert.equal(spans[1]!.since, spans[0]!.until)
  assert.equal(spans[2]!.since, spans[1]!.until)
  assert.equal(spans[2]!.until, until)
  await exits(hag, 'thirdwitch')
  assert.equal((await enters(hag, 'thirdwitch', mav(spans[0]!.until))).messages.length, 3, 'nobody goes on from in between')
  assert.equal(crone.unread.length, 0)
})

tells('after a restart the last version is known', async world => {
  const [crone, hag] = await group(world)
  assert.equal(await configures(crone, { 'muc#roomconfig_persistentroom': '1' }), 'ok')
  assert.equal(await changes(crone, '<item jid="a@here.example" affiliation="member"/>'), 'ok')
  const { until } = await enters(hag, 'thirdwitch')
  world.restarts()
  const again = await world.online('crone1', 'desktop')
  await joins(again, 'firstwitch')
  const phone = await world.online('hag66', 'pda')
  const { messages } = await enters(phone, 'thirdwitch', mav(until))
  assert.deepEqual(messages, [])
})
