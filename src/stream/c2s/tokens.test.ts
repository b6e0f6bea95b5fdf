import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { mock } from 'node:test'
import { selfSigned } from '../../../test/net/certificates.ts'
import { Phone, tokenIn } from '../../../test/phone.ts'
import { type Device, type Scene, streamStory } from '../../../test/stream-story.ts'
import { saltPassword } from '../../sasl/test-client.ts'
import { ITERATIONS, newPencils } from '../../sasl/test-fixture.ts'
import { sql } from '../../storage/db.ts'

const FAST = 'urn:xmpp:fast:0'
const SASL = 'urn:ietf:params:xml:ns:xmpp-sasl'
const SASL2 = 'urn:xmpp:sasl:2'
const SM = 'urn:xmpp:sm:3'

import { namespace } from '../../xml/element.ts'

const sasl2 = namespace('urn:xmpp:sasl:2')
const bind2 = namespace('urn:xmpp:bind:0')
const DAY = 86_400_000
const BIND = '<bind xmlns="urn:xmpp:bind:0"/>'
const failure = (condition: string): string => `<failure xmlns="${SASL2}"><${condition} xmlns="${SASL}"/></failure>`

interface Row {
  account: string
  client: string
  slot: string
  mechanism: string
  verifier: Uint8Array
  gone_by: number
}
const rows = ({ world }: Scene): Promise<Row[]> => world.store.all<Row>(sql`SELECT * FROM fast_token ORDER BY account, client, slot`)

/** The phone is let in, and its connection breaks. */
async function isLetIn(scene: Scene, phone: Phone, way: Parameters<Phone['showsToken']>[0] = {}): Promise<void> {
  const device = await phone.showsToken(way)
  phone.succeeds(device)
  device.receivesFeatures()
  await device.breaks()
  scene.forget(device)
}

/** The same, and it gets another token. */
async function getsAnother(scene: Scene, phone: Phone): Promise<void> {
  const device = await phone.showsToken()
  phone.takesToken(device, true)
  await device.breaks()
  scene.forget(device)
}

async function isRefused(phone: Phone, way: Parameters<Phone['showsToken']>[0] = {}, condition = 'not-authorized'): Promise<Device> {
  const device = await phone.showsToken(way)
  device.receives(failure(condition))
  return device
}

streamStory('XEP-0484 §3.1: tokens are a feature of SASL2, without early data; ENDP where the client sees a certificate', async scene => {
  const device = scene.device()
  await device.opens()
  const fast = (raw: string): string => /<fast .*<\/fast>/.exec(raw)?.[0] ?? ''
  const mechanism = (name: string): string => `<mechanism>${name}</mechanism>`
  assert.equal(
    fast(device.raw),
    `<fast xmlns="${FAST}">${mechanism('HT-SHA-256-ENDP')}${mechanism('HT-SHA-256-NONE')}</fast>`.replaceAll('"', "'"),
  )
  const web = scene.device('websocket')
  await web.opens()
  assert.equal(fast(web.raw), `<fast xmlns="${FAST}">${mechanism('HT-SHA-256-NONE')}</fast>`.replaceAll('"', "'"))
  // Nobody may choose them as one chooses SCRAM, nor are they hashed with the mechanisms (XEP-0474).
  assert.ok(!device.raw.replace(fast(device.raw), '').includes('HT-'))
})

for (const mechanism of ['HT-SHA-256-ENDP', 'HT-SHA-256-NONE']) {
  streamStory(`XEP-0484 §3.4: with ${mechanism} a token logs in by one message, and the server proves that it knows it`, async scene => {
    const phone = await Phone.withToken(scene, 'romeo', mechanism)
    const device = await phone.showsToken({ inline: BIND })
    const success = phone.succeeds(device, '<bound xmlns="urn:xmpp:bind:0"/>')
    assert.match(success.child(sasl2, 'authorization-identifier')!.text, /^romeo@here\.example\//)
    assert.equal(tokenIn(success), undefined)
    device.receivesFeatures()
    await device.sends('<iq type="get" id="v" to="here.example"><query xmlns="jabber:iq:version"/></iq>')
    device.receives('<iq type="result" id="v"/>')
  })
}

streamStory('a browser’s token logs in over a WebSocket', async scene => {
  const phone = await Phone.withToken(scene, 'romeo', 'HT-SHA-256-NONE')
  await isLetIn(scene, phone, { kind: 'websocket' })
})

streamStory('XEP-0484 §3.3: a token says until when it is good, and what follows on it is true', async scene => {
  const phone = await Phone.withToken(scene)
  assert.equal(phone.expiry, '2026-01-16T00:00:00.000Z')
  await scene.later(Date.parse(phone.expiry) - scene.world.clock.now() - 1)
  await isLetIn(scene, phone).catch(() => assert.fail('it should have been let in'))
  scene.world.clock.pass(1)
  await isRefused(phone, {}, 'credentials-expired')
})

streamStory('XEP-0484 §3.5: who comes back on a later day gets another token, and the old one dies when that is used', async scene => {
  const phone = await Phone.withToken(scene)
  await scene.later(DAY)
  const old = phone.token
  await getsAnother(scene, phone)
  assert.equal(phone.expiry, '2026-01-17T00:00:00.000Z')
  assert.notEqual(phone.token, old)
  assert.deepEqual(
    (await rows(scene)).map(({ slot }) => slot),
    ['current', 'new'],
  )
  await isLetIn(scene, phone)
  assert.deepEqual(
    (await rows(scene)).map(({ slot }) => slot),
    ['current'],
  )
  await isRefused(phone, { token: old }) // as whoever has recorded its proof
  await isLetIn(scene, phone)
})

streamStory('XEP-0484 §3.5: a client that did not hear of its new token logs in with the old one, and gets yet another', async scene => {
  const phone = await Phone.withToken(scene)
  await scene.later(DAY)
  const old = phone.token
  await getsAnother(scene, phone)
  const unheard = phone.token
  phone.token = old
  await getsAnother(scene, phone)
  await isRefused(phone, { token: unheard })
  await isLetIn(scene, phone)
  await isRefused(phone, { token: old })
})

streamStory('XEP-0484 §3.2: a client that asks gets a token, however it has logged in; others get none', async scene => {
  const phone = await Phone.withToken(scene)
  const device = await phone.showsToken({ inline: `<request-token xmlns="${FAST}" mechanism="HT-SHA-256-NONE"/>` })
  const success = phone.succeeds(device, `<token xmlns="${FAST}" token="*"/>`)
  device.receivesFeatures()
  const web = tokenIn(success)!.attrs['token']!
  await isRefused(phone, { token: web })
  const next = await phone.showsToken({ token: web, mechanism: 'HT-SHA-256-NONE' })
  next.receives(`<success xmlns="${SASL2}"/>`)
  next.receivesFeatures()
  const other = await new Phone(scene).showsPassword('', '')
  assert.equal(tokenIn(other.receives(`<success xmlns="${SASL2}"/>`)), undefined)
  other.receivesFeatures()
})

for (const [title, wanted, agent] of [
  ['that the server does not have', 'HT-SHA-256-EXPR', undefined],
  ['that is none for tokens', 'SCRAM-SHA-256', undefined],
  ['by a client that does not say who it is', 'HT-SHA-256-NONE', ''],
] as const) {
  streamStory(`XEP-0484 §3.2: a token for a mechanism ${title} is not given, and the client is let in without`, async scene => {
    const device = scene.device()
    await device.opens()
    const user = agent === undefined ? `<user-agent xmlns="${SASL2}" id="d4565fa7-4d72-4749-b3d3-740edbf87770"/>` : ''
    await device.authenticates2('romeo', `${user}<request-token xmlns="${FAST}" mechanism="${wanted}"/>`)
    assert.equal(tokenIn(device.receives(`<success xmlns="${SASL2}"/>`)), undefined)
    device.receivesFeatures()
    assert.deepEqual(await rows(scene), [])
  })
}

streamStory('a token for ENDP is not given where the client sees no certificate', async scene => {
  const web = scene.device('websocket')
  await web.opens()
  const user = `<user-agent xmlns="${SASL2}" id="d4565fa7-4d72-4749-b3d3-740edbf87770"/>`
  await web.authenticates2('romeo', `${user}<request-token xmlns="${FAST}" mechanism="HT-SHA-256-ENDP"/>`)
  assert.equal(tokenIn(web.receives(`<success xmlns="${SASL2}"/>`)), undefined)
  web.receivesFeatures()
})

streamStory('XEP-0484 §3.3: who has not proved to be the owner gets no token', async scene => {
  const device = scene.device()
  await device.opens()
  const user = `<user-agent xmlns="${SASL2}" id="d4565fa7-4d72-4749-b3d3-740edbf87770"/>`
  await device.authenticates2('romeo', `${user}<request-token xmlns="${FAST}" mechanism="HT-SHA-256-ENDP"/>`, { password: 'pen' })
  device.receives(failure('not-authorized'))
  assert.deepEqual(await rows(scene), [])
})

for (const invalidate of ['true', '1']) {
  streamStory(`XEP-0484 §3.6: with invalidate='${invalidate}' a token logs in for the last time, and no other is given`, async scene => {
    const phone = await Phone.withToken(scene)
    await scene.later(DAY)
    const device = await phone.showsToken({ fast: `invalidate="${invalidate}"` })
    assert.equal(tokenIn(phone.succeeds(device)), undefined)
    device.receivesFeatures()
    assert.deepEqual(await rows(scene), [])
    await isRefused(phone)
  })
}

streamStory('XEP-0484 §3.6: a client that gives its token up may ask for another one with the same breath', async scene => {
  const phone = await Phone.withToken(scene)
  const old = phone.token
  const device = await phone.showsToken({
    fast: 'invalidate="true"',
    inline: `<request-token xmlns="${FAST}" mechanism="HT-SHA-256-ENDP"/>`,
  })
  phone.takesToken(device, true)
  await isRefused(phone, { token: old })
  await isLetIn(scene, phone)
})

streamStory('XEP-0484 §3.6: who logs out leaves no other token either', async scene => {
  const phone = await Phone.withToken(scene)
  await scene.later(DAY)
  const old = phone.token
  await getsAnother(scene, phone)
  const device = await phone.showsToken({ token: old, fast: 'invalidate="true"' })
  device.receives(`<success xmlns="${SASL2}"/>`)
  device.receivesFeatures()
  assert.deepEqual(await rows(scene), [])
})

streamStory('XEP-0484 §3.4: a count must rise, where there is one', async scene => {
  const phone = await Phone.withToken(scene)
  await isLetIn(scene, phone, { fast: 'count="7"' })
  for (const count of ['7', '6', '0']) await isRefused(phone, { fast: `count="${count}"` }, 'credentials-expired')
  await isLetIn(scene, phone, { fast: 'count="8"' })
  await isLetIn(scene, phone)
  for (const count of ['', '-1', '1.5', 'eight', '9'.repeat(16)]) await isRefused(phone, { fast: `count="${count}"` }, 'malformed-request')
})

streamStory('XEP-0484 §3.4: a token is of one account, one client, one mechanism and one certificate', async scene => {
  const phone = await Phone.withToken(scene)
  const other = await Phone.withToken(scene)
  await isRefused(phone, { name: 'juliet' })
  await isRefused(phone, { name: 'nobody' })
  await isRefused(phone, { id: other.id })
  await isRefused(phone, { mechanism: 'HT-SHA-256-NONE' })
  const web = await Phone.withToken(scene, 'romeo', 'HT-SHA-256-NONE')
  await isRefused(web, { mechanism: 'HT-SHA-256-ENDP' })
  await isLetIn(scene, phone)
  await isLetIn(scene, other)
})

const renewed = selfSigned({ names: { dns: ['here.example'] } }).cert

streamStory('with a new certificate tokens for ENDP end, and clients fall back on the password', async scene => {
  const phone = await Phone.withToken(scene)
  const web = await Phone.withToken(scene, 'romeo', 'HT-SHA-256-NONE')
  const device = scene.device()
  device.socket.certificate = renewed
  await device.opens()
  await device.sends(phone.message(device))
  device.receives(failure('not-authorized'))
  const request = `<user-agent xmlns="${SASL2}" id="${phone.id}"/><request-token xmlns="${FAST}" mechanism="HT-SHA-256-ENDP"/>`
  await device.authenticates2('romeo', request)
  phone.takesToken(device)
  const again = scene.device()
  again.socket.certificate = renewed
  await again.opens()
  await again.sends(phone.message(again))
  again.receives(`<success xmlns="${SASL2}"/>`)
  again.receivesFeatures()
  await isLetIn(scene, web)
})

streamStory('who shows the former certificate to a client cannot use its proof under the new one', async scene => {
  const phone = await Phone.withToken(scene)
  const deceived = scene.device()
  await deceived.opens()
  const proof = phone.proof(deceived)
  const device = scene.device()
  device.socket.certificate = renewed
  await device.opens()
  await device.sends(phone.message(device, { proof }))
  device.receives(failure('credentials-expired'))
})

for (const [title, way] of [
  ['without <fast/>', { fast: undefined }],
  ['with EXPR, which has to have the token at hand', { mechanism: 'HT-SHA-256-EXPR' }],
  ['with UNIQ, which TLS 1.3 does not have', { mechanism: 'HT-SHA-256-UNIQ' }],
] as const) {
  streamStory(`XEP-0484 §3.4: a token ${title} is no way to log in`, async scene => {
    await isRefused(await Phone.withToken(scene), way, 'invalid-mechanism')
  })
}

streamStory('XEP-0484 §4.1: a client that does not say who it is has no token', async scene => {
  await isRefused(await Phone.withToken(scene), { id: undefined }, 'malformed-request')
})

streamStory('RFC 6120 §6: there are no tokens in the older profile of SASL', async scene => {
  const phone = await Phone.withToken(scene, 'romeo', 'HT-SHA-256-NONE')
  const device = scene.device()
  await device.opens()
  const text = Buffer.concat([Buffer.from('romeo\0'), phone.proof(device)]).toString('base64')
  await device.sends(`<auth xmlns="${SASL}" mechanism="HT-SHA-256-NONE">${text}</auth>`)
  device.receives(`<failure xmlns="${SASL}"><invalid-mechanism/></failure>`)
})

streamStory('XEP-0388 §2.8: a header that names somebody else does not go with a token, which is not used up by it', async scene => {
  const phone = await Phone.withToken(scene)
  await isRefused(phone, { from: `from='juliet@here.example'`, fast: 'invalidate="true"' }, 'invalid-authzid')
  await isLetIn(scene, phone, { from: `from='romeo@here.example'` })
})

streamStory('what is on disk logs nobody in', async scene => {
  const phone = await Phone.withToken(scene, 'romeo', 'HT-SHA-256-NONE')
  const [row] = await scene.world.store.all<Record<string, unknown>>(sql`SELECT * FROM fast_token`)
  const blobs = Object.values(row!)
    .filter(value => value instanceof Uint8Array)
    .map(value => Buffer.from(value))
  assert.equal(blobs.length, 3)
  for (const blob of blobs) {
    await isRefused(phone, { proof: blob })
    await isRefused(phone, { token: blob.toString('latin1') })
    await isRefused(phone, { token: blob.toString('base64') })
  }
  // Neither the token nor its proof is there, and of the client no more than a name for this account.
  const all = Buffer.concat([...blobs, Buffer.from(JSON.stringify(row))])
  const scene2 = scene.device()
  for (const secret of [phone.token, phone.proof(scene2), phone.id, createHash('sha256').update(phone.id).digest()])
    assert.ok(!all.includes(secret))
  const other = await new Phone(scene, 'juliet', 'HT-SHA-256-NONE')
  Object.assign(other, { id: phone.id })
  other.takesToken(await other.showsPassword())
  const clients = (await rows(scene)).map(({ client }) => client)
  assert.equal(new Set(clients).size, 2)
})

streamStory(
  'what is on disk tells of a login no more than the month',
  async scene => {
    const days = new Set<number>()
    for (let day = 0; day < 60; day += 4) {
      await Phone.withToken(scene)
      for (const { gone_by } of await rows(scene)) {
        days.add(Number(gone_by))
        const left = Number(gone_by) - scene.world.clock.now() / DAY
        assert.ok(left > 0 && left <= 14 + 1 + 27, String(left))
      }
      await scene.later(4 * DAY)
    }
    assert.ok([...days].every(day => day % 28 === 0))
    assert.ok(days.size <= 4)
  },
  {},
  { tokens: { days: 14, clients: 1000 } },
)

streamStory('tokens that have run out go by themselves', async scene => {
  await Phone.withToken(scene)
  await scene.later(43 * DAY)
  assert.deepEqual(await rows(scene), [])
})

streamStory('a clock that was wrong gives no token for ever', async scene => {
  scene.world.clock.pass(20 * 365 * DAY)
  const phone = await Phone.withToken(scene)
  scene.world.clock.pass(-20 * 365 * DAY)
  await isRefused(phone, {}, 'credentials-expired')
  const own = await Phone.withToken(scene)
  scene.world.clock.pass(-3_600_000)
  await isLetIn(scene, own)
})

streamStory('a token outlives the server’s restart', async scene => {
  const phone = await Phone.withToken(scene)
  scene.restarts()
  const device = await phone.showsToken()
  phone.succeeds(device)
  device.receivesFeatures()
})

streamStory('a login by token opens what is kept for the account, as long as it is connected', async scene => {
  const phone = await Phone.withToken(scene)
  const { accounts, keys } = scene.world.host
  const account = accounts.of('romeo')
  assert.equal(keys.of(account)!.isOpen, false)
  const device = await phone.showsToken()
  phone.succeeds(device)
  device.receivesFeatures()
  assert.ok(keys.of(account)!.keyOf()!.publicKey.equals(keys.of(account)!.publicKey))
  await device.breaks()
  assert.equal(keys.of(account)!.isOpen, false)
})

streamStory('what a token has opened is wiped when the client has gone meanwhile', async scene => {
  const phone = await Phone.withToken(scene)
  const device = await phone.showsToken({ from: `from='juliet@here.example'` })
  device.receives(failure('invalid-authzid'))
  assert.equal(scene.world.host.keys.of(scene.world.host.accounts.of('romeo'))!.isOpen, false)
})

streamStory('a new password ends all tokens, that of the client which has asked for it too', async scene => {
  const phone = await Phone.withToken(scene)
  const other = await Phone.withToken(scene)
  const device = await phone.showsToken({ inline: BIND })
  phone.succeeds(device)
  device.receivesFeatures()
  await device.sends(
    '<iq type="set" id="p" to="here.example"><query xmlns="jabber:iq:register"><username>romeo</username><password>a new password</password></query></iq>',
  )
  device.receives('<iq type="result" id="p"/>')
  assert.deepEqual(await rows(scene), [])
  for (const each of [phone, other]) await isRefused(each)
})

streamStory('a password that the operator gives ends all tokens, and so does the removal of the account', async scene => {
  const phone = await Phone.withToken(scene)
  const juliet = await Phone.withToken(scene, 'juliet')
  await scene.world.host.life.resetPassword('romeo', 'a new password')
  await isRefused(phone)
  await scene.world.host.life.remove('juliet')
  await isRefused(juliet)
  await scene.world.host.life.create('juliet', newPencils())
  await isRefused(juliet)
  assert.deepEqual(await rows(scene), [])
})

streamStory('who logged in before the password was changed gets no token after it', async scene => {
  for (const withToken of [false, true]) {
    const phone = await Phone.withToken(scene)
    await scene.later(DAY)
    const { host } = scene.world
    const { promise, resolve } = Promise.withResolvers<void>()
    void host.accounts.of('romeo').turn.take(() => promise)
    const login = withToken ? phone.showsToken() : phone.showsPassword()
    await Promise.race([login, scene.settled()])
    await scene.settled()
    await host.store.replaceCredentials('romeo', [])
    resolve()
    const device = await login
    await scene.settled()
    device.forget()
    assert.deepEqual(await rows(scene), [], String(withToken))
    scene.forget(device)
    await host.life.remove('romeo')
    await host.life.create('romeo', newPencils())
  }
})

streamStory('two logins with the same token at the same time are both let in, and the client has one token', async scene => {
  const phone = await Phone.withToken(scene)
  const devices = [scene.device(), scene.device()]
  for (const device of devices) await device.opens()
  for (const device of devices) device.writes(phone.message(device))
  await scene.settled()
  for (const device of devices) {
    phone.succeeds(device)
    device.receivesFeatures()
  }
  assert.deepEqual(
    (await rows(scene)).map(({ slot }) => slot),
    ['current'],
  )
})

streamStory('of the old token and the new one at the same time, the old one cannot come after', async scene => {
  const phone = await Phone.withToken(scene)
  await scene.later(DAY)
  const old = phone.token
  await getsAnother(scene, phone)
  const [first, second] = [scene.device(), scene.device()]
  for (const device of [first, second]) await device.opens()
  first.writes(phone.message(first))
  second.writes(phone.message(second, { token: old }))
  await scene.settled()
  phone.succeeds(first)
  first.receivesFeatures()
  second.forget()
  assert.deepEqual((await rows(scene)).filter(({ slot }) => slot === 'current').length, 1)
  await isRefused(phone, { token: old })
})

streamStory(
  'so many clients of an account have tokens; then the oldest make room',
  async scene => {
    const first = await Phone.withToken(scene)
    await scene.later(30 * DAY)
    const [second, third] = [await Phone.withToken(scene), await Phone.withToken(scene)]
    const juliet = await Phone.withToken(scene, 'juliet')
    await isRefused(first)
    for (const phone of [second, third, juliet]) await isLetIn(scene, phone)
    third.takesToken(await third.showsPassword())
    for (const phone of [second, third, juliet]) await isLetIn(scene, phone)
  },
  {},
  { tokens: { days: 60, clients: 2 } },
)

streamStory(
  'where the operator wants no tokens there are none',
  async scene => {
    const device = scene.device()
    await device.opens()
    assert.ok(!device.raw.includes(FAST))
    const phone = new Phone(scene)
    const second = await phone.showsPassword()
    assert.equal(tokenIn(second.receives(`<success xmlns="${SASL2}"/>`)), undefined)
    second.receivesFeatures()
    const refused = await phone.showsToken()
    refused.receives(failure('invalid-mechanism'))
  },
  {},
  { tokens: { days: 0, clients: 20 } },
)

streamStory('XEP-0198 §9.2: a token resumes a stream, and the next one comes with it', async scene => {
  await scene.later(DAY - 60_000)
  const phone = await Phone.withToken(scene)
  const former = await phone.showsToken({ inline: `<bind xmlns="urn:xmpp:bind:0"><enable xmlns="${SM}" resume="true"/></bind>` })
  const enabled = phone.succeeds(former).child(bind2, 'bound')!.elements()[0]!
  former.receivesFeatures()
  await former.breaks()
  scene.world.clock.pass(60_000)
  const device = await phone.showsToken({ inline: `<resume xmlns="${SM}" previd="${enabled.attrs['id']}" h="0"/>` })
  const success = phone.succeeds(device, `<resumed xmlns="${SM}" h="0"/><token xmlns="${FAST}" token="*"/>`)
  assert.equal(success.child(sasl2, 'authorization-identifier')!.text.split('/').length > 1, true)
})

streamStory('where nothing can be bound the token is still good', async scene => {
  const phone = await Phone.withToken(scene)
  for (let i = 0; i < 10; i++) await scene.online('romeo', `r${i}`)
  const device = await phone.showsToken({ inline: BIND })
  device.receives(failure('temporary-auth-failure'))
  await isLetIn(scene, phone)
})

streamStory('XEP-0480: whoever has a token only cannot leave a new password with it', async scene => {
  await scene.world.host.life.create('mercutio', newPencils('SHA-256'))
  const phone = await Phone.withToken(scene, 'mercutio')
  const device = await phone.showsToken({ inline: '<upgrade xmlns="urn:xmpp:sasl:upgrade:0">UPGR-SCRAM-SHA-512</upgrade>' })
  phone.succeeds(device)
  device.receivesFeatures()
  assert.equal(await scene.world.host.store.credential('mercutio', 'SHA-512'), undefined)
})

streamStory('RFC 6120 §13.12: who guesses at a password is not in the way of the owner’s token', async scene => {
  const phone = await Phone.withToken(scene)
  mock.timers.enable({ apis: ['setTimeout'] })
  try {
    for (let i = 0; i < 4; i++) {
      const guesser = scene.device('tls', `192.0.${i}.1`)
      await guesser.opens()
      await guesser.authenticates('romeo', { password: 'pen' })
      scene.forget(guesser)
    }
    const owner = await new Phone(scene).showsPassword('', '')
    owner.receivesNothing()
    await isLetIn(scene, phone)
    const stale = await phone.showsToken({ token: 'another' })
    stale.receives(failure('not-authorized'))
    mock.timers.tick(30_000)
    await scene.settled()
    owner.forget()
  } finally {
    mock.timers.reset()
  }
})

streamStory('RFC 6120 §13.12: wrong tokens count against the network, but not when the client then logs in', async scene => {
  const peer = scene.peers.keyOf('192.0.2.7')
  const phone = await Phone.withToken(scene)
  for (let i = 0; i < 3; i++) {
    const device = await phone.showsToken({ token: 'another', address: '192.0.2.7' })
    device.receives(failure('not-authorized'))
    await device.authenticates2('romeo')
    device.receives(`<success xmlns="${SASL2}"/>`)
    device.receivesFeatures()
    await device.breaks()
  }
  assert.equal(scene.peers.failuresOf(peer), 0)
  const device = await phone.showsToken({ token: 'another', address: '192.0.2.7' })
  for (let i = 0; i < 2; i++) await device.sends(phone.message(device, { token: 'another' }))
  for (let i = 0; i < 3; i++) device.receives(failure('not-authorized'))
  assert.equal(scene.peers.failuresOf(peer), 2)
  await device.breaks()
  assert.equal(scene.peers.failuresOf(peer), 3)
})

streamStory('RFC 6120 §13.11: a stranger hears of a token what a wrong one hears', async scene => {
  const phone = await Phone.withToken(scene)
  const heard: string[] = []
  for (const way of [
    { token: 'another' },
    { name: 'nobody' },
    { name: 'juliet' },
    { id: 'd4565fa7-4d72-4749-b3d3-740edbf87770' },
    { mechanism: 'HT-SHA-256-NONE' },
  ]) {
    const device = await phone.showsToken(way)
    heard.push(device.raw.replaceAll(/(?<=id=')[^']*/g, ''))
    device.forget()
  }
  assert.equal(new Set(heard).size, 1)
})

streamStory('XEP-0484 §3.3: a token comes when all tasks are done', async scene => {
  await scene.world.host.life.create('mercutio', newPencils('SHA-256'))
  const phone = new Phone(scene, 'mercutio')
  const device = await phone.showsPassword('<upgrade xmlns="urn:xmpp:sasl:upgrade:0">UPGR-SCRAM-SHA-512</upgrade>')
  const offer = device.receives(`<continue xmlns="${SASL2}"/>`)
  assert.ok(!String(offer).includes(FAST))
  assert.deepEqual(await rows(scene), [])
  await device.sends(`<next xmlns="${SASL2}" task="UPGR-SCRAM-SHA-512"/>`)
  const salt = device.receives(`<task-data xmlns="${SASL2}"/>`).first()!.text
  const hash = saltPassword('SHA-512', 'pencil', salt, ITERATIONS).toString('base64')
  await device.sends(`<task-data xmlns="${SASL2}"><hash xmlns="urn:xmpp:scram-upgrade:0">${hash}</hash></task-data>`)
  phone.takesToken(device)
  await isLetIn(scene, phone)
})

streamStory('where the disk takes nothing, clients are let in with what they have', async scene => {
  const phone = await Phone.withToken(scene)
  const { tokens } = scene.world.host
  const full = (): Promise<never> => Promise.reject(new Error('the disk is full'))
  const issue = mock.method(tokens, 'issue', full)
  const device = await new Phone(scene).showsPassword()
  assert.equal(tokenIn(device.receives(`<success xmlns="${SASL2}"/>`)), undefined)
  device.receivesFeatures()
  const use = mock.method(tokens, 'use', full)
  const other = await isRefused(phone, {}, 'temporary-auth-failure')
  await other.authenticates2('romeo')
  other.receives(`<success xmlns="${SASL2}"/>`)
  other.receivesFeatures()
  issue.mock.restore()
  use.mock.restore()
  await isLetIn(scene, phone)
})

for (const column of ['wrap', 'box'] as const) {
  streamStory(`a record whose ${column} was changed on disk lets nobody in`, async scene => {
    const phone = await Phone.withToken(scene)
    const [row] = await scene.world.store.all<Record<'wrap' | 'box', Uint8Array>>(sql`SELECT wrap, box FROM fast_token`)
    const changed = Buffer.from(row![column])
    changed[changed.length - 1]! ^= 1
    await scene.world.store.run(
      column === 'wrap' ? sql`UPDATE fast_token SET wrap = ${changed}` : sql`UPDATE fast_token SET box = ${changed}`,
    )
    await isRefused(phone, {}, 'credentials-expired')
    assert.equal(scene.world.host.keys.of(scene.world.host.accounts.of('romeo'))!.isOpen, false)
  })
}

streamStory('a record that was moved to another client, or another account, lets nobody in', async scene => {
  const [phone, other, juliet] = [await Phone.withToken(scene), new Phone(scene), new Phone(scene, 'juliet')]
  const name = await scene.world.host.tokens.clientOf('juliet', juliet.id)
  await scene.world.store.run(sql`UPDATE fast_token SET account = 'juliet', client = ${name}`)
  await isRefused(juliet, { token: phone.token }, 'credentials-expired')
  await isRefused(other, { token: phone.token })
})
