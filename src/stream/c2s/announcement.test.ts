import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { LocalHost } from '../../core/host.ts'
import { namespace } from '../../xml/element.ts'
import { featuresElement } from './announcement.ts'

const Thing = namespace('urn:example:thing')

test('streams that are offered the same features get one element, and others get another', () => {
  const host = {} as LocalHost
  const [a, b] = [Thing('a'), Thing('b')]
  const first = featuresElement(host, [a, b])
  assert.equal(String(first), String(featuresElement(host, [Thing('a'), Thing('b')])))
  assert.equal(featuresElement(host, [a, b]), first)
  for (const others of [[a], [b, a], [a, b, a], []]) {
    assert.deepEqual(featuresElement(host, others).children, others)
    assert.equal(featuresElement(host, [a, b]), first)
  }
  assert.notEqual(featuresElement({} as LocalHost, [a, b]), first)
})

test('features that are made for each stream do not pile up', () => {
  const host = {} as LocalHost
  const feature = Thing('a')
  const first = featuresElement(host, [feature])
  for (let i = 0; i < 8; i++) featuresElement(host, [Thing('own')])
  assert.notEqual(featuresElement(host, [feature]), first)
})
