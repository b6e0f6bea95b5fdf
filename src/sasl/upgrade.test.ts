import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SaslError } from './sasl-error.ts'
import { saltPassword } from './test-client.ts'
import { exchangeFor, login, memorySource, pencils, refuses, romeo } from './test-fixture.ts'
import { startUpgrade, UPGRADE_TASKS } from './upgrade.ts'

const old = memorySource({ romeo: pencils.filter(({ hash }) => hash === 'SHA-1') })

test('XEP-0480 §2.1: tasks are named after the mechanism without -PLUS', () => {
  assert.deepEqual(UPGRADE_TASKS, ['UPGR-SCRAM-SHA-512', 'UPGR-SCRAM-SHA-256'])
})

for (const task of UPGRADE_TASKS) {
  test(`XEP-0480 §3: after ${task} the client logs in with the new mechanism and the same ClientKey`, async () => {
    const mechanism = task.slice('UPGR-'.length)
    await refuses(login(romeo(mechanism), exchangeFor(mechanism, { source: old })))
    const upgrade = await startUpgrade(task, 'romeo', old)
    const salted = saltPassword(mechanism.slice('SCRAM-'.length), 'pencil', upgrade.salt.toString('base64'), upgrade.iterations)
    const { credential, clientKey } = upgrade.finish(Buffer.from(salted))
    const client = romeo(mechanism)
    const success = await login(client, exchangeFor(mechanism, { source: memorySource({ romeo: [credential] }) }))
    client.verify(success.data)
    assert.deepEqual(success.clientKey?.bytes, clientKey.bytes)
  })
}

test('an account that has the hash already keeps its salt', async () => {
  const stored = pencils.find(({ hash }) => hash === 'SHA-256')!
  const upgrade = await startUpgrade('UPGR-SCRAM-SHA-256', 'romeo', memorySource({ romeo: pencils }))
  assert.deepEqual(upgrade.salt, stored.salt)
  const { credential } = upgrade.finish(Buffer.from(saltPassword('SHA-256', 'pencil', stored.salt.toString('base64'), stored.iterations)))
  assert.deepEqual(credential, stored)
})

test('a salted password of the wrong length is refused; right or wrong, it is wiped', async () => {
  const upgrade = await startUpgrade('UPGR-SCRAM-SHA-256', 'romeo', old)
  for (const length of [0, 20, 31, 33, 64]) {
    const salted = Buffer.alloc(length, 1)
    assert.throws(
      () => upgrade.finish(salted),
      (error: unknown) => error instanceof SaslError && error.condition === 'malformed-request',
    )
    assert.ok(salted.every(byte => byte === 0))
  }
  const salted = Buffer.alloc(32, 1)
  upgrade.finish(salted)
  assert.ok(salted.every(byte => byte === 0))
})

test('a task that was not announced is refused', async () => {
  for (const task of ['UPGR-SCRAM-SHA-1', 'UPGR-SCRAM-SHA-256-PLUS', 'SCRAM-SHA-256', '']) {
    await refuses(startUpgrade(task, 'romeo', old), 'malformed-request')
  }
})
