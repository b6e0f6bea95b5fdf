import assert from 'node:assert/strict'
import { story } from '../../test/story.ts'
import { namespace } from '../xml/element.ts'
import { stanzaIdOf } from './stanza-id.ts'

const StanzaIds = namespace<'stanza-id' | 'origin-id'>('urn:xmpp:sid:0')
const ROMEO = 'romeo@here.example'
const id = (by: string, value = 'forged'): string => `<stanza-id xmlns="urn:xmpp:sid:0" id="${value}" by="${by}"/>`

story('XEP-0359 §2.1: each message gets an id of its own', async world => {
  const romeo = await world.online('romeo')
  const juliet = await world.online('juliet')
  const ids = new Set<string>()
  for (const type of ['type="chat"', 'type="normal"', '']) {
    await juliet.sends(`<message ${type} to="${ROMEO}"><body>hi</body></message>`)
    const message = romeo.receives(`<message><body>hi</body>${id(ROMEO, '*')}</message>`)
    ids.add(stanzaIdOf(message, romeo.session.account)!)
  }
  assert.equal(ids.size, 3)
  for (const value of ids) assert.equal(Buffer.from(value, 'base64url').length, 16)
})

story('XEP-0359 §3.2: ids that claim to be of the recipient are removed, however they are written', async world => {
  const romeo = await world.online('romeo')
  const juliet = await world.online('juliet')
  for (const type of ['chat', 'headline']) {
    await juliet.sends(`<message type="${type}" to="${ROMEO}"><body>hi</body>${id(ROMEO)}${id('Romeo@HERE.example')}${id(ROMEO)}</message>`)
    const ids = romeo.receives('<message><body>hi</body></message>').all(StanzaIds, 'stanza-id')
    assert.ok(!ids.some(element => element.attrs['id'] === 'forged'))
    assert.equal(ids.length, type === 'chat' ? 1 : 0)
  }
})

story('XEP-0359 §3.2: a client cannot give a message an id of its own account', async world => {
  const romeo = await world.online('romeo')
  const juliet = await world.online('juliet')
  await juliet.sends(`<message type="chat" to="${ROMEO}"><body>hi</body>${id('juliet@here.example')}</message>`)
  const ids = romeo.receives('<message><body>hi</body></message>').all(StanzaIds, 'stanza-id')
  assert.deepEqual(
    ids.map(element => element.attrs['by']),
    [ROMEO],
  )
})

story('XEP-0359 §3.3: ids of others and origin ids stay', async world => {
  const romeo = await world.online('romeo')
  const juliet = await world.online('juliet')
  const others = `${id('room@rooms.example', 'theirs')}${id('@@', 'nobody')}<origin-id xmlns="urn:xmpp:sid:0" id="mine"/>`
  await juliet.sends(`<message type="chat" to="${ROMEO}"><body>hi</body>${others}</message>`)
  romeo.receives(`<message><body>hi</body>${others}</message>`)
})

story('what is no part of a conversation gets no id, unless its sender asks to have it stored', async world => {
  const romeo = await world.online('romeo')
  const juliet = await world.online('juliet')
  await juliet.sends(`<message type="chat" to="${ROMEO}"><composing xmlns="http://jabber.org/protocol/chatstates"/></message>`)
  assert.equal(romeo.receives('<message/>').child(StanzaIds, 'stanza-id'), undefined)
  await juliet.sends(`<message type="chat" to="${ROMEO}"><encrypted xmlns="urn:example:e2e"/><store xmlns="urn:xmpp:hints"/></message>`)
  romeo.receives(`<message>${id(ROMEO, '*')}</message>`)
})
