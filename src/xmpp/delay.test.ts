import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Delay, delayElement, readDelay } from './delay.ts'
import { Jid } from './jid.ts'
import { Client } from './stanza.ts'

const room = Jid.parse('hall@rooms.example')
const at = Date.UTC(2002, 8, 10, 23, 8, 25)

test('a delay says when and by whom, in UTC', () => {
  assert.equal(
    delayElement(at, room).toString(),
    "<delay xmlns='urn:xmpp:delay' stamp='2002-09-10T23:08:25.000Z' from='hall@rooms.example'/>",
  )
  assert.equal(delayElement(at).attrs['from'], undefined)
})

test('a delay is read back', () => {
  assert.equal(readDelay(Client('message', {}, delayElement(at))), at)
  assert.equal(readDelay(Client('message')), undefined)
})

test('of several delays, the one of the trusted entity counts', () => {
  const message = Client('message', {}, delayElement(1), delayElement(2, Jid.parse('mallory@example')), delayElement(at, room))
  assert.equal(readDelay(message, room), at)
  assert.equal(readDelay(message, Jid.parse('other@example')), undefined)
})

test('a delay without a valid stamp says nothing', () => {
  assert.equal(readDelay(Client('message', {}, Delay('delay', { stamp: 'yesterday' }))), undefined)
  assert.equal(readDelay(Client('message', {}, Delay('delay'))), undefined)
})
