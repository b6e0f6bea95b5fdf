import assert from 'node:assert/strict'
import { ask, converse, hearId, JULIET, MAM, queryXml, ROMEO, say } from '../../../test/archive-story.ts'
import { story } from '../../../test/story.ts'
import { defineModule } from '../../core/module.ts'
import { messageIn } from '../../core/points.ts'
import { placesIn } from '../../core/sealed-log/batch.ts'
import { StorageError, sql } from '../../storage/db.ts'
import { namespace } from '../../xml/element.ts'
import { stanzaIdOf } from '../stanza-id.ts'

const INFO = 'http://jabber.org/protocol/disco#info'
const StanzaIds = namespace<'stanza-id'>('urn:xmpp:sid:0')

story('XEP-0313 §7: accounts say that they have an archive, and so does the host, where some clients look', async world => {
  const romeo = await world.connect('romeo')
  for (const to of [ROMEO, 'here.example']) {
    await romeo.sends(`<iq type="get" id="d1" to="${to}"><query xmlns="${INFO}"/></iq>`)
    const told = String(romeo.receives('<iq type="result" id="d1"/>'))
    for (const feature of [MAM, `${MAM}#extended`, 'urn:xmpp:mamtrim:0', 'urn:xmpp:message-retract:1#tombstone'])
      assert.ok(told.includes(`'${feature}'`), `${to} does not say ${feature}`)
  }
})

story('XEP-0313 §3.4: a message is archived for both, and only the recipient learns its id there', async world => {
  const romeo = await world.online('romeo')
  const juliet = await world.online('juliet')
  const [id] = await converse(world, romeo, juliet, 'hi')
  const hers = await ask(juliet)
  assert.deepEqual([hers.bodies, hers.ids], [['hi'], [id]])
  assert.deepEqual([hers.messages[0]!.attrs['from'], hers.messages[0]!.attrs['to']], [`${ROMEO}/phone`, JULIET])
  const his = await ask(romeo)
  assert.deepEqual(his.bodies, ['hi'])
  assert.notEqual(his.ids[0], id)
})

story('XEP-0313 §6.1.1: what two say to each other is there in its order, with its times', async world => {
  const romeo = await world.online('romeo')
  const juliet = await world.online('juliet')
  const begin = world.clock.now()
  await converse(world, romeo, juliet, 'one')
  await converse(world, juliet, romeo, 'two')
  await converse(world, romeo, juliet, 'three')
  for (const client of [romeo, juliet]) {
    const { bodies, times } = await ask(client)
    assert.deepEqual(bodies, ['one', 'two', 'three'])
    assert.deepEqual(times, [begin, begin + 60_000, begin + 120_000])
  }
})

story('XEP-0313 §6.1.1: what belongs to a conversation is archived, what is of the moment is not', async world => {
  const romeo = await world.online('romeo')
  const juliet = await world.online('juliet')
  const kept = [
    '<body>hi</body>',
    '<received xmlns="urn:xmpp:receipts" id="a"/>',
    '<displayed xmlns="urn:xmpp:chat-markers:0" id="a"/>',
    '<reactions xmlns="urn:xmpp:reactions:0" id="a"><reaction>x</reaction></reactions>',
    '<retract xmlns="urn:xmpp:message-retract:1" id="a"/>',
    '<body>hi!</body><replace xmlns="urn:xmpp:message-correct:0" id="a"/>',
    '<encrypted xmlns="urn:xmpp:omemo:2"/>',
    '<encrypted xmlns="eu.siacs.conversations.axolotl"/>',
    '<event xmlns="urn:example:any"/><store xmlns="urn:xmpp:hints"/>',
    '<x xmlns="http://jabber.org/protocol/muc#user"><invite from="a@b.example"/></x>',
    '<x xmlns="jabber:x:conference" jid="room@rooms.example"/>',
  ]
  for (const inside of kept) {
    await romeo.sends(`<message type="chat" to="${JULIET}">${inside}</message>`)
    assert.ok(stanzaIdOf(juliet.receives('<message/>'), juliet.session.account) !== undefined, inside)
  }
  const passing = [
    '<composing xmlns="http://jabber.org/protocol/chatstates"/>',
    '<body>hi</body><no-store xmlns="urn:xmpp:hints"/>',
    '<body>hi</body><no-permanent-store xmlns="urn:xmpp:hints"/>',
    '<markable xmlns="urn:xmpp:chat-markers:0"/>',
    '<store xmlns="urn:xmpp:hints"/><no-store xmlns="urn:xmpp:hints"/>',
  ]
  for (const inside of passing) {
    await romeo.sends(`<message type="chat" to="${JULIET}">${inside}</message>`)
    assert.equal(stanzaIdOf(juliet.receives('<message/>'), juliet.session.account), undefined, inside)
  }
  await romeo.sends(`<message type="headline" to="${JULIET}"><body>news</body></message>`)
  await romeo.sends(`<message type="error" id="e1" to="${JULIET}/phone"><body>hi</body><error type="cancel"/></message>`)
  await world.arrives(`<message type="groupchat" from="room@rooms.example/tybalt" to="${JULIET}/phone"><body>all</body></message>`)
  juliet.forget()
  for (const client of [romeo, juliet]) assert.equal((await ask(client)).messages.length, kept.length)
})

story('XEP-0313 §6.1.1: what a user writes to himself is archived once', async world => {
  const phone = await world.online('romeo', 'phone')
  const laptop = await world.online('romeo', 'laptop')
  await phone.sends(say(ROMEO, 'note'))
  hearId(phone, 'note')
  hearId(laptop, 'note')
  await phone.sends(say(`${ROMEO}/laptop`, 'to the other one'))
  hearId(laptop, 'to the other one')
  assert.deepEqual((await ask(phone)).bodies, ['note', 'to the other one'])
  assert.deepEqual((await ask(phone, { fields: { with: ROMEO } })).bodies, ['note', 'to the other one'])
})

story('XEP-0313 §6.1.1: it is archived once, however many clients get it or a copy', async world => {
  const romeo = await world.online('romeo')
  const phone = await world.online('juliet', 'phone')
  const laptop = await world.online('juliet', 'laptop')
  const tablet = await world.online('juliet', 'tablet', '<presence><priority>-1</priority></presence>')
  await tablet.sends('<iq type="set" id="c1"><enable xmlns="urn:xmpp:carbons:2"/></iq>')
  tablet.receives('<iq type="result"/>')
  await romeo.sends(say(JULIET, 'hi'))
  const id = hearId(phone, 'hi')
  assert.equal(hearId(laptop, 'hi'), id)
  const copy = tablet.receives('<message><received xmlns="urn:xmpp:carbons:2"/></message>')
  assert.ok(String(copy).includes(`id='${id}'`))
  assert.deepEqual((await ask(phone)).ids, [id])
})

story('XEP-0313 §3.4: the copy of what a client sent has its id in the sender’s own archive', async world => {
  const phone = await world.online('romeo', 'phone')
  const laptop = await world.online('romeo', 'laptop')
  const juliet = await world.online('juliet')
  await laptop.sends('<iq type="set" id="c1"><enable xmlns="urn:xmpp:carbons:2"/></iq>')
  laptop.receives('<iq type="result"/>')
  await phone.sends(say(JULIET, 'hi'))
  await phone.sends(`<message type="chat" to="${JULIET}"><composing xmlns="http://jabber.org/protocol/chatstates"/></message>`)
  const copied = laptop.receives('<message><sent xmlns="urn:xmpp:carbons:2"/></message>')
  const [id] = (await ask(phone)).ids
  assert.ok(String(copied).includes(`<stanza-id xmlns='urn:xmpp:sid:0' id='${id}' by='${ROMEO}'/>`))
  laptop.receives('<message><sent xmlns="urn:xmpp:carbons:2"/></message>')
  assert.ok(!String(juliet.receives('<message><body>hi</body></message>')).includes(id!))
  juliet.forget()
})

story('XEP-0313 §6.1: what was refused is in no archive of those who refused it', async world => {
  const romeo = await world.online('romeo')
  const juliet = await world.online('juliet')
  await juliet.sends('<iq type="set" id="b1"><block xmlns="urn:xmpp:blocking"><item jid="romeo@here.example"/></block></iq>')
  juliet.forget()
  await romeo.sends(say(JULIET, 'hi'))
  romeo.receivesError('m-hi', 'service-unavailable')
  assert.deepEqual((await ask(juliet)).bodies, [])
})

story('XEP-0359 §3.2: an id that someone else wrote in the account’s name is not taken for one', async world => {
  const romeo = await world.online('romeo')
  const juliet = await world.online('juliet')
  const forged = `<stanza-id xmlns="urn:xmpp:sid:0" id="forged" by="${JULIET}"/>`
  await romeo.sends(say(JULIET, 'hi', forged))
  const message = juliet.receives('<message><body>hi</body></message>')
  assert.equal(message.all(StanzaIds, 'stanza-id').length, 1)
  assert.notEqual(stanzaIdOf(message, juliet.session.account), 'forged')
  await romeo.sends(say(JULIET, 'psst', `${forged}<no-store xmlns="urn:xmpp:hints"/>`))
  assert.equal(stanzaIdOf(juliet.receives('<message/>'), juliet.session.account), undefined)
  assert.ok(!(await ask(juliet)).messages.some(kept => String(kept).includes('forged')))
})

story('messages for somebody who is away are archived too, and open when she is back', async world => {
  const romeo = await world.online('romeo')
  const juliet = await world.online('juliet')
  await juliet.leaves()
  await romeo.sends(say(JULIET, 'one'))
  world.restarts()
  const again = await world.connect('juliet')
  assert.deepEqual((await ask(again)).bodies, ['one'])
})

story('nothing of a conversation stands in the clear', async world => {
  const romeo = await world.online('romeo')
  const juliet = await world.online('juliet')
  await converse(world, romeo, juliet, 'a secret')
  const unfiled = await world.store.all<object>(sql`SELECT * FROM archive_unfiled`)
  assert.equal(unfiled.length, world.store.writesPages ? 2 : 0)
  await world.filed()
  for (const from of ['seg, header, body FROM archive_message', '* FROM archive_segment', '* FROM archive_extent']) {
    for (const row of [...unfiled, ...(await world.store.all<object>(sql([`SELECT ${from}`] as never)))]) {
      const text = Object.values(row)
        .map(value => (value instanceof Uint8Array ? Buffer.from(value).toString('latin1') : String(value)))
        .join(' ')
      assert.doesNotMatch(text, /secret|romeo|juliet|here\.example/)
    }
  }
})

story('sizes do not tell which copies are of one message', async world => {
  const romeo = await world.online('romeo')
  const juliet = await world.online('juliet')
  await converse(world, romeo, juliet, 'short', 'x'.repeat(900))
  await world.filed()
  const sizes = await world.store.all<{ size: number }>(sql`SELECT DISTINCT LENGTH(header) + LENGTH(body) AS size FROM archive_message`)
  // Seven of them fit into a page of 16 KiB.
  assert.deepEqual(sizes, [{ size: 128 + 2048 + 2 * 16 }])
})

story('of an archive that is locked only what is not in it is told', async world => {
  const romeo = await world.online('romeo')
  const juliet = await world.online('juliet')
  await converse(world, romeo, juliet, 'hi')
  await juliet.leaves()
  const session = await world.host.bind('juliet', 'phone', juliet)
  juliet.session = session
  await juliet.sends(queryXml({}))
  juliet.receivesError('q1', 'forbidden')
  await juliet.sends(`<iq type="get" id="q2"><metadata xmlns="${MAM}"/></iq>`)
  juliet.receivesError('q2', 'forbidden')
  const tybalt = await world.connect('tybalt')
  tybalt.keys!.release()
  assert.deepEqual((await ask(tybalt)).bodies, [])
})

story('nobody reads the archive of somebody else', async world => {
  const romeo = await world.online('romeo')
  await world.connect('juliet')
  await romeo.sends(queryXml({}).replace('<iq ', `<iq to="${JULIET}" `))
  romeo.receivesError('q1', 'service-unavailable')
  await world.arrives(`<iq type="set" id="q1" from="tybalt@there.example/x" to="${JULIET}"><query xmlns="${MAM}"/></iq>`)
})

story('what an account had is gone with it', async world => {
  const romeo = await world.online('romeo')
  const juliet = await world.online('juliet')
  await converse(world, romeo, juliet, 'hi')
  await world.host.life.remove('juliet')
  await world.filed()
  const next = await world.connect('juliet')
  assert.deepEqual((await ask(next)).bodies, [])
  const [row] = await world.store.all<{ n: number }>(sql`SELECT COUNT(*) AS n FROM archive_message`)
  assert.equal(row!.n, 1)
})

const order: string[] = []
const witness = defineModule({
  name: 'witness',
  about: '',
  xeps: [],
  setup({ db, on }) {
    on(messageIn.copy, async function lookAtDisk({ stanza, account }) {
      const id = stanzaIdOf(stanza, account)
      const batches = await db.all<{ messages: Uint8Array }>(sql`SELECT messages FROM archive_unfiled`)
      const counts = batches.map(({ messages }) => placesIn(Buffer.from(messages)).length)
      const [row] = await db.all<{ n: number }>(sql`SELECT COUNT(*) AS n FROM archive_message`)
      order.push(`${id === undefined ? 'no id' : 'id'}, ${db.writesPages ? Math.max(...counts) : row!.n} on disk`)
    })
  },
})

story(
  'DESIGN law 7: the id goes out when the message is on disk, in both archives with one commit',
  async world => {
    const romeo = await world.online('romeo')
    const juliet = await world.online('juliet')
    await converse(world, romeo, juliet, 'hi', 'how are you?')
    // The first message of each begins a segment.
    assert.deepEqual(order.splice(0), world.store.writesPages ? ['id, 1 on disk', 'id, 2 on disk'] : ['id, 2 on disk', 'id, 4 on disk'])
  },
  { extra: [witness] },
)

story('while the disk is full the conversation goes on, without ids', async world => {
  const romeo = await world.online('romeo')
  const juliet = await world.online('juliet')
  await converse(world, romeo, juliet, 'before')
  const { insert, run } = world.store
  const refuse = () => Promise.reject(new StorageError('full', 'the disk has no room for the database'))
  Object.assign(world.store, { insert: refuse, run: refuse })
  await romeo.sends(say(JULIET, 'meanwhile'))
  assert.equal(stanzaIdOf(juliet.receives('<message><body>meanwhile</body></message>'), juliet.session.account), undefined)
  Object.assign(world.store, { insert, run })
  await converse(world, romeo, juliet, 'after')
  assert.deepEqual((await ask(juliet)).bodies, ['before', 'after'])
})
