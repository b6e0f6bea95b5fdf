/** Streams between servers, word by word (RFC 6120 §4 and §6, XEP-0198, XEP-0220, XEP-0288). */
import assert from 'node:assert/strict'
import { type Network, type Stranger, serverStory } from '../../../test/server-story.ts'
import { Jid } from '../../xmpp/jid.ts'
import { Client } from '../../xmpp/stanza.ts'

const EXTERNAL = "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='EXTERNAL'>=</auth>"

/** A server whose every word the story says has connected, and has proved that it is there.example; `more` stands in its last header. */
async function authenticated(network: Network, more = ''): Promise<Stranger> {
  const there = network.stranger('there.example')
  await there.opens('there.example', 'here.example')
  there.forget()
  await there.sends(EXTERNAL)
  there.receives('<success xmlns="urn:ietf:params:xml:ns:xmpp-sasl"/>')
  await there.sends(there.header('there.example', 'here.example').replace(' from=', `${more} from=`))
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

serverStory('RFC 6120 §4.9.3.10: a client that has come to the wrong port is told so', async network => {
  await network.town('here.example')
  const client = network.stranger('there.example')
  await client.calls('here.example')
  await client.sends(client.header('there.example', 'here.example').replace('jabber:server', 'jabber:client'))
  client.receives('<stream xmlns="http://etherx.jabber.org/streams" from="here.example"/>')
  client.receivesStreamError('invalid-namespace')
})

serverStory('RFC 6120 §4.7: the answer to a header has from, to, an id, a version and a language', async network => {
  await network.town('here.example')
  const there = network.stranger('there.example')
  await there.calls('here.example')
  await there.sends(there.header('there.example', 'here.example'))
  there.receives(
    '<stream xmlns="http://etherx.jabber.org/streams" from="here.example" to="there.example" id="*" version="1.0" xml:lang="*"/>',
  )
  there.receives('<features xmlns="http://etherx.jabber.org/streams"><starttls xmlns="urn:ietf:params:xml:ns:xmpp-tls"/></features>')
})

const HEADERS = [
  ['host-unknown', 'another domain than ours', (header: string) => header.replace("to='here.example'", "to='nowhere.example'")],
  ['host-unknown', 'no domain at all', (header: string) => header.replace("to='here.example'", '')],
  [
    'improper-addressing',
    'a sender that is no domain',
    (header: string) => header.replace("from='there.example'", "from='a@there.example'"),
  ],
  ['invalid-from', 'a sender that is our own domain', (header: string) => header.replace("from='there.example'", "from='here.example'")],
  ['unsupported-version', 'no version', (header: string) => header.replace(/ version='1.0' from/, ' from')],
  ['invalid-namespace', 'a root of another namespace', (header: string) => header.replace('http://etherx.jabber.org/streams', 'urn:x')],
  ['bad-format', 'another root', (header: string) => header.replace('<stream:stream', '<stream:flow')],
] as const

for (const [condition, what, spoil] of HEADERS) {
  serverStory(`RFC 6120 §4.9.1.2: a header with ${what} is answered with a header, then ${condition}`, async network => {
    await network.town('here.example')
    const there = network.stranger('there.example')
    await there.calls('here.example')
    await there.sends(spoil(there.header('there.example', 'here.example')))
    there.receives('<stream xmlns="http://etherx.jabber.org/streams" from="here.example" id="*" version="1.0"/>')
    there.receivesStreamError(condition)
  })
}

serverStory('RFC 6120 §6.4.5: who fails to authenticate five times is sent away', async network => {
  await network.town('here.example')
  const there = network.stranger('there.example')
  await there.opens('there.example', 'here.example')
  there.forget()
  const wrong = EXTERNAL.replace('EXTERNAL', 'PLAIN')
  for (let i = 0; i < 5; i++) {
    await there.sends(wrong)
    there.receives('<failure xmlns="urn:ietf:params:xml:ns:xmpp-sasl"><invalid-mechanism/></failure>')
  }
  there.receivesStreamError('policy-violation')
})

serverStory('RFC 6120 §6.4.4: an exchange can be given up, and another one begun', async network => {
  await network.town('here.example')
  const there = network.stranger('there.example')
  await there.opens('there.example', 'here.example')
  there.forget()
  await there.sends("<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='EXTERNAL'/>")
  there.receives('<challenge xmlns="urn:ietf:params:xml:ns:xmpp-sasl"/>')
  await there.sends("<abort xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>")
  there.receives('<failure xmlns="urn:ietf:params:xml:ns:xmpp-sasl"><aborted/></failure>')
  await there.sends("<response xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>=</response>")
  there.receivesStreamError('not-authorized')
})

const BIDI = '<features xmlns="http://etherx.jabber.org/streams"><bidi xmlns="urn:xmpp:features:bidi"/></features>'

serverStory('XEP-0288 §2: both directions are offered before and after TLS, and not once something is proved', async network => {
  await network.town('here.example')
  const there = network.stranger('there.example')
  await there.calls('here.example')
  await there.sends(there.header('there.example', 'here.example'))
  there.receives('<stream xmlns="http://etherx.jabber.org/streams"/>')
  there.receives(BIDI)
  await there.sends("<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>")
  there.forget()
  await there.startsTls()
  await there.sends(there.header('there.example', 'here.example'))
  there.receives('<stream xmlns="http://etherx.jabber.org/streams"/>')
  there.receives(BIDI)
  await there.sends(EXTERNAL)
  there.forget()
  await there.sends(there.header('there.example', 'here.example'))
  there.receives('<stream xmlns="http://etherx.jabber.org/streams"/>')
  assert.ok(!String(there.receives('<features xmlns="http://etherx.jabber.org/streams"/>')).includes('bidi'))
})

serverStory('XEP-0288 §2: where it is not offered, both directions are not asked for, and none are used', async network => {
  const here = await network.town('here.example')
  const romeo = await here.world.online('romeo')
  const there = network.stranger('there.example')
  await romeo.sends('<message to="juliet@there.example" id="m1"/>')
  await network.settled()
  await there.welcomes('there.example', 'here.example', "<dialback xmlns='urn:xmpp:features:dialback'><errors/></dialback>")
  there.receives('<result xmlns="jabber:server:dialback" from="here.example" to="there.example"/>')
  await there.sends("<db:result from='there.example' to='here.example' type='valid'/>")
  there.receives('<message id="m1"/>')
  await there.sends("<message from='juliet@there.example' to='romeo@here.example' id='m2'/>")
  there.receivesStreamError('invalid-from')
  romeo.receivesNothing()
})

for (const [type, condition] of [
  ['invalid', 'internal-server-error'],
  ['error', 'remote-server-timeout'],
] as const) {
  serverStory(`XEP-0220 §2.1.1: what waits for a domain that calls our key ${type} is returned at once`, async network => {
    const here = await network.town('here.example')
    const romeo = await here.world.online('romeo')
    const there = network.stranger('there.example')
    await romeo.sends('<message to="juliet@there.example" id="m1"/>')
    await network.settled()
    await there.welcomes('there.example', 'here.example', "<dialback xmlns='urn:xmpp:features:dialback'><errors/></dialback>")
    there.receives('<result xmlns="jabber:server:dialback" from="here.example" to="there.example"/>')
    const error = type === 'error' ? "<error><resource-constraint xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>" : ''
    await there.sends(`<db:result from='there.example' to='here.example' type='${type}'>${error}</db:result>`)
    romeo.receivesError('m1', condition)
    there.forget()
  })
}

const KEYS = [
  ['item-not-found', 'is for a domain that is not ours', 'there.example', 'nowhere.example'],
  ['not-acceptable', 'is from a domain of ours', 'here.example', 'here.example'],
] as const

for (const [condition, what, from, to] of KEYS) {
  serverStory(`XEP-0220 §2.4: a key that ${what} is answered with ${condition}, and the stream goes on`, async network => {
    await network.town('here.example')
    const there = await authenticated(network)
    await there.sends(`<db:result from='${from}' to='${to}'>abc</db:result>`)
    there.receives(
      `<result xmlns="jabber:server:dialback" from="${to}" to="${from}" type="error"><error xmlns="jabber:client"><${condition} xmlns="urn:ietf:params:xml:ns:xmpp-stanzas"/></error></result>`,
    )
    assert.ok(there.isConnected)
  })
}

serverStory('XEP-0220 §2.2.2: we vouch for our own keys, and for no domain that is not ours', async network => {
  const here = await network.town('here.example')
  const there = network.stranger('there.example')
  await there.opens('there.example', 'here.example')
  there.forget()
  const key = here.federation.keys.make({ target: 'there.example', sender: 'here.example', streamId: 's' })
  const ask = (to: string, text: string): Promise<void> =>
    there.sends(`<db:verify from='there.example' to='${to}' id='s'>${text}</db:verify>`)
  const answer = (type: string): string =>
    `<verify xmlns="jabber:server:dialback" from="here.example" to="there.example" id="s" type="${type}"/>`
  await ask('here.example', key)
  there.receives(answer('valid'))
  await ask('here.example', `${key}0`)
  there.receives(answer('invalid'))
  await ask('nowhere.example', key)
  there.receives(
    '<verify xmlns="jabber:server:dialback" from="nowhere.example" to="there.example" id="s" type="error"><error xmlns="jabber:client"><item-not-found xmlns="urn:ietf:params:xml:ns:xmpp-stanzas"/></error></verify>',
  )
  assert.ok(there.isConnected)
})

serverStory('RFC 6120 §4.9.3: a stream error is not answered with another one', async network => {
  const here = await network.town('here.example')
  const there = await authenticated(network)
  await there.sends("<stream:error><system-shutdown xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error>")
  assert.equal(there.unread.shift(), 'end of stream')
  there.receivesNothing()
  assert.equal(here.links, 0)
})

for (const [condition, what, xml] of [
  ['unsupported-stanza-type', 'is no stanza', '<tune/>'],
  ['improper-addressing', 'has no sender', "<message to='juliet@here.example'/>"],
  ['improper-addressing', 'has no recipient', "<message from='romeo@there.example'/>"],
  ['improper-addressing', 'has a sender that is none', "<message from='@there.example' to='juliet@here.example'/>"],
  ['unsupported-stanza-type', 'is of another protocol', "<auth xmlns='urn:x'/>"],
] as const) {
  serverStory(`RFC 6120 §4.9.3: what ${what} ends the stream with ${condition}`, async network => {
    await network.town('here.example')
    const there = await authenticated(network)
    await there.sends(xml)
    there.receivesStreamError(condition)
  })
}

serverStory('RFC 6120 §4.6.1: white space is a sign of life, and who is silent is asked for one', async network => {
  const here = await network.town('here.example', { idleAfter: 10_000_000 })
  const there = await authenticated(network)
  await network.ticks(290)
  await there.sends(' ')
  await network.ticks(290)
  assert.ok(there.isConnected)
  assert.equal(here.links, 1)
  there.receivesNothing()
})

serverStory(
  'XEP-0220 §2.1.1: a key that is never answered for is not waited for: the domain gets a connection of its own',
  async network => {
    const here = await network.town('here.example')
    const romeo = await here.world.online('romeo')
    const there = network.stranger('there.example')
    const features = "<dialback xmlns='urn:xmpp:features:dialback'><errors/></dialback>"
    await romeo.sends('<message to="juliet@there.example" id="m1"/>')
    await network.settled()
    await there.welcomes('there.example', 'here.example', features)
    there.receives('<result xmlns="jabber:server:dialback" from="here.example" to="there.example"/>')
    await there.sends("<db:result from='there.example' to='here.example' type='valid'/>")
    there.receives('<message id="m1"/>')
    here.world.router.add('also.example', { deliver() {} })
    const [from, to] = [Jid.parse('mercutio@also.example'), Jid.parse('juliet@there.example')]
    here.federation.deliver(Client('message', { from: String(from), to: String(to), id: 'm2' }), from, to, undefined)
    await network.settled()
    there.receives('<result xmlns="jabber:server:dialback" from="also.example" to="there.example"/>')
    await network.later(29_000)
    assert.equal(there.visits, 1)
    await network.later(1_000)
    assert.equal(there.visits, 2)
    await there.welcomes('there.example', 'also.example', features)
    there.receives('<result xmlns="jabber:server:dialback" from="also.example" to="there.example"/>')
  },
)

serverStory('RFC 6120 §8.1.5: the language of the other side’s stream is that of its stanzas, where they name none', async network => {
  const here = await network.town('here.example')
  const juliet = await here.world.online('juliet')
  const there = await authenticated(network, " xml:lang='it'")
  await there.sends("<message from='romeo@there.example' to='juliet@here.example' id='m1'/>")
  await there.sends("<message from='romeo@there.example' to='juliet@here.example' id='m2' xml:lang='fr'/>")
  juliet.receives('<message id="m1" xml:lang="it"/>')
  juliet.receives('<message id="m2" xml:lang="fr"/>')
})
