/** XEP-0317: hats. */
import assert from 'node:assert/strict'
import {
  affiliated,
  askRoom,
  conditionIn,
  configures,
  coven,
  forgets,
  heard,
  item,
  joins,
  joinXml,
  ROOM,
  roomIn,
  submit,
  tells,
  USER,
} from '../../../test/muc-story.ts'
import { type Client, story } from '../../../test/story.ts'
import type { Element } from '../../xml/element.ts'
import { Hats, hashOf } from './hats.ts'

const NS = 'http://jabber.org/protocol/commands'
const HATS = 'urn:xmpp:hats:0'
const INFO = 'http://jabber.org/protocol/disco#info'
const TEACHER = 'http://tech.example.edu/hats#Teacher'
const node = (name: string): string => `urn:xmpp:hats:commands:${name}`

/** Begins a command, or goes on with it. */
const runs = (client: Client, name: string, inside = '', session = ''): Promise<Element> =>
  askRoom(
    client,
    'set',
    `<command xmlns="${NS}" node="${node(name)}" ${session && `sessionid="${session}"`} action="execute">${inside}</command>`,
  )

const form = (fields: Record<string, string>): string => submit('urn:xmpp:hats:commands', fields)

/** The same with the form at once. */
const does = async (client: Client, name: string, fields: Record<string, string>): Promise<string> =>
  conditionIn(await runs(client, name, form(fields))) ?? 'ok'

const creates = (client: Client, uri = TEACHER, title = 'Teacher', more: Record<string, string> = {}): Promise<string> =>
  does(client, 'create', { 'hats#uri': uri, 'hats#title': title, ...more })
const gives = (client: Client, jid: string, uri = TEACHER): Promise<string> => does(client, 'assign', { 'hats#jid': jid, 'hats#uri': uri })

const hatsIn = (stanza: Element | undefined): string[] =>
  stanza
    ?.elements()
    .filter(({ ns }) => ns === HATS)
    .flatMap(hats => hats.elements())
    .map(({ attrs }) => String(attrs['title'])) ?? []

tells('XEP-0317 §3: a room says that it has hats, and which, by their hash', async world => {
  const [crone] = await coven(world)
  const before = String(await askRoom(crone, 'get', `<query xmlns="${INFO}"/>`))
  assert.ok(before.includes(`var='${HATS}'`) && !before.includes('hats#hash'))
  assert.equal(await creates(crone), 'ok')
  assert.ok(String(await askRoom(crone, 'get', `<query xmlns="${INFO}"/>`)).includes('hats#hash'))
  forgets(world)
})

tells('XEP-0317 §5.2, §5.5: an admin makes a hat, then gives it to somebody, by forms', async world => {
  const [crone, hag] = await coven(world, 'thirdwitch')
  const asked = (await runs(crone, 'create')).first()!
  assert.equal(asked.attrs['status'], 'executing')
  const created = (
    await runs(crone, 'create', form({ 'hats#uri': TEACHER, 'hats#title': 'Teacher', 'hats#hue': '327.255249' }), asked.attrs['sessionid'])
  ).first()!
  assert.equal(created.attrs['status'], 'completed')
  hag!.receives(`<message type="groupchat" from="${ROOM}"><x xmlns="${USER}"><status code="104"/></x></message>`)
  const assign = (await runs(crone, 'assign')).first()!
  assert.ok(String(assign).includes(TEACHER), 'the hats that there are stand in the form')
  await runs(crone, 'assign', form({ 'hats#jid': 'witch2@here.example', 'hats#uri': TEACHER }), assign.attrs['sessionid'])
  hag!.receives(`<presence from="${ROOM}/thirdwitch">${item('none', 'participant')}<hats xmlns="${HATS}">
    <hat uri="${TEACHER}" title="Teacher" hue="327.255249"/></hats></presence>`)
  forgets(world)
})

tells('XEP-0317 §4: hats stand in every presence, also for those who come later', async world => {
  const [crone, hag] = await coven(world, 'thirdwitch')
  assert.equal(await creates(crone), 'ok')
  assert.equal(await gives(crone, 'witch2@here.example'), 'ok')
  assert.equal(await gives(crone, 'late@here.example'), 'ok')
  forgets(world)
  const late = await world.online('late')
  await late.sends(joinXml('late'))
  const shown = heard(late, 'presence')
  assert.deepEqual(shown.map(hatsIn), [[], ['Teacher'], ['Teacher']])
  forgets(world)
  await hag!.sends(
    `<presence to="${ROOM}/thirdwitch"><show>away</show><hats xmlns="${HATS}"><hat uri="urn:x" title="King"/></hats></presence>`,
  )
  assert.deepEqual(hatsIn(heard(late, 'presence')[0]), ['Teacher'], 'nobody gives himself one')
  forgets(world)
})

tells('XEP-0317 §5.6, §5.3: a hat is taken, or destroyed, and then it is gone from all heads', async world => {
  const [crone, hag] = await coven(world, 'thirdwitch')
  assert.equal(await creates(crone), 'ok')
  assert.equal(await creates(crone, 'urn:example:seer', 'Seer'), 'ok')
  for (const uri of [TEACHER, 'urn:example:seer']) assert.equal(await gives(crone, 'witch2@here.example', uri), 'ok')
  forgets(world)
  assert.equal(await does(crone, 'unassign', { 'hats#jid': 'witch2@here.example', 'hats#uri': TEACHER }), 'ok')
  assert.deepEqual(hatsIn(heard(hag!, 'presence')[0]), ['Seer'])
  assert.equal(await creates(crone, 'urn:example:seer', 'Prophet'), 'ok')
  assert.deepEqual(hatsIn(heard(hag!, 'presence')[0]), ['Prophet'], '§5.2: it looks otherwise')
  assert.equal(await does(crone, 'destroy', { 'hats#uri': 'urn:example:seer' }), 'ok')
  assert.deepEqual(hatsIn(heard(hag!, 'presence')[0]), [])
  assert.equal(await gives(crone, 'witch2@here.example', 'urn:example:seer'), 'not-acceptable')
  forgets(world)
})

tells('XEP-0317 §5.4, §5.7: which hats there are, and who has which', async world => {
  const [crone, hag] = await coven(world, 'thirdwitch')
  assert.equal(await creates(crone, TEACHER, 'Teacher', { 'hats#hue': '171.4' }), 'ok')
  assert.equal(await gives(crone, 'witch2@here.example/broom'), 'ok')
  const listed = String(await runs(hag!, 'list'))
  for (const word of [TEACHER, 'Teacher', '171.4']) assert.ok(listed.includes(word))
  assert.equal(conditionIn(await runs(hag!, 'list-assigned')), 'forbidden')
  assert.ok(String(await runs(crone, 'list-assigned')).includes('witch2@here.example<'))
  forgets(world)
})

tells('who is no admin makes no hats, and is not shown how', async world => {
  const [, hag] = await coven(world, 'thirdwitch')
  for (const name of ['create', 'destroy', 'assign', 'unassign']) assert.equal(await does(hag!, name, {}), 'forbidden')
  const items = await askRoom(hag!, 'get', `<query xmlns="http://jabber.org/protocol/disco#items" node="${NS}"/>`)
  assert.deepEqual(
    items
      .first()!
      .elements()
      .map(({ attrs }) => attrs['node']),
    [node('list')],
  )
  assert.equal(conditionIn(await askRoom(hag!, 'get', `<query xmlns="${INFO}" node="${node('create')}"/>`)), 'forbidden')
  assert.equal(conditionIn(await runs(hag!, 'dance')), 'item-not-found')
  affiliated(world, 'macbeth@here.example', 'outcast')
  assert.equal(conditionIn(await runs(await world.online('macbeth'), 'list')), 'forbidden')
})

tells('what is no hat is refused, and too many are', async world => {
  const [crone] = await coven(world)
  assert.equal(await creates(crone, 'no uri'), 'not-acceptable')
  assert.equal(await creates(crone, TEACHER, 'x'.repeat(101)), 'not-acceptable')
  assert.equal(await creates(crone, TEACHER, 'Teacher', { 'hats#hue': '361' }), 'not-acceptable')
  assert.equal(await creates(crone, TEACHER, 'Teacher', { 'hats#hue': 'red' }), 'not-acceptable')
  assert.equal(await does(crone, 'create', { 'hats#uri': TEACHER }), 'not-acceptable')
  for (let i = 0; i < 50; i++) assert.equal(await creates(crone, `urn:example:${i}`), 'ok')
  assert.equal(await creates(crone), 'resource-constraint')
  forgets(world)
})

tells('who is banned has no hat any more', async world => {
  const [crone] = await coven(world)
  assert.equal(await creates(crone), 'ok')
  assert.equal(await gives(crone, 'macbeth@here.example'), 'ok')
  await askRoom(
    crone,
    'set',
    '<query xmlns="http://jabber.org/protocol/muc#admin"><item affiliation="outcast" jid="macbeth@here.example"/></query>',
  )
  assert.ok(!String(await runs(crone, 'list-assigned')).includes('macbeth'))
  forgets(world)
})

tells('hats of a room that lasts are there after a restart', async world => {
  const [crone] = await coven(world)
  assert.equal(await configures(crone, { 'muc#roomconfig_persistentroom': '1' }), 'ok')
  assert.equal(await creates(crone), 'ok')
  assert.equal(await gives(crone, 'crone1@here.example'), 'ok')
  world.restarts()
  const again = await world.online('crone1', 'desktop')
  await again.sends(joinXml('firstwitch'))
  assert.deepEqual(hatsIn(heard(again, 'presence')[0]), ['Teacher'])
  forgets(world)
  await joins(await world.online('hag66'), 'thirdwitch')
})

story('the hash is another one whenever the list is', async () => {
  const hats = new Hats()
  hats.set({ uri: 'urn:a', title: 'A' })
  const before = hashOf(hats)
  hats.give('a@here.example', 'urn:a')
  assert.equal(hashOf(hats), before)
  hats.set({ uri: 'urn:a', title: 'B' })
  assert.notEqual(hashOf(hats), before)
})

tells('a room gives so many hats, to however few', async world => {
  const [crone] = await coven(world)
  const { hats } = roomIn(world).state
  for (let i = 0; i < 40; i++) {
    hats.set({ uri: `${TEACHER}${i}`, title: 'Teacher' })
    for (let j = 0; j < 25; j++) hats.give(`wicca${j}@here.example`, `${TEACHER}${i}`)
  }
  assert.equal(await creates(crone), 'ok')
  assert.equal(await gives(crone, 'wicca1@here.example'), 'resource-constraint')
  forgets(world)
})
