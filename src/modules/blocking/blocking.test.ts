import assert from 'node:assert/strict'
import { story } from '../../../test/story.ts'
import { blocking } from './blocking.ts'

const NS = 'urn:xmpp:blocking'
const block = (...jids: string[]): string => `<iq type="set" id="b1"><block xmlns="${NS}">${items(jids)}</block></iq>`
const unblock = (...jids: string[]): string => `<iq type="set" id="u1"><unblock xmlns="${NS}">${items(jids)}</unblock></iq>`
const items = (jids: readonly string[]): string => jids.map(jid => `<item jid="${jid}"/>`).join('')
const ASK = `<iq type="get" id="l1"><blocklist xmlns="${NS}"/></iq>`
const listed = (...jids: string[]): string => `<iq type="result" id="l1"><blocklist xmlns="${NS}">${items(jids)}</blocklist></iq>`

story('XEP-0191 §3.1: the server says that it can block', async world => {
  const romeo = await world.connect('romeo')
  await romeo.sends('<iq type="get" id="d1" to="here.example"><query xmlns="http://jabber.org/protocol/disco#info"/></iq>')
  romeo.receives(`<iq type="result" id="d1"><query xmlns="http://jabber.org/protocol/disco#info"><feature var="${NS}"/></query></iq>`)
})

story('XEP-0191 §3.2: the list is empty until something is blocked, and kept from then on', async world => {
  const phone = await world.connect('romeo', 'phone')
  await phone.sends(ASK)
  assert.deepEqual(phone.receives(listed()).first()!.children, [])
  await phone.sends(block('Tybalt@there.example', 'evil.example'))
  phone.receives(`<iq type="set"><block xmlns="${NS}"><item jid="tybalt@there.example"/><item jid="evil.example"/></block></iq>`)
  phone.receives('<iq type="result" id="b1"/>')
  world.host.accounts.forget(phone.session.account)
  const laptop = await world.connect('romeo', 'laptop')
  await laptop.sends(ASK)
  laptop.receives(listed('tybalt@there.example', 'evil.example'))
})

story('XEP-0191 §3.3: messages and requests of those whom I block are refused, their presence falls silent', async world => {
  const romeo = await world.online('romeo')
  const juliet = await world.online('juliet')
  await romeo.sends(block('juliet@here.example'))
  romeo.receives('<iq type="result" id="b1"/>')

  await juliet.sends('<message type="chat" id="m1" to="romeo@here.example/phone"><body>hello?</body></message>')
  juliet.receivesError('m1', 'service-unavailable')
  await juliet.sends('<iq type="get" id="i1" to="romeo@here.example/phone"><ping xmlns="urn:xmpp:ping"/></iq>')
  juliet.receivesError('i1', 'service-unavailable')
  await juliet.sends('<iq type="result" id="i2" to="romeo@here.example/phone"/>')
  await juliet.sends('<presence to="romeo@here.example/phone"/>')
  await juliet.sends('<presence type="probe" to="romeo@here.example"/>')
  await juliet.sends('<message type="error" id="m2" to="romeo@here.example/phone"/>')
})

story('XEP-0191 §3.3: I cannot write to those whom I block', async world => {
  const romeo = await world.connect('romeo')
  await world.online('juliet')
  await romeo.sends(block('juliet@here.example'))
  romeo.receives('<iq type="result" id="b1"/>')
  const refused =
    '<error type="cancel"><not-acceptable xmlns="urn:ietf:params:xml:ns:xmpp-stanzas"/><blocked xmlns="urn:xmpp:blocking:errors"/></error>'
  const stanzas = { message: '<body>hi</body>', presence: '', iq: '<ping xmlns="urn:xmpp:ping"/>' }
  for (const [name, children] of Object.entries(stanzas)) {
    await romeo.sends(`<${name} id="o1" to="juliet@here.example/phone"${name === 'iq' ? ' type="get"' : ''}>${children}</${name}>`)
    romeo.receives(`<${name} type="error" id="o1" from="juliet@here.example/phone">${refused}</${name}>`)
  }
})

story('XEP-0191 §3.4: what is unblocked is heard again', async world => {
  const romeo = await world.connect('romeo')
  const juliet = await world.connect('juliet')
  await romeo.sends(block('juliet@here.example', 'tybalt@here.example'))
  romeo.receives('<iq type="result" id="b1"/>')
  await romeo.sends(unblock('juliet@here.example'))
  romeo.receives('<iq type="result" id="u1"/>')
  await juliet.sends('<message type="chat" to="romeo@here.example/phone"><body>hello?</body></message>')
  romeo.receives('<message><body>hello?</body></message>')
  await romeo.sends(ASK)
  romeo.receives(listed('tybalt@here.example'))
})

story('XEP-0191 §3.5: unblocking nobody by name unblocks all', async world => {
  const romeo = await world.connect('romeo')
  await romeo.sends(block('juliet@here.example', 'evil.example'))
  romeo.receives('<iq type="result" id="b1"/>')
  await romeo.sends(ASK)
  romeo.receives(listed('juliet@here.example', 'evil.example'))
  await romeo.sends(unblock())
  assert.deepEqual(romeo.receives(`<iq type="set"><unblock xmlns="${NS}"/></iq>`).first()!.children, [])
  romeo.receives('<iq type="result" id="u1"/>')
  await romeo.sends(ASK)
  assert.deepEqual(romeo.receives(listed()).first()!.children, [])
})

story('XEP-0191 §3.3: devices that asked for the list hear of changes, others do not', async world => {
  const phone = await world.connect('romeo', 'phone')
  const laptop = await world.connect('romeo', 'laptop')
  await laptop.sends(ASK)
  laptop.receives(listed())
  await phone.sends(block('juliet@here.example'))
  laptop.receives(
    `<iq type="set" id="*" from="romeo@here.example" to="romeo@here.example/laptop"><block xmlns="${NS}"><item jid="juliet@here.example"/></block></iq>`,
  )
  phone.receives('<iq type="result" id="b1"/>')
})

story('XEP-0191 §3.3: a push that another forged does not reach the client', async world => {
  const romeo = await world.online('romeo')
  const juliet = await world.online('juliet')
  await world.befriend(romeo, juliet)
  for (const name of ['block', 'unblock']) {
    await romeo.sends(
      `<iq type="set" id="f1" to="juliet@here.example/phone"><${name} xmlns="${NS}">${items(['nurse@here.example'])}</${name}></iq>`,
    )
    romeo.receivesError('f1', 'service-unavailable')
  }
})

story('XEP-0191 §5: one’s own devices and server cannot be blocked, the others there can', async world => {
  const phone = await world.connect('romeo', 'phone')
  const laptop = await world.connect('romeo', 'laptop')
  const juliet = await world.connect('juliet')
  await phone.sends(block('romeo@here.example', 'here.example'))
  phone.receives('<iq type="result" id="b1"/>')
  await phone.sends('<message to="romeo@here.example/laptop"><body>note</body></message>')
  laptop.receives('<message><body>note</body></message>')
  await phone.sends('<iq type="get" id="p1" to="here.example"><ping xmlns="urn:xmpp:ping"/></iq>')
  phone.receives('<iq type="result" id="p1"/>')
  await juliet.sends('<message id="m1" to="romeo@here.example/phone"><body>hi</body></message>')
  juliet.receivesError('m1', 'service-unavailable')
})

story(
  'a full list, an empty request and bad addresses are refused, and nothing of them is kept',
  async world => {
    const romeo = await world.connect('romeo')
    const refused = [
      [block('a@x.example', 'b@x.example'), 'resource-constraint'],
      [block(), 'bad-request'],
      [block('a@x.example', '@@'), 'jid-malformed'],
      [`<iq type="set" id="b1"><block xmlns="${NS}"><item/></block></iq>`, 'jid-malformed'],
    ] as const
    for (const [request, condition] of refused) {
      await romeo.sends(request)
      romeo.receivesError('b1', condition)
    }
    await romeo.sends(ASK)
    assert.deepEqual(romeo.receives(listed()).first()!.children, [])
  },
  { settings: { blocking: { most: 1 } } },
)

story(
  'two devices that block at once cannot together exceed the limit',
  async world => {
    const phone = await world.connect('romeo', 'phone')
    const laptop = await world.connect('romeo', 'laptop')
    await Promise.all([phone.sends(block('a@x.example')), laptop.sends(block('b@x.example'))])
    phone.receives('<iq type="result" id="b1"/>')
    laptop.receivesError('b1', 'resource-constraint')
  },
  { settings: { blocking: { most: 1 } } },
)

story('a list ends with its account', async world => {
  const romeo = await world.connect('romeo')
  await romeo.sends(block('juliet@here.example'))
  romeo.receives('<iq type="result" id="b1"/>')
  await world.host.life.remove('romeo')
  const another = await world.connect('romeo', 'tablet')
  assert.ok(!world.host.apiOf(blocking).isBlocked(another.session.account, (await world.connect('juliet')).session.jid))
})
