import assert from 'node:assert/strict'
import { test } from 'node:test'
import { mechanismsFor, startExchange } from './mechanisms.ts'
import { SaslError } from './sasl-error.ts'
import { montague, profile, tls12, tls13 } from './test-fixture.ts'

const off = { sha1: false, plain: false }

test('the strongest mechanism comes first, SHA-1 and PLAIN only where a switch allows them', () => {
  assert.deepEqual(mechanismsFor(tls13, off), ['SCRAM-SHA-512-PLUS', 'SCRAM-SHA-256-PLUS', 'SCRAM-SHA-512', 'SCRAM-SHA-256'])
  assert.deepEqual(mechanismsFor({}, { sha1: true, plain: false }), ['SCRAM-SHA-512', 'SCRAM-SHA-256', 'SCRAM-SHA-1'])
  assert.equal(mechanismsFor(tls12, { sha1: true, plain: true }).at(-1), 'PLAIN')
})

test('-PLUS is offered only where there is something to bind to', () => {
  const hasPlus = (binding: typeof tls13): boolean => mechanismsFor(binding, off).some(name => name.endsWith('-PLUS'))
  assert.ok(hasPlus(tls12))
  assert.ok(!hasPlus({ tlsVersion: '1.3' }))
  assert.ok(!hasPlus({ tlsVersion: '1.2', exporter: () => Buffer.alloc(32) }))
})

test('PLAIN is never offered without TLS', () => {
  assert.ok(!mechanismsFor({}, { sha1: true, plain: true }).includes('PLAIN'))
})

test('a mechanism that was not offered cannot be used, nor one that is unknown', () => {
  const start = (mechanism: string, mechanisms: string[]) => () =>
    startExchange(mechanism, montague, tls13, { mechanisms, channelBindings: [] }, profile)
  const isInvalid = (error: unknown): boolean => error instanceof SaslError && error.condition === 'invalid-mechanism'
  assert.throws(start('PLAIN', ['SCRAM-SHA-256']), isInvalid)
  assert.throws(start('SCRAM-SHA-1', ['SCRAM-SHA-256']), isInvalid)
  assert.throws(start('scram-sha-256', ['SCRAM-SHA-256']), isInvalid)
  assert.throws(start('EXTERNAL', ['EXTERNAL']), isInvalid)
})
