/** Streams between servers, word by word (RFC 6120 §4 and §6, XEP-0198, XEP-0220, XEP-0288). */
import assert from 'node:assert/strict'
import { type Network, type Stranger, serverStory } from '../../../test/server-story.ts'

const EXTERNAL = "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='EXTERNAL'>=</auth>"

/** A server whose every word the story says has connected, and has proved that it is there.example; `before` it did, it said that. */
async function authenticated(network: Network, before = ''): Promise<Stranger> {
  const there = network.stranger('there.example')
  await there.opens('there.example', 'here.example')
  there.forget()
  await there.sends(`${before}${EXTERNAL}`)
  there.receives('<success xmlns="urn:ietf:params:xml:ns:xmpp-sasl"/>')
  await there.sends(there.header('there.example', 'here.example'))
  there.forget()
  return there
}

serverStory('RFC 6120 §4.4: what was under way when we ended a stream still counts, until the other side ends it, too', async network => {
  const here = await network.town('here.example')
  const juliet = await here.world.online('juliet')
  const there = await authenticated(network)
  const say = (id: string): Promise<void> => there.sends(`<message from="romeo@there.example" to="juliet@here.example" id="${id}"/>`)
  here.federation.closeDomain('there.example')
  assert.equal(here.links, 0)
  await say('m1')
  assert.equal(there.unread.shift(), 'end of stream')
  await say('m2')
  assert.ok(there.isConnected)
  await there.sends('</stream:stream>')
  assert.ok(!there.isConnected)
  for (const id of ['m1', 'm2']) juliet.receives(`<message id="${id}"/>`)
})

serverStory('RFC 6120 §4.4: who never ends its stream is not waited for', async network => {
  const here = await network.town('here.example')
  const there = await authenticated(network)
  here.federation.closeDomain('there.example')
  await network.settled()
  assert.ok(there.isConnected)
  await network.later(5_000)
  assert.ok(!there.isConnected)
})

serverStory('XEP-0198 §4: before a stream ends, what was handled is acknowledged, and nothing else is taken', async network => {
  const here = await network.town('here.example')
  const juliet = await here.world.online('juliet')
  const there = await authenticated(network)
  await there.sends("<enable xmlns='urn:xmpp:sm:3'/>", "<message from='romeo@there.example' to='juliet@here.example' id='m1'/>")
  there.receives('<enabled xmlns="urn:xmpp:sm:3"/>')
  juliet.receives('<message id="m1"/>')
  here.federation.closeDomain('there.example')
  await there.sends("<message from='romeo@there.example' to='juliet@here.example' id='m2'/>")
  there.receives('<a xmlns="urn:xmpp:sm:3" h="1"/>')
  assert.equal(there.unread.shift(), 'end of stream')
  juliet.receivesNothing()
})

serverStory('a domain that is cut off is not heard any more at once', async network => {
  const here = await network.town('here.example')
  const juliet = await here.world.online('juliet')
  const there = await authenticated(network)
  here.federation.reload({ ...here.federation.settings, isAllowed: () => false })
  await there.sends("<message from='romeo@there.example' to='juliet@here.example' id='m1'/>")
  juliet.receivesNothing()
  assert.ok(!there.isConnected)
})
