/** What becomes of stanzas when connections end, or the other side does not do its part (DESIGN laws 7 and 10). */
import assert from 'node:assert/strict'
import { type CableEnd, type Network, type Stranger, serverStory } from '../../../test/server-story.ts'
import { Custody } from '../../core/custody.ts'
import { parseElement } from '../../xml/parser.ts'
import { Jid } from '../../xmpp/jid.ts'

const SM = "<sm xmlns='urn:xmpp:sm:3'/>"

const message = (id: string, body = '') => `<message to="juliet@there.example" id="${id}"><body>${body}</body></message>`

/** A connection that both sides may send on, opened by them; our stanzas are acknowledged there. */
async function bothWays(network: Network): Promise<Stranger> {
  const there = await almostBothWays(network)
  await there.sends("<enable xmlns='urn:xmpp:sm:3'/>")
  there.forget()
  return there
}

/** We do not send on it until they have said whether they want acknowledgements. */
async function almostBothWays(network: Network): Promise<Stranger> {
  const there = network.stranger('there.example')
  await there.opens('there.example', 'here.example')
  await there.sends("<bidi xmlns='urn:xmpp:bidi'/><auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='EXTERNAL'>=</auth>")
  await there.sends(there.header('there.example', 'here.example'))
  there.forget()
  return there
}

/** There, which we have called, and our end of the cable; our stanzas are acknowledged. */
function called(network: Network): { there: Stranger; cable: () => CableEnd } {
  const there = network.stranger('there.example')
  let cable: CableEnd | undefined
  network.places.set('there.example', {
    kind: 'tcp',
    shows: ['there.example'],
    accept(end) {
      cable = end.other
      there.take(end)
    },
  })
  return { there, cable: () => cable! }
}

async function welcomes(there: Stranger): Promise<void> {
  await there.welcomes('there.example', 'here.example', `<dialback xmlns='urn:xmpp:features:dialback'><errors/></dialback>${SM}`)
  there.receives('<result xmlns="jabber:server:dialback" from="here.example" to="there.example"/>')
  await there.sends("<db:result from='there.example' to='here.example' type='valid'/>")
  there.receives('<enable xmlns="urn:xmpp:sm:3"/>')
  await there.sends("<enabled xmlns='urn:xmpp:sm:3'/>")
}

serverStory('what one connection has lost goes over the other one that there is, before what comes later', async network => {
  const here = await network.town('here.example')
  const romeo = await here.world.online('romeo')
  const first = await bothWays(network)
  const second = await bothWays(network)
  await romeo.sends(message('m1'))
  first.receives('<message id="m1"/>')
  await first.breaks()
  await romeo.sends(message('m2'))
  await network.settled()
  second.receives('<message id="m1"/>')
  second.receives('<message id="m2"/>')
})

serverStory('what one connection has begun to carry it goes on to carry, also when an older one becomes ready', async network => {
  const here = await network.town('here.example')
  const romeo = await here.world.online('romeo')
  const older = await almostBothWays(network)
  const { there } = called(network)
  await romeo.sends(message('m1'))
  await welcomes(there)
  there.receives('<message id="m1"/>')
  await older.sends("<enable xmlns='urn:xmpp:sm:3'/>")
  older.receives('<enabled xmlns="urn:xmpp:sm:3"/>')
  await romeo.sends(message('m2'))
  there.receives('<message id="m2"/>')
  await there.breaks()
  await network.settled()
  older.receives('<message id="m1"/>')
  older.receives('<message id="m2"/>')
})

serverStory('the stanza over which a slow connection is given up is sent over the next one', async network => {
  const here = await network.town('here.example')
  const romeo = await here.world.online('romeo')
  const { there, cable } = called(network)
  await romeo.sends(message('m1'))
  await welcomes(there)
  there.receives('<message id="m1"/>')
  await there.sends("<a xmlns='urn:xmpp:sm:3' h='1'/>")
  cable().queued = 2 ** 21
  const custody = new Custody()
  const [from, to] = [Jid.parse('romeo@here.example/phone'), Jid.parse('juliet@there.example')]
  here.federation.deliver(parseElement(message('m2'), undefined, 'jabber:client'), from, to, custody)
  await network.settled()
  assert.ok(!custody.isSafe)
  there.forget()
  await network.later(2_000)
  await welcomes(there)
  there.receives('<message id="m2"/>')
  await there.sends("<a xmlns='urn:xmpp:sm:3' h='1'/>")
  assert.ok(custody.isSafe)
})

serverStory('a server that reads and never acknowledges is given up', async network => {
  const here = await network.town('here.example')
  const romeo = await here.world.online('romeo')
  const { there, cable } = called(network)
  await romeo.sends(message('m1'))
  await welcomes(there)
  const former = cable()
  for (let i = 0; i < 6; i++) {
    await network.later(15_000)
    if (former.isOpen) await there.sends(' ')
  }
  assert.ok(!former.isOpen)
  romeo.receivesError('m1', 'remote-server-timeout')
})

serverStory('a connection that ends as it becomes usable does not stand in the way of the next one', async network => {
  const here = await network.town('here.example')
  const romeo = await here.world.online('romeo')
  const { there, cable } = called(network)
  const features = `<mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><mechanism>EXTERNAL</mechanism></mechanisms>`
  const welcome = async (queued: number): Promise<void> => {
    await there.welcomes('there.example', 'here.example', features)
    there.receives('<auth xmlns="urn:ietf:params:xml:ns:xmpp-sasl" mechanism="EXTERNAL"/>')
    await there.sends("<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>")
    there.receives('<stream xmlns="http://etherx.jabber.org/streams"/>')
    cable().queued = queued
    await there.sends(
      `${there.header('there.example', 'here.example', 'x')}<stream:features><dialback xmlns='urn:xmpp:features:dialback'><errors/></dialback></stream:features>`,
    )
  }
  await romeo.sends(message('m1'))
  await welcome(2 ** 21)
  there.forget()
  await network.later(3_000)
  await welcome(0)
  there.receives('<message id="m1"/>')
})

serverStory('a server that stops connects to nobody any more', async network => {
  const here = await network.town('here.example')
  const romeo = await here.world.online('romeo')
  const { there } = called(network)
  await romeo.sends(message('m1'))
  await welcomes(there)
  there.receives('<message id="m1"/>')
  here.federation.close()
  await network.settled()
  assert.equal(network.dialled, 1)
  there.forget()
})

serverStory('who hangs up on what he is sent is not called anew at once', async network => {
  const here = await network.town('here.example')
  const romeo = await here.world.online('romeo')
  const { there } = called(network)
  await romeo.sends(message('m1'))
  for (let visits = 1; visits <= 2; visits++) {
    await welcomes(there)
    there.receives('<message id="m1"/>')
    await there.breaks()
    assert.equal(there.visits, visits)
    await network.later(2_000)
  }
  there.forget()
})
