/** What somebody between the servers, or before TLS, can try over real sockets, and what becomes of it. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { conditionOf } from './network/guest.ts'
import { keyFor, letIn } from './network/meeting.ts'
import { EVIL, FORGED, HERE, Siege, toHere } from './network/siege.ts'
import { EXTERNAL, OFFERS, PROCEED, STARTTLS, Stranger } from './network/stranger.ts'

let siege: Siege
before(async () => {
  siege = await Siege.begin()
})
after(() => siege[Symbol.asyncDispose]())

function attack(title: string, tell: () => Promise<void>): void {
  test(title, async () => {
    await tell()
    await siege.hasFailed()
  })
}

attack('stanza before authentication, behind TLS and before it', async () => {
  const mallory = await siege.comesAs(EVIL)
  mallory.send(siege.forged(`a@${EVIL}`))
  assert.equal(await mallory.hearsStreamError(), 'not-authorized')
  const plain = await Stranger.calls(siege.here.ports.tcp)
  plain.send(plain.open(toHere(EVIL)), siege.forged(`a@${EVIL}`))
  await plain.hears('stream')
  await plain.hears('features')
  assert.equal(await plain.hearsStreamError(), 'not-authorized')
})

attack('STARTTLS injection: what comes behind <starttls/> in the same segment is not there behind TLS', async () => {
  const mallory = await Stranger.calls(siege.here.ports.tcp)
  mallory.send(mallory.open(toHere(EVIL)))
  await mallory.hears('stream')
  await mallory.hears('features')
  mallory.send(STARTTLS, mallory.open(toHere(EVIL)), EXTERNAL, mallory.open(toHere(EVIL)), siege.forged(`a@${EVIL}`))
  await mallory.hears('proceed')
  assert.ok(await mallory.secures('client', { credentials: siege.credentials, servername: HERE }))
  assert.equal((await mallory.begins(toHere(EVIL))).name, 'features')
  mallory.send(siege.forged(`a@${EVIL}`))
  assert.equal(await mallory.hearsStreamError(), 'not-authorized')
})

attack('STARTTLS injection: what comes behind <proceed/> in the same segment is not there behind TLS', async () => {
  const domain = 'injected.example'
  const place = await siege.scene.place(domain)
  siege.juliet.say(`a@${domain}`, 'hello')
  const called = await place.next()
  const ends = { from: domain, to: HERE }
  await called.hears('stream')
  called.send(called.open(ends, 'plain'), `<stream:features>${OFFERS.tls}</stream:features>`)
  await called.hears('starttls')
  const injected = `${called.open(ends, 'injected')}<stream:features>${OFFERS.external}</stream:features>`
  called.send(PROCEED, injected, `<db:result from='${domain}' to='${HERE}' type='valid'/>`, siege.forged(`a@${domain}`))
  assert.ok(await called.secures('server', { credentials: siege.scene.certify(domain) }))
  await called.hears('stream')
  called.send(called.open(ends, 'true'), `<stream:features>${OFFERS.dialback}</stream:features>`)
  await letIn(called, ends, 'dialback')
  await called.hears('message')
})

attack('TLS downgrade: TLS 1.1 is spoken with nobody', async () => {
  const domain = 'old.example'
  const place = await siege.scene.place(domain)
  const old = { credentials: siege.scene.certify(domain), version: 'TLSv1.1' } as const
  const mallory = await Stranger.calls(siege.here.ports.tcp)
  mallory.send(mallory.open(toHere(domain)))
  await mallory.hears('stream')
  await mallory.hears('features')
  mallory.send(STARTTLS)
  await mallory.hears('proceed')
  assert.equal(await mallory.secures('client', old), false)

  siege.juliet.say(`a@${domain}`, FORGED)
  const called = await place.next()
  assert.equal(await called.welcomes({ from: domain, to: HERE }, old, OFFERS.dialback), false)
  assert.deepEqual(await siege.here.failureOf(domain), { failure: 'the TLS handshake failed', waiting: 1 })

  // The test can speak it.
  const [one, other] = await Promise.all([Stranger.calls(place.port), place.next()])
  assert.deepEqual(await Promise.all([one.secures('client', old), other.secures('server', old)]), [true, true])
})

attack('TLS downgrade: where STARTTLS is stripped from the features, or refused, nothing is said in the clear', async () => {
  for (const [domain, offered, failure, waiting] of [
    ['stripped.example', '', 'it offers no TLS', 0],
    ['stripped-to-dialback.example', OFFERS.dialback + OFFERS.external, 'it offers no TLS', 0],
    ['refusing.example', OFFERS.tls, 'the TLS handshake failed', 1],
  ] as const) {
    const place = await siege.scene.place(domain)
    siege.juliet.say(`a@${domain}`, FORGED, domain)
    const called = await place.next()
    await called.hears('stream')
    called.send(called.open({ from: domain, to: HERE }, 'x'), `<stream:features>${offered}</stream:features>`)
    if (waiting > 0) {
      await called.hears('starttls')
      called.send("<failure xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>")
    }
    assert.equal(await called.hearsNoMore(), '')
    assert.deepEqual(await siege.here.failureOf(domain), { failure, waiting })
    if (waiting > 0) continue
    assert.equal(conditionOf(await siege.juliet.hears('message', { id: domain, type: 'error' })), 'remote-server-timeout')
  }
})

attack('TLS downgrade: without TLS nobody proves anything', async () => {
  for (const proof of [keyFor(toHere(EVIL), 'abc'), EXTERNAL]) {
    const mallory = await Stranger.calls(siege.here.ports.tcp)
    mallory.send(mallory.open(toHere(EVIL)))
    await mallory.hears('stream')
    const features = await mallory.hears('features')
    assert.ok(!/EXTERNAL|features:dialback/.test(String(features)))
    mallory.send(proof)
    assert.equal(await mallory.hearsStreamError(), 'policy-violation')
  }
})
