import assert from 'node:assert/strict'
import { setTimeout as wait } from 'node:timers/promises'
import { type Device, type Scene, streamStory } from '../../../test/stream-story.ts'
import { plainMessage, saltPassword } from '../../sasl/test-client.ts'
import { ITERATIONS, newPencils } from '../../sasl/test-fixture.ts'

const SASL2 = 'urn:xmpp:sasl:2'
const SM = 'urn:xmpp:sm:3'
const ALL = { mechanisms: { sha1: true, plain: true } }

/** Whether what is kept for the account can be read now. */
function isOpen({ world: { host } }: Scene, name = 'romeo'): boolean {
  return host.keys.of(host.accounts.of(name))!.keyOf() !== undefined
}

async function opened(scene: Scene): Promise<Device> {
  const device = scene.device()
  await device.opens()
  return device
}

for (const name of ['SCRAM-SHA-1', 'SCRAM-SHA-256', 'SCRAM-SHA-512']) {
  for (const mechanism of [name, `${name}-PLUS`]) {
    streamStory(
      `a login by ${mechanism}, in the old profile or the new one, opens what is kept until its connection ends`,
      async scene => {
        const old = await opened(scene)
        await old.authenticates('romeo', { mechanism })
        assert.equal(isOpen(scene), true)
        await old.breaks()
        assert.equal(isOpen(scene), false)
        const device = await opened(scene)
        await device.authenticates2('romeo', '', { mechanism })
        assert.equal(isOpen(scene), true)
        await device.breaks()
        assert.equal(isOpen(scene), false)
        old.forget()
        device.forget()
      },
      ALL,
    )
  }
}

streamStory(
  'so does a login by PLAIN',
  async scene => {
    const device = await opened(scene)
    const message = plainMessage('romeo', 'pencil').toString('base64')
    await device.sends(`<auth xmlns="urn:ietf:params:xml:ns:xmpp-sasl" mechanism="PLAIN">${message}</auth>`)
    while (device.unread.length === 0) await wait(5) // PBKDF2 has a thread of its own
    device.receives('<success xmlns="urn:ietf:params:xml:ns:xmpp-sasl"/>')
    assert.equal(isOpen(scene), true)
  },
  ALL,
)

streamStory('a wrong password opens nothing', async scene => {
  const device = await opened(scene)
  await device.authenticates('romeo', { password: 'quill' })
  device.receives('<failure xmlns="urn:ietf:params:xml:ns:xmpp-sasl"/>')
  assert.equal(isOpen(scene), false)
})

streamStory('XEP-0480: the credential that a client adds opens it as well', async scene => {
  await scene.world.host.life.create('mercutio', newPencils('SHA-256'))
  const device = await opened(scene)
  await device.authenticates2('mercutio', '<upgrade xmlns="urn:xmpp:sasl:upgrade:0">UPGR-SCRAM-SHA-512</upgrade>')
  device.forget()
  await device.sends(`<next xmlns="${SASL2}" task="UPGR-SCRAM-SHA-512"/>`)
  const salt = device.receives(`<task-data xmlns="${SASL2}"/>`).elements()[0]!.text
  const hash = saltPassword('SHA-512', 'pencil', salt, ITERATIONS).toString('base64')
  await device.sends(`<task-data xmlns="${SASL2}"><hash xmlns="urn:xmpp:scram-upgrade:0">${hash}</hash></task-data>`)
  device.forget()
  await device.breaks()
  assert.equal(isOpen(scene, 'mercutio'), false)
  const again = await opened(scene)
  await again.authenticates('mercutio', { mechanism: 'SCRAM-SHA-512' })
  again.forget()
  assert.equal(isOpen(scene, 'mercutio'), true)
})

streamStory('XEP-0480: a client that leaves in the middle of it leaves nothing open', async scene => {
  await scene.world.host.life.create('mercutio', newPencils('SHA-256'))
  const device = await opened(scene)
  await device.authenticates2('mercutio', '<upgrade xmlns="urn:xmpp:sasl:upgrade:0">UPGR-SCRAM-SHA-512</upgrade>')
  device.forget()
  await device.breaks()
  assert.equal(isOpen(scene, 'mercutio'), false)
})

streamStory('of several devices the last one locks it', async scene => {
  const phone = await scene.online('romeo', 'phone')
  const tablet = await scene.online('romeo', 'tablet')
  await phone.breaks()
  assert.equal(isOpen(scene), true)
  await tablet.sends('</stream:stream>')
  tablet.receivesEnd()
  assert.equal(isOpen(scene), false)
})

streamStory('a session that waits for its client holds no key, and the client that resumes it brings it along', async scene => {
  const phone = await scene.online('romeo', 'phone', `<enable xmlns="${SM}" resume="true"/>`)
  const { id } = phone.receives(`<enabled xmlns="${SM}"/>`).attrs
  await phone.breaks()
  assert.equal(isOpen(scene), false)
  const back = scene.device()
  await back.proves('romeo')
  await back.sends(`<resume xmlns="${SM}" previd="${id}" h="0"/>`)
  back.receives(`<resumed xmlns="${SM}"/>`)
  assert.equal(isOpen(scene), true)
  await back.breaks()
  assert.equal(isOpen(scene), false)
})

streamStory('one that has logged in and then may not bind leaves nothing open', async scene => {
  const { host } = scene.world
  for (let i = 0; i < 10; i++) await host.bind('romeo', `r${i}`, { position: undefined, send() {}, close() {} })
  const device = await opened(scene)
  await device.authenticates2('romeo', '<bind xmlns="urn:xmpp:bind:0"/>')
  device.receives(`<failure xmlns="${SASL2}"/>`)
  assert.equal(isOpen(scene), false)
})
