import assert from 'node:assert/strict'
import { setTimeout as wait } from 'node:timers/promises'
import { Client } from '../../faults/client.ts'
import { within } from '../../faults/within.ts'
import { type Day, xml } from '../day.ts'

const PING = '<ping xmlns="urn:xmpp:ping"/>'

/** Two become contacts, write to each other, and give the server what it is asked to keep. */
export async function talk(day: Day): Promise<void> {
  const { mint, server } = day
  const alice = await day.online(day.login6('alice', 'talks'), mint.word('resource of a sender'))
  const asked = Promise.withResolvers<void>()
  const bob = await day.online(day.login6('bob', 'talks'), mint.word('resource', 'talks'), ({ attrs }) => {
    if (attrs['type'] === 'subscribe') asked.resolve()
  })
  await alice.asks(
    'set',
    xml`<query xmlns="jabber:iq:roster"><item jid="${day.jid('bob')}" name="${mint.text('name of a contact')}"><group>${mint.text('group of a contact')}</group></item></query>`,
  )
  alice.send(
    xml`<presence type="subscribe" to="${day.jid('bob')}"><status>${mint.text('text of a request that was answered')}</status></presence>`,
  )
  await within(5_000, asked.promise, 'the subscription request')
  bob.send(xml`<presence type="subscribed" to="${day.jid('alice')}"/><presence type="subscribe" to="${day.jid('alice')}"/>`)
  await alice.asks('get', PING)
  alice.send(xml`<presence type="subscribed" to="${day.jid('bob')}"/>`)
  alice.send(
    xml`<presence><show>away</show><status>${mint.text('presence')}</status><c xmlns="http://jabber.org/protocol/caps" hash="sha-1" node="https://${mint.domain('client')}" ver="AAAA"/></presence>`,
  )
  await alice.asks('set', '<enable xmlns="urn:xmpp:carbons:2"/>')
  bob.send('<inactive xmlns="urn:xmpp:csi:0"/>')
  alice.send(
    xml`<message type="chat" id="${mint.word('id of a message')}" to="${day.jid('bob')}"><subject>${mint.text('subject')}</subject><thread>${mint.word('thread')}</thread><body>${mint.text('body of a message')}</body></message>`,
  )
  bob.send('<active xmlns="urn:xmpp:csi:0"/>')
  bob.send(xml`<message type="chat" to="${day.jid('alice')}"><body>${mint.text('body of a message', 'back')}</body></message>`)
  await alice.asks(
    'get',
    xml`<query xmlns="http://jabber.org/protocol/disco#info" node="${mint.word('node of a request')}"/>`,
    server.domain,
  )
  alice.send(
    xml`<message type="chat" id="x" to="${mint.word('name on another server')}@${mint.domain('domain that nobody has')}"><body>hi</body></message>`,
  )
  await alice.asks('get', PING)
  await keep(day, alice)
  await resume(day, alice)
  await bob.leave()
}

/** What clients give the server to keep. */
async function keep({ mint, server }: Day, alice: Client): Promise<void> {
  await alice.asks('set', xml`<vCard xmlns="vcard-temp"><FN>${mint.text('vCard')}</FN></vCard>`)
  await alice.asks(
    'set',
    xml`<query xmlns="jabber:iq:private"><notes xmlns="urn:${mint.word('kind of private XML')}">${mint.text('private XML')}</notes></query>`,
  )
  await alice.asks(
    'set',
    xml`<block xmlns="urn:xmpp:blocking"><item jid="${mint.word('blocked address')}@${mint.domain('blocked address', 'domain')}"/></block>`,
  )
  alice.send(xml`<presence type="subscribe" to="${mint.word('address of a contact', 'asked')}@${server.domain}"/>`)
  await alice.asks('get', PING)
}

/** The connection breaks, and the stream goes on over another one (XEP-0198). */
async function resume(day: Day, alice: Client): Promise<void> {
  const { mint } = day
  mint.known('id of a stream', alice.id!)
  const resumption = alice.resumption!
  alice.break()
  const login = day.login('alice', 'resumes')
  const again = await Client.login(login)
  day.proved(again, 'SCRAM-SHA-256')
  assert.notEqual(await again.resume(resumption), undefined)
  await again.leave()
}

/** Some messages wait for those who are away. */
export async function leaveMessages(day: Day): Promise<void> {
  const { mint } = day
  const alice = await day.online(day.login('alice', 'writes to those who are away'), mint.word('resource of a sender', 'fetched'))
  alice.send(xml`<message type="chat" to="${day.jid('bob')}"><body>${mint.text('body of a message that was fetched')}</body></message>`)
  const hermit = await day.online(day.login('hermit', 'keeps'), mint.word('resource', 'hermit'))
  const kept = (detail: string): string => mint.text('what a removed account had', detail)
  await hermit.asks('set', xml`<vCard xmlns="vcard-temp"><FN>${kept('vCard')}</FN></vCard>`)
  await hermit.asks('set', xml`<query xmlns="jabber:iq:private"><notes xmlns="urn:x-test">${kept('private XML')}</notes></query>`)
  const contact = mint.word('what a removed account had', 'contact')
  await hermit.asks(
    'set',
    xml`<query xmlns="jabber:iq:roster"><item jid="${contact}@far.example" name="${kept('name of a contact')}"/></query>`,
  )
  const blocked = mint.word('what a removed account had', 'blocked address')
  await hermit.asks('set', xml`<block xmlns="urn:xmpp:blocking"><item jid="${blocked}@far.example"/></block>`)
  await hermit.leave()
  alice.send(xml`<message type="chat" to="${day.jid('hermit')}"><body>${kept('message that waited')}</body></message>`)
  await alice.asks('get', PING)
  await alice.leave()
}

/** After a crash: what was sent before it comes, and something waits again. */
export async function comeBack(day: Day): Promise<void> {
  const { mint } = day
  let heard = 0
  const eve = await day.online(day.login('eve', 'comes back'), mint.word('resource', 'after a crash'), ({ name }) => {
    if (name === 'message') heard++
  })
  for (let i = 0; i < 100 && heard < 3; i++) await wait(50)
  assert.ok(heard >= 3, `what was sent before each crash, but for ${3 - heard}`)
  await eve.leave()
  const alice = await day.online(day.login('alice', 'in the evening'), mint.word('sender of a message that waits', 'resource'))
  alice.send(
    xml`<message type="chat" id="${mint.word('body of a message that waits', 'id')}" to="${day.jid('bob')}"><body>${mint.text('body of a message that waits')}</body></message>`,
  )
  alice.send(
    xml`<presence type="subscribe" to="${day.jid('eve')}"><status>${mint.text('text of a request that waits')}</status></presence>`,
  )
  await alice.asks('get', PING)
  const id = mint.word('body of a message that waits', 'id of one that is taken back')
  alice.send(xml`<message type="chat" id="${id}" to="${day.jid('bob')}"><body>Forget this</body></message>`)
  alice.send(
    xml`<message type="chat" id="back" to="${day.jid('bob')}"><retract xmlns="urn:xmpp:message-retract:1" id="${id}"/><store xmlns="urn:xmpp:hints"/></message>`,
  )
  const item = xml`<item jid="${mint.word('what was deleted a moment ago')}@spam.example"/>`
  await alice.asks('set', `<block xmlns="urn:xmpp:blocking">${item}</block>`)
  await alice.asks('set', `<unblock xmlns="urn:xmpp:blocking">${item}</unblock>`)
  await alice.leave()
}
