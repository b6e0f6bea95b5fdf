import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Jid } from '../../xmpp/jid.ts'
import { covers } from './block-list.ts'

const matches = (item: string, ...addresses: string[]): boolean[] => addresses.map(address => covers(new Set([item]), Jid.parse(address)))

test('XEP-0191 §6: a full address matches only itself', () => {
  assert.deepEqual(matches('a@x.example/r', 'a@x.example/r', 'a@x.example/s', 'a@x.example'), [true, false, false])
})

test('XEP-0191 §6: a bare address matches all its resources', () => {
  assert.deepEqual(matches('a@x.example', 'a@x.example', 'a@x.example/r', 'b@x.example', 'x.example'), [true, true, false, false])
})

test('XEP-0191 §6: a domain with a resource matches only itself', () => {
  assert.deepEqual(matches('x.example/r', 'x.example/r', 'x.example', 'a@x.example/r'), [true, false, false])
})

test('XEP-0191 §6: a domain matches all addresses there, but not those of its subdomains', () => {
  assert.deepEqual(matches('x.example', 'x.example', 'a@x.example', 'a@x.example/r', 'x.example/r', 'sub.x.example'), [
    true,
    true,
    true,
    true,
    false,
  ])
})
