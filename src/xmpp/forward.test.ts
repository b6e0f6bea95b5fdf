import assert from 'node:assert/strict'
import { test } from 'node:test'
import { namespace } from '../xml/element.ts'
import { Forward, forwardedElement, forwardedXml, readForwarded } from './forward.ts'
import { Client } from './stanza.ts'

const Carbons = namespace<'received'>('urn:xmpp:carbons:2')
const message = Client('message', { from: 'a@example/x', to: 'b@example', id: '1' }, Client('body', {}, 'hello'))

test('a stanza is forwarded as it was, and says that it is of a stream of clients', () => {
  assert.equal(
    forwardedElement(message).toString('jabber:client'),
    "<forwarded xmlns='urn:xmpp:forward:0'><message xmlns='jabber:client' from='a@example/x' to='b@example' id='1'><body>hello</body></message></forwarded>",
  )
})

test('what is forwarded is read back, with its moment', () => {
  assert.deepEqual(readForwarded(Carbons('received', {}, forwardedElement(message, 5000))), { stanza: message, at: 5000 })
  assert.deepEqual(readForwarded(Carbons('received', {}, forwardedElement(message))), { stanza: message, at: undefined })
})

test('what is written already is forwarded without being read, and is the same to who reads it', () => {
  const forwarded = forwardedXml(String(message), 5000)
  assert.equal(String(forwarded), String(forwardedElement(message, 5000)))
  assert.deepEqual(readForwarded(Carbons('received', {}, forwarded)), { stanza: message, at: 5000 })
})

test('only exactly one stanza is forwarded', () => {
  assert.equal(readForwarded(message), undefined)
  assert.equal(readForwarded(Client('message', {}, Forward('forwarded'))), undefined)
  assert.equal(readForwarded(Client('message', {}, Forward('forwarded', {}, Client('body', {}, 'hello')))), undefined)
  assert.equal(readForwarded(Client('message', {}, Forward('forwarded', {}, message, message))), undefined)
})
