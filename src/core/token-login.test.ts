import assert from 'node:assert/strict'
import crypto, { randomUUID } from 'node:crypto'
import { syncBuiltinESMExports } from 'node:module'
import { mock } from 'node:test'

// Counted before the first import of what is tested, which may keep a function it has once imported.
const counted = (['createHmac', 'hash', 'hkdfSync', 'createDecipheriv', 'timingSafeEqual'] as const).map(name => mock.method(crypto, name))
syncBuiltinESMExports()
const { Phone } = await import('../../test/phone.ts')
const { streamStory } = await import('../../test/stream-story.ts')
const { startTokenExchange } = await import('../sasl/ht.ts')
const { profile, refuses } = await import('../sasl/test-fixture.ts')

streamStory('RFC 6120 §13.11: whoever is asked about, a wrong token costs the same work and the same queries', async scene => {
  const phone = await Phone.withToken(scene)
  await scene.later(86_400_000)
  const device = await phone.showsToken()
  phone.takesToken(device, true) // now both slots are taken
  await device.breaks()
  scene.restarts()
  const { host, store } = scene.world
  const queries = [mock.method(store, 'all'), mock.method(store, 'run'), mock.method(store, 'tx')]
  const calls = (): number[] => [...counted, ...queries].map(({ mock }) => mock.callCount())
  const attempt = async (name: string, id: string): Promise<number[]> => {
    for (const { mock } of [...counted, ...queries]) mock.resetCalls()
    const exchange = startTokenExchange('HT-SHA-256-NONE', host.tokens.login(id), {}, profile)
    await refuses(exchange.step(Buffer.concat([Buffer.from(`${name}\0`), Buffer.alloc(32, 7)])))
    return calls()
  }
  await attempt('warm', randomUUID())
  const cost = await attempt('romeo', phone.id)
  assert.deepEqual(cost, [1, 1, 0, 0, 2, 1, 0, 0])
  for (const name of ['romeo', 'juliet', 'nobody']) {
    assert.deepEqual(await attempt(name, randomUUID()), cost, name)
    // To look an account up would be seen as well: what modules read first takes time.
    assert.equal(host.accounts.get(name), undefined)
  }
})
