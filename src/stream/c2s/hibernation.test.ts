import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { getHeapSnapshot } from 'node:v8'
import { ack, BIND, handled, kept, managed, resumes, SM, say } from '../../../test/managed-stream.ts'
import { type Device, type Scene, streamStory } from '../../../test/stream-story.ts'
import { sql } from '../../storage/db.ts'
import { parseElement } from '../../xml/parser.ts'

const MINUTE = 60_000
/** One that may not be put on disk. */
const passing = (body: string): string =>
  `<message type="chat" to="juliet@here.example" id="${body}"><body>${body}</body><no-store xmlns="urn:xmpp:hints"/></message>`

/** Juliet's phone has been away for a minute, and got none of what Romeo sent before. He may see her presence, or is a stranger. */
async function asleep(scene: Scene, before: readonly string[] = [], isContact = true): Promise<{ id: string; romeo: Device }> {
  const { device: phone, id } = await managed(scene, 'juliet')
  const { device: romeo } = await managed(scene, 'romeo')
  if (isContact) {
    await romeo.sends('<presence type="subscribe" to="juliet@here.example"/>')
    await phone.sends('<presence type="subscribed" to="romeo@here.example"/>')
  }
  await romeo.sends(...before)
  phone.forget()
  await phone.breaks()
  await scene.later(MINUTE)
  romeo.forget()
  return { id, romeo }
}

streamStory(
  'what waits for a client that was away for a minute comes when it resumes, with what came since, in order and once',
  async scene => {
    const { id, romeo } = await asleep(scene, [say('a'), passing('b'), say('c')])
    await romeo.sends(say('d'), passing('e'))
    assert.equal(scene.world.host.keys.of(scene.world.host.accounts.of('juliet'))?.isOpen, false)
    const phone = await resumes(scene, 'juliet', id, 1)
    phone.receives(`<resumed xmlns="${SM}" previd="${id}"/>`)
    assert.deepEqual(phone.bodies(), ['a', 'b', 'c', 'd', 'e'])
    await romeo.sends(say('live'))
    assert.deepEqual(phone.bodies(), ['live'])
    await phone.sends(ack(8))
    assert.deepEqual(await kept(scene), [])
    romeo.forget()
  },
)

streamStory('a client that is away again for a minute finds it sealed again', async scene => {
  const { id, romeo } = await asleep(scene, [say('a')])
  const second = await resumes(scene, 'juliet', id, 1)
  second.forget()
  await second.breaks()
  await romeo.sends(say('b'))
  await scene.later(MINUTE)
  await romeo.sends(say('c'))
  const third = await resumes(scene, 'juliet', id, 1)
  assert.deepEqual(third.bodies(), ['a', 'b', 'c'])
  await scene.later(10 * MINUTE) // it is there: nothing is sealed or given up
  third.forget()
  await romeo.sends(say('d'))
  assert.deepEqual(third.bodies(), ['d'])
  romeo.forget()
})

streamStory('what is held back from an inactive client is sealed with the rest, in its order', async scene => {
  const { device: phone, id } = await managed(scene, 'juliet')
  const { device: romeo } = await managed(scene, 'romeo')
  await phone.sends('<inactive xmlns="urn:xmpp:csi:0"/>')
  const typing =
    '<message type="chat" to="juliet@here.example" id="typing"><composing xmlns="http://jabber.org/protocol/chatstates"/></message>'
  await romeo.sends(say('a'), typing)
  assert.deepEqual(phone.bodies(), ['a'])
  await phone.breaks()
  await scene.later(MINUTE)
  await romeo.sends(typing, say('b'))
  const again = await resumes(scene, 'juliet', id, 2)
  again.receives(`<resumed xmlns="${SM}"/>`)
  for (const expected of ['typing', 'typing', 'b']) again.receives(`<message id="${expected}"/>`)
  phone.forget()
  romeo.forget()
  again.forget()
})

streamStory('no word of what waits for a client is in memory once it was away for a minute', async scene => {
  const { device: phone, id } = await managed(scene, 'juliet')
  const romeo = await scene.online('romeo')
  phone.forget()
  await phone.breaks()
  const secrets = [randomBytes(16), randomBytes(16)]
  const [before, after] = secrets
  await romeo.sends(passing(before!.toString('hex')), say(before!.toString('hex')))
  assert.equal(await isInMemory(before!), true)
  await scene.later(MINUTE)
  await romeo.sends(passing(after!.toString('hex')))
  assert.equal(await isInMemory(...secrets), false)
  const again = await resumes(scene, 'juliet', id, 1)
  assert.deepEqual(
    again.bodies(),
    [before, before, after].map(each => each!.toString('hex')),
  )
})

/** Whether any of the bytes stand in hex in any string of the heap. */
async function isInMemory(...all: Buffer[]): Promise<boolean> {
  const chunks: Buffer[] = []
  for await (const chunk of getHeapSnapshot()) chunks.push(chunk)
  const heap = Buffer.concat(chunks)
  return all.some(bytes => heap.includes(bytes.toString('hex')))
}

streamStory('of a client that stays away, a contact is told what could not be kept, and a stranger is not', async scene => {
  const { romeo } = await asleep(scene, [passing('a'), say('b')])
  await romeo.sends(passing('c'))
  const tybalt = await scene.online('tybalt')
  await tybalt.sends(passing('d'))
  await scene.later(9 * MINUTE)
  romeo.receives('<presence type="unavailable"/>')
  for (const lost of ['a', 'c'])
    romeo.receives(
      `<message type="error" id="${lost}" from="juliet@here.example"><error><service-unavailable xmlns="urn:ietf:params:xml:ns:xmpp-stanzas"/></error></message>`,
    )
  assert.equal(await handled(romeo), '5') // all is dealt with
  assert.deepEqual(await kept(scene), ['b@4'])
  romeo.forget()
})

streamStory('requests to it fail then, and rooms are told', async scene => {
  const { romeo } = await asleep(scene)
  await romeo.sends('<iq type="get" id="v" to="juliet@here.example/phone"><query xmlns="jabber:iq:version"/></iq>')
  await scene.world.arrives(
    '<message type="groupchat" id="g" from="room@rooms.example/nick" to="juliet@here.example/phone"><body>hi</body></message>',
  )
  romeo.receivesNothing()
  await scene.later(9 * MINUTE)
  romeo.receives('<presence type="unavailable"/>')
  romeo.receives(
    '<iq type="error" id="v" from="juliet@here.example/phone"><error><service-unavailable xmlns="urn:ietf:params:xml:ns:xmpp-stanzas"/></error></iq>',
  )
  romeo.forget()
})

streamStory('where another device is there, it gets what could not be kept', async scene => {
  const { romeo } = await asleep(scene, [passing('a')])
  await romeo.sends(passing('b'))
  const laptop = await scene.online('juliet', 'laptop')
  await laptop.sends('<presence/>')
  laptop.forget()
  await scene.later(9 * MINUTE)
  assert.deepEqual(laptop.bodies(), ['a', 'b'])
  romeo.forget()
})

streamStory('what does not open cannot be resumed: its client binds anew, and nothing is lost', async scene => {
  const { id, romeo } = await asleep(scene, [say('a'), passing('b')])
  const [row] = await scene.world.store.all<{ wrap: Buffer }>(
    sql`SELECT wrap FROM credential WHERE account = ${'juliet'} AND hash = ${'SHA-256'}`,
  )
  await scene.world.store.run(sql`UPDATE credential SET wrap = NULL WHERE account = ${'juliet'}`)
  const locked = await resumes(scene, 'juliet', id, 1)
  locked.receives(`<failed xmlns="${SM}"><item-not-found xmlns="urn:ietf:params:xml:ns:xmpp-stanzas"/></failed>`)
  romeo.receives('<presence type="unavailable"/>')
  romeo.receives('<message type="error" id="b"/>')
  await locked.sends(BIND, '<presence/>')
  locked.receives('<iq type="result"/>')
  assert.deepEqual(locked.bodies(), [])
  await locked.sends('</stream:stream>')
  locked.forget()
  await scene.world.store.run(sql`UPDATE credential SET wrap = ${row!.wrap} WHERE account = ${'juliet'} AND hash = ${'SHA-256'}`)
  const open = await scene.online('juliet')
  await open.sends('<presence/>')
  assert.deepEqual(open.bodies(), ['a'])
  romeo.forget()
})

streamStory('a crash finds on disk what waited for a client that was away, and it comes once', async scene => {
  const { id, romeo } = await asleep(scene, [say('a')])
  await romeo.sends(say('b'), say('c'))
  scene.restarts()
  const phone = await resumes(scene, 'juliet', id, 3) // its presence, the subscription and the first message
  phone.receives(`<failed xmlns="${SM}"/>`)
  await phone.sends(BIND, '<presence/>')
  phone.receives('<iq type="result"/>')
  assert.deepEqual(phone.bodies(), ['b', 'c'])
})

streamStory('what comes for a session that is over does no harm', async scene => {
  const { romeo } = await asleep(scene)
  const session = scene.world.host.accounts.of('juliet').sessions.get('phone')!
  await scene.later(9 * MINUTE)
  assert.equal(session.isEnded, true)
  session.send(parseElement(say('late'), undefined, 'jabber:client'))
  romeo.forget()
})

streamStory('DESIGN law 10: what waits is bounded then as ever', async scene => {
  const { romeo } = await asleep(scene)
  for (let i = 0; i <= 100; i++) await romeo.sends(say(`m${i}`))
  assert.equal(scene.world.host.accounts.of('juliet').sessions.size, 0)
  assert.equal((await kept(scene)).length, 101)
  romeo.forget()
})
