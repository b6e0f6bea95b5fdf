import assert from 'node:assert/strict'
import { mock } from 'node:test'
import { type Device, HEADER, type Scene, streamStory } from '../../../test/stream-story.ts'
import { makeCredential } from '../../sasl/credential.ts'
import { saltPassword } from '../../sasl/test-client.ts'
import { ITERATIONS, newPencils } from '../../sasl/test-fixture.ts'

const SASL = 'urn:ietf:params:xml:ns:xmpp-sasl'
const SASL2 = 'urn:xmpp:sasl:2'
const SM = 'urn:xmpp:sm:3'
const failure = (condition: string): string => `<failure xmlns="${SASL}"><${condition}/></failure>`
const failure2 = (condition: string): string => `<failure xmlns="${SASL2}"><${condition} xmlns="${SASL}"/></failure>`
const auth = (text: string, mechanism = 'SCRAM-SHA-256'): string => `<auth xmlns="${SASL}" mechanism="${mechanism}">${text}</auth>`
const HELLO = Buffer.from('n,,n=romeo,r=abcdefghijklmnop').toString('base64')

async function open(scene: Scene, from = ''): Promise<Device> {
  const device = scene.device()
  await device.sends(HEADER.replace(" version='1.0' xmlns", ` ${from} version='1.0' xmlns`))
  device.forget()
  return device
}

/** Keeps the account's turn busy until the returned function is called. */
function hold(scene: Scene, name: string): () => void {
  const { promise, resolve } = Promise.withResolvers<void>()
  void scene.world.host.accounts.of(name).turn.take(() => promise)
  return resolve
}

for (const mechanism of ['SCRAM-SHA-256', 'SCRAM-SHA-512', 'SCRAM-SHA-256-PLUS', 'SCRAM-SHA-512-PLUS']) {
  streamStory(`RFC 6120 §6.4: with ${mechanism} server and client prove to each other that they know the password`, async scene => {
    const device = await open(scene)
    const client = await device.authenticates('romeo', { mechanism })
    client.verify(Buffer.from(device.receives(`<success xmlns="${SASL}"/>`).text, 'base64'))
    await device.sends(HEADER)
    device.receivesHeader()
    device.receivesFeatures('<bind xmlns="urn:ietf:params:xml:ns:xmpp-bind"/><sm xmlns="urn:xmpp:sm:3"/>')
  })

  streamStory(`XEP-0388 §2.6.1: with ${mechanism} over SASL2 there is no new stream, but new features`, async scene => {
    const device = await open(scene)
    const client = await device.authenticates2('romeo', '', { mechanism })
    const success = device.receives(
      `<success xmlns="${SASL2}"><authorization-identifier>romeo@here.example</authorization-identifier></success>`,
    )
    client.verify(Buffer.from(success.elements().find(({ name }) => name === 'additional-data')!.text, 'base64'))
    device.receivesFeatures('<bind xmlns="urn:ietf:params:xml:ns:xmpp-bind"/>')
    await device.sends('<iq type="set" id="b"><bind xmlns="urn:ietf:params:xml:ns:xmpp-bind"/></iq>')
    device.receives('<iq type="result" id="b"/>')
  })
}

streamStory('XEP-0440 §3: what channels can be bound to is announced where there is something, and only there', async scene => {
  const device = scene.device()
  await device.sends(HEADER)
  device.receivesHeader()
  device.receivesFeatures('<sasl-channel-binding xmlns="urn:xmpp:sasl-cb:0"><channel-binding type="tls-exporter"/></sasl-channel-binding>')
  const web = scene.device('websocket')
  await web.opens()
  assert.ok(!web.raw.includes('urn:xmpp:sasl-cb:0'))
})

streamStory('RFC 6120 §6.5.10: a wrong password is not authorized, and the client may try again', async scene => {
  const device = await open(scene)
  await device.authenticates('romeo', { password: 'pen' })
  device.receives(failure('not-authorized'))
  await device.authenticates2('romeo', '', { password: 'pen' })
  device.receives(failure2('not-authorized'))
  await device.authenticates('romeo')
  device.receives(`<success xmlns="${SASL}"/>`)
})

streamStory('RFC 6120 §13.11: an account that does not exist answers as one that does', async scene => {
  const heard: string[] = []
  for (const name of ['romeo', 'nobody']) {
    const device = await open(scene)
    await device.authenticates(name, { password: 'pen' })
    heard.push(device.raw)
    device.forget()
  }
  const [romeo, nobody] = heard.map(raw =>
    raw.replaceAll(/(?<=id=')[^']*/g, '').replaceAll(/(?<=<challenge[^>]*>)[^<]*/g, text => String(text.length)),
  )
  assert.equal(romeo, nobody)
})

for (const [title, xml, condition] of [
  ['§6.5.5: base64 that is none', auth('!!!'), 'incorrect-encoding'],
  ['§6.5.5: base64 with bits left over', auth('bh=='), 'incorrect-encoding'],
  ['§6.4.2: `=` is an empty message, which no SCRAM begins with', auth('='), 'malformed-request'],
  ['§6.5.7: a mechanism that was not offered', auth(HELLO, 'PLAIN'), 'invalid-mechanism'],
  ['§6.5.7: no mechanism', `<auth xmlns="${SASL}"/>`, 'invalid-mechanism'],
  ['§6.5.8: bytes that are no message of the mechanism', auth('AAAA'), 'malformed-request'],
  [
    '§6.5.6: to act for another',
    auth(Buffer.from('n,a=juliet@here.example,n=romeo,r=abcdefghijklmnop').toString('base64')),
    'invalid-authzid',
  ],
  ['§6.5.1: to abort', `<abort xmlns="${SASL}"/>`, 'aborted'],
] as const) {
  streamStory(`RFC 6120 ${title} ends in ${condition}`, async scene => {
    const device = await open(scene)
    await device.sends(xml)
    device.receives(failure(condition))
  })
}

streamStory('RFC 6120 §6.3.8: to act for oneself is allowed', async scene => {
  const device = await open(scene)
  await device.authenticates('romeo', { authzid: 'romeo@here.example' })
  device.receives(`<success xmlns="${SASL}"/>`)
})

streamStory('RFC 6120 §6.4.4: who aborts in the middle may begin anew', async scene => {
  const device = await open(scene)
  await device.sends(auth(HELLO))
  device.receives(`<challenge xmlns="${SASL}"/>`)
  await device.sends(`<abort xmlns="${SASL}"/>`)
  device.receives(failure('aborted'))
  await device.authenticates('romeo')
  device.receives(`<success xmlns="${SASL}"/>`)
})

streamStory('RFC 6120 §6.4.2: without an initial response the server asks for it', async scene => {
  const device = await open(scene)
  await device.sends(auth(''))
  assert.equal(device.receives(`<challenge xmlns="${SASL}"/>`).text, '')
  await device.sends(`<response xmlns="${SASL}">${HELLO}</response>`)
  device.receives(`<challenge xmlns="${SASL}"/>`)
})

streamStory('RFC 6120 §6.4.5: the sixth failure ends the stream', async scene => {
  const device = await open(scene)
  for (let i = 0; i < 6; i++) await device.sends(auth('!'))
  for (let i = 0; i < 6; i++) device.receives(failure('incorrect-encoding'))
  device.receivesStreamError('policy-violation')
})

for (const from of ['juliet@here.example', 'romeo@there.example', 'here.example']) {
  streamStory(`XEP-0388 §2.8: a header that says ${from} does not go with another account`, async scene => {
    const device = await open(scene, `from='${from}'`)
    if (from.startsWith('juliet')) await device.authenticates('romeo')
    else await device.sends(auth(HELLO))
    device.receives(failure('invalid-authzid'))
  })
}

streamStory('RFC 6120 §6.4.6: after success the client has to open the stream anew', async scene => {
  const device = await open(scene)
  await device.authenticates('romeo')
  device.receives(`<success xmlns="${SASL}"/>`)
  await device.sends('<presence/>')
  device.receivesHeader()
  device.receivesStreamError('bad-format')
})

for (const junk of ['<presence/>', auth(HELLO), `<response xmlns="${SASL2}">AAAA</response>`]) {
  streamStory(`XEP-0388 §2.4: ${junk.slice(0, 12)}… while the server is authenticating the client ends the stream`, async scene => {
    for (const begin of [
      auth(HELLO),
      `<authenticate xmlns="${SASL2}" mechanism="SCRAM-SHA-256"><initial-response>${HELLO}</initial-response></authenticate>`,
    ]) {
      const device = await open(scene)
      await device.sends(begin + junk)
      if (device.unread.length > 2) device.unread.shift() // the challenge, if it was out already
      device.receivesStreamError('policy-violation')
    }
  })
}

for (const junk of ['<presence/>', '<iq type="get" id="i"><query xmlns="jabber:iq:register"/></iq>']) {
  streamStory(`XEP-0388 §2.4: ${junk.slice(0, 12)}… in answer to a challenge ends the stream`, async scene => {
    const device = await open(scene)
    await device.sends(auth(HELLO))
    device.receives(`<challenge xmlns="${SASL}"/>`)
    await device.sends(junk)
    device.receivesStreamError('not-authorized')
  })
}

streamStory('RFC 6120 §6.4.6: a stream that is opened anew before the client can know of success ends', async scene => {
  const device = await open(scene)
  await device.authenticates('romeo', {}, HEADER.slice(21))
  device.receivesStreamError('policy-violation')
})

streamStory('XEP-0388 §2.5: what was begun in one profile does not go on in the other', async scene => {
  const device = await open(scene)
  await device.sends(auth(HELLO))
  device.receives(`<challenge xmlns="${SASL}"/>`)
  await device.sends(`<response xmlns="${SASL2}">AAAA</response>`)
  device.receivesStreamError('policy-violation')
})

streamStory('a client that goes before it hears of success binds nothing', async scene => {
  const former = await scene.online('romeo')
  const device = await open(scene)
  const go = hold(scene, 'romeo')
  await Promise.race([device.authenticates2('romeo', '<bind xmlns="urn:xmpp:bind:0"/>'), scene.settled()])
  await scene.settled()
  device.socket.destroy()
  go()
  await scene.settled()
  device.forget()
  assert.deepEqual([...scene.world.host.accounts.of('romeo').sessions.keys()], ['phone'])
  assert.deepEqual(scene.streams.counts, { unbound: 0, bound: 1 })
  former.receivesNothing()
})

streamStory('XEP-0386 §4: binding, stream management, copies and inactivity come with success, in one breath', async scene => {
  const device = await open(scene)
  await device.authenticates2(
    'romeo',
    `<bind xmlns="urn:xmpp:bind:0"><tag>Verona</tag><enable xmlns="${SM}" resume="true"/><enable xmlns="urn:xmpp:carbons:2"/><inactive xmlns="urn:xmpp:csi:0"/><unknown xmlns="urn:x"/></bind>`,
  )
  const success = device.receives(
    `<success xmlns="${SASL2}"><bound xmlns="urn:xmpp:bind:0"><enabled xmlns="${SM}" id="*" resume="true"/></bound></success>`,
  )
  const jid = success.elements().find(({ name }) => name === 'authorization-identifier')!.text
  assert.match(jid, /^romeo@here\.example\/Verona\/[\w-]{16}$/)
  assert.ok(!String(device.receivesFeatures()).includes('xmpp-bind'))
  await device.sends('<presence/>', `<r xmlns="${SM}"/>`)
  device.receives(`<a xmlns="${SM}" h="1"/>`) // its own presence waits: it is inactive
  const other = await scene.online('romeo', 'other')
  await other.sends('<message type="chat" to="juliet@here.example" id="m"><body>hi</body></message>')
  device.receives('<presence/>')
  device.receives('<message><sent xmlns="urn:xmpp:carbons:2"/></message>')
  device.forget()
  other.forget()
})

streamStory('XEP-0386 §3.3: who binds is told where the archive ends', async scene => {
  const MAM = 'urn:xmpp:mam:2'
  const first = await open(scene)
  await first.authenticates2('romeo', '<bind xmlns="urn:xmpp:bind:0"/>')
  first.receives(`<success xmlns="${SASL2}"><bound xmlns="urn:xmpp:bind:0"><metadata xmlns="${MAM}"/></bound></success>`)
  first.receivesFeatures()
  await first.sends('<presence/>', '<message to="romeo@here.example" id="m"><body>note</body></message>')
  first.receives('<presence/>')
  const message = first.receives('<message><body>note</body></message>')
  const id = message.elements().find(({ name }) => name === 'stanza-id')!.attrs['id']
  const second = await open(scene)
  await second.authenticates2('romeo', '<bind xmlns="urn:xmpp:bind:0"/>')
  second.receives(
    `<success xmlns="${SASL2}"><bound xmlns="urn:xmpp:bind:0"><metadata xmlns="${MAM}"><start id="${id}"/><end id="${id}"/></metadata></bound></success>`,
  )
  second.receivesFeatures()
  first.forget()
})

for (const tag of ['', ' ', '&#x7f;', 'x'.repeat(2000), '&#x1F600;'.repeat(32)]) {
  streamStory(`XEP-0386 §3.2: a tag like ${JSON.stringify(tag.slice(0, 10))} does no harm`, async scene => {
    const device = await open(scene)
    await device.authenticates2('romeo', `<bind xmlns="urn:xmpp:bind:0"><tag>${tag}</tag></bind>`)
    device.receives(`<success xmlns="${SASL2}"><bound xmlns="urn:xmpp:bind:0"/></success>`)
    device.receivesFeatures()
  })
}

streamStory('XEP-0386 §4: who has too many sessions is not authenticated for another', async scene => {
  for (let i = 0; i < 10; i++) await scene.online('romeo', `r${i}`)
  const device = await open(scene)
  await device.authenticates2('romeo', '<bind xmlns="urn:xmpp:bind:0"/>')
  device.receives(failure2('temporary-auth-failure'))
  await device.sends('<iq type="set" id="b"><bind xmlns="urn:ietf:params:xml:ns:xmpp-bind"/></iq>')
  device.receivesStreamError('not-authorized')
})

/** A client of that installation, with a stream that can be resumed. */
async function installed(scene: Scene, id: string): Promise<Device> {
  const device = await open(scene)
  const wishes = `<bind xmlns="urn:xmpp:bind:0"><enable xmlns="${SM}" resume="true"/></bind>`
  await device.authenticates2('romeo', `<user-agent xmlns="${SASL2}" id="${id}"/>${wishes}`)
  device.receives(`<success xmlns="${SASL2}"><bound xmlns="urn:xmpp:bind:0"/></success>`)
  device.receivesFeatures()
  return device
}

streamStory('XEP-0386 §3.2: a client that comes back without resuming leaves no sessions that wait for it', async scene => {
  const { sessions } = scene.world.host.accounts.of('romeo')
  const juliet = await scene.online('juliet')
  const said: string[] = []
  for (let i = 0; i < 12; i++) {
    const device = await installed(scene, 'one')
    assert.equal(sessions.size, 1)
    await device.sends('<presence/>')
    assert.deepEqual(device.bodies(), said) // none is lost with a session
    await device.breaks()
    said.push(`m${i}`)
    await juliet.sends(`<message to="romeo@here.example" type="chat" id="m"><body>m${i}</body></message>`)
  }
})

streamStory('XEP-0386 §3.2: one that is connected stays, as it may be another device with the same backup; so do others', async scene => {
  const { sessions } = scene.world.host.accounts.of('romeo')
  const other = await installed(scene, 'other')
  await other.breaks()
  const unnamed = await scene.online('romeo', 'old', `<enable xmlns="${SM}" resume="true"/>`)
  unnamed.forget()
  await unnamed.breaks()
  const first = await installed(scene, 'one')
  await installed(scene, 'one')
  assert.equal(first.socket.state, 'open')
  assert.equal(sessions.size, 4)
})

streamStory('XEP-0198 §9.2: a stream is resumed with success, and no features follow', async scene => {
  const former = await scene.online('romeo', 'phone', `<enable xmlns="${SM}" resume="true"/>`)
  const id = former.receives(`<enabled xmlns="${SM}"/>`).attrs['id']
  await former.breaks()
  const juliet = await scene.online('juliet')
  await juliet.sends('<message to="romeo@here.example/phone" type="chat" id="m"><body>hi</body></message>')
  const device = await open(scene)
  await device.authenticates2('romeo', `<resume xmlns="${SM}" previd="${id}" h="0"/><bind xmlns="urn:xmpp:bind:0"/>`)
  device.receives(
    `<success xmlns="${SASL2}"><authorization-identifier>romeo@here.example/phone</authorization-identifier><resumed xmlns="${SM}" h="0"/></success>`,
  )
  device.receives('<message><body>hi</body></message>')
  device.receives(`<r xmlns="${SM}"/>`)
})

streamStory('XEP-0198 §9.2: where a stream cannot be resumed, a resource is bound all the same', async scene => {
  const device = await open(scene)
  await device.authenticates2('romeo', `<resume xmlns="${SM}" previd="x" h="0"/><bind xmlns="urn:xmpp:bind:0"/>`)
  device.receives(
    `<success xmlns="${SASL2}"><failed xmlns="${SM}"><item-not-found xmlns="urn:ietf:params:xml:ns:xmpp-stanzas"/></failed><bound xmlns="urn:xmpp:bind:0"/></success>`,
  )
  device.receivesFeatures()
})

const upgrade = '<upgrade xmlns="urn:xmpp:sasl:upgrade:0">UPGR-SCRAM-SHA-512</upgrade>'
const next = `<next xmlns="${SASL2}" task="UPGR-SCRAM-SHA-512"/>`

/** Mercutio has SHA-256 only, and has just authenticated with it. */
async function upgrading(scene: Scene): Promise<Device> {
  await scene.world.host.life.create('mercutio', newPencils('SHA-256'))
  const device = await open(scene)
  await device.authenticates2('mercutio', upgrade)
  device.receives(`<continue xmlns="${SASL2}"><additional-data/><tasks><task>UPGR-SCRAM-SHA-512</task></tasks></continue>`)
  return device
}

streamStory('XEP-0480 §2: a client that asks for it leaves what another mechanism needs, then succeeds', async scene => {
  const device = await upgrading(scene)
  await device.sends(next)
  const salt = device
    .receives(`<task-data xmlns="${SASL2}"><salt xmlns="urn:xmpp:scram-upgrade:0" iterations="${ITERATIONS}"/></task-data>`)
    .elements()[0]!
  const hash = saltPassword('SHA-512', 'pencil', salt.text, ITERATIONS).toString('base64')
  await device.sends(`<task-data xmlns="${SASL2}"><hash xmlns="urn:xmpp:scram-upgrade:0">${hash}</hash></task-data>`)
  device.receives(`<success xmlns="${SASL2}"><authorization-identifier>mercutio@here.example</authorization-identifier></success>`)
  device.receivesFeatures()
  const again = await open(scene)
  await again.authenticates('mercutio', { mechanism: 'SCRAM-SHA-512-PLUS' })
  again.receives(`<success xmlns="${SASL}"/>`)
})

streamStory('who logged in with a password that was changed since is not bound', async scene => {
  await scene.world.host.life.create('mercutio', newPencils('SHA-256'))
  const device = await open(scene)
  await device.authenticates('mercutio')
  await device.sends(HEADER)
  device.forget()
  await scene.world.host.store.replaceCredentials('mercutio', [await makeCredential('quill', 'SHA-256', ITERATIONS)])
  await device.sends(`<iq type="set" id="b"><bind xmlns="urn:ietf:params:xml:ns:xmpp-bind"/></iq>`)
  device.receivesStreamError('not-authorized')
  assert.equal(scene.world.host.accounts.of('mercutio').sessions.size, 0)
})

streamStory('XEP-0480: a password that was changed meanwhile adds nothing any more', async scene => {
  const device = await upgrading(scene)
  await device.sends(next)
  const salt = device.receives(`<task-data xmlns="${SASL2}"/>`).elements()[0]!
  await scene.world.host.store.replaceCredentials('mercutio', [await makeCredential('quill', 'SHA-256', ITERATIONS)])
  const hash = saltPassword('SHA-512', 'pencil', salt.text, ITERATIONS).toString('base64')
  await device.sends(`<task-data xmlns="${SASL2}"><hash xmlns="urn:xmpp:scram-upgrade:0">${hash}</hash></task-data>`)
  device.receives(failure2('not-authorized'))
  assert.equal(await scene.world.host.store.credential('mercutio', 'SHA-512'), undefined)
})

for (const [title, xml, expected] of [
  [
    'a hash of the wrong size',
    `<task-data xmlns="${SASL2}"><hash xmlns="urn:xmpp:scram-upgrade:0">AAAA</hash></task-data>`,
    failure2('malformed-request'),
  ],
  ['no hash', `<task-data xmlns="${SASL2}"/>`, failure2('malformed-request')],
  ['to abort', `<abort xmlns="${SASL2}"/>`, failure2('aborted')],
] as const) {
  streamStory(`XEP-0480 §3: ${title} fails, and nothing has been won`, async scene => {
    const device = await upgrading(scene)
    await device.sends(next)
    device.receives(`<task-data xmlns="${SASL2}"/>`)
    await device.sends(xml)
    device.receives(expected)
    await device.sends('<iq type="set" id="b"><bind xmlns="urn:ietf:params:xml:ns:xmpp-bind"/></iq>')
    device.receivesStreamError('not-authorized')
  })
}

streamStory('XEP-0388 §2.6.3: another task than that of now, or a stanza instead, ends the stream', async scene => {
  for (const [xml, condition] of [
    [next.replace('512', '256'), 'policy-violation'],
    ['<presence/>', 'not-authorized'],
  ] as const) {
    const device = await upgrading(scene)
    await device.sends(xml)
    device.receivesStreamError(condition)
  }
})

streamStory('a client that goes in the middle of a task leaves nothing behind', async scene => {
  const device = await upgrading(scene)
  device.socket.onData(Buffer.from(next))
  await device.breaks()
  assert.deepEqual(scene.streams.counts, { unbound: 0, bound: 0 })
})

streamStory('RFC 6120 §13.12: of an account that somebody guesses at, each answer comes late, the right one too', async scene => {
  mock.timers.enable({ apis: ['setTimeout'] })
  try {
    for (let i = 0; i < 3; i++) {
      const device = await open(scene)
      await device.authenticates('romeo', { password: 'pen' })
      device.receives(failure('not-authorized'))
    }
    const guesser = await open(scene)
    await guesser.authenticates('romeo', { password: 'pen' })
    const owner = await open(scene)
    await owner.authenticates('romeo')
    const other = await open(scene)
    await other.authenticates('juliet')
    other.receives(`<success xmlns="${SASL}"/>`)
    guesser.receivesNothing()
    owner.receivesNothing()
    mock.timers.tick(1000)
    await scene.settled()
    guesser.receives(failure('not-authorized'))
    owner.receives(`<success xmlns="${SASL}"/>`)
  } finally {
    mock.timers.reset()
  }
})
