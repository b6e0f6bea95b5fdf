import assert from 'node:assert/strict'
import { setImmediate } from 'node:timers/promises'
import { ack, BIND, ENABLE, handled, kept, managed, REQUEST, resume, resumes, SM, say } from '../../../test/managed-stream.ts'
import { streamStory } from '../../../test/stream-story.ts'
import { defineModule } from '../../core/module.ts'
import { messagesAcknowledged, messageUndelivered } from '../../core/points.ts'
import { sql } from '../../storage/db.ts'
import { StreamError } from '../../xmpp/error.ts'

streamStory('XEP-0198 §3: enabling it twice, or resuming once bound, fails and changes nothing', async scene => {
  const { device, id } = await managed(scene, 'romeo')
  await device.sends(ENABLE, resume(id, 0))
  for (let i = 0; i < 2; i++)
    device.receives(`<failed xmlns="${SM}"><unexpected-request xmlns="urn:ietf:params:xml:ns:xmpp-stanzas"/></failed>`)
  assert.equal(await handled(device), '1')
})

streamStory('XEP-0198 §3: it is not enabled before a resource is bound', async scene => {
  const device = scene.device()
  await device.proves('romeo')
  await device.sends(ENABLE)
  device.receives(`<failed xmlns="${SM}"><unexpected-request xmlns="urn:ietf:params:xml:ns:xmpp-stanzas"/></failed>`)
  await device.sends(BIND, ENABLE)
  device.receives('<iq type="result"/>')
  device.receives(`<enabled xmlns="${SM}"/>`)
})

streamStory('XEP-0198 §3: without resume="true" the stream has no identifier and ends with its connection', async scene => {
  const device = await scene.online('romeo', 'phone', `<enable xmlns="${SM}"/>`)
  assert.equal(device.receives(`<enabled xmlns="${SM}"/>`).attrs['id'], undefined)
  await device.breaks()
  assert.equal(scene.world.host.accounts.of('romeo').sessions.size, 0)
})

streamStory('XEP-0198 §6: who acknowledges more than was sent is told so, and the stream ends', async scene => {
  const { device } = await managed(scene, 'juliet')
  await device.sends(ack(8))
  device.receivesStreamError('undefined-condition', `<handled-count-too-high xmlns="${SM}" h="8" send-count="1"/>`)
  assert.equal(scene.world.host.accounts.of('juliet').sessions.size, 0)
})

streamStory('XEP-0198 §4: an acknowledgement older than the last one changes nothing', async scene => {
  const { device } = await managed(scene, 'juliet')
  await device.sends(ack(1), ack(0), ack(1))
  device.receivesNothing()
})

for (const h of ['', '-1', '1.5', '4294967296', 'x', '99999999999999999999']) {
  streamStory(`XEP-0198 §11: h="${h}" is no unsigned 32-bit number`, async scene => {
    const { device } = await managed(scene, 'juliet')
    await device.sends(ack(h))
    device.receivesStreamError('bad-format')
  })
}

streamStory('XEP-0198 §5: what was not acknowledged is sent again in its order, after <resumed/>', async scene => {
  const { device: first, id } = await managed(scene, 'juliet')
  const romeo = await scene.online('romeo')
  for (const body of ['a', 'b', 'c']) await romeo.sends(say(body))
  assert.deepEqual(first.bodies(), ['a', 'b', 'c'])
  await first.breaks()
  await romeo.sends(say('d'))
  const second = await resumes(scene, 'juliet', id, 2)
  second.receives(`<resumed xmlns="${SM}" previd="${id}" h="1"/>`)
  assert.deepEqual(second.bodies(), ['b', 'c', 'd'])
  assert.deepEqual(await kept(scene), ['b@3', 'c@4', 'd@5'])
  await second.sends(ack(5))
  assert.deepEqual(await kept(scene), [])
  assert.deepEqual(scene.streams.counts, { unbound: 0, bound: 2 })
})

streamStory('XEP-0198 §5: while the former connection still stands, it ends with conflict, and only it', async scene => {
  const { device: first, id } = await managed(scene, 'juliet')
  const romeo = await scene.online('romeo')
  const second = await resumes(scene, 'juliet', id, 1)
  first.receivesStreamError('conflict')
  second.receives(`<resumed xmlns="${SM}"/>`)
  const third = await resumes(scene, 'juliet', id, 1)
  second.receivesStreamError('conflict')
  third.receives(`<resumed xmlns="${SM}"/>`)
  await romeo.sends(say('hi'))
  assert.deepEqual(third.bodies(), ['hi'])
  await third.sends(ack(2))
})

streamStory('XEP-0198 §5: two that resume at the same time: the later one has it', async scene => {
  const { device: first, id } = await managed(scene, 'juliet')
  const { device: romeo } = await managed(scene, 'romeo')
  await first.sends(say('unsafe', 'romeo@here.example')) // so that there is something to wait for
  await first.breaks()
  romeo.forget()
  const [second, third] = [scene.device(), scene.device()]
  await second.proves('juliet')
  await third.proves('juliet')
  second.socket.onData(Buffer.from(resume(id, 1)))
  third.socket.onData(Buffer.from(resume(id, 1)))
  await scene.settled()
  second.receives(`<resumed xmlns="${SM}" h="2"/>`)
  second.receivesStreamError('conflict')
  third.receives(`<resumed xmlns="${SM}" h="2"/>`)
  assert.equal(scene.world.host.accounts.of('juliet').sessions.size, 1)
})

streamStory('XEP-0198 §5: a stream that is unknown, or of somebody else, is not found; then a resource may be bound', async scene => {
  const { device, id } = await managed(scene, 'juliet')
  const thief = await resumes(scene, 'romeo', id, 0)
  const other = await resumes(scene, 'romeo', 'nonsense', 0)
  const [a, b] = [thief.unread.map(String), other.unread.map(String)]
  assert.deepEqual(a, b)
  thief.receives(`<failed xmlns="${SM}"><item-not-found xmlns="urn:ietf:params:xml:ns:xmpp-stanzas"/></failed>`)
  other.forget()
  await thief.sends(BIND)
  thief.receives('<iq type="result"/>')
  device.receivesNothing()
})

streamStory('XEP-0198 §6: who claims too much when resuming loses the connection, not the session', async scene => {
  const { device: first, id } = await managed(scene, 'juliet')
  await first.breaks()
  const second = await resumes(scene, 'juliet', id, 9)
  second.receivesStreamError('undefined-condition', `<handled-count-too-high xmlns="${SM}"/>`)
  const third = await resumes(scene, 'juliet', id, 1)
  third.receives(`<resumed xmlns="${SM}"/>`)
  await third.breaks()
  const fourth = await resumes(scene, 'juliet', id, 0) // less than before
  fourth.receives(`<failed xmlns="${SM}"><item-not-found xmlns="urn:ietf:params:xml:ns:xmpp-stanzas"/></failed>`)
})

streamStory('XEP-0198 §5: the session of a client that stays away ends, and its messages wait for another', async scene => {
  const { device: juliet, id } = await managed(scene, 'juliet')
  const romeo = await scene.online('romeo')
  await romeo.sends(say('a'))
  juliet.forget()
  await juliet.breaks()
  await romeo.sends(say('b'))
  await scene.later(599_999)
  assert.equal(scene.world.host.accounts.of('juliet').sessions.size, 1)
  await scene.later(1)
  assert.equal(scene.world.host.accounts.of('juliet').sessions.size, 0)
  const late = await resumes(scene, 'juliet', id, 1)
  late.receives(`<failed xmlns="${SM}"/>`)
  await late.sends(BIND, '<presence/>')
  late.receives('<iq type="result"/>')
  assert.deepEqual(late.bodies(), ['a', 'b'])
})

streamStory('XEP-0198 §5: who comes back too late says what it has got, and does not get that again', async scene => {
  const { device: juliet, id } = await managed(scene, 'juliet')
  const romeo = await scene.online('romeo')
  await romeo.sends(say('a'), say('b'))
  juliet.forget()
  await juliet.breaks()
  await scene.later(600_000)
  assert.deepEqual(await kept(scene), ['a@2', 'b@3'])
  const late = await resumes(scene, 'juliet', id, 2)
  late.receives(`<failed xmlns="${SM}"><item-not-found xmlns="urn:ietf:params:xml:ns:xmpp-stanzas"/></failed>`)
  await late.sends(BIND, '<presence/>')
  late.receives('<iq type="result"/>')
  assert.deepEqual(late.bodies(), ['b'])
})

streamStory(
  'XEP-0198 §7: a stream that is closed cannot be resumed; what was not acknowledged goes to another device, once',
  async scene => {
    const { device: phone, id } = await managed(scene, 'juliet')
    const romeo = await scene.online('romeo')
    await romeo.sends(say('a'))
    phone.forget()
    const laptop = await scene.online('juliet', 'laptop')
    await laptop.sends('<presence/>')
    laptop.forget()
    phone.forget()
    await phone.sends('</stream:stream>')
    phone.receivesEnd()
    assert.deepEqual(laptop.bodies(), ['a'])
    assert.deepEqual(await kept(scene), [])
    const again = await resumes(scene, 'juliet', id, 1)
    again.receives(`<failed xmlns="${SM}"/>`)
  },
)

streamStory('XEP-0198 §7: what is acknowledged on its way to disk is not given again once the stream is closed', async scene => {
  const { device: romeo } = await managed(scene, 'romeo')
  const { device: phone } = await managed(scene, 'juliet')
  await romeo.sends(say('a'), REQUEST)
  assert.deepEqual(phone.bodies(), ['a'])
  scene.world.clock.pass(5_000) // its sender has waited long enough: it goes to disk
  phone.writes(`${ack(2)}</stream:stream>`)
  await scene.settled()
  assert.deepEqual(await kept(scene), [])
  romeo.forget()
  assert.equal(await handled(romeo), '2')
  phone.forget()
})

streamStory('XEP-0198 §4: the server says goodbye when what the client said it has got is gone from the disk', async scene => {
  const { device: first } = await managed(scene, 'juliet')
  await first.sends('</stream:stream>')
  const romeo = await scene.online('romeo')
  await romeo.sends(say('a'))
  const { device: phone } = await managed(scene, 'juliet')
  const order: string[] = []
  scene.world.host.hooks.on(messagesAcknowledged, async function note() {
    await scene.world.store.all(sql`SELECT seg FROM spool_message`)
    order.push('forgotten')
  })
  const { close } = phone.socket
  phone.socket.close = () => {
    order.push('closed')
    close.call(phone.socket)
  }
  await phone.sends(`${ack(2)}</stream:stream>`)
  assert.deepEqual(order, ['forgotten', 'closed'])
  assert.deepEqual(await kept(scene), [])
  phone.receivesEnd()
  first.forget()
})

const order: string[] = []
/** Comes before the one that keeps, and takes its time. */
const slow = defineModule({
  name: 'slow',
  about: 'A disk that takes its time.',
  xeps: [],
  setup({ on }) {
    on(messageUndelivered, async function wait() {
      for (let i = 0; i < 30; i++) await setImmediate()
      order.push('kept')
    })
  },
})

streamStory(
  'a server that stops waits for what is on its way to the disk',
  async scene => {
    const { device: phone } = await managed(scene, 'juliet')
    const romeo = await scene.online('romeo')
    await phone.breaks()
    romeo.writes(say('a'))
    await scene.world.host.close(new StreamError('system-shutdown'))
    assert.deepEqual([...order, ...(await kept(scene))], ['kept', 'a@2'])
    romeo.forget()
  },
  {},
  { extra: [slow] },
)

streamStory('XEP-0198 §5: after a crash the client says what it has, and gets the rest', async scene => {
  const { device: juliet, id } = await managed(scene, 'juliet')
  const romeo = await scene.online('romeo')
  await juliet.breaks()
  for (const body of ['a', 'b', 'c']) await romeo.sends(say(body))
  assert.deepEqual(await kept(scene), ['a@2', 'b@3', 'c@4'])
  scene.restarts()
  const again = await resumes(scene, 'juliet', id, 2)
  again.receives(`<failed xmlns="${SM}"><item-not-found xmlns="urn:ietf:params:xml:ns:xmpp-stanzas"/></failed>`)
  assert.deepEqual(await kept(scene), ['b@3', 'c@4'])
  await again.sends(BIND, '<presence/>')
  again.receives('<iq type="result"/>')
  assert.deepEqual(again.bodies(), ['b', 'c'])
})

streamStory('DESIGN law 10: a client that never acknowledges ends with resource-constraint, and loses nothing', async scene => {
  const { device: juliet } = await managed(scene, 'juliet')
  const romeo = await scene.online('romeo')
  for (let i = 0; i <= 100; i++) await romeo.sends(say(`m${i}`))
  const all = juliet.unread.length
  assert.equal(scene.world.host.accounts.of('juliet').sessions.size, 0)
  assert.ok(all > 100)
  while (juliet.unread.length > 2) juliet.unread.shift()
  juliet.receivesStreamError('resource-constraint')
  assert.equal((await kept(scene)).length, 101)
})

streamStory('DESIGN law 10: what waits for acknowledgement is bounded in length too, and then goes to disk', async scene => {
  const { device: juliet } = await managed(scene, 'juliet')
  const romeo = await scene.online('romeo')
  for (let i = 0; i < 12; i++) await romeo.sends(say('x'.repeat(10_000)))
  assert.equal(scene.world.host.accounts.of('juliet').sessions.size, 0)
  while (juliet.unread.length > 2) juliet.unread.shift()
  juliet.receivesStreamError('resource-constraint')
  assert.equal((await kept(scene)).length, 12)
})

streamStory('XEP-0198 §4: a client is asked after some stanzas, after some time, and not without need', async scene => {
  const { device: juliet } = await managed(scene, 'juliet')
  const romeo = await scene.online('romeo')
  await juliet.sends(ack(1))
  await romeo.sends(say('a'))
  assert.deepEqual(juliet.bodies(), ['a'])
  await scene.later(2_000)
  juliet.receives(REQUEST)
  await juliet.sends(ack(2))
  await scene.later(60_000)
  for (let i = 0; i < 25; i++) await romeo.sends(say(`m${i}`))
  assert.equal(juliet.unread.filter(element => element !== 'end of stream' && element.name === 'r').length, 1)
  juliet.forget()
  await juliet.sends(ack(27))
  await scene.later(60_000)
})

streamStory('XEP-0280: copies for a device that stays away are not given to another one as messages', async scene => {
  const { device: phone } = await managed(scene, 'juliet')
  await phone.sends('<iq type="set" id="c"><enable xmlns="urn:xmpp:carbons:2"/></iq>')
  const laptop = await scene.online('juliet', 'laptop')
  await laptop.sends('<presence/>')
  const romeo = await scene.online('romeo')
  await phone.breaks()
  await laptop.sends(say('from the laptop', 'romeo@here.example'))
  await romeo.sends(say('to the laptop', 'juliet@here.example/laptop'))
  laptop.forget()
  phone.forget()
  romeo.forget()
  await scene.later(600_000)
  assert.deepEqual(laptop.bodies(), [])
  await scene.settled()
  laptop.forget()
})
