import assert from 'node:assert/strict'
import { mock } from 'node:test'
import { failure, Phone, rows, tokenIn } from '../../../test/phone.ts'
import { streamStory } from '../../../test/stream-story.ts'
import { saltPassword } from '../../sasl/test-client.ts'
import { ITERATIONS, newPencils } from '../../sasl/test-fixture.ts'
import { namespace } from '../../xml/element.ts'

const FAST = 'urn:xmpp:fast:0'
const SASL2 = 'urn:xmpp:sasl:2'
const SM = 'urn:xmpp:sm:3'
const sasl2 = namespace('urn:xmpp:sasl:2')
const bind2 = namespace('urn:xmpp:bind:0')
const DAY = 86_400_000
const BIND = '<bind xmlns="urn:xmpp:bind:0"/>'

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
  await phone.isLetIn({ kind: 'websocket' })
})

streamStory('XEP-0484 §3.3: a token says until when it is good, and what follows on it is true', async scene => {
  const phone = await Phone.withToken(scene)
  assert.equal(phone.expiry, '2026-01-16T00:00:00.000Z')
  await scene.later(Date.parse(phone.expiry) - scene.world.clock.now() - 1)
  await phone.isLetIn().catch(() => assert.fail('it should have been let in'))
  scene.world.clock.pass(1)
  await phone.isRefused({}, 'credentials-expired')
})

streamStory('XEP-0484 §3.5: who comes back on a later day gets another token, and the old one dies when that is used', async scene => {
  const phone = await Phone.withToken(scene)
  await scene.later(DAY)
  const old = phone.token
  await phone.getsAnother()
  assert.equal(phone.expiry, '2026-01-17T00:00:00.000Z')
  assert.notEqual(phone.token, old)
  assert.deepEqual(
    (await rows(scene)).map(({ slot }) => slot),
    ['current', 'new'],
  )
  await phone.isLetIn()
  assert.deepEqual(
    (await rows(scene)).map(({ slot }) => slot),
    ['current'],
  )
  await phone.isRefused({ token: old }) // as whoever has recorded its proof
  await phone.isLetIn()
})

streamStory('XEP-0484 §3.5: a client that did not hear of its new token logs in with the old one, and gets yet another', async scene => {
  const phone = await Phone.withToken(scene)
  await scene.later(DAY)
  const old = phone.token
  await phone.getsAnother()
  const unheard = phone.token
  phone.token = old
  await phone.getsAnother()
  await phone.isRefused({ token: unheard })
  await phone.isLetIn()
  await phone.isRefused({ token: old })
})

streamStory('XEP-0484 §3.2: a client that asks gets a token, however it has logged in; others get none', async scene => {
  const phone = await Phone.withToken(scene)
  const device = await phone.showsToken({ inline: `<request-token xmlns="${FAST}" mechanism="HT-SHA-256-NONE"/>` })
  const success = phone.succeeds(device, `<token xmlns="${FAST}" token="*"/>`)
  device.receivesFeatures()
  const web = tokenIn(success)!.attrs['token']!
  await phone.isRefused({ token: web })
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
    await phone.isRefused()
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
  await phone.isRefused({ token: old })
  await phone.isLetIn()
})

streamStory('XEP-0484 §3.6: who logs out leaves no other token either', async scene => {
  const phone = await Phone.withToken(scene)
  await scene.later(DAY)
  const old = phone.token
  await phone.getsAnother()
  const device = await phone.showsToken({ token: old, fast: 'invalidate="true"' })
  device.receives(`<success xmlns="${SASL2}"/>`)
  device.receivesFeatures()
  assert.deepEqual(await rows(scene), [])
})

streamStory('XEP-0484 §3.4: a count must rise, where there is one', async scene => {
  const phone = await Phone.withToken(scene)
  await phone.isLetIn({ fast: 'count="7"' })
  for (const count of ['7', '6', '0']) await phone.isRefused({ fast: `count="${count}"` }, 'credentials-expired')
  await phone.isLetIn({ fast: 'count="8"' })
  await phone.isLetIn()
  for (const count of ['', '-1', '1.5', 'eight', '9'.repeat(16)]) await phone.isRefused({ fast: `count="${count}"` }, 'malformed-request')
})

streamStory('tokens that have run out go by themselves', async scene => {
  await Phone.withToken(scene)
  await scene.later(43 * DAY)
  assert.deepEqual(await rows(scene), [])
})

streamStory('a token outlives the server’s restart; what it was counted with does not', async scene => {
  const phone = await Phone.withToken(scene)
  await phone.isLetIn({ fast: 'count="7"' })
  scene.restarts()
  await phone.isLetIn({ fast: 'count="1"' })
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

streamStory(
  'so many clients of an account have tokens; then the oldest make room',
  async scene => {
    const first = await Phone.withToken(scene)
    await scene.later(30 * DAY)
    const [second, third] = [await Phone.withToken(scene), await Phone.withToken(scene)]
    const juliet = await Phone.withToken(scene, 'juliet')
    await first.isRefused()
    for (const phone of [second, third, juliet]) await phone.isLetIn()
    third.takesToken(await third.showsPassword())
    for (const phone of [second, third, juliet]) await phone.isLetIn()
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
  await phone.isLetIn()
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
  await phone.isLetIn()
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
  const other = await phone.isRefused({}, 'temporary-auth-failure')
  await other.authenticates2('romeo')
  other.receives(`<success xmlns="${SASL2}"/>`)
  other.receivesFeatures()
  issue.mock.restore()
  use.mock.restore()
  await phone.isLetIn()
})
