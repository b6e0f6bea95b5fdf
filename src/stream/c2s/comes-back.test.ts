/** A device that was away for long gets everything once, in order: out of its stream, out of what waits, and out of the archive. */
import assert from 'node:assert/strict'
import { outlive } from '../../../test/archive-story.ts'
import { ack, BIND, ENABLE, kept, managed, resume, resumes, SM, say } from '../../../test/managed-stream.ts'
import { type Device, type Scene, streamStory } from '../../../test/stream-story.ts'

const MAM = 'urn:xmpp:mam:2'
const DAY = 86_400_000

/** The texts of the messages of the archive after an id, and the id of the last one. */
async function reads(device: Device, after = ''): Promise<{ bodies: string[]; last: string }> {
  const rsm = `<set xmlns="http://jabber.org/protocol/rsm">${after === '' ? '' : `<after>${after}</after>`}</set>`
  await device.sends(`<iq type="set" id="q"><query xmlns="${MAM}">${rsm}</query></iq>`)
  const bodies: string[] = []
  let last = after
  for (const element of device.unread.splice(0)) {
    if (element === 'end of stream' || element.name !== 'message') continue
    const result = element.first()!
    last = result.attrs['id']!
    bodies.push(result.first()!.elements().at(-1)!.first()!.text)
  }
  return { bodies, last }
}

/** The id that the last message which came has in the archive. */
function lastId(device: Device): string {
  const message = device.unread.findLast(element => element !== 'end of stream' && element.name === 'message')
  assert.ok(message !== undefined && message !== 'end of stream')
  return message.elements().find(({ name }) => name === 'stanza-id')!.attrs['id']!
}

/** Binds and says that it is there; gives what it hears. */
async function begins(device: Device, resource = 'phone'): Promise<string[]> {
  await device.sends(
    `<iq type="set" id="b"><bind xmlns="urn:ietf:params:xml:ns:xmpp-bind"><resource>${resource}</resource></bind></iq>`,
    ENABLE,
  )
  await device.sends('<presence/>')
  return device.bodies()
}

/** Romeo says something on each day of a week. */
async function aWeek(scene: Scene): Promise<string[]> {
  const said: string[] = []
  for (let day = 1; day <= 6; day++) {
    const romeo = await scene.online('romeo')
    await romeo.sends(say(`day ${day}`), say(`evening ${day}`))
    await romeo.sends('</stream:stream>')
    scene.forget(romeo)
    said.push(`day ${day}`, `evening ${day}`)
    await outlive(scene.world, DAY)
    await scene.settled()
  }
  return said
}

for (const way of ['with its archive', 'without an archive'] as const) {
  streamStory(`a phone that vanished and comes back after a week, ${way}, hears each message once`, async scene => {
    const { device: phone, id } = await managed(scene, 'juliet')
    const romeo = await scene.online('romeo')
    await romeo.sends(say('a'), say('b'))
    const known = lastId(phone)
    assert.deepEqual(phone.bodies(), ['a', 'b'])
    await phone.breaks()
    await romeo.sends(say('c'))
    const said = ['c', ...(await aWeek(scene))]
    scene.restarts()
    const back = await resumes(scene, 'juliet', id, 3)
    back.receives(`<failed xmlns="${SM}"><item-not-found xmlns="urn:ietf:params:xml:ns:xmpp-stanzas"/></failed>`)
    if (way === 'without an archive') assert.deepEqual(await begins(back), said)
    else {
      await back.sends(BIND, ENABLE)
      back.forget()
      assert.deepEqual((await reads(back, known)).bodies, said)
      await back.sends('<presence/>')
      assert.deepEqual(back.bodies(), [])
    }
  })
}

streamStory(
  'of two devices that were away, the first gets what waits, the second reads the archive, and a crash comes between',
  async scene => {
    const said = await aWeek(scene)
    const phone = scene.device()
    await phone.proves('juliet')
    assert.deepEqual(await begins(phone), said)
    scene.restarts()
    const laptop = scene.device()
    await laptop.proves('juliet')
    await laptop.sends(
      `<iq type="set" id="b"><bind xmlns="urn:ietf:params:xml:ns:xmpp-bind"><resource>laptop</resource></bind></iq>`,
      ENABLE,
    )
    laptop.forget()
    assert.deepEqual((await reads(laptop)).bodies, said)
    await laptop.sends('<presence/>')
    assert.deepEqual(laptop.bodies(), [])
  },
)

streamStory('two devices that resume after some minutes have all, in order, and nothing waits once they have said so', async scene => {
  const { device: phone, id: one } = await managed(scene, 'juliet')
  const { device: laptop, id: two } = await managed(scene, 'juliet', { resource: 'laptop' })
  const romeo = await scene.online('romeo')
  for (const device of [phone, laptop]) await device.breaks()
  phone.forget()
  laptop.forget()
  for (const body of ['a', 'b']) await romeo.sends(say(body))
  await scene.later(2 * 60_000)
  for (const body of ['c', 'd']) await romeo.sends(say(body))
  for (const id of [one, two]) {
    const again = scene.device()
    await again.proves('juliet')
    await again.sends(resume(id, 0))
    assert.deepEqual(again.bodies(), ['a', 'b', 'c', 'd'])
    await again.sends(ack(6)) // and the presence of both
    again.forget()
  }
  assert.deepEqual(await kept(scene), [])
})
