/** DESIGN law 10, for clients that ask for much of their archive at once: they get it as fast as they read, and it stays bounded. */
import assert from 'node:assert/strict'
import { ack, handled, kept, managed, resumes, SM, say } from '../../../test/managed-stream.ts'
import { type Device, type Scene, SETTINGS, streamStory } from '../../../test/stream-story.ts'

const QUERY = `<query xmlns="urn:xmpp:mam:2"><set xmlns="http://jabber.org/protocol/rsm"><max>50</max><before/></set></query>`
const ask = (times: number): string => `<iq type="set" id="ask">${QUERY}</iq>`.repeat(times)
const count = (device: Device): { messages: number; answers: number } => {
  const text = device.unread.splice(0).map(String)
  const starting = (start: RegExp): number => text.filter(each => start.test(each)).length
  return { messages: starting(/^<message/), answers: starting(/^<iq .*type='result'/) }
}

/** Juliet's phone, and 60 messages in her archive, the last 20 of that length. */
async function aConversation(scene: Scene, length = 1): Promise<{ phone: Device; id: string; romeo: Device; sent: number }> {
  const { device: phone, id } = await managed(scene, 'juliet')
  const romeo = await scene.online('romeo')
  for (let i = 0; i < 60; i++) {
    await romeo.sends(say(i < 40 ? `m${i}` : 'x'.repeat(length)))
    await phone.sends(ack(i + 2))
  }
  phone.forget()
  return { phone, id, romeo, sent: 61 }
}

const management = { resumeFor: 600_000, queue: 200, queueBytes: 100_000 }

streamStory(
  'a client that asks for thirty conversations at once gets them, and acknowledges when it can',
  async scene => {
    const { phone, sent } = await aConversation(scene)
    await phone.sends(ask(30))
    assert.deepEqual(count(phone), { messages: 1500, answers: 30 })
    await phone.sends(ack(sent + 1530))
    assert.equal(await handled(phone), '31')
    await phone.sends(ask(1))
    assert.deepEqual(count(phone), { messages: 50, answers: 1 })
  },
  { management },
)

streamStory(
  'what it was sent is sent again when it resumes, as far as that has room; if not all has, it begins anew',
  async scene => {
    const { phone, id, romeo, sent } = await aConversation(scene)
    await phone.sends(ask(1))
    phone.forget()
    await phone.breaks()
    const again = await resumes(scene, 'juliet', id, sent + 30)
    again.receives(`<resumed xmlns="${SM}"/>`)
    assert.deepEqual(count(again), { messages: 20, answers: 1 })
    await again.sends(ack(sent + 51))
    await again.sends(ask(10))
    await romeo.sends(say('meanwhile'))
    again.forget()
    await again.breaks()
    const third = await resumes(scene, 'juliet', id, sent + 51)
    third.receives(`<failed xmlns="${SM}"><item-not-found xmlns="urn:ietf:params:xml:ns:xmpp-stanzas"/></failed>`)
    assert.deepEqual(
      (await kept(scene)).map(text => text.replace(/@.*/, '')),
      ['meanwhile'],
    )
  },
  { management },
)

streamStory(
  'once what had no room is acknowledged the stream can be resumed',
  async scene => {
    const { phone, id, romeo, sent } = await aConversation(scene, 10_000)
    await phone.sends(ask(3))
    await romeo.sends(say('last'))
    phone.forget()
    await phone.sends(ack(sent + 153))
    await phone.breaks()
    const again = await resumes(scene, 'juliet', id, sent + 153)
    assert.deepEqual(again.bodies(), ['last'])
  },
  { management },
)

streamStory(
  'a client that never acknowledges its answers ends all the same',
  async scene => {
    const { phone } = await aConversation(scene)
    await phone.sends(ask(100))
    assert.equal(phone.socket.state, 'closed')
    phone.forget()
  },
  { management },
)

streamStory(
  'a client that asks for more than it reads is answered as it reads, and not given up',
  async scene => {
    const { phone } = await aConversation(scene, 2000)
    phone.socket.isTaken = false
    await phone.sends(ask(20))
    let rounds = 0
    for (; phone.socket.queued > SETTINGS.outputBuffer / 4; rounds++) {
      assert.ok(phone.socket.queued < SETTINGS.outputBuffer / 2)
      phone.socket.queued = 0
      phone.socket.onDrained()
      await scene.settled()
    }
    assert.ok(rounds > 2)
    assert.equal(phone.socket.state, 'open')
    phone.socket.isTaken = true
    await phone.sends(ask(1))
    assert.deepEqual(count(phone), { messages: 50, answers: 1 })
  },
  { management: { ...management, queue: 1000, queueBytes: 1_000_000 } },
)
