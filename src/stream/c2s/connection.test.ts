import assert from 'node:assert/strict'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { BIND } from '../../../test/managed-stream.ts'
import { type Device, HEADER, type Scene, SETTINGS, streamStory } from '../../../test/stream-story.ts'
import { defineModule } from '../../core/module.ts'
import { messageOut } from '../../core/points.ts'
import { StreamError } from '../../xmpp/error.ts'

const SM = 'urn:xmpp:sm:3'
const PING = '<iq type="get" id="p" to="here.example"><ping xmlns="urn:xmpp:ping"/></iq>'
const say = (body: string, to = 'juliet@here.example', attrs = ''): string =>
  `<message type="chat" to="${to}" ${attrs}><body>${body}</body></message>`

async function couple(scene: Scene): Promise<{ romeo: Device; juliet: Device }> {
  const romeo = await scene.online('romeo')
  const juliet = await scene.online('juliet')
  await juliet.sends('<presence/>')
  juliet.forget()
  return { romeo, juliet }
}

/** Keeps the account's turn busy until the returned function is called. */
function hold(scene: Scene, name: string): () => void {
  const { promise, resolve } = Promise.withResolvers<void>()
  void scene.world.host.accounts.of(name).turn.take(() => promise)
  return resolve
}

streamStory('RFC 6120 §8.1.2.1: the server says who sent a stanza, whatever the client left out', async scene => {
  const { romeo, juliet } = await couple(scene)
  for (const from of ['', 'from="romeo@here.example"', 'from="romeo@here.example/phone"', 'from="ROMEO@here.example/phone"']) {
    await romeo.sends(say('hi', 'juliet@here.example', from))
    juliet.receives('<message from="romeo@here.example/phone" to="juliet@here.example"><body>hi</body></message>')
  }
})

streamStory('RFC 6120 §8.1.5: the language of the client’s stream is that of its stanzas, where they name none', async scene => {
  const { juliet } = await couple(scene)
  const tybalt = scene.device()
  await tybalt.opens()
  await tybalt.authenticates('tybalt')
  await tybalt.sends(HEADER.replace(' to=', " xml:lang='it' to="), BIND)
  tybalt.forget()
  await tybalt.sends(say('ciao'), say('salut', 'juliet@here.example', 'xml:lang="fr"'))
  juliet.receives('<message xml:lang="it"><body>ciao</body></message>')
  juliet.receives('<message xml:lang="fr"><body>salut</body></message>')
})

streamStory('RFC 6120 §8.1.2.1: what an occupant of a room says as such to another is from its own address', async scene => {
  const { romeo, juliet } = await couple(scene)
  await romeo.sends(say('hi', 'juliet@here.example/balcony', 'from="juliet@here.example/garden"'))
  juliet.receives('<message from="romeo@here.example/phone"><body>hi</body></message>')
})

for (const from of ['juliet@here.example', 'romeo@here.example/other', 'here.example', '', '@', 'romeo@there.example/phone']) {
  streamStory(`RFC 6120 §4.9.3.9: a stanza from "${from}" ends the stream with invalid-from`, async scene => {
    const { romeo, juliet } = await couple(scene)
    await romeo.sends(say('hi', 'juliet@here.example', `from="${from}"`) + say('and more'))
    romeo.receivesStreamError('invalid-from')
    juliet.receivesNothing()
    assert.equal(scene.world.host.accounts.of('romeo').sessions.size, 0)
  })
}

for (const [title, xml, condition] of [
  ['§4.9.3.24: an element that is no stanza', '<hello/>', 'unsupported-stanza-type'],
  ['§4.9.3.24: an element that nobody knows', '<hello xmlns="urn:x"/>', 'unsupported-stanza-type'],
  ['§4.9.3.10: a stanza of servers', '<message xmlns="jabber:server" to="juliet@here.example"/>', 'invalid-namespace'],
  ['§4.9.3.13: overlapping tags', '<message><body></message></body>', 'not-well-formed'],
  ['§4.9.3.13: text between stanzas', 'hello', 'not-well-formed'],
  ['§4.9.3.18: a comment', '<!-- hi -->', 'restricted-xml'],
  ['§4.9.3.18: a processing instruction', '<?php?>', 'restricted-xml'],
  ['§4.9.3.18: an entity that is not defined', '<message>&nbsp;</message>', 'restricted-xml'],
  ['§4.9.3.2: a prefix that is not bound', '<x:message/>', 'bad-namespace-prefix'],
  ['§4.9.3.14: a stanza that is too large', say('x'.repeat(300_000)), 'policy-violation'],
  ['§4.9.3.14: a stanza that is too deep', '<a>'.repeat(40), 'policy-violation'],
] as const) {
  streamStory(`RFC 6120 ${title} ends stream and session with ${condition}`, async scene => {
    const { romeo } = await couple(scene)
    await romeo.sends(xml)
    romeo.receivesStreamError(condition)
    assert.equal(scene.world.host.accounts.of('romeo').sessions.size, 0)
  })
}

streamStory('RFC 6120 §13.12: before authentication a client may send little, after binding more', async scene => {
  const early = scene.device()
  await early.opens()
  await early.sends(say('x'.repeat(10_000)))
  early.receivesStreamError('policy-violation')
  const { romeo, juliet } = await couple(scene)
  await romeo.sends(say('x'.repeat(100_000)))
  assert.equal(juliet.bodies()[0]!.length, 100_000)
})

streamStory('RFC 6120 §4.4: who closes the stream is answered in kind, and is gone', async scene => {
  const { romeo, juliet } = await couple(scene)
  await scene.world.settled()
  await juliet.sends('</stream:stream>')
  juliet.receivesEnd()
  assert.equal(scene.world.host.accounts.of('juliet').sessions.size, 0)
  await romeo.sends('</stream:stream>')
  romeo.receivesEnd()
  assert.deepEqual(scene.streams.counts, { unbound: 0, bound: 0 })
})

streamStory('RFC 6120 §4.4: what was sent before the stream was closed still arrives', async scene => {
  const { romeo, juliet } = await couple(scene)
  const go = hold(scene, 'romeo')
  romeo.writes(`${say('one')}${say('two')}</stream:stream>`)
  romeo.receivesNothing()
  go()
  await scene.settled()
  assert.deepEqual(juliet.bodies(), ['one', 'two'])
  romeo.receivesEnd()
})

for (const chunks of [[`${say('one')}</stream:stream>${PING}`], [`${say('one')}</stream:stream>`, PING]]) {
  streamStory(
    `RFC 6120 §4.4: also where the client goes on after that, in ${chunks.length} pieces; what it says then does not count`,
    async scene => {
      const { romeo, juliet } = await couple(scene)
      const release = hold(scene, 'romeo')
      for (const chunk of chunks) romeo.writes(chunk)
      release()
      await scene.settled()
      assert.deepEqual(juliet.bodies(), ['one'])
      romeo.receivesEnd()
    },
  )
}

streamStory('RFC 6120 §4.4: a connection that breaks ends a session that cannot be resumed', async scene => {
  const { romeo, juliet } = await couple(scene)
  await juliet.breaks()
  assert.equal(scene.world.host.accounts.of('juliet').sessions.size, 0)
  await romeo.sends(PING)
  romeo.receives('<iq type="result"/>')
})

streamStory('RFC 6120 §4.9.3.23: the server says when it goes', async scene => {
  const { romeo, juliet } = await couple(scene)
  await scene.world.host.close(new StreamError('system-shutdown'))
  scene.streams.close()
  romeo.receivesStreamError('system-shutdown')
  juliet.receivesStreamError('system-shutdown')
})

const sometimesSlow = defineModule({
  name: 'sometimes-slow',
  about: 'Takes its time over some messages.',
  xeps: [],
  setup({ on }) {
    on(messageOut.check, function waitSometimes({ stanza }) {
      if (!/<body>\d*7</.test(String(stanza))) return
      return new Promise<void>(resolve => setImmediate(resolve))
    })
  },
})

streamStory(
  'RFC 6120 §10.1: a thousand stanzas at once keep their order, though some take longer than others',
  async scene => {
    const { romeo, juliet } = await couple(scene)
    const bodies = Array.from({ length: 1000 }, (_, i) => String(i))
    await romeo.sends(bodies.map(body => say(body)).join(''))
    while (juliet.unread.length < 1000) await scene.settled()
    assert.deepEqual(juliet.bodies(), bodies)
    assert.equal(romeo.socket.isPaused, false)
  },
  {},
  { extra: [sometimesSlow] },
)

streamStory('DESIGN law 10: a client that does not read its answers is not read from until it has', async scene => {
  const { romeo } = await couple(scene)
  romeo.socket.isTaken = false
  while (!romeo.socket.isPaused) await romeo.sends(PING.repeat(100))
  assert.ok(romeo.socket.queued < SETTINGS.outputBuffer / 2)
  romeo.socket.queued = 0
  romeo.socket.isTaken = true
  romeo.socket.onDrained()
  await scene.settled()
  assert.equal(romeo.socket.isPaused, false)
  romeo.forget()
  await romeo.sends(PING)
  romeo.receives('<iq type="result" id="p"/>')
})

streamStory('DESIGN law 10: a client that sends faster than it is served is not read from for a while', async scene => {
  const { romeo, juliet } = await couple(scene)
  const go = hold(scene, 'romeo')
  romeo.writes(say('a').repeat(32))
  assert.equal(romeo.socket.isPaused, false)
  romeo.writes(say('a'))
  assert.equal(romeo.socket.isPaused, true)
  go()
  await scene.settled()
  assert.equal(romeo.socket.isPaused, false)
  assert.equal(juliet.bodies().length, 33)
})

streamStory(
  'DESIGN law 10: a client that reads nothing is cut off, and others do not suffer',
  async scene => {
    const { romeo, juliet } = await couple(scene)
    juliet.socket.isTaken = false
    for (let i = 0; i < 5; i++) await romeo.sends(say('x'.repeat(3000)))
    assert.equal(juliet.socket.state, 'destroyed')
    assert.equal(scene.world.host.accounts.of('juliet').sessions.size, 0)
    await romeo.sends(PING)
    romeo.receives('<iq type="result"/>')
  },
  { outputBuffer: 10_000 },
)

streamStory(
  'DESIGN law 10: who sends more than its share is read from again when it has waited for it',
  async scene => {
    const { romeo, juliet } = await couple(scene)
    await scene.ticks(20)
    await romeo.sends(say('x'.repeat(4000)))
    assert.equal(romeo.socket.isPaused, true)
    assert.equal(juliet.bodies().length, 1)
    await scene.ticks(1)
    assert.equal(romeo.socket.isPaused, true)
    await scene.ticks(4)
    assert.equal(romeo.socket.isPaused, false)
    const go = hold(scene, 'romeo') // both reasons at once
    romeo.writes(say('x').repeat(70))
    for (let i = 0; i < 10; i++) scene.streams.onTick()
    assert.equal(romeo.socket.isPaused, true)
    go()
    await scene.settled()
    assert.equal(romeo.socket.isPaused, false)
    juliet.forget()
  },
  { bytesPerSecond: 500, burst: 3000 },
)

streamStory('RFC 6120 §4.6.1: a silent client is sent white space now and then, and kept', async scene => {
  const romeo = await scene.online('romeo')
  const before = romeo.raw
  await scene.ticks(300)
  assert.equal(romeo.raw, `${before} `)
  await scene.ticks(300)
  assert.equal(romeo.raw, `${before}  `)
  await romeo.sends(' ', PING)
  romeo.receives('<iq type="result"/>')
})

streamStory('XEP-0198 §4: a silent client that could answer is asked, then given up; its session waits for it', async scene => {
  const romeo = await scene.online('romeo', 'phone', `<enable xmlns="${SM}" resume="true"/>`)
  romeo.forget()
  await scene.ticks(300)
  romeo.receives(`<r xmlns="${SM}"/>`)
  await scene.ticks(75)
  assert.equal(romeo.socket.state, 'destroyed')
  assert.equal(scene.world.host.accounts.of('romeo').sessions.size, 1)
  assert.deepEqual(scene.streams.counts, { unbound: 0, bound: 0 })
})

streamStory('RFC 7395 §3.8: over WebSocket there is no white space, but a ping', async scene => {
  const device = scene.device('websocket')
  await device.opens()
  await device.authenticates2('romeo', '<bind xmlns="urn:xmpp:bind:0"/>')
  device.forget()
  await scene.ticks(300)
  const { id } = device.receives('<iq type="get" id="*" from="here.example" to="*"><ping xmlns="urn:xmpp:ping"/></iq>').attrs
  await device.sends(`<iq xmlns="jabber:client" type="result" id="${id}" to="here.example"/>`)
})

streamStory('DESIGN law 12: of a connection that is gone nothing is left in memory', async scene => {
  setFlagsFromString('--expose-gc')
  const collect: () => void = runInNewContext('gc')
  const gone: WeakRef<object>[] = []
  const live = async (end: (device: Device) => Promise<void>, enable = ''): Promise<void> => {
    const device = await scene.online('romeo', 'phone', enable)
    await device.sends('<presence/>')
    gone.push(new WeakRef(device.socket))
    await end(device)
    scene.forget(device)
  }
  await live(device => device.breaks())
  await live(device => device.sends('</stream:stream>').then(() => device.breaks()))
  await live(device => device.sends('<oops>').then(() => device.breaks()))
  await live(device => device.breaks(), `<enable xmlns="${SM}" resume="true"/>`)
  await scene.later(600_000)
  for (let i = 0; i < 5; i++) {
    await new Promise(resolve => setImmediate(resolve))
    collect()
  }
  assert.deepEqual(
    gone.map(ref => ref.deref() === undefined),
    [true, true, true, true],
  )
})
