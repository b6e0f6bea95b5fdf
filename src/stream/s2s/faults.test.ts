import assert from 'node:assert/strict'
import { type Stranger, serverStory } from '../../../test/server-story.ts'

const SM = "<sm xmlns='urn:xmpp:sm:3'/>"

/** The stranger lets the server of ours in, up to where stanzas come. */
async function letIn(there: Stranger, isManaged = true): Promise<void> {
  const sm = isManaged ? SM : ''
  await there.welcomes(
    'there.example',
    'here.example',
    `<mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><mechanism>EXTERNAL</mechanism></mechanisms>${sm}`,
  )
  there.receives('<auth xmlns="urn:ietf:params:xml:ns:xmpp-sasl" mechanism="EXTERNAL"/>')
  await there.sends("<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>")
  there.receives('<stream xmlns="http://etherx.jabber.org/streams"/>')
  await there.sends(`${there.header('there.example', 'here.example', 'x')}<stream:features>${sm}</stream:features>`)
  if (!isManaged) return
  there.receives('<enable xmlns="urn:xmpp:sm:3"/>')
  await there.sends("<enabled xmlns='urn:xmpp:sm:3'/>")
}

serverStory('a server that acknowledges nothing is sent no more than a window, and the rest waits or is refused', async network => {
  const here = await network.town('here.example', { window: { stanzas: 3, bytes: 100_000 } })
  const there = network.stranger('there.example')
  const romeo = await here.world.online('romeo')
  await romeo.sends('<message to="juliet@there.example" id="m0"/>')
  await letIn(there)
  for (let i = 1; i < 9; i++) await romeo.sends(`<message to="juliet@there.example" id="m${i}"/>`)
  for (const id of ['m0', 'm1', 'm2']) there.receives(`<message id="${id}"/>`)
  there.receivesNothing()
  romeo.receivesError('m8', 'resource-constraint')
  await network.later(1_000)
  there.receives('<r xmlns="urn:xmpp:sm:3"/>')
  await there.sends("<a xmlns='urn:xmpp:sm:3' h='2'/>")
  for (const id of ['m3', 'm4']) there.receives(`<message id="${id}"/>`)
  await there.sends("<a xmlns='urn:xmpp:sm:3' h='5'/>")
  for (const id of ['m5', 'm6', 'm7']) there.receives(`<message id="${id}"/>`)
  await there.sends("<a xmlns='urn:xmpp:sm:3' h='8'/>")
  there.receivesNothing()
})

serverStory('a server that acknowledges nothing for a minute is given up, however much it says, and senders are told', async network => {
  const here = await network.town('here.example')
  const there = network.stranger('there.example')
  const romeo = await here.world.online('romeo')
  await romeo.sends('<message to="juliet@there.example" id="m1"/>')
  await letIn(there)
  there.receives('<message id="m1"/>')
  for (let i = 0; i < 8; i++) {
    await network.later(10_000)
    await there.sends("<a xmlns='urn:xmpp:sm:3' h='0'/>")
  }
  assert.ok(!there.isConnected)
  romeo.receivesError('m1', 'remote-server-timeout')
  assert.equal(there.visits, 1)
})

serverStory('what a connection is too full to take is not lost', async network => {
  const here = await network.town('here.example', { outputBuffer: 1000 })
  const there = network.stranger('there.example')
  const romeo = await here.world.online('romeo')
  await romeo.sends('<message to="juliet@there.example" id="m1"/>')
  await letIn(there)
  there.receives('<message id="m1"/>')
  there.stopsReading()
  await romeo.sends(`<message to="juliet@there.example" id="m2"><body>${'x'.repeat(1000)}</body></message>`)
  network.places.set('there.example', 'no connection could be made')
  await romeo.sends(`<message to="juliet@there.example" id="m3"/>`)
  assert.ok(!there.isConnected)
  await network.later(61_000)
  for (const id of ['m1', 'm2', 'm3']) romeo.receivesError(id, 'remote-server-timeout')
})

serverStory('a server whose connections break one after the other is tried ever more rarely', async network => {
  const here = await network.town('here.example')
  const there = network.stranger('there.example')
  const romeo = await here.world.online('romeo')
  for (let i = 0; i < 60; i++) {
    await romeo.sends(`<message to="juliet@there.example" id="m${i}"/>`)
    if (there.visits > 0 && there.isConnected) {
      await letIn(there, false)
      there.receives('<message id="*"/>')
      await there.breaks()
    }
    there.forget()
    await network.later(1_000)
  }
  romeo.forget()
  assert.ok(there.visits >= 4 && there.visits <= 7, `${there.visits} visits in a minute`)
})

serverStory('a server that comes again and again is not visited each time', async network => {
  const here = await network.town('here.example')
  const there = network.stranger('there.example')
  network.places.set('there.example', 'no connection could be made')
  const romeo = await here.world.online('romeo')
  await romeo.sends('<message to="juliet@there.example" id="m1"/>')
  const { dialled } = network
  for (let i = 0; i < 10; i++) {
    await there.opens('there.example', 'here.example')
    await there.sends("<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='EXTERNAL'>=</auth>")
    await there.breaks()
    await network.later(100)
  }
  assert.ok(network.dialled - dialled <= 12, `${network.dialled - dialled - 10} tries in a second`)
  there.forget()
  await network.later(60_000)
  romeo.receivesError('m1', 'remote-server-timeout')
})

serverStory(
  'over a connection that was opened by the other side nothing goes before it is settled that it is acknowledged',
  async network => {
    const here = await network.town('here.example')
    const there = network.stranger('there.example')
    network.places.set('there.example', 'no connection could be made')
    const romeo = await here.world.online('romeo')
    const comes = async (): Promise<void> => {
      await there.opens('there.example', 'here.example')
      there.forget()
      await there.sends("<bidi xmlns='urn:xmpp:bidi'/><auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='EXTERNAL'>=</auth>")
      await there.sends(there.header('there.example', 'here.example'))
      there.forget()
    }
    await romeo.sends('<message to="juliet@there.example" id="m1"/>')
    await comes()
    await there.sends("<enable xmlns='urn:xmpp:sm:3'/>")
    there.receives('<enabled xmlns="urn:xmpp:sm:3"/>')
    there.receives('<message id="m1"/>')
    await there.breaks()
    await comes()
    there.receivesNothing()
    await network.later(2_000)
    there.receives('<message id="m1"/>')
  },
)
