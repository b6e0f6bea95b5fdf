import assert from 'node:assert/strict'
import { mock } from 'node:test'
import { type Device, HEADER, OPEN, type Scene, streamStory } from '../../../test/stream-story.ts'

const header = (attrs: string): string => `<stream:stream ${attrs} xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>`
const STARTTLS = '<starttls xmlns="urn:ietf:params:xml:ns:xmpp-tls"/>'
const BIND = 'urn:ietf:params:xml:ns:xmpp-bind'
const bind = (resource = '', id = 'b'): string =>
  `<iq type="set" id="${id}"><bind xmlns="${BIND}">${resource && `<resource>${resource}</resource>`}</bind></iq>`

streamStory('RFC 6120 §4.7: the header of the answer says who answers, whom, and under which unguessable id', async scene => {
  const device = scene.device()
  await device.sends(header(`to='HERE.example' from='romeo@here.example' version='1.0'`))
  const { attrs } = device.receivesHeader()
  assert.equal(attrs['to'], 'romeo@here.example')
  assert.equal(attrs['xml:lang'], 'en')
  assert.match(attrs['id']!, /^[\w-]{20}$/)
  device.receivesFeatures('<mechanisms xmlns="urn:ietf:params:xml:ns:xmpp-sasl"><mechanism>SCRAM-SHA-512-PLUS</mechanism></mechanisms>')
})

for (const [title, xml, condition] of [
  ['§4.9.3.6: a host that is not served here', header(`to='there.example' version='1.0'`), 'host-unknown'],
  ['§4.7.2: a header without `to`', header(`version='1.0'`), 'host-unknown'],
  ['§4.9.3.6: an address that is none', header(`to='@' version='1.0'`), 'host-unknown'],
  ['§4.9.3.25: a client older than version 1.0', header(`to='here.example'`), 'unsupported-version'],
  ['§4.9.3.25: a version that is no number', header(`to='here.example' version='x'`), 'unsupported-version'],
] as const) {
  streamStory(`RFC 6120 ${title} hears ${condition}, after a header`, async scene => {
    const device = scene.device()
    await device.sends(xml)
    device.receivesHeader()
    device.receivesStreamError(condition)
  })
}

for (const [title, xml, condition] of [
  ['§4.9.3.1: another root', '<hello/>', 'bad-format'],
  ['§4.9.3.10: another namespace of streams', `<s:stream to='here.example' version='1.0' xmlns:s='urn:x'>`, 'invalid-namespace'],
  ['§4.9.3.13: what is no XML', 'GET / HTTP/1.1\r\n', 'not-well-formed'],
  ['§4.9.3.18: a document type', '<!DOCTYPE a>', 'restricted-xml'],
  ['§4.9.3.14: a header without end', `<a ${'x'.repeat(11_000)}`, 'policy-violation'],
] as const) {
  streamStory(`RFC 6120 ${title} is answered, §4.9.1.2, with a header and ${condition}`, async scene => {
    const device = scene.device()
    await device.sends(xml)
    device.receivesHeader()
    device.receivesStreamError(condition)
  })
}

streamStory('RFC 6120 §5.3.1: without TLS there is STARTTLS, required, and nothing else', async scene => {
  const device = scene.device('tcp')
  await device.sends(HEADER)
  device.receivesHeader()
  const features = device.receivesFeatures('<starttls xmlns="urn:ietf:params:xml:ns:xmpp-tls"><required/></starttls>')
  assert.equal(features.children.length, 1)
})

for (const xml of [
  '<auth xmlns="urn:ietf:params:xml:ns:xmpp-sasl" mechanism="PLAIN">AHJvbWVvAHBlbmNpbA==</auth>',
  '<iq type="get" id="r"><query xmlns="jabber:iq:register"/></iq>',
  bind('x'),
]) {
  streamStory(`RFC 6120 §5.3.1: before TLS ${xml.slice(0, 20)}… is refused`, async scene => {
    const device = scene.device('tcp')
    await device.opens()
    await device.sends(xml)
    device.receivesStreamError('policy-violation')
  })
}

streamStory('RFC 6120 §5.4.3.3: what was injected behind STARTTLS is dropped', async scene => {
  const device = scene.device('tcp')
  await device.opens()
  await device.sends(`${STARTTLS}${HEADER}<auth xmlns="urn:ietf:params:xml:ns:xmpp-sasl" mechanism="PLAIN">AAA=</auth>`)
  device.receives('<proceed xmlns="urn:ietf:params:xml:ns:xmpp-tls"/>')
  device.receivesNothing()
  await device.sends(HEADER)
  device.receivesHeader()
  device.receivesFeatures('<authentication xmlns="urn:xmpp:sasl:2"/>')
  await device.sends(STARTTLS)
  device.receivesStreamError('not-authorized')
})

for (const xml of [
  '<message to="juliet@here.example"><body>hi</body></message>',
  '<presence/>',
  '<iq type="get" id="i"><x xmlns="urn:x"/></iq>',
  bind(),
]) {
  streamStory(`RFC 6120 §4.9.3.12: ${xml.slice(0, 22)}… before authentication is not authorized`, async scene => {
    const device = scene.device()
    await device.opens()
    await device.sends(xml)
    device.receivesStreamError('not-authorized')
  })
}

for (const xml of [
  '<message to="juliet@here.example"/>',
  '<iq type="get" id="i"><query xmlns="jabber:iq:roster"/></iq>',
  '<other xmlns="urn:x"/>',
]) {
  streamStory(`RFC 6120 §7.1: ${xml.slice(0, 22)}… before binding is not authorized`, async scene => {
    const device = scene.device()
    await device.proves('romeo')
    await device.sends(xml)
    device.receivesStreamError('not-authorized')
  })
}

streamStory('RFC 6120 §7: after authentication a resource is bound, the one wished for or one that tells nothing', async scene => {
  const phone = scene.device()
  await phone.proves('romeo')
  await phone.sends(bind('phone'))
  phone.receives(`<iq type="result" id="b"><bind xmlns="${BIND}"><jid>romeo@here.example/phone</jid></bind></iq>`)
  const other = scene.device()
  await other.proves('romeo')
  await other.sends(bind())
  const jid = other.receives('<iq type="result"/>').elements()[0]!.elements()[0]!.text
  assert.match(jid, /^romeo@here\.example\/[\w-]{16}$/)
  assert.deepEqual(scene.streams.counts, { unbound: 0, bound: 2 })
})

streamStory('RFC 6120 §7.7.2.1: a resource that cannot be one is refused, and another may be asked for', async scene => {
  const device = scene.device()
  await device.proves('romeo')
  await device.sends(bind('&#x7f;'), bind('x'.repeat(1024), 'c'), bind('fine', 'd'))
  device.receives('<iq type="error" id="b"><error type="modify"/></iq>')
  device.receives('<iq type="error" id="c"><error type="modify"/></iq>')
  device.receives('<iq type="result" id="d"/>')
})

streamStory('RFC 6120 §7.7.2.2: who binds a resource again ends the former stream with conflict', async scene => {
  const former = await scene.online('romeo', 'phone')
  const device = await scene.online('romeo', 'phone')
  former.receivesStreamError('conflict')
  await device.sends('<iq type="get" id="p" to="here.example"><ping xmlns="urn:xmpp:ping"/></iq>')
  device.receives('<iq type="result" id="p"/>')
})

streamStory('RFC 6120 §7.6.2.1: too many sessions are refused', async scene => {
  for (let i = 0; i < 10; i++) await scene.online('romeo', `r${i}`)
  const device = scene.device()
  await device.proves('romeo')
  await device.sends(bind('one-more'))
  device.receives('<iq type="error" id="b"><error type="wait"/></iq>')
})

streamStory('RFC 6120 §7.4: the client goes while its resource is being bound, and no session is left', async scene => {
  const device = scene.device()
  await device.proves('romeo')
  let go = (): void => {}
  const wait = new Promise<void>(resolve => (go = resolve))
  void scene.world.host.accounts.of('romeo').turn.take(() => wait)
  device.socket.onData(Buffer.from(bind('phone')))
  device.socket.destroy()
  go()
  await scene.settled()
  assert.equal(scene.world.host.accounts.of('romeo').sessions.size, 0)
  assert.deepEqual(scene.streams.counts, { unbound: 0, bound: 0 })
})

streamStory('RFC 6120 §4.9.3.4: who has bound no resource in time is cut off', async scene => {
  const silent = scene.device()
  const slow = scene.device()
  await slow.proves('romeo')
  const bound = await scene.online('juliet')
  await scene.ticks(31)
  silent.receivesHeader()
  silent.receivesStreamError('connection-timeout')
  slow.receivesStreamError('connection-timeout')
  bound.receivesNothing()
  assert.deepEqual(scene.streams.counts, { unbound: 0, bound: 1 })
})

streamStory('RFC 3921 §3: the request for a session has no effect, and an answer', async scene => {
  const device = await scene.online('romeo')
  await device.sends('<iq type="set" id="s"><session xmlns="urn:ietf:params:xml:ns:xmpp-session"/></iq>')
  device.receives('<iq type="result" id="s"/>')
  await device.sends('<iq type="set" id="t" to="here.example"><session xmlns="urn:ietf:params:xml:ns:xmpp-session"/></iq>')
  device.receives('<iq type="result" id="t"/>')
})

streamStory('RFC 7395 §3.4: over WebSocket a stream is opened by a frame, and each stanza is one', async scene => {
  const device = scene.device('websocket')
  await device.sends(OPEN)
  device.receives('<open xmlns="urn:ietf:params:xml:ns:xmpp-framing" from="here.example" id="*" version="1.0" xml:lang="en"/>')
  const features = device.receivesFeatures('<authentication xmlns="urn:xmpp:sasl:2"/>')
  assert.ok(!String(features).includes('-PLUS') && !String(features).includes('starttls'))
  await device.authenticates('romeo')
  device.receives('<success xmlns="urn:ietf:params:xml:ns:xmpp-sasl"/>')
  await device.sends(OPEN)
  device.receives('<open xmlns="urn:ietf:params:xml:ns:xmpp-framing"/>')
  device.receivesFeatures(`<bind xmlns="${BIND}"/>`)
  await device.sends(bind('web').replace('<iq', '<iq xmlns="jabber:client"'))
  device.receives('<iq xmlns="jabber:client" type="result" id="b"/>')
  await device.sends('<iq xmlns="jabber:client" type="get" id="p" to="here.example"><ping xmlns="urn:xmpp:ping"/></iq>')
  device.receives('<iq type="result" id="p"/>')
  await device.sends('<close xmlns="urn:ietf:params:xml:ns:xmpp-framing"/>')
  device.receivesEnd()
})

for (const [title, frame, condition] of [
  ['§3.3.2: the stream header of TCP', HEADER, 'not-well-formed'],
  ['§3.3.3: a stanza before the stream is open', '<message xmlns="jabber:client"/>', 'bad-format'],
  ['§3.3.3: half a stanza', '<message xmlns="jabber:client">', 'not-well-formed'],
  ['§3.8: white space', ' ', 'not-well-formed'],
] as const) {
  streamStory(`RFC 7395 ${title} ends the stream, but not without having opened it`, async scene => {
    const device = scene.device('websocket')
    await device.sends(frame)
    device.receives('<open xmlns="urn:ietf:params:xml:ns:xmpp-framing" from="here.example"/>')
    device.receivesStreamError(condition)
  })
}

streamStory('RFC 7395 §3.4: a stream is opened once', async scene => {
  const device = scene.device('websocket')
  await device.opens()
  await device.sends(OPEN)
  device.receivesStreamError('policy-violation')
})

streamStory('RFC 7395 §3.9: a WebSocket that is not secure is not served', async scene => {
  const device = scene.device('websocket', '192.0.2.1')
  device.socket.isSecure = false
  await device.sends(OPEN)
  device.receives('<open xmlns="urn:ietf:params:xml:ns:xmpp-framing"/>')
  device.receivesStreamError('policy-violation')
})

const preauth = '<iq type="set" id="t"><preauth xmlns="urn:xmpp:pars:0" token="0123"/></iq>'
const register = (name: string): string =>
  `<iq type="set" id="t"><query xmlns="jabber:iq:register"><username>${name}</username><password>correct horse</password></query></iq>`
const REFUSED = '<iq type="error" id="t"/>'

/** From one network, each over a stream of its own. */
async function tries(scene: Scene, xml: string, address: string): Promise<Device> {
  const device = scene.device('tls', address)
  await device.opens()
  await device.sends(xml)
  return device
}

for (const [title, wrong] of [
  ['tokens', preauth],
  ['names that are taken', register('romeo')],
] as const) {
  streamStory(
    `RFC 6120 §13.12: a network that guesses ${title} is answered late, whatever it tries next, and nobody else is`,
    async scene => {
      mock.timers.enable({ apis: ['setTimeout'] })
      try {
        for (let i = 0; i < 3; i++) (await tries(scene, wrong, `192.0.2.${i}`)).receives(REFUSED)
        const slow = await tries(scene, wrong, '192.0.2.9')
        slow.receivesNothing()
        const other = await tries(scene, wrong, '198.51.100.1')
        other.receives(REFUSED)
        mock.timers.tick(1000)
        await scene.settled()
        slow.receives(REFUSED)
      } finally {
        mock.timers.reset()
      }
    },
    {},
    { settings: { registration: { mode: 'open' } } },
  )
}

streamStory(
  'RFC 6120 §13.12: an account that is made is no failure of its network',
  async scene => {
    for (let i = 0; i < 6; i++) (await tries(scene, register(`guest${i}`), '192.0.2.1')).receives('<iq type="result" id="t"/>')
    const late = await tries(scene, register('romeo'), '192.0.2.1')
    late.receives(REFUSED)
  },
  {},
  { settings: { registration: { mode: 'open' } } },
)
