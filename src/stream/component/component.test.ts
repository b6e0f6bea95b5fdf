import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  type ComponentProgram,
  type ComponentScene,
  componentStory,
  headerTo,
  OTHER_SECRET,
  SECRET,
} from '../../../test/component-story.ts'
import { Custody } from '../../core/custody.ts'
import { defineModule } from '../../core/module.ts'
import { messageIn } from '../../core/points.ts'
import { Jid } from '../../xmpp/jid.ts'
import { Client } from '../../xmpp/stanza.ts'
import { handshakeFor, isHandshake } from './handshake.ts'

test('XEP-0114 §3: the handshake is the SHA-1 of the id and the secret, in small letters', () => {
  // Computed with: printf 3BF96D32test | sha1sum
  assert.equal(handshakeFor('3BF96D32', 'test'), 'aaee83c26aeeafcbabeabfcbcd50df997e0a2a1e')
  assert.equal(isHandshake(handshakeFor('3BF96D32', 'test'), '3BF96D32', 'test'), true)
  for (const wrong of [
    '',
    'aaee83c26aeeafcbabeabfcbcd50df997e0a2a1e'.toUpperCase(),
    handshakeFor('3BF96D33', 'test'),
    'ü'.repeat(20),
    'ü'.repeat(40),
  ])
    assert.equal(isHandshake(wrong, '3BF96D32', 'test'), false)
})

componentStory('XEP-0114 §3: a component opens the stream, shakes hands, and speaks as any user of its domain', async scene => {
  const juliet = await scene.world.online('juliet')
  const plays = await scene.connected()
  assert.match(
    plays.raw,
    /^<\?xml version='1.0'\?><stream:stream xmlns='jabber:component:accept' [^>]* from='plays.example' id='[\w-]{20}'><handshake\/>$/,
  )
  await plays.sends('<message from="hamlet@plays.example/stage" to="juliet@here.example" type="chat"><body>To be</body></message>')
  juliet.receives('<message from="hamlet@plays.example/stage" to="juliet@here.example" type="chat"><body>To be</body></message>')
  await plays.sends('<iq from="plays.example" to="here.example" type="get" id="p"><ping xmlns="urn:xmpp:ping"/></iq>')
  plays.receives('<iq from="here.example" to="plays.example" type="result" id="p"/>')
})

componentStory('what is addressed to the domain, or to anything at it, goes to the component', async scene => {
  const juliet = await scene.world.online('juliet')
  const plays = await scene.connected()
  for (const to of ['plays.example', 'plays.example/stage', 'hamlet@plays.example', '#elsinore%irc@plays.example/h']) {
    await juliet.sends(`<message to="${to}" id="m"><body>Go on</body></message>`)
    plays.receives(`<message from="juliet@here.example/phone" to="${to}" id="m"><body>Go on</body></message>`)
    await juliet.sends(`<presence to="${to}"/>`)
    plays.receives(`<presence from="juliet@here.example/phone" to="${to}"/>`)
    await juliet.sends(`<iq type="get" id="i" to="${to}"><query xmlns="urn:x"/></iq>`)
    plays.receives(`<iq type="get" id="i" from="juliet@here.example/phone" to="${to}"><query xmlns="urn:x"/></iq>`)
  }
  assert.doesNotMatch(plays.raw, /jabber:client/)
})

componentStory('XEP-0114 §3: each component has its own secret, and they reach each other', async scene => {
  const plays = await scene.connected()
  const chapel = await scene.connected('chapel.here.example', OTHER_SECRET)
  await plays.sends('<message from="a@plays.example" to="b@chapel.here.example"/>')
  chapel.receives('<message from="a@plays.example" to="b@chapel.here.example"/>')
  await chapel.sends('<presence from="b@chapel.here.example" to="a@plays.example"/>')
  plays.receives('<presence from="b@chapel.here.example" to="a@plays.example"/>')
  const wrong = scene.program()
  await wrong.shakesHands('plays.example', OTHER_SECRET)
  wrong.receivesStreamError('not-authorized')
})

componentStory('XEP-0114 §3: whether a component exists is not told to who does not know its secret', async scene => {
  const said: string[] = []
  for (const domain of ['plays.example', 'tales.example', 'here.example']) {
    const program = scene.program()
    await program.shakesHands(domain, 'a guess')
    program.receivesStreamError('not-authorized')
    said.push(program.raw.replace(domain, 'DOMAIN').replace(/ id='[^']*'/, ''))
  }
  assert.equal(new Set(said).size, 1)
  await scene.ticks(2)
  assert.deepEqual(scene.logged, ['component.refused {"times":3}'])
})

for (const [what, xml] of [
  ['a stanza', '<message from="plays.example" to="juliet@here.example"/>'],
  ['an empty handshake', '<handshake/>'],
  ['a handshake of the client namespace that is wrong', '<handshake xmlns="jabber:client">0</handshake>'],
  ['SASL', '<auth xmlns="urn:ietf:params:xml:ns:xmpp-sasl" mechanism="EXTERNAL"/>'],
] as const) {
  componentStory(`${what} instead of the handshake is not-authorized`, async scene => {
    const program = scene.program()
    await program.opens('plays.example')
    await program.sends(xml, '<handshake/>')
    program.receivesStreamError('not-authorized')
  })
}

for (const [what, header, condition] of [
  ['without an address', headerTo(undefined), 'host-unknown'],
  ['to what is no domain', headerTo('hamlet@plays.example'), 'host-unknown'],
  ['to what is no address', headerTo('a b'), 'host-unknown'],
  ['of a client', headerTo('plays.example', 'jabber:client'), 'invalid-namespace'],
  ['of the other method, which is not offered', headerTo('plays.example', 'jabber:component:connect'), 'invalid-namespace'],
  ['of another kind', '<stream xmlns="jabber:component:accept">', 'invalid-namespace'],
  ['that is none', '<message>', 'bad-format'],
  ['that is no XML', 'GET / HTTP/1.1\r\n', 'not-well-formed'],
] as const) {
  componentStory(`XEP-0114 §3: a header ${what} is answered with a header and ${condition}`, async scene => {
    const program = scene.program()
    await program.sends(header)
    program.receives('<stream xmlns="http://etherx.jabber.org/streams" id="*"/>')
    program.receivesStreamError(condition)
  })
}

for (const [what, xml, condition] of [
  ['without a sender', '<message to="juliet@here.example"/>', 'improper-addressing'],
  ['without a recipient', '<message from="plays.example"/>', 'improper-addressing'],
  ['with an empty recipient', '<message from="plays.example" to=""/>', 'improper-addressing'],
  ['from a user of the host', '<message from="romeo@here.example" to="juliet@here.example"/>', 'invalid-from'],
  ['from the host', '<message from="here.example" to="juliet@here.example"/>', 'invalid-from'],
  ['from another component', '<message from="chapel.here.example" to="juliet@here.example"/>', 'invalid-from'],
  ['from below its domain', '<message from="a.plays.example" to="juliet@here.example"/>', 'invalid-from'],
  ['from what only looks like its domain', '<message from="juliet@here.example/@plays.example" to="juliet@here.example"/>', 'invalid-from'],
  ['from what is no address', '<message from="@plays.example" to="juliet@here.example"/>', 'invalid-from'],
  ['that is none', '<log from="plays.example" to="here.example"/>', 'unsupported-stanza-type'],
  ['that is a second handshake', '<handshake/>', 'unsupported-stanza-type'],
  ['of another namespace', '<message xmlns="urn:x" from="plays.example" to="here.example"/>', 'invalid-namespace'],
  ['that is no XML', '<message', 'not-well-formed'],
] as const) {
  componentStory(`a stanza ${what} ends the stream with ${condition}, and goes nowhere`, async scene => {
    await scene.world.online('juliet')
    const plays = await scene.connected()
    await plays.sends(`${xml}<message from="plays.example" to="juliet@here.example"/>`)
    plays.receivesStreamError(condition)
    assert.equal(scene.streams.connected, 0)
  })
}

componentStory('an address that a user of a gateway mistyped does not end the stream', async scene => {
  const plays = await scene.connected()
  await plays.sends('<message id="m" from="hamlet@plays.example" to="a b@here.example"/>')
  plays.receivesStanzaError('message', 'm', 'jid-malformed')
  await plays.sends('<iq type="result" id="r" from="hamlet@plays.example" to="a b@here.example"/>')
})

componentStory('addresses are passed on as RFC 7622 has them', async scene => {
  const juliet = await scene.world.online('juliet')
  const plays = await scene.connected()
  await plays.sends('<message from="Hamlet@PLAYS.example" to="Juliet@Here.Example" type="chat"><body>b</body></message>')
  juliet.receives('<message from="hamlet@plays.example" to="juliet@here.example"/>')
})

componentStory('RFC 6120 §8.3.3.17: while the component is away, its senders are told so', async scene => {
  const juliet = await scene.world.online('juliet')
  await juliet.sends('<message id="m" to="hamlet@plays.example"/>')
  juliet.receivesError('m', 'remote-server-timeout')
  const plays = await scene.connected()
  await juliet.sends('<message id="n" to="hamlet@plays.example"/>')
  plays.receives('<message id="n"/>')
  await plays.sends('</stream:stream>')
  plays.receivesEnd()
  await juliet.sends('<iq type="get" id="i" to="plays.example"><query xmlns="urn:x"/></iq>')
  juliet.receivesError('i', 'remote-server-timeout')
  await juliet.sends('<iq type="result" id="i" to="plays.example"/>')
  const chapel = await scene.connected('chapel.here.example', OTHER_SECRET)
  await chapel.sends('<message id="o" from="chapel.here.example" to="plays.example"/>')
  chapel.receivesStanzaError('message', 'o', 'remote-server-timeout')
})

componentStory('RFC 6120 §4.9.3.3: while a component is alive, no other takes its place', async scene => {
  const juliet = await scene.world.online('juliet')
  const plays = await scene.connected()
  await scene.ticks(59)
  await plays.sends(' ')
  await scene.ticks(59)
  const second = scene.program()
  await second.shakesHands('plays.example', SECRET)
  second.receivesStreamError('conflict')
  await second.sends('<message from="plays.example" to="juliet@here.example"/>')
  await juliet.sends('<message id="m" to="hamlet@plays.example"/>')
  plays.receives('<message id="m"/>')
  assert.equal(scene.streams.connected, 1)
})

componentStory('RFC 6120 §4.9.3.3: a connection that may be dead gives way to one that shows the secret', async scene => {
  const juliet = await scene.world.online('juliet')
  const old = await scene.connected()
  await scene.ticks(60)
  const wrong = scene.program()
  await wrong.shakesHands('plays.example', 'a guess')
  wrong.receivesStreamError('not-authorized')
  const plays = await scene.connected()
  old.receivesStreamError('conflict')
  await old.sends('<message from="plays.example" to="juliet@here.example"/>')
  await juliet.sends('<message id="m" to="hamlet@plays.example"/>')
  plays.receives('<message id="m"/>')
  assert.equal(scene.streams.connected, 1)
})

componentStory('a connection that broke without a word shows it when another one comes', async scene => {
  const old = await scene.connected()
  const before = old.raw.length
  old.socket.onSent = xml => void (xml === ' ' && old.socket.destroy())
  const second = scene.program()
  await second.shakesHands('plays.example', SECRET)
  second.receivesStreamError('conflict')
  assert.equal(old.raw.length, before)
  await scene.connected()
})

componentStory('DESIGN law 7: a message that a component was sent is acknowledged; nothing more can be known', async scene => {
  const plays = await scene.connected()
  const route = (): Custody => {
    const custody = new Custody()
    custody.hold()
    const message = Client('message', { from: 'juliet@here.example/phone', to: 'plays.example' })
    scene.world.router.route(message, Jid.parse('juliet@here.example/phone'), Jid.parse('plays.example'), custody)
    return custody
  }
  assert.equal(route().isSafe, true)
  plays.receives('<message/>')
  plays.socket.isTaken = false
  plays.socket.queued = 20_000
  assert.equal(route().isSafe, false)
})

componentStory('DESIGN law 10: to a component that does not read, no more is sent than may wait; senders are told', async scene => {
  const juliet = await scene.world.online('juliet')
  const plays = await scene.connected()
  plays.socket.isTaken = false
  const body = 'x'.repeat(1000)
  let sent = 0
  while (juliet.unread.length === 0) {
    await juliet.sends(`<message id="m" to="plays.example"><body>${body}</body></message>`)
    assert.ok(++sent < 20)
  }
  juliet.receivesError('m', 'resource-constraint')
  assert.ok(plays.socket.queued < 12_000)
  await scene.ticks(59)
  assert.equal(plays.socket.state, 'open')
  await scene.ticks(2)
  assert.equal(plays.socket.state, 'destroyed')
  await juliet.sends('<message id="n" to="plays.example"/>')
  juliet.receivesError('n', 'remote-server-timeout')
})

componentStory('a component that was slow for a while is not given up', async scene => {
  const juliet = await scene.world.online('juliet')
  const plays = await scene.connected()
  for (let round = 0; round < 3; round++) {
    plays.socket.queued = 10_000
    await juliet.sends('<message id="m" to="plays.example"/>')
    juliet.receivesError('m', 'resource-constraint')
    await scene.ticks(40)
    plays.socket.queued = 0
    await scene.ticks(1)
  }
  await juliet.sends('<message id="n" to="plays.example"/>')
  plays.receives('<message id="n"/>')
})

componentStory('DESIGN law 10: who does not shake hands in time is turned away', async scene => {
  const silent = scene.program()
  const slow = scene.program()
  await slow.opens('plays.example')
  await scene.connected()
  await scene.ticks(29)
  assert.equal(slow.socket.state, 'open')
  await scene.ticks(1)
  silent.receives('<stream xmlns="http://etherx.jabber.org/streams"/>')
  silent.receivesStreamError('connection-timeout')
  slow.receivesStreamError('connection-timeout')
  assert.equal(scene.streams.connected, 1)
})

componentStory('DESIGN law 10: before the handshake little may be said, after it as much as a component needs', async scene => {
  const greedy = scene.program()
  await greedy.opens('plays.example')
  await greedy.sends(`<handshake>${'0'.repeat(3000)}`)
  greedy.receivesStreamError('policy-violation')
  const juliet = await scene.world.online('juliet')
  const plays = await scene.connected()
  const body = 'x'.repeat(100_000)
  await plays.sends(`<message type="chat" from="plays.example" to="juliet@here.example"><body>${body}</body></message>`)
  juliet.receives(`<message><body>${body}</body></message>`)
  await plays.sends(`<message type="chat" from="plays.example" to="juliet@here.example"><body>${body.repeat(6)}`)
  plays.receivesStreamError('policy-violation')
})

const held: (() => void)[] = []
const slowStore = defineModule({
  name: 'slow-store',
  about: 'For tests.',
  xeps: [],
  setup({ on }) {
    on(messageIn.store, () => new Promise<void>(resolve => held.push(resolve)))
  },
})

componentStory(
  'DESIGN law 10: a component that says more than can be dealt with is not read from for a while',
  async scene => {
    const juliet = await scene.world.online('juliet')
    const plays = await scene.connected()
    const message = '<message type="chat" from="plays.example" to="juliet@here.example"><body>b</body></message>'
    const turn = () => new Promise(resolve => setImmediate(resolve))
    for (let i = 0; i < 17; i++, await turn()) plays.socket.onData(Buffer.from(message.repeat(15)))
    assert.equal(plays.socket.isPaused, false)
    plays.socket.onData(Buffer.from(message))
    assert.equal(plays.socket.isPaused, true)
    for (let i = 0; i < 256; i++) {
      while (held.length === 0) await turn()
      held.shift()!()
    }
    await scene.world.settled()
    assert.equal(plays.socket.isPaused, false)
    assert.equal(juliet.unread.splice(0).length, 256)
  },
  { extra: [slowStore] },
)

componentStory('RFC 6120 §4.6.1: a silent component is sent a sign of life, which shows a broken connection', async scene => {
  const plays = await scene.connected()
  const before = plays.raw.length
  await scene.ticks(299)
  assert.equal(plays.raw.length, before)
  await scene.ticks(1)
  assert.equal(plays.raw.slice(before), ' ')
  await scene.ticks(200)
  assert.equal(plays.raw.slice(before), ' ')
})

componentStory('RFC 6120 §13.12: a network that guesses is turned away', async scene => {
  const guess = async (address: string): Promise<ComponentProgram> => {
    const program = scene.program(address)
    if (program.socket.state === 'open') await program.shakesHands('plays.example', 'a guess')
    program.unread.length = 0
    return program
  }
  for (let i = 0; i < 40; i++) assert.equal((await guess('192.0.2.1')).socket.state, 'closed')
  assert.equal((await guess('192.0.2.2')).socket.state, 'destroyed')
  assert.equal((await guess('198.51.100.1')).socket.state, 'closed')
})

componentStory('a component that reports an error of the stream is not answered with another', async scene => {
  const plays = await scene.connected()
  await plays.sends('<stream:error><reset xmlns="urn:ietf:params:xml:ns:xmpp-streams"/></stream:error></stream:stream>')
  plays.receivesEnd()
})

componentStory('a connection that breaks leaves nothing behind', async scene => {
  const begun = scene.program()
  await begun.opens('plays.example')
  begun.socket.destroy()
  const plays = await scene.connected()
  plays.socket.destroy()
  assert.equal(scene.streams.connected, 0)
  await scene.ticks(100)
})

componentStory('when the server stops, components are told', async (scene: ComponentScene) => {
  const begun = scene.program()
  await begun.opens('plays.example')
  const plays = await scene.connected('plays.example', SECRET)
  scene.streams.close()
  begun.receivesStreamError('system-shutdown')
  plays.receivesStreamError('system-shutdown')
})
