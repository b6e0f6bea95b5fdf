/** What somebody who wants to be another domain can try, and what becomes of it (RFC 6120 §13, XEP-0220 §3). */
import assert from 'node:assert/strict'
import { type Network, type Stranger, serverStory, type Town } from '../../../test/server-story.ts'
import type { Client } from '../../../test/story.ts'

const EXTERNAL = "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='EXTERNAL'>=</auth>"
const message = (from: string, to = 'juliet@here.example'): string => `<message from='${from}' to='${to}' id='m'><body>!</body></message>`

interface Scene {
  readonly network: Network
  readonly here: Town
  readonly juliet: Client
  readonly mallory: Stranger
}

function attack(title: string, tell: (scene: Scene) => Promise<void>, mallorys: readonly string[] = ['evil.example']): void {
  serverStory(title, async network => {
    const here = await network.town('here.example')
    const juliet = await here.world.online('juliet')
    await tell({ network, here, juliet, mallory: network.stranger('evil.example', mallorys) })
    juliet.receivesNothing()
  })
}

attack('a stanza before authentication ends the stream', async ({ mallory }) => {
  await mallory.opens('evil.example', 'here.example')
  mallory.forget()
  await mallory.sends(message('a@evil.example'))
  mallory.receivesStreamError('not-authorized')
})

attack('a stanza before TLS ends the stream', async ({ mallory }) => {
  await mallory.calls('here.example')
  await mallory.sends(mallory.header('evil.example', 'here.example'))
  mallory.forget()
  await mallory.sends(message('a@evil.example'))
  mallory.receivesStreamError('not-authorized')
})

attack('what came in plaintext behind <starttls/> is dropped', async ({ mallory }) => {
  await mallory.calls('here.example')
  await mallory.sends(mallory.header('evil.example', 'here.example'))
  mallory.forget()
  await mallory.sends(
    `<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>${mallory.header('evil.example', 'here.example')}${EXTERNAL}${message('a@evil.example')}`,
  )
  mallory.receives("<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>")
  mallory.receivesNothing()
  await mallory.startsTls()
  mallory.receivesNothing()
})

attack('what came in plaintext behind <starttls/> is dropped, even if the header was not answered yet', async ({ mallory }) => {
  await mallory.calls('here.example')
  await mallory.sends(
    `${mallory.header('evil.example', 'here.example')}<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>${EXTERNAL}${message('a@evil.example')}`,
  )
  mallory.receives('<stream xmlns="http://etherx.jabber.org/streams"/>')
  mallory.receives('<features xmlns="http://etherx.jabber.org/streams"/>')
  mallory.receives("<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>")
  await mallory.startsTls()
  mallory.receivesNothing()
  await mallory.sends(mallory.header('evil.example', 'here.example'))
  mallory.receives('<stream xmlns="http://etherx.jabber.org/streams"/>')
})

attack('not very many elements wait until a certificate is judged', async ({ mallory }) => {
  await mallory.calls('here.example')
  await mallory.sends(mallory.header('evil.example', 'here.example'))
  await mallory.sends("<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>")
  await mallory.startsTls()
  mallory.forget()
  await mallory.sends(mallory.header('evil.example', 'here.example') + '<a/>'.repeat(1000))
  mallory.receives('<stream xmlns="http://etherx.jabber.org/streams"/>')
  mallory.receivesStreamError('policy-violation')
})

attack('a domain that is blocked while it proves itself is not let in', async ({ here, mallory }) => {
  await mallory.opens('evil.example', 'here.example')
  here.federation.reload({ ...here.federation.settings, isAllowed: domain => domain !== 'evil.example' })
  mallory.forget()
  await mallory.sends(EXTERNAL)
  mallory.receives('<success xmlns="urn:ietf:params:xml:ns:xmpp-sasl"/>')
  assert.ok(!mallory.isConnected)
  mallory.forget()
})

attack('without TLS nobody proves anything', async ({ mallory }) => {
  await mallory.calls('here.example')
  await mallory.sends(mallory.header('evil.example', 'here.example'))
  mallory.receives('<stream xmlns="http://etherx.jabber.org/streams"/>')
  mallory.receives(
    '<features xmlns="http://etherx.jabber.org/streams"><starttls xmlns="urn:ietf:params:xml:ns:xmpp-tls"><required/></starttls></features>',
  )
  await mallory.sends("<db:result from='evil.example' to='here.example'>abc</db:result>")
  mallory.receivesStreamError('policy-violation')
})

attack('a certificate for another domain gives no EXTERNAL', async ({ mallory }) => {
  await mallory.opens('victim.example', 'here.example')
  const features = mallory.receives('<features xmlns="http://etherx.jabber.org/streams"/>')
  assert.ok(!String(features).includes('EXTERNAL'))
  await mallory.sends(EXTERNAL)
  mallory.receives('<failure xmlns="urn:ietf:params:xml:ns:xmpp-sasl"><invalid-mechanism/></failure>')
  await mallory.sends(message('a@victim.example'))
  mallory.receivesStreamError('not-authorized')
})

attack('an authorization identity that is not the domain of the stream is refused', async ({ mallory }) => {
  await mallory.opens('evil.example', 'here.example')
  mallory.forget()
  const other = Buffer.from('victim.example').toString('base64')
  await mallory.sends(`<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='EXTERNAL'>${other}</auth>`)
  mallory.receives('<failure xmlns="urn:ietf:params:xml:ns:xmpp-sasl"><invalid-authzid/></failure>')
})

async function authenticated(mallory: Stranger): Promise<void> {
  await mallory.opens('evil.example', 'here.example')
  mallory.forget()
  await mallory.sends(EXTERNAL)
  mallory.receives('<success xmlns="urn:ietf:params:xml:ns:xmpp-sasl"/>')
}

attack(
  'who has authenticated as one domain cannot start anew as another',
  async ({ mallory }) => {
    await authenticated(mallory)
    await mallory.sends(mallory.header('victim.example', 'here.example'))
    mallory.receives('<stream xmlns="http://etherx.jabber.org/streams"/>')
    mallory.receivesStreamError('invalid-from')
  },
  ['evil.example', 'other.example'],
)

attack('a stanza from another domain than the proved one ends the stream', async ({ mallory }) => {
  await authenticated(mallory)
  await mallory.sends(mallory.header('evil.example', 'here.example'))
  mallory.forget()
  await mallory.sends(message('romeo@victim.example'))
  mallory.receivesStreamError('invalid-from')
})

attack('a stanza from the server’s own domain ends the stream', async ({ mallory }) => {
  await authenticated(mallory)
  await mallory.sends(mallory.header('evil.example', 'here.example'))
  mallory.forget()
  await mallory.sends(message('admin@here.example'))
  mallory.receivesStreamError('invalid-from')
})

attack('nobody is relayed for', async ({ network, mallory }) => {
  const third = network.stranger('third.example')
  await authenticated(mallory)
  await mallory.sends(mallory.header('evil.example', 'here.example'))
  mallory.forget()
  await mallory.sends(message('a@evil.example', 'b@third.example'))
  mallory.receivesStreamError('host-unknown')
  assert.equal(third.visits, 0)
})

attack('a stanza without addresses ends the stream', async ({ mallory }) => {
  await authenticated(mallory)
  await mallory.sends(mallory.header('evil.example', 'here.example'))
  mallory.forget()
  await mallory.sends("<message to='juliet@here.example'><body>!</body></message>")
  mallory.receivesStreamError('improper-addressing')
})

/** Another server of ours is the victim: it vouches for its own keys only. */
function dialbackAttack(title: string, tell: (scene: Scene & { victim: Town }) => Promise<void>): void {
  serverStory(title, async network => {
    const here = await network.town('here.example', { mechanisms: { external: false, dialback: true } })
    const victim = await network.town('victim.example')
    const juliet = await here.world.online('juliet')
    await tell({ network, here, victim, juliet, mallory: network.stranger('evil.example') })
    juliet.receivesNothing()
  })
}

const DIALBACK_INVALID = '<result xmlns="jabber:server:dialback" from="here.example" to="victim.example" type="invalid"/>'

dialbackAttack('a key that the domain’s own server has not made is invalid', async ({ mallory }) => {
  await mallory.opens('victim.example', 'here.example')
  mallory.forget()
  await mallory.sends("<db:result from='victim.example' to='here.example'>abcdef</db:result>")
  mallory.receives(DIALBACK_INVALID)
  assert.equal(mallory.unread.shift(), 'end of stream')
})

dialbackAttack('a key of another stream is invalid', async ({ victim, mallory }) => {
  const former = await mallory.opens('evil.example', 'here.example')
  const key = victim.federation.keys.make({ target: 'here.example', sender: 'victim.example', streamId: former })
  await mallory.opens('victim.example', 'here.example')
  mallory.forget()
  await mallory.sends(`<db:result from='victim.example' to='here.example'>${key}</db:result>`)
  mallory.receives(DIALBACK_INVALID)
  assert.equal(mallory.unread.shift(), 'end of stream')
})

dialbackAttack('a key for another pair of domains is invalid', async ({ victim, mallory }) => {
  const streamId = await mallory.opens('victim.example', 'here.example')
  const key = victim.federation.keys.make({ target: 'evil.example', sender: 'victim.example', streamId })
  mallory.forget()
  await mallory.sends(`<db:result from='victim.example' to='here.example'>${key}</db:result>`)
  mallory.receives(DIALBACK_INVALID)
  assert.equal(mallory.unread.shift(), 'end of stream')
})

dialbackAttack('a verdict that nobody asked for is not heard', async ({ here, mallory }) => {
  const id = await mallory.opens('victim.example', 'here.example')
  mallory.forget()
  await mallory.sends(
    `<db:verify from='victim.example' to='here.example' id='${id}' type='valid'/>`,
    "<db:result from='victim.example' to='here.example' type='valid'/>",
  )
  mallory.receivesNothing()
  await mallory.sends(message('romeo@victim.example'))
  mallory.receivesStreamError('not-authorized')
  assert.equal(here.links, 0)
})

dialbackAttack('who vouches for one domain vouches for no other', async ({ network, here, mallory }) => {
  // Mallory's own server is asked about Mallory's own domain, and says that the victim's key is right too.
  const asked = network.stranger('evil.example')
  const id = await mallory.opens('evil.example', 'here.example')
  mallory.forget()
  await mallory.sends("<db:result from='evil.example' to='here.example'>abc</db:result>")
  await asked.welcomes('evil.example', 'here.example', "<dialback xmlns='urn:xmpp:features:dialback'><errors/></dialback>")
  asked.receives(`<verify xmlns="jabber:server:dialback" from="here.example" to="evil.example" id="${id}">abc</verify>`)
  await asked.sends(
    `<db:verify from='victim.example' to='here.example' id='${id}' type='valid'/>`,
    `<db:verify from='evil.example' to='here.example' id='${id}' type='valid'/>`,
  )
  mallory.receives('<result xmlns="jabber:server:dialback" from="here.example" to="evil.example" type="valid"/>')
  await mallory.sends(message('romeo@victim.example'))
  mallory.receivesStreamError('invalid-from')
  assert.ok(here.links >= 1)
})

dialbackAttack('a domain that was proved lets no other one in beside it', async ({ network, mallory }) => {
  const asked = network.stranger('evil.example')
  const id = await mallory.opens('evil.example', 'here.example')
  mallory.forget()
  await mallory.sends("<db:result from='evil.example' to='here.example'>abc</db:result>")
  await asked.welcomes('evil.example', 'here.example', "<dialback xmlns='urn:xmpp:features:dialback'><errors/></dialback>")
  await asked.sends(`<db:verify from='evil.example' to='here.example' id='${id}' type='valid'/>`)
  mallory.forget()
  await mallory.sends("<db:result from='victim.example' to='here.example'>abc</db:result>")
  // The stream goes on for what was proved; only the pair is refused.
  mallory.receives(
    '<result xmlns="jabber:server:dialback" from="here.example" to="victim.example" type="error"><error xmlns="jabber:client"><forbidden xmlns="urn:ietf:params:xml:ns:xmpp-stanzas"/></error></result>',
  )
  await mallory.sends(message('romeo@victim.example'))
  mallory.receivesStreamError('invalid-from')
})

dialbackAttack(
  'who passes on the key of a server that believes any certificate gets nothing that is for it',
  async ({ network, victim, juliet, mallory }) => {
    const romeo = await victim.world.online('romeo')
    const streamId = await mallory.opens('victim.example', 'here.example')
    mallory.forget()
    const key = victim.federation.keys.make({ target: 'here.example', sender: 'victim.example', streamId })
    await mallory.sends(`<bidi xmlns='urn:xmpp:bidi'/><db:result from='victim.example' to='here.example'>${key}</db:result>`)
    mallory.receives('<result xmlns="jabber:server:dialback" from="here.example" to="victim.example" type="valid"/>')
    // The connection on which the key was asked about ends.
    assert.ok(victim.federation.closeDomain('here.example'))
    await network.settled()
    await juliet.sends('<message to="romeo@victim.example" id="m1"><body>secret</body></message>')
    await network.settled()
    romeo.receives('<message id="m1"/>')
    mallory.receivesNothing()
  },
)

serverStory('who only says that he is a domain which needs no certificate is asked about where it is', async network => {
  const here = await network.town('here.example', { isException: domain => domain === 'lax.example' })
  const place = network.stranger('lax.example', [])
  const mallory = network.stranger('evil.example')
  await mallory.opens('lax.example', 'here.example')
  const features = mallory.receives('<features xmlns="http://etherx.jabber.org/streams"/>')
  assert.ok(!String(features).includes('EXTERNAL'))
  await mallory.sends(EXTERNAL)
  mallory.receives('<failure xmlns="urn:ietf:params:xml:ns:xmpp-sasl"><invalid-mechanism/></failure>')
  network.places.set('lax.example', { kind: 'tcp', shows: [], accept: end => place.take(end) })
  await mallory.sends("<db:result from='lax.example' to='here.example'>abc</db:result>")
  await place.welcomes('lax.example', 'here.example', "<dialback xmlns='urn:xmpp:features:dialback'><errors/></dialback>")
  place.receives('<verify xmlns="jabber:server:dialback" from="here.example" to="lax.example">abc</verify>')
  assert.equal(here.federation.peer('lax.example').links.size, 1)
})

serverStory('who has been called cannot say that he is also a domain which needs no certificate', async network => {
  const here = await network.town('here.example', { isException: domain => domain === 'lax.example' })
  const romeo = await here.world.online('romeo')
  const mallory = network.stranger('evil.example')
  await romeo.sends('<message to="a@evil.example" id="m1"/>')
  await mallory.welcomes(
    'evil.example',
    'here.example',
    "<bidi xmlns='urn:xmpp:features:bidi'/><dialback xmlns='urn:xmpp:features:dialback'><errors/></dialback>",
  )
  mallory.receives('<bidi xmlns="urn:xmpp:bidi"/>')
  mallory.receives('<result xmlns="jabber:server:dialback" from="here.example" to="evil.example"/>')
  await mallory.sends("<db:result from='lax.example' to='here.example'>abc</db:result>")
  mallory.receives('<result xmlns="jabber:server:dialback" from="here.example" to="lax.example" type="error"/>')
  await mallory.sends(message('admin@lax.example', 'romeo@here.example'))
  romeo.receivesNothing()
})

serverStory('a key is not asked about where the certificate is another’s', async network => {
  const here = await network.town('here.example', { mechanisms: { external: false, dialback: true } })
  const mallory = network.stranger('evil.example')
  // Mallory has the victim's place in DNS, but not its certificate.
  const place = network.stranger('victim.example', ['evil.example'])
  await mallory.opens('victim.example', 'here.example')
  mallory.forget()
  await mallory.sends("<db:result from='victim.example' to='here.example'>abc</db:result>")
  place.receives('<stream xmlns="http://etherx.jabber.org/streams"/>')
  await place.sends(
    `${place.header('victim.example', 'here.example', 'x')}<stream:features><starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/></stream:features>`,
  )
  place.receives("<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>")
  await place.sends("<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>")
  await place.startsTls()
  place.receivesNothing()
  assert.ok(!place.isConnected)
  mallory.receives(
    '<result xmlns="jabber:server:dialback" from="here.example" to="victim.example" type="error"><error xmlns="jabber:client"><remote-server-timeout xmlns="urn:ietf:params:xml:ns:xmpp-stanzas"/></error></result>',
  )
  assert.equal(here.federation.peer('victim.example').failure?.why, 'its certificate names another domain')
})

serverStory('a server that has lost its TLS is not written to', async network => {
  const here = await network.town('here.example')
  const romeo = await here.world.online('romeo')
  const there = network.stranger('there.example')
  await romeo.sends('<message to="juliet@there.example" id="m1"><body>secret</body></message>')
  await network.settled()
  there.receives('<stream xmlns="http://etherx.jabber.org/streams"/>')
  await there.sends(`${there.header('there.example', 'here.example', 'x')}<stream:features/>`)
  assert.ok(!there.unread.map(String).join().includes('secret'))
  assert.ok(!there.isConnected)
  romeo.receivesError('m1', 'remote-server-timeout')
})

serverStory('who sends nothing but headers is sent away in time', async network => {
  const here = await network.town('here.example')
  const strangers = Array.from({ length: 20 }, () => network.stranger('evil.example'))
  for (const stranger of strangers) await stranger.opens('evil.example', 'here.example')
  assert.equal(here.links, 20)
  await network.ticks(31)
  for (const stranger of strangers) assert.ok(!stranger.isConnected)
  assert.equal(here.links, 0)
})
