import assert from 'node:assert/strict'
import { ack, handled, kept, managed, REQUEST, resume, resumes, SM, say } from '../../../test/managed-stream.ts'
import { streamStory } from '../../../test/stream-story.ts'
import { defineModule } from '../../core/module.ts'
import { messageIn } from '../../core/points.ts'

streamStory('XEP-0198 §4: stanzas are counted, other elements are not', async scene => {
  const { device } = await managed(scene, 'romeo', { presence: false })
  assert.equal(await handled(device), '0')
  await device.sends('<presence/>', REQUEST, ack(0), ' ')
  device.receives('<presence/>')
  device.receives(`<a xmlns="${SM}" h="1"/>`)
  await device.sends(
    '<iq type="get" id="x"><ping xmlns="urn:xmpp:ping"/></iq>',
    '<inactive xmlns="urn:xmpp:csi:0"/>',
    say('hi', 'nobody@here.example'),
  )
  device.forget()
  assert.equal(await handled(device), '3')
})

streamStory('XEP-0198 §4: requests that come together are answered together, with the newest count', async scene => {
  const { device } = await managed(scene, 'romeo', { presence: false })
  const ping = '<iq type="get" id="x"><ping xmlns="urn:xmpp:ping"/></iq>'
  await device.sends(`${REQUEST.repeat(5)}${ping}${REQUEST}${ping}`)
  for (let i = 0; i < 2; i++) device.receives('<iq type="result"/>')
  device.receives(`<a xmlns="${SM}" h="2"/>`)
  await device.sends(REQUEST)
  device.receives(`<a xmlns="${SM}" h="2"/>`)
})

streamStory('XEP-0198 §4: a request is answered before the stream that it came on is closed', async scene => {
  const { device } = await managed(scene, 'romeo')
  await device.sends(`${REQUEST}</stream:stream>`)
  device.receives(`<a xmlns="${SM}" h="1"/>`)
  device.receivesEnd()
  const { device: phone } = await managed(scene, 'romeo')
  const { device: juliet } = await managed(scene, 'juliet')
  await phone.sends(`${say('hi')}${REQUEST}</stream:stream>`)
  phone.receives(`<a xmlns="${SM}" h="1"/>`)
  phone.receivesEnd()
  assert.deepEqual(juliet.bodies(), ['hi'])
})

streamStory('XEP-0198 §4: an answer that is due does not go to the connection that takes over', async scene => {
  const { device: former, id } = await managed(scene, 'juliet')
  const next = scene.device()
  await next.proves('juliet')
  former.writes(REQUEST)
  next.writes(resume(id, 1))
  await scene.settled()
  former.receives(`<a xmlns="${SM}" h="1"/>`)
  former.receivesStreamError('conflict')
  next.receives(`<resumed xmlns="${SM}" h="1"/>`)
})

streamStory('DESIGN law 7: a message is acknowledged when its recipient has acknowledged it', async scene => {
  const { device: romeo } = await managed(scene, 'romeo')
  const { device: juliet } = await managed(scene, 'juliet')
  await romeo.sends(say('hi'), REQUEST)
  romeo.receivesNothing()
  juliet.receives('<message><body>hi</body></message>')
  juliet.receives(REQUEST)
  await juliet.sends(ack(2))
  romeo.receives(`<a xmlns="${SM}" h="2"/>`)
  assert.deepEqual(await kept(scene), [])
})

streamStory('XEP-0198 §4: an answer is not withheld for long, and comes once more when there is more to acknowledge', async scene => {
  const { device: romeo } = await managed(scene, 'romeo')
  const { device: juliet } = await managed(scene, 'juliet')
  await romeo.sends(say('hi'), REQUEST, REQUEST, REQUEST)
  await scene.later(300)
  romeo.receives(`<a xmlns="${SM}" h="1"/>`)
  await juliet.sends(ack(2))
  romeo.receives(`<a xmlns="${SM}" h="2"/>`)
  juliet.forget()
})

streamStory('DESIGN law 7: a message whose recipient stays silent is put on disk, and acknowledged then', async scene => {
  const { device: romeo } = await managed(scene, 'romeo')
  const { device: juliet } = await managed(scene, 'juliet')
  await romeo.sends(say('hi'), REQUEST)
  await scene.later(300)
  romeo.receives(`<a xmlns="${SM}" h="1"/>`)
  await scene.later(4_700)
  assert.deepEqual(await kept(scene), ['hi@2'])
  romeo.receives(REQUEST) // for the presence that it got
  romeo.receives(`<a xmlns="${SM}" h="2"/>`)
  await juliet.sends(ack(2))
  assert.deepEqual(await kept(scene), [])
  juliet.forget()
})

streamStory('DESIGN law 7: a message that waits behind others is acknowledged once it is on disk', async scene => {
  const { device: romeo } = await managed(scene, 'romeo')
  for (let i = 0; i < 101; i++) await romeo.sends(say(`m${i}`))
  const { device: juliet } = await managed(scene, 'juliet')
  await romeo.sends(say('live'))
  assert.equal(await handled(romeo), '103')
  assert.deepEqual((await kept(scene)).slice(-2), ['m100', 'live'])
  juliet.receivesNothing()
})

streamStory('DESIGN law 7: what is refused, or for nobody, is acknowledged at once', async scene => {
  const { device } = await managed(scene, 'romeo')
  await device.sends(
    say('a', 'here.example'),
    say('b', 'x@elsewhere.example'),
    say('c', 'nobody@here.example/r', 'normal'),
    '<message to="@"/>',
    '<iq type="get" id="i"/>',
  )
  device.forget()
  assert.equal(await handled(device), '6')
})

streamStory(
  'XEP-0198 §5: what came before the connection broke is said to be handled when it is safe, and need not be sent again',
  async scene => {
    const { device: romeo, id } = await managed(scene, 'romeo')
    const { device: juliet } = await managed(scene, 'juliet')
    await romeo.sends(say('hi'))
    await romeo.breaks()
    const again = await resumes(scene, 'romeo', id, 1)
    again.receives(`<resumed xmlns="${SM}" h="2"/>`)
    assert.deepEqual(await kept(scene), ['hi@2'])
    await again.sends(say('there'))
    await juliet.sends(ack(3))
    assert.equal(await handled(again), '3')
    assert.deepEqual(juliet.bodies(), ['hi', 'there'])
  },
)

streamStory('XEP-0198 §5: what cannot be made safe is not said to be handled, and is counted once when it comes again', async scene => {
  const { device: romeo, id } = await managed(scene, 'romeo')
  const { device: juliet } = await managed(scene, 'juliet')
  const secret = say('hi').replace('<body>', '<no-store xmlns="urn:xmpp:hints"/><body>') // is never put on disk
  await romeo.sends(secret)
  await romeo.breaks()
  const again = scene.device()
  await again.proves('romeo')
  again.socket.onData(Buffer.from(resume(id, 1)))
  await scene.settled()
  again.receivesNothing()
  await scene.later(1_000)
  again.receives(`<resumed xmlns="${SM}" h="1"/>`)
  await again.sends(secret)
  await juliet.sends(ack(3))
  assert.equal(await handled(again), '2')
  juliet.forget()
})

const slowToCopy = defineModule({
  name: 'slow-to-copy',
  about: 'Takes its time after delivery.',
  xeps: [],
  setup({ on }) {
    on(messageIn.copy, function copySlowly() {
      return new Promise<void>(resolve => setImmediate(resolve))
    })
  },
})

streamStory(
  'DESIGN law 7: a message whose recipient goes while it is still being copied is not lost',
  async scene => {
    const { device: romeo } = await managed(scene, 'romeo')
    const { device: juliet } = await managed(scene, 'juliet')
    romeo.writes(say('hi'))
    juliet.writes('</stream:stream>')
    await scene.settled()
    assert.deepEqual(juliet.bodies(), ['hi'])
    assert.deepEqual(await kept(scene), ['hi'])
    assert.equal(await handled(romeo), '2')
  },
  {},
  // With an archive it would first be written there.
  { extra: [slowToCopy], settings: { retention: { usual: 'delivered' } } },
)
