import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { mock } from 'node:test'
import { selfSigned } from '../../../test/net/certificates.ts'
import { failure, Phone, rows } from '../../../test/phone.ts'
import { streamStory } from '../../../test/stream-story.ts'
import { newPencils } from '../../sasl/test-fixture.ts'
import { sql } from '../../storage/db.ts'

const FAST = 'urn:xmpp:fast:0'
const SASL = 'urn:ietf:params:xml:ns:xmpp-sasl'
const SASL2 = 'urn:xmpp:sasl:2'
const DAY = 86_400_000
const BIND = '<bind xmlns="urn:xmpp:bind:0"/>'

streamStory('XEP-0484 §3.4: a token is of one account, one client, one mechanism and one certificate', async scene => {
  const phone = await Phone.withToken(scene)
  const other = await Phone.withToken(scene)
  await phone.isRefused({ name: 'juliet' })
  await phone.isRefused({ name: 'nobody' })
  await phone.isRefused({ id: other.id })
  await phone.isRefused({ mechanism: 'HT-SHA-256-NONE' })
  const web = await Phone.withToken(scene, 'romeo', 'HT-SHA-256-NONE')
  await web.isRefused({ mechanism: 'HT-SHA-256-ENDP' })
  await phone.isLetIn()
  await other.isLetIn()
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
  await web.isLetIn()
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
    await (await Phone.withToken(scene)).isRefused(way, 'invalid-mechanism')
  })
}

streamStory('XEP-0484 §4.1: a client that does not say who it is has no token', async scene => {
  await (await Phone.withToken(scene)).isRefused({ id: undefined }, 'malformed-request')
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
  await phone.isRefused({ from: `from='juliet@here.example'`, fast: 'invalidate="true"' }, 'invalid-authzid')
  await phone.isLetIn({ from: `from='romeo@here.example'` })
})

streamStory('what is on disk logs nobody in', async scene => {
  const phone = await Phone.withToken(scene, 'romeo', 'HT-SHA-256-NONE')
  const [row] = await scene.world.store.all<Record<string, unknown>>(sql`SELECT * FROM fast_token`)
  const blobs = Object.values(row!)
    .filter(value => value instanceof Uint8Array)
    .map(value => Buffer.from(value))
  assert.equal(blobs.length, 3)
  for (const blob of blobs) {
    await phone.isRefused({ proof: blob })
    await phone.isRefused({ token: blob.toString('latin1') })
    await phone.isRefused({ token: blob.toString('base64') })
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

streamStory('a clock that was wrong gives no token for ever', async scene => {
  const phone = await Phone.withToken(scene)
  scene.world.clock.pass(-3_600_000)
  await phone.isLetIn()
  scene.world.clock.pass(-2 * DAY)
  await phone.isRefused({}, 'credentials-expired')
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
  for (const each of [phone, other]) await each.isRefused()
})

streamStory('a password that the operator gives ends all tokens, and so does the removal of the account', async scene => {
  const phone = await Phone.withToken(scene)
  const juliet = await Phone.withToken(scene, 'juliet')
  await scene.world.host.life.resetPassword('romeo', 'a new password')
  await phone.isRefused()
  await scene.world.host.life.remove('juliet')
  await juliet.isRefused()
  await scene.world.host.life.create('juliet', newPencils())
  await juliet.isRefused()
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
  await phone.getsAnother()
  const [first, second] = [scene.device(), scene.device()]
  for (const device of [first, second]) await device.opens()
  first.writes(phone.message(first))
  second.writes(phone.message(second, { token: old }))
  await scene.settled()
  phone.succeeds(first)
  first.receivesFeatures()
  second.forget()
  assert.deepEqual((await rows(scene)).filter(({ slot }) => slot === 'current').length, 1)
  await phone.isRefused({ token: old })
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
    await phone.isLetIn()
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

for (const column of ['wrap', 'box'] as const) {
  streamStory(`a record whose ${column} was changed on disk lets nobody in`, async scene => {
    const phone = await Phone.withToken(scene)
    const [row] = await scene.world.store.all<Record<'wrap' | 'box', Uint8Array>>(sql`SELECT wrap, box FROM fast_token`)
    const changed = Buffer.from(row![column])
    changed[changed.length - 1]! ^= 1
    await scene.world.store.run(
      column === 'wrap' ? sql`UPDATE fast_token SET wrap = ${changed}` : sql`UPDATE fast_token SET box = ${changed}`,
    )
    await phone.isRefused({}, 'credentials-expired')
    assert.equal(scene.world.host.keys.of(scene.world.host.accounts.of('romeo'))!.isOpen, false)
  })
}

streamStory('a record that was moved to another client, or another account, lets nobody in', async scene => {
  const [phone, other, juliet] = [await Phone.withToken(scene), new Phone(scene), new Phone(scene, 'juliet')]
  const name = await scene.world.host.tokens.clientOf('juliet', juliet.id)
  await scene.world.store.run(sql`UPDATE fast_token SET account = 'juliet', client = ${name}`)
  await juliet.isRefused({ token: phone.token }, 'credentials-expired')
  await other.isRefused({ token: phone.token })
})
