import assert from 'node:assert/strict'
import { type CableEnd, type Network, serverStory, type Town } from '../../../test/server-story.ts'
import type { Client } from '../../../test/story.ts'
import { Custody } from '../../core/custody.ts'
import { parseElement } from '../../xml/parser.ts'
import { Jid } from '../../xmpp/jid.ts'
import { Client as ClientNs } from '../../xmpp/stanza.ts'
import { overview } from './overview.ts'

/** Romeo at one server, Juliet at the other. */
async function lovers(here: Town, there: Town): Promise<[Client, Client]> {
  return [await here.world.online('romeo'), await there.world.online('juliet')]
}

/** A message each way, and how many connections that took. */
async function talk(network: Network, here: Town, there: Town): Promise<void> {
  const [romeo, juliet] = await lovers(here, there)
  await romeo.sends('<message to="juliet@there.example" id="m1"><body>But soft</body></message>')
  await network.settled()
  juliet.receives('<message from="romeo@here.example/phone" to="juliet@there.example" id="m1"><body>But soft</body></message>')
  await juliet.sends('<message to="romeo@here.example/phone" id="m2"><body>Ay me</body></message>')
  await network.settled()
  romeo.receives('<message from="juliet@there.example/phone" to="romeo@here.example/phone" id="m2"><body>Ay me</body></message>')
}

const WAYS = [
  { name: 'STARTTLS and EXTERNAL', kind: 'tcp', mechanisms: { external: true, dialback: false } },
  { name: 'STARTTLS and dialback', kind: 'tcp', mechanisms: { external: false, dialback: true } },
  { name: 'direct TLS and EXTERNAL', kind: 'tls', mechanisms: { external: true, dialback: false } },
  { name: 'direct TLS and dialback', kind: 'tls', mechanisms: { external: false, dialback: true } },
] as const

for (const { name, kind, mechanisms } of WAYS) {
  serverStory(`two servers talk, by ${name}`, async network => {
    const here = await network.town('here.example', { mechanisms }, kind)
    const there = await network.town('there.example', { mechanisms }, kind)
    await talk(network, here, there)
    // XEP-0288: with EXTERNAL one connection serves both ways; dialback took another one to ask back.
    assert.equal(here.links, mechanisms.external ? 1 : 2)
  })
}

serverStory('a domain that does not exist is not found', async network => {
  const here = await network.town('here.example')
  const romeo = await here.world.online('romeo')
  await romeo.sends('<message to="a@nowhere.example" id="m1"><body>?</body></message>')
  await network.settled()
  romeo.receivesError('m1', 'remote-server-not-found')
})

serverStory('what cannot be delivered in a minute is returned', async network => {
  const here = await network.town('here.example')
  network.places.set('there.example', 'no connection could be made')
  const romeo = await here.world.online('romeo')
  await romeo.sends('<message to="juliet@there.example" id="m1"><body>?</body></message>')
  await network.later(30_000)
  await romeo.sends('<iq to="juliet@there.example" type="get" id="i1"><ping xmlns="urn:xmpp:ping"/></iq>')
  romeo.receivesNothing()
  await network.later(30_000)
  romeo.receivesError('m1', 'remote-server-timeout')
  await network.later(30_000)
  romeo.receivesError('i1', 'remote-server-timeout')
})

serverStory('the operator sees that a handshake failed, also where TLS comes first', async network => {
  const here = await network.town('here.example')
  const romeo = await here.world.online('romeo')
  const breakOff = (end: CableEnd): void => {
    end.other.shakeHands = () => end.destroy()
  }
  network.places.set('there.example', { kind: 'tls', shows: [], accept: breakOff })
  await romeo.sends('<message to="juliet@there.example" id="m1"><body>hello</body></message>')
  await network.settled()
  assert.equal(here.federation.peer('there.example').failure?.why, 'the TLS handshake failed')
})

serverStory('a server that comes back gets what has waited, in order', async network => {
  const here = await network.town('here.example')
  network.places.set('there.example', 'no connection could be made')
  const romeo = await here.world.online('romeo')
  for (const id of ['m1', 'm2', 'm3']) await romeo.sends(`<message to="juliet@there.example" id="${id}"><body>?</body></message>`)
  await network.later(3_000)
  const there = await network.town('there.example')
  const juliet = await there.world.online('juliet')
  await network.later(10_000)
  for (const id of ['m1', 'm2', 'm3']) juliet.receives(`<message from="romeo@here.example/phone" id="${id}"/>`)
})

serverStory('tries come ever more rarely, and what has no hope is returned at once', async network => {
  const here = await network.town('here.example')
  network.places.set('there.example', 'no connection could be made')
  const romeo = await here.world.online('romeo')
  for (let minute = 0; minute < 30; minute++) {
    await romeo.sends('<message to="juliet@there.example" id="m"><body>?</body></message>')
    await network.later(61_000)
    romeo.receivesError('m', 'remote-server-timeout')
  }
  assert.ok(network.dialled < 30, `${network.dialled} tries in half an hour`)
  assert.ok(network.dialled > 5)
})

serverStory('not more waits than may', async network => {
  const here = await network.town('here.example')
  network.places.set('there.example', 'no connection could be made')
  const romeo = await here.world.online('romeo')
  for (let i = 0; i < 6; i++) await romeo.sends(`<message to="juliet@there.example" id="m${i}"><body>?</body></message>`)
  romeo.receivesError('m5', 'resource-constraint')
  await romeo.sends(`<message to="juliet@elsewhere.example" id="long"><body>${'x'.repeat(10_001)}</body></message>`)
  await network.settled()
  romeo.receivesError('long', 'resource-constraint')
  await network.later(61_000)
  for (let i = 0; i < 5; i++) romeo.receivesError(`m${i}`, 'remote-server-timeout')
})

const LASTING = [
  ['it offers no server-to-server service', 'remote-server-not-found'],
  ['its address is in a network that must not be connected to', 'remote-server-timeout'],
] as const

for (const [why, condition] of LASTING) {
  serverStory(`who writes to a domain hears at once that ${why}`, async network => {
    const here = await network.town('here.example')
    network.places.set('there.example', why)
    const romeo = await here.world.online('romeo')
    for (const id of ['m1', 'm2']) {
      await romeo.sends(`<message to="juliet@there.example" id="${id}"><body>?</body></message>`)
      await network.settled()
      romeo.receivesError(id, condition)
    }
    assert.equal(network.dialled, 1)
  })
}

serverStory('errors and results that cannot be delivered are not answered', async network => {
  const here = await network.town('here.example')
  const romeo = await here.world.online('romeo')
  await romeo.sends('<iq to="a@nowhere.example" type="result" id="i1"/>')
  await romeo.sends('<message to="a@nowhere.example" type="error" id="m1"/>')
  await network.settled()
  romeo.receivesNothing()
})

serverStory('a connection that breaks is made again, and what the other side did not acknowledge is sent again', async network => {
  const here = await network.town('here.example')
  const there = network.stranger('there.example')
  const romeo = await here.world.online('romeo')
  const features = `<mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><mechanism>EXTERNAL</mechanism></mechanisms><sm xmlns='urn:xmpp:sm:3'/>`
  const welcome = async (): Promise<void> => {
    await there.welcomes('there.example', 'here.example', features)
    there.receives('<auth xmlns="urn:ietf:params:xml:ns:xmpp-sasl" mechanism="EXTERNAL"/>')
    await there.sends("<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>")
    there.receives('<stream xmlns="http://etherx.jabber.org/streams"/>')
    await there.sends(`${there.header('there.example', 'here.example', 'x')}<stream:features><sm xmlns='urn:xmpp:sm:3'/></stream:features>`)
    there.receives('<enable xmlns="urn:xmpp:sm:3"/>')
    await there.sends("<enabled xmlns='urn:xmpp:sm:3'/>")
  }
  for (const id of ['m1', 'm2', 'm3']) await romeo.sends(`<message to="juliet@there.example" id="${id}"/>`)
  await welcome()
  for (const id of ['m1', 'm2', 'm3']) there.receives(`<message id="${id}"/>`)
  await network.later(1_000)
  there.receives('<r xmlns="urn:xmpp:sm:3"/>')
  await there.sends("<a xmlns='urn:xmpp:sm:3' h='1'/>")
  await there.breaks()
  await network.later(2_000)
  await welcome()
  for (const id of ['m2', 'm3']) there.receives(`<message id="${id}"/>`)
  there.receivesNothing()
  assert.equal(there.visits, 2)
})

serverStory('a sender’s message is safe when the other server has acknowledged it, or its sender was told', async network => {
  const here = await network.town('here.example')
  const there = await network.town('there.example')
  await there.world.online('juliet')
  const romeo = await here.world.online('romeo')
  const custody = new Custody()
  const sent = parseElement('<message to="juliet@there.example" id="m1"><body>1</body></message>', undefined, 'jabber:client')
  await here.world.host.receive(romeo.session, sent, custody)
  assert.ok(!custody.isSafe)
  await network.settled()
  assert.ok(!custody.isSafe, 'sent is not acknowledged')
  custody.hurry(false)
  await network.settled()
  assert.ok(custody.isSafe)
  there.world.clients[0]!.receives('<message id="m1"/>')

  network.places.set('gone.example', 'no connection could be made')
  const other = new Custody()
  await here.world.host.receive(romeo.session, sent.with({ to: 'a@gone.example', id: 'm2' }), other)
  await network.later(59_000)
  assert.ok(!other.isSafe)
  await network.later(2_000)
  romeo.receivesError('m2', 'remote-server-timeout')
  assert.ok(other.isSafe)
})

serverStory('a connection that nobody uses is closed after ten minutes or a little more', async network => {
  const here = await network.town('here.example')
  const there = await network.town('there.example')
  await talk(network, here, there)
  assert.equal(here.links, 1)
  await network.ticks(590)
  assert.equal(here.links, 1)
  await network.ticks(90)
  assert.equal(here.links, 0)
})

serverStory('blocked domains hear nothing, and are not heard', async network => {
  const here = await network.town('here.example', { isAllowed: domain => domain !== 'there.example' })
  const there = await network.town('there.example')
  const [romeo, juliet] = await lovers(here, there)
  await romeo.sends('<message to="juliet@there.example" id="m1"><body>?</body></message>')
  romeo.receivesError('m1', 'not-allowed')
  assert.equal(network.dialled, 0)
  await juliet.sends('<message to="romeo@here.example" id="m2"><body>?</body></message>')
  await network.later(61_000)
  juliet.receivesError('m2', 'remote-server-timeout')
})

serverStory('a domain that is blocked while it is connected is cut off', async network => {
  const here = await network.town('here.example')
  const there = await network.town('there.example')
  await talk(network, here, there)
  await network.later(2_000) // all is acknowledged
  here.federation.reload({ ...here.federation.settings, isAllowed: () => false })
  await network.settled()
  assert.equal(here.links, 0)
  assert.equal(there.links, 0)
  await network.later(60_000)
  assert.equal(here.links, 0)
})

serverStory('a domain that does not federate neither writes nor is written to', async network => {
  const here = await network.town('here.example', {}, 'tcp', () => false)
  const there = await network.town('there.example')
  const [romeo, juliet] = await lovers(here, there)
  await romeo.sends('<message to="juliet@there.example" id="m1"><body>?</body></message>')
  romeo.receivesError('m1', 'remote-server-not-found')
  await juliet.sends('<message to="romeo@here.example" id="m2"><body>?</body></message>')
  await network.later(61_000)
  juliet.receivesError('m2', 'remote-server-timeout')
})

serverStory('an address that is none is answered by the domain it was sent to', async network => {
  const here = await network.town('here.example')
  const there = network.stranger('there.example')
  await there.opens('there.example', 'here.example')
  there.forget()
  await there.sends("<bidi xmlns='urn:xmpp:bidi'/><auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='EXTERNAL'>=</auth>")
  there.receives('<success xmlns="urn:ietf:params:xml:ns:xmpp-sasl"/>')
  await there.sends(there.header('there.example', 'here.example'))
  there.forget()
  await there.sends('<message from="juliet@there.example" to="@here.example" id="m1"/>')
  there.receives(
    '<message from="here.example" to="juliet@there.example" type="error" id="m1"><error><jid-malformed xmlns="urn:ietf:params:xml:ns:xmpp-stanzas"/></error></message>',
  )
  assert.equal(here.links, 1)
})

serverStory('the operator sees with whom there are connections, and pings and closes them', async network => {
  const here = await network.town('here.example')
  const there = await network.town('there.example')
  await talk(network, here, there)
  await network.later(2_000)
  const connection = { tls: '1.3', unacknowledged: 0 }
  assert.deepEqual(overview(here.federation), [
    { domain: 'there.example', connections: [{ direction: 'both', proof: 'pkix', ...connection }], waiting: 0, failure: undefined },
  ])
  const answer = here.federation.ping('there.example')
  await network.settled()
  assert.equal(await answer, undefined)
  const none = here.federation.ping('nowhere.example')
  await network.settled()
  assert.equal(await none, 'it does not exist')
  await network.later(2_000)
  assert.ok(here.federation.closeDomain('there.example'))
  await network.settled()
  assert.equal(here.links, 0)
  assert.ok(!here.federation.closeDomain('there.example'))
})

serverStory('who writes to us is there, and hears at once what has waited', async network => {
  const here = await network.town('here.example', { mechanisms: { external: false, dialback: true } })
  network.places.set('there.example', 'no connection could be made')
  const romeo = await here.world.online('romeo')
  await romeo.sends('<message to="juliet@there.example" id="m1"><body>1</body></message>')
  await network.later(20_000) // the next try is seconds away
  const there = await network.town('there.example', { mechanisms: { external: false, dialback: true } })
  const juliet = await there.world.online('juliet')
  await juliet.sends('<message to="romeo@here.example" id="m2"><body>2</body></message>')
  await network.settled()
  romeo.receives('<message id="m2"/>')
  juliet.receives('<message id="m1"/>')
})

serverStory('a pair that is proved is not asked for once more, which would put it in doubt again', async network => {
  const here = await network.town('here.example')
  const there = network.stranger('there.example')
  const romeo = await here.world.online('romeo')
  await romeo.sends('<message to="juliet@there.example" id="m1"><body>1</body></message>')
  const features = "<bidi xmlns='urn:xmpp:features:bidi'/><dialback xmlns='urn:xmpp:features:dialback'><errors/></dialback>"
  await there.welcomes('there.example', 'here.example', features)
  there.receives('<bidi xmlns="urn:xmpp:bidi"/>')
  there.receives('<result xmlns="jabber:server:dialback" from="here.example" to="there.example"/>')
  await there.sends("<db:result from='there.example' to='here.example' type='valid'/>")
  there.receives('<message id="m1"/>')
  // A second domain of ours, on the same connection.
  here.world.router.add('chat.here.example', { deliver() {} })
  const [from, to] = [Jid.parse('room@chat.here.example'), Jid.parse('juliet@there.example')]
  here.federation.deliver(ClientNs('message', { id: 'm2', from: String(from), to: String(to) }), from, to, undefined)
  await network.settled()
  there.receives('<result xmlns="jabber:server:dialback" from="chat.here.example" to="there.example"/>')
  await there.sends("<db:result from='there.example' to='chat.here.example' type='valid'/>")
  there.receives('<message id="m2"/>')
  there.receivesNothing()
})

serverStory(
  'where a domain must not see which of ours are served together, a key is asked about on a connection of its own',
  async network => {
    const here = await network.town('here.example', { isApart: () => true })
    const romeo = await here.world.online('romeo')
    const there = network.stranger('there.example')
    await romeo.sends('<message to="juliet@there.example"><body>hello</body></message>')
    await network.settled()
    await there.welcomes('there.example', 'here.example', "<dialback xmlns='urn:xmpp:features:dialback'><errors/></dialback>")
    there.receives('<result xmlns="jabber:server:dialback" from="here.example" to="there.example"/>')
    const peer = here.federation.peer('there.example')
    const verdicts = [
      peer.verify({ target: 'here.example', sender: 'there.example', streamId: 's1' }, 'key'),
      peer.verify({ target: 'also-here.example', sender: 'there.example', streamId: 's2' }, 'key'),
    ]
    await network.settled()
    there.receives('<verify xmlns="jabber:server:dialback" from="here.example" to="there.example" id="s1">key</verify>')
    there.receivesNothing()
    await there.sends("<db:result from='there.example' to='here.example' type='valid'/>")
    there.receives('<message to="juliet@there.example"/>')
    // The other domain's own connection.
    await there.welcomes('there.example', 'also-here.example', "<dialback xmlns='urn:xmpp:features:dialback'><errors/></dialback>")
    there.receives('<verify xmlns="jabber:server:dialback" from="also-here.example" to="there.example" id="s2">key</verify>')
    await there.sends("<db:verify from='there.example' to='also-here.example' id='s2' type='valid'/>")
    assert.equal(await verdicts[1], 'valid')
  },
)
