/** An account with one device that is away: what the other one has is not given to it again when the first one's session ends. */
import assert from 'node:assert/strict'
import { ack, kept, managed, resumes, say } from '../../../test/managed-stream.ts'
import { type Device, streamStory } from '../../../test/stream-story.ts'

const MINUTE = 60_000
const MAM = 'urn:xmpp:mam:2'

/** A page of the archive; gives the texts. */
async function catchesUp(device: Device, from = 0): Promise<string[]> {
  const page = `<set xmlns="http://jabber.org/protocol/rsm"><max>50</max><index>${from}</index></set>`
  await device.sends(`<iq type="set" id="all"><query xmlns="${MAM}">${page}</query></iq>`)
  return device.unread.splice(0).flatMap(element => /<body>(.*)<\/body>/.exec(String(element))?.[1] ?? [])
}

streamStory('XEP-0198 §4: what the phone has acknowledged does not come to it again when the laptop does not come back', async scene => {
  const { device: phone } = await managed(scene, 'juliet')
  const { device: laptop } = await managed(scene, 'juliet', { resource: 'laptop' })
  const romeo = await scene.online('romeo')
  phone.forget()
  await laptop.breaks()
  await romeo.sends(say('a'), say('b'))
  assert.deepEqual(phone.bodies(), ['a', 'b'])
  await phone.sends(ack(4))
  await romeo.sends(say('c'))
  phone.forget()
  await phone.sends(ack(5))
  await scene.later(10 * MINUTE)
  assert.deepEqual(phone.bodies(), []) // only that it is asked, and that the laptop has gone
  assert.deepEqual(await kept(scene), [])
})

streamStory('what the phone has got but not acknowledged does not go before it has', async scene => {
  const { device: phone } = await managed(scene, 'juliet')
  const { device: laptop } = await managed(scene, 'juliet', { resource: 'laptop' })
  const romeo = await scene.online('romeo')
  await laptop.breaks()
  await romeo.sends(say('a'), say('b'))
  phone.forget()
  await phone.sends(ack(3)) // presence of both, and the first message
  await scene.later(10 * MINUTE)
  phone.forget()
  assert.deepEqual(
    (await kept(scene)).map(text => text.replace(/@.*/, '')),
    ['b'],
  )
})

streamStory('the laptop that comes back in time gets what the phone has acknowledged', async scene => {
  const { device: phone } = await managed(scene, 'juliet')
  const { device: laptop, id } = await managed(scene, 'juliet', { resource: 'laptop' })
  const romeo = await scene.online('romeo')
  await laptop.breaks()
  await romeo.sends(say('a'))
  phone.forget()
  await phone.sends(ack(3))
  const again = await resumes(scene, 'juliet', id, 2)
  assert.deepEqual(again.bodies(), ['a'])
  await again.sends(ack(3))
  assert.deepEqual(await kept(scene), [])
  phone.forget()
  again.forget()
})

streamStory('what a phone without stream management got is not kept for the laptop', async scene => {
  const { device: laptop } = await managed(scene, 'juliet', { resource: 'laptop' })
  const phone = await scene.online('juliet')
  await phone.sends('<presence/>')
  const { device: romeo } = await managed(scene, 'romeo')
  phone.forget()
  await laptop.breaks()
  phone.forget()
  await romeo.sends(say('a'))
  assert.deepEqual(phone.bodies(), ['a'])
  await scene.later(10 * MINUTE)
  assert.deepEqual(phone.bodies(), [])
  romeo.forget()
  laptop.forget()
  assert.deepEqual(await kept(scene), [])
})

streamStory('XEP-0313 §9: one that comes back as another session has caught up with what waits for the former one', async scene => {
  const { device: former } = await managed(scene, 'juliet', { resource: 'former' })
  const romeo = await scene.online('romeo')
  await former.breaks()
  await romeo.sends(say('a'), say('b'))
  const { device: phone } = await managed(scene, 'juliet', { presence: false })
  assert.deepEqual(await catchesUp(phone), ['a', 'b'])
  await phone.sends('<presence/>')
  assert.equal((await kept(scene)).length, 2)
  phone.forget()
  await phone.sends(ack(5))
  assert.deepEqual(await kept(scene), [])
  await scene.later(10 * MINUTE)
  assert.deepEqual(phone.bodies(), [])
})

streamStory('the same where its acknowledgement does not come: then it waits for the next one', async scene => {
  const { device: former } = await managed(scene, 'juliet', { resource: 'former' })
  const romeo = await scene.online('romeo')
  await former.breaks()
  await romeo.sends(say('a'))
  const { device: phone } = await managed(scene, 'juliet', { presence: false })
  assert.deepEqual(await catchesUp(phone), ['a'])
  await phone.sends('<presence/>')
  phone.forget()
  await phone.breaks()
  await scene.later(10 * MINUTE)
  const laptop = await scene.online('juliet', 'laptop')
  await laptop.sends('<presence/>')
  assert.deepEqual(laptop.bodies(), ['a'])
})

streamStory(
  'a device that is being sent what waits gets the rest of it although another one has read the part that it has not acknowledged',
  async scene => {
    const texts = Array.from({ length: 240 }, (_, i) => `m${i}`)
    const { device: former } = await managed(scene, 'juliet', { resource: 'former' })
    await former.sends('</stream:stream>')
    former.forget()
    const romeo = await scene.online('romeo')
    await romeo.sends(texts.map(text => say(text)).join(''))
    const { device: phone } = await managed(scene, 'juliet', { presence: false })
    await phone.sends('<presence/>')
    assert.deepEqual(phone.bodies(), texts.slice(0, 100))
    const { device: laptop } = await managed(scene, 'juliet', { resource: 'laptop', presence: false })
    await laptop.sends('<presence/>')
    assert.deepEqual(laptop.bodies(), texts.slice(100, 200))
    const read = await catchesUp(phone)
    for (let page = 1; page < 4; page++) read.push(...(await catchesUp(phone, read.length)))
    assert.deepEqual(read, texts.slice(0, 200))
    await laptop.sends(ack(102))
    assert.deepEqual(laptop.bodies(), texts.slice(200))
  },
  { management: { resumeFor: 600_000, queue: 1000, queueBytes: 2 ** 20 } },
)
