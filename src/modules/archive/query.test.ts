import assert from 'node:assert/strict'
import { ask, converse, hear, JULIET, MAM, queryXml, ROMEO, say } from '../../../test/archive-story.ts'
import { type Client, story, type World } from '../../../test/story.ts'

const TYBALT = 'tybalt@there.example'

/** Romeo has heard these from Juliet, a minute apart from 2026 on. */
async function tenMessages(world: World): Promise<{ romeo: Client; juliet: Client; ids: string[] }> {
  const romeo = await world.online('romeo')
  const juliet = await world.online('juliet')
  const ids = await converse(world, juliet, romeo, ...'0123456789')
  return { romeo, juliet, ids }
}

const text = (bodies: readonly string[]): string => bodies.join('')
const minute = (n: number): string => `2026-01-01T00:0${n}:00Z`

story('XEP-0313 §4.1.6: the form says what a query may ask', async world => {
  const romeo = await world.connect('romeo')
  await romeo.sends(`<iq type="get" id="f1"><query xmlns="${MAM}"/></iq>`)
  const form = romeo.receives(`<iq type="result" id="f1"><query xmlns="${MAM}"><x xmlns="jabber:x:data" type="form">
    <field var="FORM_TYPE" type="hidden"><value>${MAM}</value></field>
    <field var="with" type="jid-single"/><field var="start" type="text-single"/><field var="end" type="text-single"/>
    <field var="before-id" type="text-single"/><field var="after-id" type="text-single"/>
    <field var="ids" type="list-multi"><validate xmlns="http://jabber.org/protocol/xdata-validate" datatype="xs:string"><open/></validate></field>
    <field var="include-groupchat" type="boolean"/></x></query></iq>`)
  assert.doesNotMatch(String(form), /required/)
})

story('XEP-0313 §4: without a filter all that fits into a page comes, in its order', async world => {
  const { romeo, ids } = await tenMessages(world)
  const all = await ask(romeo, { queryid: 'f27' })
  assert.deepEqual([text(all.bodies), all.ids, all.isComplete], ['0123456789', ids, true])
  assert.deepEqual([all.first, all.last, all.index, all.count], [ids[0], ids[9], '0', '10'])
})

story('XEP-0313 §4.2: each result names the query', async world => {
  const { romeo } = await tenMessages(world)
  await romeo.sends(queryXml({ queryid: 'f27', rsm: '<max>1</max>' }))
  romeo.receives(`<message><result xmlns="${MAM}" queryid="f27" id="*"><forwarded xmlns="urn:xmpp:forward:0">
    <delay xmlns="urn:xmpp:delay" stamp="2026-01-01T00:00:00.000Z"/><message xmlns="jabber:client" from="${JULIET}/phone" to="${ROMEO}"/>
    </forwarded></result></message>`)
  hear(romeo)
})

story('XEP-0313 §4.3.2: a client pages forward, and is told when it has all', async world => {
  const { romeo, ids } = await tenMessages(world)
  const first = await ask(romeo, { rsm: '<max>4</max>' })
  assert.deepEqual([text(first.bodies), first.isComplete, first.count], ['0123', false, '10'])
  const second = await ask(romeo, { rsm: `<max>4</max><after>${first.last}</after>` })
  assert.deepEqual([text(second.bodies), second.isComplete, second.index], ['4567', false, '4'])
  const third = await ask(romeo, { rsm: `<max>4</max><after>${second.last}</after>` })
  assert.deepEqual([text(third.bodies), third.isComplete], ['89', true])
  const none = await ask(romeo, { rsm: `<max>4</max><after>${ids[9]}</after>` })
  assert.deepEqual([none.bodies, none.isComplete, none.first, none.count], [[], true, undefined, '10'])
  const exact = await ask(romeo, { rsm: '<max>10</max>' })
  assert.equal(exact.isComplete, true)
})

story('XEP-0313 §4.3.3: a client pages backward from the end, and no index makes it believe that this is where it is done', async world => {
  const { romeo } = await tenMessages(world)
  const last = await ask(romeo, { rsm: '<max>4</max><before/>' })
  assert.deepEqual([text(last.bodies), last.isComplete, last.index, last.count], ['6789', false, undefined, '10'])
  const before = await ask(romeo, { rsm: `<max>4</max><before>${last.first}</before>` })
  assert.deepEqual([text(before.bodies), before.isComplete], ['2345', false])
  const rest = await ask(romeo, { rsm: `<max>4</max><before>${before.first}</before>` })
  assert.deepEqual([text(rest.bodies), rest.isComplete], ['01', true])
})

story('XEP-0313 §4.3.4: a flipped page has the same messages, the newest first', async world => {
  const { romeo, ids } = await tenMessages(world)
  const flipped = await ask(romeo, { rsm: '<max>3</max><before/>', isFlipped: true })
  assert.deepEqual([text(flipped.bodies), flipped.first, flipped.last], ['987', ids[7], ids[9]])
})

story('XEP-0059 §2.6: the number of messages can be asked for alone, and a page by its index', async world => {
  const { romeo } = await tenMessages(world)
  const count = await ask(romeo, { rsm: '<max>0</max>' })
  assert.deepEqual([count.bodies, count.count, count.isComplete], [[], '10', false])
  const page = await ask(romeo, { rsm: '<max>2</max><index>6</index>' })
  assert.deepEqual([text(page.bodies), page.index], ['67', '6'])
  assert.deepEqual((await ask(romeo, { rsm: '<max>2</max><index>10</index>' })).bodies, [])
})

story('XEP-0313 §4.1.2: start and end name times, both inclusive', async world => {
  const { romeo } = await tenMessages(world)
  const between = async (fields: Record<string, string>): Promise<string> => text((await ask(romeo, { fields })).bodies)
  assert.equal(await between({ start: minute(3), end: minute(5) }), '345')
  assert.equal(await between({ start: minute(8) }), '89')
  assert.equal(await between({ end: minute(1) }), '01')
  assert.equal(await between({ start: '2026-01-01T01:00:00+01:00', end: '2026-01-01T00:00:59.9Z' }), '0')
  assert.equal(await between({ start: '2027-01-01T00:00:00Z' }), '')
  assert.equal(await between({ end: '2025-01-01T00:00:00Z' }), '')
  assert.equal(await between({ start: minute(5), end: minute(3) }), '')
  const paged = await ask(romeo, { fields: { start: minute(2), end: minute(7) }, rsm: '<max>2</max><before/>' })
  assert.deepEqual([text(paged.bodies), paged.count], ['67', '6'])
})

story('XEP-0313 §4.1.1: with names the other side, bare or one of its resources', async world => {
  const { romeo, juliet } = await tenMessages(world)
  await world.arrives(say(ROMEO, 'a').replace('<message ', `<message from="${TYBALT}/street" `))
  await world.arrives(say(ROMEO, 'b').replace('<message ', `<message from="${TYBALT}/home" `))
  await romeo.sends(say(`${TYBALT}/home`, 'c'))
  await juliet.sends(say(ROMEO, 'd'))
  romeo.forget()
  const withPeer = async (address: string, rsm?: string): Promise<string> =>
    text((await ask(romeo, { fields: { with: address }, ...(rsm && { rsm }) })).bodies)
  assert.equal(await withPeer(TYBALT), 'abc')
  assert.equal(await withPeer(`${TYBALT}/home`), 'bc')
  assert.equal(await withPeer('TYBALT@there.example'), 'abc')
  assert.equal(await withPeer(JULIET), '0123456789d')
  assert.equal(await withPeer('nobody@there.example'), '')
  assert.equal(await withPeer(JULIET, '<max>2</max><before/>'), '9d')
  await juliet.sends(say(ROMEO, 'e'))
  romeo.forget()
  assert.equal(await withPeer(JULIET, '<max>2</max><before/>'), 'de')
  const page = await ask(romeo, { fields: { with: TYBALT }, rsm: '<max>2</max>' })
  assert.deepEqual([text(page.bodies), page.isComplete, page.count, page.index], ['ab', false, '3', '0'])
  const rest = await ask(romeo, { fields: { with: TYBALT }, rsm: `<max>2</max><after>${page.last}</after>` })
  assert.deepEqual([text(rest.bodies), rest.isComplete, rest.index], ['c', true, '2'])
  const timed = await ask(romeo, { fields: { with: JULIET, start: minute(4), end: minute(6) } })
  assert.equal(text(timed.bodies), '456')
  const counted = await ask(romeo, { fields: { with: TYBALT }, rsm: '<max>0</max>' })
  assert.deepEqual([counted.bodies, counted.count, counted.isComplete], [[], '3', false])
})

story('XEP-0313 §4.1.1: with one’s own address only what one wrote to oneself comes', async world => {
  const { romeo } = await tenMessages(world)
  await romeo.sends(say(ROMEO, 'note'))
  romeo.forget()
  assert.deepEqual((await ask(romeo, { fields: { with: ROMEO } })).bodies, ['note'])
})

story('XEP-0313 §4.1.3: ids limit what comes, or name it', async world => {
  const { romeo, ids } = await tenMessages(world)
  const bodies = async (fields: Record<string, string | string[]>, rsm?: string): Promise<string> =>
    text((await ask(romeo, { fields, ...(rsm && { rsm }) })).bodies)
  assert.equal(await bodies({ 'after-id': ids[6]! }), '789')
  assert.equal(await bodies({ 'before-id': ids[2]! }), '01')
  assert.equal(await bodies({ 'after-id': ids[2]!, 'before-id': ids[6]! }), '345')
  assert.equal(await bodies({ 'after-id': ids[2]!, 'before-id': ids[6]! }, '<max>2</max><before/>'), '45')
  assert.equal(await bodies({ ids: [ids[7]!, ids[1]!, ids[7]!] }), '17')
  assert.equal(await bodies({ ids: [ids[7]!, ids[1]!], with: JULIET }), '17')
  assert.equal(await bodies({ ids: [ids[7]!, ids[1]!], with: TYBALT }), '')
  assert.equal(await bodies({ ids: [ids[7]!, ids[1]!], start: minute(5) }), '7')
  assert.equal(await bodies({ 'after-id': ids[5]!, 'before-id': ids[5]! }), '')
})

story('XEP-0313 §4.1.3 and §4.3.2: an id that is not in the archive is not found', async world => {
  const { romeo, juliet, ids } = await tenMessages(world)
  const hers = (await ask(juliet)).ids[0]!
  const forged = `${ids[0]!.slice(0, -2)}AA`
  for (const id of ['nonsense', hers, forged, '']) {
    for (const field of ['after-id', 'before-id', 'ids']) {
      if (id === '' && field !== 'ids') continue
      await romeo.sends(queryXml({ fields: { [field]: id } }))
      romeo.receivesError('q1', 'item-not-found')
    }
    for (const end of id === '' ? [] : ['after', 'before']) {
      await romeo.sends(queryXml({ rsm: `<${end}>${id}</${end}>` }))
      romeo.receivesError('q1', 'item-not-found')
    }
  }
})

story('XEP-0313 §4.1.6: a field that is not known, or a form that cannot be read, is refused', async world => {
  const { romeo } = await tenMessages(world)
  const refused = async (asked: Parameters<typeof queryXml>[0], condition: string): Promise<void> => {
    await romeo.sends(queryXml(asked))
    romeo.receivesError('q1', condition)
  }
  await refused({ fields: { '{http://example.com/}free-text-search': 'Juliet' } }, 'feature-not-implemented')
  await refused({ fields: { start: 'yesterday' } }, 'bad-request')
  await refused({ fields: { end: '2026-13-01T00:00:00Z' } }, 'bad-request')
  await refused({ fields: { with: '@@' } }, 'jid-malformed')
  await refused({ fields: { 'after-id': ['a', 'b'] } }, 'bad-request')
  await refused({ fields: { 'include-groupchat': 'maybe' } }, 'bad-request')
  await refused({ fields: { FORM_TYPE: 'urn:xmpp:mam:1' } }, 'bad-request')
  await refused({ fields: { ids: Array.from({ length: 501 }, () => 'x') } }, 'policy-violation')
  await refused({ rsm: '<max>many</max>' }, 'bad-request')
  await refused({ rsm: '<before/><after>x</after>' }, 'bad-request')
  await refused({ queryid: 'x'.repeat(257) }, 'policy-violation')
  await romeo.sends(`<iq type="set" id="q1"><query xmlns="${MAM}" node="blog"/></iq>`)
  romeo.receivesError('q1', 'item-not-found')
  assert.equal((await ask(romeo, { fields: { 'include-groupchat': 'true' } })).bodies.length, 10)
  await romeo.sends(`<iq type="set" id="q1"><query xmlns="${MAM}"/></iq>`)
  assert.equal(hear(romeo).bodies.length, 10)
})

story('XEP-0313 §5: the metadata names the first and the last message', async world => {
  const romeo = await world.online('romeo')
  const metadata = `<iq type="get" id="m1"><metadata xmlns="${MAM}"/></iq>`
  await romeo.sends(metadata)
  assert.equal(romeo.receives(`<iq type="result" id="m1"><metadata xmlns="${MAM}"/></iq>`).first()!.children.length, 0)
  const juliet = await world.online('juliet')
  const ids = await converse(world, juliet, romeo, 'one', 'two', 'three')
  await romeo.sends(metadata)
  romeo.receives(`<iq type="result" id="m1"><metadata xmlns="${MAM}">
    <start id="${ids[0]}" timestamp="2026-01-01T00:00:00.000Z"/><end id="${ids[2]}" timestamp="2026-01-01T00:02:00.000Z"/></metadata></iq>`)
})

story(
  'a page has no more messages than the operator lets it, whatever is asked for',
  async world => {
    const { romeo } = await tenMessages(world)
    for (const rsm of [undefined, '<max>1000</max>']) {
      for (let i = 0; i < 2; i++) await romeo.sends(say(ROMEO, `more ${i}`))
      romeo.forget()
      const told = await ask(romeo, { ...(rsm && { rsm }) })
      assert.deepEqual([told.bodies.length, told.isComplete], [10, false])
    }
  },
  { settings: { archive: { page: 10 } } },
)

story('a page of large messages ends before it is too large', async world => {
  const romeo = await world.online('romeo')
  for (let i = 0; i < 6; i++) await romeo.sends(say(ROMEO, `${i}${'x'.repeat(160_000)}`, '', `m${i}`))
  romeo.forget()
  const first = await ask(romeo)
  assert.deepEqual([first.bodies.map(body => body[0]), first.isComplete], [['0', '1', '2'], false])
  const last = await ask(romeo, { rsm: '<before/>' })
  assert.deepEqual([last.bodies.map(body => body[0]), last.isComplete], [['3', '4', '5'], false])
  const rest = await ask(romeo, { rsm: `<after>${first.last}</after>` })
  assert.deepEqual([rest.bodies.map(body => body[0]), rest.isComplete], [['3', '4', '5'], true])
})

story('a client may ask again, however many of its requests were broken', async world => {
  const { romeo } = await tenMessages(world)
  const two = `<iq type="set" id="b1"><query xmlns="${MAM}"/><query xmlns="${MAM}"/></iq>`
  for (let i = 0; i < 10; i++) {
    await romeo.sends(two)
    romeo.receivesError('b1', 'bad-request')
  }
  assert.equal((await ask(romeo)).bodies.length, 10)
})

story('requests that come at once are answered one after the other', async world => {
  const { romeo } = await tenMessages(world)
  await Promise.all(Array.from({ length: 20 }, () => romeo.sends(queryXml({ rsm: '<max>0</max>' }))))
  for (let i = 0; i < 20; i++) hear(romeo)
})

story('messages that come while the clock goes back stay in their order, and times filter all the same', async world => {
  const { romeo, juliet } = await tenMessages(world)
  world.clock.set(world.clock.now() - 5 * 60_000)
  await converse(world, juliet, romeo, 'a')
  const { bodies, times } = await ask(romeo)
  assert.equal(text(bodies), '0123456789a')
  assert.deepEqual(
    times,
    [...times].sort((a, b) => a! - b!),
  )
  world.clock.set(world.clock.now() - 86_400_000)
  await converse(world, juliet, romeo, 'b')
  assert.equal(text((await ask(romeo)).bodies), '0123456789ab')
  assert.equal(text((await ask(romeo, { fields: { start: minute(8) } })).bodies).includes('b'), false)
})
