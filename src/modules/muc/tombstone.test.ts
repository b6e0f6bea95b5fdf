import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseElement } from '../../xml/parser.ts'
import { Jid } from '../../xmpp/jid.ts'
import { OccupantIds } from './namespaces.ts'
import { authorOf, isUnretractable, moderatedBy, moderationMessage, mustNotPretend, readModeration, tombstone } from './tombstone.ts'

const ROOM = Jid.parse('room@muc.example.com')
const RETRACT = 'urn:xmpp:message-retract:1'
const MODERATE = 'urn:xmpp:message-moderate:1'
const AT = Date.UTC(2019, 8, 20, 23, 9, 32)
const read = (xml: string) => parseElement(xml, undefined, 'jabber:client')
const witch = { jid: Jid.parse('room@muc.example.com/witch'), id: OccupantIds('occupant-id', { id: 'dd72' }) }

const said =
  read(`<message type="groupchat" from="room@muc.example.com/oldhag" id="m1" xml:lang="en"><body>DM me for free magic potions!</body>
  <subject>x</subject><occupant-id xmlns="urn:xmpp:occupant-id:0" id="ef73"/><stanza-id xmlns="urn:xmpp:sid:0" id="s1" by="room@muc.example.com"/>
  <stanza-id xmlns="urn:xmpp:sid:0" id="s2" by="else@where.example"/></message>`)

test('XEP-0424 §4: of a message that was taken back only its ids and its author are left', () => {
  assert.equal(
    String(tombstone(said, { by: 'r1', at: AT }, ROOM)),
    `<message xmlns='jabber:client' from='room@muc.example.com/oldhag' type='groupchat' id='m1'><occupant-id xmlns='urn:xmpp:occupant-id:0' id='ef73'/><stanza-id xmlns='urn:xmpp:sid:0' id='s1' by='room@muc.example.com'/><retracted xmlns='${RETRACT}' id='r1' stamp='2019-09-20T23:09:32.000Z'/></message>`,
  )
})

test('XEP-0425 §5: where a moderator has done it, it says who and why', () => {
  const stone = tombstone(said, { by: 'r1', at: AT, moderated: moderatedBy(witch, 'no potions here') }, ROOM)
  assert.match(
    String(stone),
    new RegExp(
      `<moderated xmlns='${MODERATE}' by='room@muc.example.com/witch'><occupant-id xmlns='urn:xmpp:occupant-id:0' id='dd72'/></moderated><reason>no potions here</reason></retracted>`,
    ),
  )
})

test('XEP-0425 §4.1: what the room says to all', () => {
  assert.equal(
    String(moderationMessage(ROOM, 'r1', 's1', moderatedBy(witch, undefined))),
    `<message xmlns='jabber:client' from='room@muc.example.com' type='groupchat' id='r1'><retract xmlns='${RETRACT}' id='s1'><moderated xmlns='${MODERATE}' by='room@muc.example.com/witch'><occupant-id xmlns='urn:xmpp:occupant-id:0' id='dd72'/></moderated></retract></message>`,
  )
})

test('XEP-0425 §4: what a moderator asks for', () => {
  const ask = (inner: string, id = ' id="s1"') => readModeration(read(`<moderate xmlns="${MODERATE}"${id}>${inner}</moderate>`), 100)
  assert.deepEqual(ask(`<retract xmlns="${RETRACT}"/><reason>bad</reason>`), { id: 's1', reason: 'bad' })
  assert.deepEqual(ask(`<retract xmlns="${RETRACT}"/>`), { id: 's1', reason: undefined })
  assert.throws(() => ask(`<retract xmlns="${RETRACT}"/>`, ''), { condition: 'bad-request' })
  assert.throws(() => ask('<edit xmlns="urn:example:edit"/>'), { condition: 'feature-not-implemented' })
  assert.throws(() => ask(`<retract xmlns="${RETRACT}"/><reason>${'x'.repeat(101)}</reason>`), { condition: 'policy-violation' })
})

test('XEP-0425 §6: what only a room may say nobody else does', () => {
  for (const forged of [
    `<retract xmlns="${RETRACT}" id="s1"><moderated xmlns="${MODERATE}" by="room@muc.example.com/witch"/></retract>`,
    `<moderated xmlns="${MODERATE}" by="room@muc.example.com/witch"/>`,
    `<retracted xmlns="${RETRACT}" id="r1"/>`,
  ])
    assert.throws(() => mustNotPretend(read(`<message type="groupchat">${forged}</message>`)), { condition: 'forbidden' })
  mustNotPretend(read(`<message type="groupchat"><retract xmlns="${RETRACT}" id="s1"/></message>`))
})

test('what takes something back is not taken back, nor what is gone already', () => {
  assert.equal(isUnretractable(said), false)
  assert.equal(isUnretractable(tombstone(said, { by: 'r1', at: AT }, ROOM)), true)
  assert.equal(isUnretractable(read(`<message><retract xmlns="${RETRACT}" id="s1"/></message>`)), true)
  assert.equal(authorOf(said), 'ef73')
})
