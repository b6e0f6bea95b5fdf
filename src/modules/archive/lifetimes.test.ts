import assert from 'node:assert/strict'
import { ask, converse, JULIET, MAM, outlive, queryXml, say } from '../../../test/archive-story.ts'
import { story, type World } from '../../../test/story.ts'
import { sql } from '../../storage/db.ts'
import { retention } from '../retention/retention.ts'
import { stanzaIdOf } from '../stanza-id.ts'

const DAY = 86_400_000
const TRIM = 'urn:xmpp:mamtrim:0'

/** What is removed goes soon; then there are so many messages on disk. */
async function leaves(world: World, expected: number): Promise<void> {
  for (let i = 0; ; i++) {
    const [row] = await world.store.all<{ n: number }>(sql`SELECT COUNT(*) AS n FROM archive_message`)
    if (row!.n === expected) return
    assert.ok(i < 500, `${row!.n} messages are on disk, and not ${expected}`)
    await new Promise(resolve => setTimeout(resolve, 5))
  }
}

story('what is kept for 7 days is there for 7, and after 8 nobody can read it', async world => {
  const romeo = await world.online('romeo')
  const juliet = await world.online('juliet')
  await converse(world, romeo, juliet, 'one')
  await outlive(world, 7 * DAY)
  assert.deepEqual((await ask(juliet)).bodies, ['one'])
  await converse(world, romeo, juliet, 'two')
  await outlive(world, DAY)
  assert.deepEqual((await ask(juliet)).bodies, ['two'])
  assert.deepEqual((await ask(juliet, { fields: { with: 'romeo@here.example' } })).bodies, ['two'])
  await leaves(world, 2)
})

story('an id of what is over is not found', async world => {
  const romeo = await world.online('romeo')
  const juliet = await world.online('juliet')
  const [id] = await converse(world, romeo, juliet, 'one')
  await outlive(world, 8 * DAY)
  await juliet.sends(queryXml({ rsm: `<after>${id}</after>` }))
  juliet.receivesError('q1', 'item-not-found')
})

story('with relay nothing is kept, and what was kept is gone with its secret', async world => {
  const { choose } = world.host.apiOf(retention)
  const romeo = await world.online('romeo')
  const juliet = await world.online('juliet')
  await converse(world, romeo, juliet, 'one')
  const id = world.host.keys.of(juliet.session.account)!.id
  const before = Buffer.from(world.shred.account(id)!.archive)
  await choose('juliet', 'relay')
  assert.ok(!world.shred.account(id)!.archive.equals(before))
  await romeo.sends(say(JULIET, 'two'))
  assert.equal(stanzaIdOf(juliet.receives('<message><body>two</body></message>'), juliet.session.account), undefined)
  assert.deepEqual((await ask(juliet)).bodies, [])
  assert.deepEqual((await ask(romeo)).bodies, ['one', 'two'])
  await leaves(world, 2)
  await choose('juliet', '1d')
  await converse(world, romeo, juliet, 'three')
  assert.deepEqual((await ask(juliet)).bodies, ['three'])
})

story('a shorter choice holds for what is there, and leaves no gap', async world => {
  const { choose } = world.host.apiOf(retention)
  const romeo = await world.online('romeo')
  const juliet = await world.online('juliet')
  await choose('juliet', '30d')
  for (let day = 0; day < 10; day++) {
    await converse(world, romeo, juliet, `${day}`)
    await outlive(world, DAY)
  }
  assert.equal((await ask(juliet)).bodies.join(''), '0123456789')
  await choose('juliet', '7d')
  assert.equal((await ask(juliet)).bodies.join(''), '3456789')
  await converse(world, romeo, juliet, 'x')
  await outlive(world, 4 * DAY)
  assert.equal((await ask(juliet)).bodies.join(''), '789x')
  await outlive(world, 40 * DAY)
  await leaves(world, 0)
  assert.deepEqual(await world.store.all(sql`SELECT * FROM archive_shortened`), [])
})

story('a longer choice holds for what comes then', async world => {
  const { choose } = world.host.apiOf(retention)
  const romeo = await world.online('romeo')
  const juliet = await world.online('juliet')
  await choose('juliet', '1d')
  await converse(world, romeo, juliet, 'one')
  await choose('juliet', '30d')
  await converse(world, romeo, juliet, 'two')
  await outlive(world, 2 * DAY)
  assert.deepEqual((await ask(juliet)).bodies, ['two'])
})

story('mamtrim §3.2: an empty trim deletes all that is archived, for good', async world => {
  const romeo = await world.online('romeo')
  const juliet = await world.online('juliet')
  await converse(world, romeo, juliet, 'one', 'two')
  await ask(juliet, { fields: { with: 'romeo@here.example' } })
  const before = Buffer.from(world.shred.account(world.host.keys.of(juliet.session.account)!.id)!.archive)
  await juliet.sends(`<iq type="set" id="t1"><trim xmlns="${TRIM}"/></iq>`)
  juliet.receives('<iq type="result" id="t1"/>')
  assert.ok(!world.shred.account(world.host.keys.of(juliet.session.account)!.id)!.archive.equals(before))
  assert.deepEqual((await ask(juliet)).bodies, [])
  assert.deepEqual((await ask(juliet, { fields: { with: 'romeo@here.example' } })).bodies, [])
  assert.deepEqual((await ask(romeo)).bodies, ['one', 'two'], 'another archive is not hers')
  await converse(world, romeo, juliet, 'three')
  world.restarts()
  assert.deepEqual((await ask(await world.connect('juliet'))).bodies, ['three'])
})

story('mamtrim §3.2: or all up to one message, and that one', async world => {
  const romeo = await world.online('romeo')
  const juliet = await world.online('juliet')
  const ids = await converse(world, romeo, juliet, 'one', 'two', 'three')
  const trim = (inside: string): Promise<void> => juliet.sends(`<iq type="set" id="t1"><trim xmlns="${TRIM}">${inside}</trim></iq>`)
  await trim(`<id>${ids[1]}</id>`)
  juliet.receives('<iq type="result" id="t1"/>')
  assert.deepEqual((await ask(juliet)).bodies, ['three'])
  await trim(`<id>${ids[1]}</id>`)
  juliet.receivesError('t1', 'item-not-found')
  await trim('<id>a</id><id>b</id>')
  juliet.receivesError('t1', 'bad-request')
  await romeo.sends(`<iq type="set" id="t2" to="${JULIET}"><trim xmlns="${TRIM}"/></iq>`)
  romeo.receivesError('t2', 'service-unavailable')
})

story('after a new password the archive opens as before; after one from the operator it is empty', async world => {
  const romeo = await world.online('romeo')
  const juliet = await world.online('juliet')
  await converse(world, romeo, juliet, 'one')
  await world.host.life.changePassword(juliet.session.account, 'another', juliet.session.jid)
  await converse(world, romeo, juliet, 'two')
  assert.deepEqual((await ask(juliet)).bodies, ['one', 'two'])
  await world.host.life.resetPassword('juliet', 'a third')
  await world.settled()
  const again = await world.online('juliet', 'phone', '<presence/>', 'a third')
  await converse(world, romeo, again, 'three')
  const bodies = (await ask(again)).bodies.filter(body => !body.startsWith('The operator'))
  assert.deepEqual(bodies, ['three'])
})

story(
  'of an archive that is full the oldest go',
  async world => {
    const romeo = await world.online('romeo')
    for (let i = 0; i < 2100; i++) await romeo.sends(say('romeo@here.example', `${i}`))
    romeo.forget()
    const { count, first } = await ask(romeo, { rsm: '<max>1</max><before/>' })
    assert.ok(Number(count) >= 1000 && Number(count) < 2100)
    assert.ok(first !== undefined)
  },
  { settings: { archive: { messages: 1000 } } },
)

story(
  'an archive that is full is looked through for an address; what is too much goes also where restarts are many',
  async world => {
    const romeo = await world.online('romeo')
    for (let i = 0; i < 1005; i++) await romeo.sends(say('romeo@here.example', `${i}`))
    world.restarts()
    const again = await world.online('romeo')
    const asks = async (): Promise<string | undefined> =>
      (await ask(again, { fields: { with: 'romeo@here.example' }, rsm: '<max>1</max>' })).count
    assert.equal(await asks(), '1005')
    await again.sends(say('romeo@here.example', 'one more'))
    again.forget()
    assert.equal(await asks(), '1001')
  },
  { settings: { archive: { messages: 1000 } } },
)

story(
  'who is sent too much in a day gets it, and it is not archived',
  async world => {
    const romeo = await world.online('romeo')
    for (let i = 0; i < 6; i++) await romeo.sends(say('romeo@here.example', `${i}${'x'.repeat(250_000)}`, '', `m${i}`))
    assert.equal(romeo.unread.length, 6)
    romeo.forget()
    assert.equal((await ask(romeo, { rsm: '<max>0</max>' })).count, '4')
    await world.later(DAY)
    await romeo.sends(say('romeo@here.example', 'next day'))
    romeo.forget()
    assert.equal((await ask(romeo, { rsm: '<max>0</max>' })).count, '5')
  },
  { settings: { archive: { daily: '1MiB' } } },
)

story(
  'strangers fill a quarter of the room of a day, and what contacts say is archived all the same',
  async world => {
    const juliet = await world.online('juliet')
    const romeo = await world.online('romeo')
    await world.befriend(romeo, juliet)
    const large = 'x'.repeat(100_000)
    const stranger = (id: string, more = ''): Promise<void> =>
      world.arrives(say(JULIET, `${id}${more}`, '', id).replace('<message ', '<message from="tybalt@there.example/x" '))
    const archived = async (): Promise<string> => {
      juliet.forget()
      let bodies = ''
      for (let last = ''; ; ) {
        const page = await ask(juliet, last === '' ? {} : { rsm: `<after>${last}</after>` })
        bodies += page.bodies.map(body => body[0]).join('')
        if (page.isComplete) return bodies
        last = page.last!
      }
    }
    for (const id of ['1', '2', '3', '4', '5', '6', '7', '8', '9', '0']) await stranger(id, large)
    for (const id of ['a', 'b', 'c', 'd']) await romeo.sends(say(JULIET, `${id}${large}`, '', id))
    assert.equal(await archived(), '12abcd')
    await world.later(DAY)
    for (let i = 0; i < 20; i++) await stranger('s')
    await romeo.sends(say(JULIET, 'e'))
    assert.equal(await archived(), `12abcd${'s'.repeat(9)}e`)
  },
  { settings: { archive: { daily: '1MiB', messages: 1000 } } },
)

story('the archive says what it is for clients that bind', async world => {
  const romeo = await world.online('romeo')
  const juliet = await world.online('juliet')
  const told = async (): Promise<string> => String(await world.host.stream.bound[0]!(juliet.session))
  assert.equal(await told(), `<metadata xmlns='${MAM}'/>`)
  const [id] = await converse(world, romeo, juliet, 'one')
  assert.match(await told(), new RegExp(`<start id='${id}' timestamp='2026-01-01T00:00:00.000Z'/><end id='${id}'`))
  juliet.keys!.release()
  assert.equal(await told(), 'undefined')
})
