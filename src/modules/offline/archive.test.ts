/** What waits and what is archived are the same messages: a device hears each of them once. */
import assert from 'node:assert/strict'
import { ask, JULIET, outlive } from '../../../test/archive-story.ts'
import { acknowledge, acknowledging, apart, appear, friendsApart, hears, kept, rows, say } from '../../../test/offline-story.ts'
import { type Client, story, type World } from '../../../test/story.ts'
import { stanzaIdOf } from '../stanza-id.ts'

const DAY = 86_400_000
const many = (count: number): string[] => Array.from({ length: count }, (_, i) => `m${i}`)

/** All that the archive has after an id, page by page, as a client catches up. */
async function catchesUp(client: Client, after: string | undefined, max = 50): Promise<{ bodies: string[]; last: string | undefined }> {
  const bodies: string[] = []
  for (let last = after; ; ) {
    const page = await ask(client, { rsm: `<max>${max}</max>${last === undefined ? '' : `<after>${last}</after>`}` })
    bodies.push(...page.bodies)
    last = page.last ?? last
    if (page.isComplete) return { bodies, last }
  }
}

/** Romeo says something on each of seven days, and a few times on the last one. */
async function aWeek(world: World, romeo: Client): Promise<string[]> {
  const said: string[] = []
  for (let day = 0; day < 6; day++) {
    await romeo.sends(say(`day ${day}`))
    said.push(`day ${day}`)
    await outlive(world, DAY)
  }
  for (const text of many(5)) await romeo.sends(say(text))
  return [...said, ...many(5)]
}

story('a device that comes back after a week gets everything once, in order, out of what waits', async world => {
  const romeo = await apart(world)
  const said = await aWeek(world, romeo)
  assert.deepEqual(await appear(await world.connect('juliet')), said)
  assert.deepEqual(await kept(world), [])
})

story('XEP-0313 §9: one that has caught up with its archive before its initial presence does not get the same again', async world => {
  const romeo = await apart(world)
  const said = await aWeek(world, romeo)
  const phone = await world.connect('juliet')
  assert.deepEqual((await catchesUp(phone, undefined, 10)).bodies, said)
  await romeo.sends(say('meanwhile'))
  assert.deepEqual(await appear(phone), ['meanwhile'])
  assert.equal(await rows(world), 0)
})

story('a message that waits has the id that it has in the archive', async world => {
  const romeo = await apart(world)
  await romeo.sends(say('one'))
  const phone = await world.connect('juliet')
  const { ids } = await ask(phone)
  const laptop = await world.connect('juliet', 'laptop')
  await laptop.sends('<presence/>')
  assert.equal(stanzaIdOf(laptop.unread.at(-1)!, laptop.session.account), ids[0])
  laptop.forget()
})

story('both devices hear everything once: one out of what waits, the other out of the archive', async world => {
  const romeo = await apart(world)
  const said = await aWeek(world, romeo)
  const phone = await world.connect('juliet')
  assert.deepEqual(await appear(phone), said)
  const laptop = await world.connect('juliet', 'laptop')
  assert.deepEqual((await catchesUp(laptop, undefined)).bodies, said)
  assert.deepEqual(await appear(laptop), [])
  assert.deepEqual(hears(phone), [])
})

story('both devices hear everything once: both out of the archive, whoever comes first', async world => {
  const romeo = await apart(world)
  const said = await aWeek(world, romeo)
  const phone = await acknowledging(world, 's1')
  assert.deepEqual((await catchesUp(phone, undefined)).bodies, said)
  const laptop = await acknowledging(world, 's2', { resource: 'laptop' })
  assert.deepEqual((await catchesUp(laptop, undefined)).bodies, said)
  assert.deepEqual(await appear(laptop), [])
  assert.deepEqual(await appear(phone), [])
  assert.deepEqual(hears(laptop), [])
  await acknowledge(world, 's2', laptop.position!.seq)
  await acknowledge(world, 's1', phone.position!.seq)
  assert.equal(await rows(world), 0)
})

story('what was shown out of the archive counts as delivered when the client has acknowledged that', async world => {
  const romeo = await apart(world)
  for (const text of many(3)) await romeo.sends(say(text))
  const phone = await acknowledging(world, 's1')
  await catchesUp(phone, undefined)
  assert.deepEqual(await appear(phone), [])
  assert.equal(phone.session.hasKept, true)
  await acknowledge(world, 's1', phone.position!.seq - 3)
  assert.deepEqual(await kept(world), many(3))
  await acknowledge(world, 's1', phone.position!.seq)
  assert.deepEqual(await kept(world), [])
})

story('one that goes without having acknowledged it leaves it to another', async world => {
  const romeo = await apart(world)
  for (const text of many(3)) await romeo.sends(say(text))
  const phone = await acknowledging(world, 's1')
  await catchesUp(phone, undefined)
  await appear(phone)
  const laptop = await acknowledging(world, 's2', { resource: 'laptop' })
  assert.deepEqual(await appear(laptop), [])
  await phone.leaves()
  assert.deepEqual(hears(laptop), many(3))
  phone.forget()
})

story('after a crash it comes again, unless the client says how far it got', async world => {
  const romeo = await apart(world)
  for (const text of many(3)) await romeo.sends(say(text))
  const phone = await acknowledging(world, 's1')
  await catchesUp(phone, undefined)
  await appear(phone)
  const { seq } = phone.position!
  world.restarts()
  await acknowledge(world, 's1', seq - 5)
  assert.deepEqual(await kept(world), many(3))
  await acknowledge(world, 's1', seq)
  assert.deepEqual(await kept(world), [])
})

story('after a crash a client that catches up again hears each message once', async world => {
  const romeo = await apart(world)
  for (const text of many(120)) await romeo.sends(say(text))
  const phone = await acknowledging(world, 's1')
  const first = await ask(phone, { rsm: '<max>30</max>' })
  world.restarts()
  const again = await acknowledging(world, 's2')
  const rest = await catchesUp(again, first.last)
  assert.deepEqual([...first.bodies, ...rest.bodies], many(120))
  // Of the first page nobody knows whether it was received.
  const more = await appear(again)
  assert.deepEqual(more, many(30))
})

story('one that reads a part of the archive gets the rest out of what waits, in parts as ever', async world => {
  const romeo = await apart(world)
  for (const text of many(250)) await romeo.sends(say(text))
  const phone = await acknowledging(world, 's1')
  const page = await ask(phone, { rsm: '<max>100</max>' })
  assert.deepEqual(page.bodies, many(100))
  assert.deepEqual(await appear(phone), many(250).slice(100, 200))
  await acknowledge(world, 's1', phone.position!.seq)
  assert.deepEqual(hears(phone), many(250).slice(200))
  await acknowledge(world, 's1', phone.position!.seq)
  assert.equal(await rows(world), 0)
})

story('one that pages while it is being sent what waits does not get those again that have not come yet', async world => {
  const romeo = await apart(world)
  for (const text of many(150)) await romeo.sends(say(text))
  const phone = await acknowledging(world, 's1')
  assert.deepEqual(await appear(phone), many(100))
  const page = await ask(phone, { rsm: '<max>100</max><before/>' })
  assert.deepEqual(page.bodies, many(150).slice(50))
  await acknowledge(world, 's1', phone.position!.seq)
  assert.deepEqual(hears(phone), [])
  assert.equal(await rows(world), 0)
})

story('a device that only reads the archive, and takes no messages, takes none from the others', async world => {
  const romeo = await apart(world)
  for (const text of many(3)) await romeo.sends(say(text))
  const reader = await world.connect('juliet', 'reader')
  await catchesUp(reader, undefined)
  assert.deepEqual(await appear(reader, '<presence><priority>-1</priority></presence>'), [])
  assert.deepEqual(await appear(await world.connect('juliet', 'phone')), many(3))
  assert.deepEqual(hears(reader), [])
})

story('what is in no archive comes out of what waits, whatever was read before', async world => {
  const romeo = await friendsApart(world)
  await romeo.sends(say('archived'))
  await romeo.sends(say('not archived', '<no-permanent-store xmlns="urn:xmpp:hints"/>'))
  const phone = await world.connect('juliet')
  assert.deepEqual((await catchesUp(phone, undefined)).bodies, ['archived'])
  assert.deepEqual(await appear(phone), ['not archived'])
  romeo.forget()
})

/** Juliet, or the operator in her name, chooses how long her messages are kept. */
async function chooses(client: Client, choice: string): Promise<void> {
  await client.sends(
    `<iq type="set" id="c1" to="${JULIET}"><command xmlns="http://jabber.org/protocol/commands" node="urn:xmpp:mam#configure"/></iq>`,
  )
  const session = client.unread.at(-1)!.first()!.attrs['sessionid']!
  await client.sends(`<iq type="set" id="c2" to="${JULIET}"><command xmlns="http://jabber.org/protocol/commands" node="urn:xmpp:mam#configure" sessionid="${session}" action="complete">
    <x xmlns="jabber:x:data" type="submit"><field var="keep"><value>${choice}</value></field></x></command></iq>`)
  client.forget()
}

story('who wants nothing kept: nothing of a message is ever on disk, and a contact is told at once that nobody is there', async world => {
  const romeo = await friendsApart(world)
  const juliet = await world.connect('juliet')
  await chooses(juliet, 'relay')
  await juliet.leaves()
  await romeo.sends(say('lost'))
  romeo.receivesError('lost', 'service-unavailable')
  const tybalt = await world.online('tybalt')
  await tybalt.sends(say('probe'))
  tybalt.receivesNothing() // it would tell a stranger that she is away
  const phone = await acknowledging(world, 's1')
  await appear(phone)
  await romeo.sends(say('live'))
  assert.deepEqual(hears(phone), ['live'])
  assert.equal(await rows(world), 0)
  romeo.forget()
})

story('who decides that nothing is to be kept any more: contacts are told of what waits, and it goes', async world => {
  const romeo = await friendsApart(world)
  await romeo.sends(say('waits'))
  const tybalt = await world.online('tybalt')
  await tybalt.sends(say('of a stranger'))
  const juliet = await world.connect('juliet')
  await chooses(juliet, 'relay')
  romeo.receivesError('waits', 'service-unavailable')
  tybalt.receivesNothing()
  assert.equal(await rows(world), 0)
  assert.deepEqual(await appear(juliet), [])
  romeo.forget()
})

story('what a stream carries at that moment goes when the stream does', async world => {
  const romeo = await friendsApart(world)
  await romeo.sends(say('on its way'))
  const phone = await acknowledging(world, 's1')
  assert.deepEqual(await appear(phone), ['on its way'])
  await chooses(phone, 'relay')
  assert.equal(await rows(world), 1)
  const { id } = world.host.keys.of(phone.session.account)!
  const secret = (): string => world.shred.account(id)!.server.toString('hex')
  const before = secret()
  await phone.leaves()
  assert.equal(await rows(world), 0)
  assert.notEqual(secret(), before, 'a copy of what was there opens no more')
  romeo.forget()
})

story('who wants a day: what waits is gone after a day and its hour', async world => {
  const romeo = await friendsApart(world)
  await romeo.sends(say('of the week'))
  await outlive(world, 2 * DAY)
  const juliet = await world.connect('juliet')
  await chooses(juliet, '1d')
  assert.deepEqual(await kept(world), [])
  await juliet.leaves()
  romeo.forget()
  await romeo.sends(say('old'))
  await outlive(world, DAY)
  await romeo.sends(say('new'))
  await outlive(world, 3_600_000)
  assert.deepEqual(await appear(await world.connect('juliet', 'phone')), ['new'])
  romeo.forget()
})
