import assert from 'node:assert/strict'
import crypto from 'node:crypto'
import { syncBuiltinESMExports } from 'node:module'
import { mock, test } from 'node:test'
import type { Step } from './exchange.ts'

// Counted before the first import of what is tested, which may keep a function it has once imported.
const counted = (['createHmac', 'hash', 'pbkdf2', 'randomBytes', 'timingSafeEqual'] as const).map(name => mock.method(crypto, name))
syncBuiltinESMExports()
const { saltFor } = await import('./credential-source.ts')
const { exchangeFor, ITERATIONS, memorySource, montague, pencils, refuses, romeo } = await import('./test-fixture.ts')
const { plainMessage } = await import('./test-client.ts')
const { startUpgrade } = await import('./upgrade.ts')

const onlySha256 = memorySource({ romeo: pencils, mercutio: pencils.filter(({ hash }) => hash === 'SHA-256') })

/** How often each function of crypto was called. */
async function countCalls(work: () => Promise<unknown>): Promise<number[]> {
  for (const { mock } of counted) mock.resetCalls()
  await work()
  return counted.map(({ mock }) => mock.callCount())
}

async function challenge(username: string, mechanism = 'SCRAM-SHA-512', source = onlySha256): Promise<string> {
  const step: Step = await exchangeFor(mechanism, { source }).step(romeo(mechanism, { username }).first())
  return step.data!.toString()
}

const saltOf = (serverFirst: string): string => /,s=([^,]+),/.exec(serverFirst)![1]!

test('a stranger, and an account without this hash, get a challenge of the same shape and length', async () => {
  const shape = (serverFirst: string): string => serverFirst.replace(/^r=.{56},s=.{24},/, '')
  const genuine = await challenge('romeo')
  for (const username of ['nobody', 'mercutio']) {
    const invented = await challenge(username)
    assert.equal(shape(invented), shape(genuine))
    assert.equal(invented.length, genuine.length)
  }
  assert.match(shape(genuine), new RegExp(`^i=${ITERATIONS},h=`))
})

test('invented salts are the same on every attempt, after a restart, and with -PLUS', async () => {
  const salt = saltOf(await challenge('nobody'))
  assert.equal(saltOf(await challenge('nobody')), salt)
  assert.equal(saltOf(await challenge('NOBODY')), salt)
  assert.equal(saltOf(await challenge('nobody', 'SCRAM-SHA-512', memorySource({}))), salt)
  assert.equal(saltOf(await challenge('nobody', 'SCRAM-SHA-512-PLUS')), salt)
  assert.equal(saltFor(montague, 'nobody', 'SHA-512').toString('base64'), salt)
})

test('invented salts differ by name, hash and host', async () => {
  const salts = [
    await challenge('nobody'),
    await challenge('noone'),
    await challenge('nobody', 'SCRAM-SHA-256'),
    await challenge('nobody', 'SCRAM-SHA-512', memorySource({}, Buffer.alloc(32, 7))),
  ]
  assert.equal(new Set(salts.map(saltOf)).size, salts.length)
})

/** Accounts from before the setting was changed and from after it, three to one. */
const changed = memorySource(
  Object.fromEntries(
    Array.from({ length: 40 }, (_, i) => [`user${i}`, pencils.map(pencil => ({ ...pencil, iterations: i % 4 === 0 ? 128 : ITERATIONS }))]),
  ),
)
const iterationsOf = (serverFirst: string): number => Number(/,i=(\d+),/.exec(serverFirst)![1])

test('after a change of the setting, strangers have the old number and the new one as often as accounts have', async () => {
  const shown = await Promise.all(
    Array.from({ length: 400 }, async (_, i) => iterationsOf(await challenge(`stranger${i}`, undefined, changed))),
  )
  const old = shown.filter(iterations => iterations === ITERATIONS).length
  assert.equal(shown.filter(iterations => iterations === 128).length, 400 - old)
  assert.ok(old > 260 && old < 340, String(old))
})

test('a stranger’s number is the same on every attempt and for every hash, and so is that of an account without this hash', async () => {
  const partial = pencils.filter(({ hash }) => hash === 'SHA-256').map(pencil => ({ ...pencil, iterations: 128 }))
  const source = { ...changed, find: (name: string, hash: never) => (/^partial/.test(name) ? partial[0] : changed.find(name, hash)) }
  for (let i = 0; i < 20; i++) {
    for (const name of [`stranger${i}`, `partial${i}`]) {
      const shown = ['SHA-512', 'SHA-512', 'SHA-256', 'SHA-1'].map(async hash =>
        iterationsOf(await challenge(name, `SCRAM-${hash}`, source)),
      )
      assert.equal(new Set(await Promise.all(shown)).size, 1, name)
    }
  }
})

test('an upgrade does not change what strangers see', async () => {
  const salt = saltOf(await challenge('mercutio', 'SCRAM-SHA-512'))
  const upgrade = await startUpgrade('UPGR-SCRAM-SHA-512', 'mercutio', onlySha256)
  const { credential } = upgrade.finish(Buffer.alloc(64, 1))
  const upgraded = memorySource({ mercutio: [credential] })
  assert.equal(saltOf(await challenge('mercutio', 'SCRAM-SHA-512', upgraded)), salt)
})

test('a stranger is refused like a wrong password, and at the cost of one', async () => {
  const attempt = (username: string) => async (): Promise<void> => {
    const exchange = exchangeFor('SCRAM-SHA-512', { source: onlySha256 })
    const client = romeo('SCRAM-SHA-512', { username, password: 'wrong' })
    const { data } = await exchange.step(client.first())
    const final = Buffer.from(`c=biws,r=${/^r=([^,]+)/.exec(data!.toString())![1]},p=${Buffer.alloc(64, 1).toString('base64')}`)
    await refuses(exchange.step(final))
  }
  const calls = await countCalls(attempt('romeo'))
  assert.deepEqual(await countCalls(attempt('nobody')), calls)
  assert.deepEqual(await countCalls(attempt('mercutio')), calls)
  assert.ok(calls.some(count => count > 0))
})

test('PLAIN computes one PBKDF2 of the same size, whoever asks', async () => {
  const pbkdf2 = counted[2]!
  const attempt = (username: string) => () => refuses(exchangeFor('PLAIN').step(plainMessage(username, 'wrong')))
  const calls = await countCalls(attempt('romeo'))
  const parameters = pbkdf2.mock.calls[0]!.arguments.slice(2, 5)
  assert.equal(pbkdf2.mock.callCount(), 1)
  assert.deepEqual(await countCalls(attempt('nobody')), calls)
  assert.deepEqual(pbkdf2.mock.calls[0]!.arguments.slice(2, 5), parameters)
})

test('a credential for another hash is none', async () => {
  const sha1 = pencils.find(({ hash }) => hash === 'SHA-1')!
  const source = { ...memorySource({}), find: () => sha1 }
  const mistaken = await challenge('nobody', 'SCRAM-SHA-512', source)
  assert.equal(saltOf(mistaken), saltOf(await challenge('nobody')))
})
