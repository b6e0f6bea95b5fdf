/** Extensions that are a matter between clients: the server hands them on as they are. */
import assert from 'node:assert/strict'
import { story } from '../../test/story.ts'
import type { Element } from '../xml/element.ts'
import { parseElement } from '../xml/parser.ts'
import { readForwarded } from '../xmpp/forward.ts'

const PAYLOADS: Readonly<Record<string, string>> = {
  'XEP-0085: chat states': '<composing xmlns="http://jabber.org/protocol/chatstates"/>',
  'XEP-0184: a request for a receipt': '<body>hi</body><request xmlns="urn:xmpp:receipts"/>',
  'XEP-0184: a receipt': '<received xmlns="urn:xmpp:receipts" id="m0"/>',
  'XEP-0308: a correction': '<body>O Romeo</body><replace xmlns="urn:xmpp:message-correct:0" id="m0"/>',
  'XEP-0333: a markable message': '<body>hi</body><markable xmlns="urn:xmpp:chat-markers:0"/>',
  'XEP-0333: a marker': '<displayed xmlns="urn:xmpp:chat-markers:0" id="m0"/>',
  'XEP-0424: a retraction': `<retract xmlns="urn:xmpp:message-retract:1" id="m0"/><fallback xmlns="urn:xmpp:fallback:0" for="urn:xmpp:message-retract:1"/>
    <body>This person attempted to retract a previous message</body><store xmlns="urn:xmpp:hints"/>`,
  'XEP-0444: a reaction':
    '<reactions xmlns="urn:xmpp:reactions:0" id="m0"><reaction>👋</reaction><reaction>🐢</reaction></reactions><store xmlns="urn:xmpp:hints"/>',
  'XEP-0461: a reply': `<body>&gt; hi\nhello &amp; welcome</body><reply xmlns="urn:xmpp:reply:0" to="juliet@here.example/balcony" id="m0"/>
    <fallback xmlns="urn:xmpp:fallback:0" for="urn:xmpp:reply:0"><body start="0" end="5"/></fallback>`,
}

/** The children as XML, without the id that the recipient's server adds. */
const inside = (message: Element): string =>
  message
    .without(child => child.ns === 'urn:xmpp:sid:0')
    .with({})
    .children.map(child => (typeof child === 'string' ? child : child.toString(message.ns)))
    .join('')

for (const [title, payload] of Object.entries(PAYLOADS)) {
  story(`${title} passes untouched, to one device, to all of them and as a copy`, async world => {
    const sent = inside(parseElement(`<message xmlns="jabber:client">${payload}</message>`))
    const romeo = await world.online('romeo', 'phone')
    const copied = await world.online('romeo', 'laptop')
    await copied.sends('<iq type="set" id="c1"><enable xmlns="urn:xmpp:carbons:2"/></iq>')
    copied.receives('<iq type="result" id="c1"/>')
    const juliet = await world.online('juliet', 'balcony')

    await romeo.sends(`<message type="chat" id="m1" to="juliet@here.example">${payload}</message>`)
    assert.equal(inside(juliet.receives('<message id="m1" type="chat"/>')), sent)
    assert.equal(inside(readForwarded(copied.receives('<message/>').first()!)!.stanza), sent)

    await juliet.sends(`<message type="chat" id="m2" to="romeo@here.example/phone">${payload}</message>`)
    assert.equal(inside(romeo.receives('<message id="m2" type="chat"/>')), sent)
    assert.equal(inside(readForwarded(copied.receives('<message/>').first()!)!.stanza), sent)
  })
}
