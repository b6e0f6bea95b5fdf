import assert from 'node:assert/strict'
import { test } from 'node:test'
import { plainMessage } from './test-client.ts'
import { exchangeFor, login, montague, refuses, romeo } from './test-fixture.ts'

test('there is no third message', async () => {
  const exchange = exchangeFor('SCRAM-SHA-256')
  const client = romeo('SCRAM-SHA-256')
  await login(client, exchange)
  await refuses(exchange.step(client.first()), 'malformed-request')
})

test('a failed exchange stays failed', async () => {
  const exchange = exchangeFor('SCRAM-SHA-256')
  const client = romeo('SCRAM-SHA-256')
  const { data } = await exchange.step(client.first())
  const final = client.final(data!)
  await refuses(exchange.step(Buffer.from('nonsense')), 'malformed-request')
  await refuses(exchange.step(final), 'malformed-request')
})

test('an aborted exchange takes nothing more', async () => {
  const exchange = exchangeFor('SCRAM-SHA-256')
  const client = romeo('SCRAM-SHA-256')
  const { data } = await exchange.step(client.first())
  exchange.abort()
  await refuses(exchange.step(client.final(data!)), 'malformed-request')
})

test('abort before the first message is enough', async () => {
  const exchange = exchangeFor('SCRAM-SHA-256')
  exchange.abort()
  await refuses(exchange.step(romeo('SCRAM-SHA-256').first()), 'malformed-request')
})

test('a step under way when the exchange is aborted does not succeed', async () => {
  const exchange = exchangeFor('PLAIN')
  const step = exchange.step(plainMessage('romeo', 'pencil'))
  exchange.abort()
  await refuses(step, 'aborted')
})

test('a client that does not wait for the answer is refused, and so is what it had under way', async () => {
  const exchange = exchangeFor('SCRAM-SHA-256')
  const first = exchange.step(romeo('SCRAM-SHA-256').first())
  await refuses(exchange.step(romeo('SCRAM-SHA-256').first()), 'malformed-request')
  await refuses(first, 'aborted')
})

test('a store that fails is a temporary failure, and keeps its reason', async () => {
  const broken = new Error('disk')
  const source = { ...montague, find: () => Promise.reject(broken) }
  await refuses(exchangeFor('SCRAM-SHA-256', { source }).step(romeo('SCRAM-SHA-256').first()), 'temporary-auth-failure')
  await refuses(exchangeFor('PLAIN', { source }).step(plainMessage('romeo', 'pencil')), 'temporary-auth-failure')
  await assert.rejects(exchangeFor('PLAIN', { source }).step(plainMessage('romeo', 'pencil')), { cause: broken })
})

test('a store may answer later', async () => {
  const source = { ...montague, find: async (...query: Parameters<typeof montague.find>) => montague.find(...query) }
  await login(romeo('SCRAM-SHA-256'), exchangeFor('SCRAM-SHA-256', { source }))
})

test('each message is overwritten once it was read', async () => {
  const exchange = exchangeFor('SCRAM-SHA-256')
  const client = romeo('SCRAM-SHA-256')
  const first = client.first()
  const final = client.final((await exchange.step(first)).data!)
  const { clientKey } = (await exchange.step(final)) as { clientKey: { bytes: Buffer; wipe(): void } }
  assert.ok([...first, ...final].every(byte => byte === 0))
  assert.deepEqual(clientKey.bytes, client.clientKey)
  clientKey.wipe()
  assert.ok(clientKey.bytes.every(byte => byte === 0))
})
