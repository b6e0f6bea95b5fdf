/** XEP-0198 §4 and XEP-0203: what comes late says when it was sent. */
import { ack, managed, resumes, say } from '../../../test/managed-stream.ts'
import { type Scene, streamStory } from '../../../test/stream-story.ts'
import { writeDateTime } from '../../xmpp/date-time.ts'

const MINUTE = 60_000
const stamped = (scene: Scene, at: number, body: string): string =>
  `<message id="${body}"><body>${body}</body><delay xmlns="urn:xmpp:delay" from="${scene.world.host.domain}" stamp="${writeDateTime(at)}"/></message>`

for (const away of [1, 9]) {
  streamStory(`what is sent again after ${away} minutes carries the time when it came`, async scene => {
    const { device: phone, id } = await managed(scene, 'juliet')
    const romeo = await scene.online('romeo')
    const first = scene.world.clock.now()
    await romeo.sends(say('a'))
    phone.receives('<message id="a"><body/></message>')
    await phone.breaks()
    await scene.later(1000)
    const second = scene.world.clock.now()
    await romeo.sends(say('b'))
    await scene.later(away * MINUTE)
    const again = await resumes(scene, 'juliet', id, 1)
    again.receives('<resumed xmlns="urn:xmpp:sm:3"/>')
    again.receives(stamped(scene, first, 'a'))
    again.receives(stamped(scene, second, 'b'))
    again.receives('<r xmlns="urn:xmpp:sm:3"/>')
    await again.sends(ack(3))
    await romeo.sends(say('c'))
    again.receives('<message id="c"><body/></message>')
  })
}

streamStory('what another device gets in place of the first one carries it too', async scene => {
  const { device: phone } = await managed(scene, 'juliet')
  const romeo = await scene.online('romeo')
  const at = scene.world.clock.now()
  await romeo.sends(say('a'))
  await scene.later(MINUTE)
  const laptop = await scene.online('juliet', 'laptop')
  await laptop.sends('<presence/>')
  laptop.forget()
  await phone.sends('</stream:stream>')
  phone.forget()
  laptop.receives('<presence type="unavailable"/>')
  laptop.receives(stamped(scene, at, 'a'))
})

streamStory('what is kept for a device when its connection breaks carries it, whenever it comes out of there', async scene => {
  const { device: phone } = await managed(scene, 'juliet')
  const romeo = await scene.online('romeo')
  const at = scene.world.clock.now()
  await romeo.sends(say('a'))
  await scene.later(MINUTE)
  phone.forget()
  await phone.breaks()
  await scene.later(11 * MINUTE)
  const { device: laptop, id: second } = await managed(scene, 'juliet', { resource: 'laptop', presence: false })
  await laptop.sends('<presence/>')
  laptop.receives('<presence/>')
  laptop.receives(stamped(scene, at, 'a'))
  await laptop.breaks()
  await scene.later(1000)
  // The delay that it has already is the right one.
  const again = await resumes(scene, 'juliet', second, 1)
  again.receives('<resumed xmlns="urn:xmpp:sm:3"/>')
  again.receives(stamped(scene, at, 'a'))
  again.receives('<r xmlns="urn:xmpp:sm:3"/>')
})
