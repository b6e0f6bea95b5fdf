import assert from 'node:assert/strict'
import { apart, appear, hears, kept, say } from '../../../test/offline-story.ts'
import { story } from '../../../test/story.ts'

story('XEP-0160 §2: messages wait until their recipient is available, and come in order with the time of their arrival', async world => {
  const romeo = await apart(world)
  await romeo.sends(say('one'))
  await world.later(60_000)
  await romeo.sends(say('two'))
  const juliet = await world.connect('juliet')
  juliet.receivesNothing()
  await juliet.sends('<presence/>')
  juliet.receives('<presence/>')
  juliet.receives(`<message from="romeo@here.example/phone" id="one"><body>one</body>
    <delay xmlns="urn:xmpp:delay" from="here.example" stamp="2026-01-01T00:00:00.000Z"/></message>`)
  juliet.receives('<message id="two"><delay xmlns="urn:xmpp:delay" from="here.example" stamp="2026-01-01T00:01:00.000Z"/></message>')
})

story('XEP-0160 §2: they come to the first session that takes messages, once', async world => {
  const romeo = await apart(world)
  await romeo.sends(say('one'))
  const watch = await world.connect('juliet', 'watch')
  assert.deepEqual(await appear(watch, '<presence><priority>-1</priority></presence>'), [])
  const phone = await world.connect('juliet', 'phone')
  assert.deepEqual(await appear(phone), ['one'])
  const laptop = await world.connect('juliet', 'laptop')
  assert.deepEqual(await appear(laptop), [])
  assert.deepEqual(await appear(watch, '<presence><priority>1</priority></presence>'), [])
  for (const client of [watch, phone, laptop]) assert.deepEqual(hears(client), [])
  assert.deepEqual(await kept(world), [])
})

story('XEP-0160 §2: what came while the client was unavailable comes when it is back', async world => {
  const romeo = await apart(world)
  const juliet = await world.online('juliet')
  await juliet.sends('<presence type="unavailable"/>')
  await romeo.sends(say('one'))
  assert.deepEqual(await appear(juliet), ['one'])
})

story('XEP-0160 §3: messages without a type wait too, chat states alone do not, and nobody is told of that', async world => {
  const romeo = await apart(world)
  await romeo.sends('<message to="juliet@here.example" id="n"><body>normal</body></message>')
  await romeo.sends(
    '<message type="chat" to="juliet@here.example"><composing xmlns="http://jabber.org/protocol/chatstates"/><thread>t</thread></message>',
  )
  await romeo.sends('<message type="chat" to="juliet@here.example"/>')
  await romeo.sends('<message type="chat" to="juliet@here.example"><received xmlns="urn:xmpp:receipts" id="x"/></message>')
  romeo.receivesNothing()
  assert.deepEqual(await kept(world), ['normal', ''])
})

story('XEP-0160 §3: a headline does not wait', async world => {
  const romeo = await apart(world)
  await romeo.sends('<message type="headline" to="juliet@here.example"><body>news</body></message>')
  romeo.receivesNothing()
  assert.deepEqual(await kept(world), [])
})

story('XEP-0334 §4: a message that must not be kept is refused, and one that must be is kept', async world => {
  const juliet = await world.online('juliet')
  const romeo = await world.online('romeo')
  await world.befriend(romeo, juliet)
  await juliet.leaves()
  romeo.forget()
  await romeo.sends(say('secret', '<no-store xmlns="urn:xmpp:hints"/>'))
  romeo.receivesError('secret', 'service-unavailable')
  const tybalt = await world.online('tybalt')
  await tybalt.sends(say('probe', '<no-store xmlns="urn:xmpp:hints"/>'))
  tybalt.receivesNothing() // it would tell a stranger that she is away
  await romeo.sends(say('passing', '<no-permanent-store xmlns="urn:xmpp:hints"/>'))
  await romeo.sends('<message to="juliet@here.example"><thread>t</thread><store xmlns="urn:xmpp:hints"/></message>')
  romeo.receivesNothing()
  assert.deepEqual(await kept(world), ['passing', 't'])
})

story('XEP-0160 §4: the server says that it keeps messages', async world => {
  const romeo = await world.online('romeo')
  await romeo.sends('<iq type="get" id="d" to="here.example"><query xmlns="http://jabber.org/protocol/disco#info"/></iq>')
  romeo.receives('<iq type="result" id="d"><query xmlns="http://jabber.org/protocol/disco#info"><feature var="msgoffline"/></query></iq>')
})

story('XEP-0203 §4: a delay that a sender wrote in our name is taken out', async world => {
  const romeo = await apart(world)
  await romeo.sends(say('one', '<delay xmlns="urn:xmpp:delay" from="here.example" stamp="2001-01-01T00:00:00Z"/>'))
  await romeo.sends(say('two', '<delay xmlns="urn:xmpp:delay" from="romeo@here.example" stamp="2001-01-01T00:00:00Z"/>'))
  const juliet = await world.connect('juliet')
  await juliet.sends('<presence/>')
  const delays = juliet.unread.slice(1).map(message =>
    message
      .elements()
      .filter(({ name }) => name === 'delay')
      .map(({ attrs }) => attrs['from']),
  )
  assert.deepEqual(delays, [['here.example'], ['romeo@here.example', 'here.example']])
  juliet.forget()
})

story('what waits goes with its account', async world => {
  const romeo = await apart(world)
  await romeo.sends(say('one'))
  await world.host.life.remove('juliet')
  assert.deepEqual(await kept(world), [])
  assert.deepEqual(await appear(await world.connect('juliet')), [])
})
