import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseElement } from '../xml/parser.ts'
import { isNoCopy, isNoPermanentStore, isNoStore, isStore } from './hints.ts'

const message = (hints: string, type = 'chat') => parseElement(`<message xmlns="jabber:client" type="${type}">${hints}</message>`)
const hint = (name: string): string => `<${name} xmlns="urn:xmpp:hints"/>`

test('XEP-0334 §3: each hint is heard', () => {
  assert.ok(isNoCopy(message(hint('no-copy'))))
  assert.ok(isNoStore(message(hint('no-store'))))
  assert.ok(isNoPermanentStore(message(hint('no-permanent-store'))))
  assert.ok(isStore(message(hint('store'))))
  assert.ok(![isNoCopy, isNoStore, isNoPermanentStore, isStore].some(says => says(message('<body>hi</body>'))))
})

test('XEP-0334 §3.2: what is not kept at all is not archived either', () => {
  assert.ok(isNoPermanentStore(message(hint('no-store'))))
  assert.ok(!isNoStore(message(hint('no-permanent-store'))))
})

test('where hints contradict each other, nothing is kept', () => {
  assert.ok(!isStore(message(hint('store') + hint('no-store'))))
})

test('XEP-0334 §4: hints within an error are ignored', () => {
  assert.ok(!isNoCopy(message(hint('no-copy'), 'error')))
  assert.ok(!isNoStore(message(hint('no-store'), 'error')))
})

test('an element of that name in another namespace is no hint', () => {
  assert.ok(!isNoCopy(message('<no-copy xmlns="urn:example:other"/>')))
})
