import assert from 'node:assert/strict'
import { test } from 'node:test'
import { story, World } from '../../test/story.ts'
import { Forms } from '../xmpp/forms.ts'

const INFO = 'http://jabber.org/protocol/disco#info'
const ASK = `<iq type="get" id="d1" to="here.example"><query xmlns="${INFO}"/></iq>`
const ROLES = ['abuse', 'admin', 'feedback', 'sales', 'security', 'status', 'support']

story(
  'XEP-0157 §3: discovery tells the addresses of each role',
  async world => {
    const romeo = await world.connect('romeo')
    await romeo.sends(ASK)
    const fields = ROLES.map(
      role => `<field var="${role}-addresses"><value>mailto:${role}@here.example</value><value>xmpp:${role}@here.example</value></field>`,
    )
    romeo.receives(`<iq type="result" id="d1"><query xmlns="${INFO}"><x xmlns="jabber:x:data" type="result">
      <field var="FORM_TYPE" type="hidden"><value>http://jabber.org/network/serverinfo</value></field>${fields.join('')}</x></query></iq>`)
  },
  { settings: { contact: Object.fromEntries(ROLES.map(role => [role, [`mailto:${role}@here.example`, `xmpp:${role}@here.example`]])) } },
)

story('where there is no address, nothing is said', async world => {
  const romeo = await world.connect('romeo')
  await romeo.sends(ASK)
  const forms = romeo.receives('<iq type="result" id="d1"/>').first()!.all(Forms, 'x')
  assert.ok(!forms.some(form => String(form).includes('serverinfo')))
})

test('XEP-0157 §3: an address that is no URI stops the start', async () => {
  await assert.rejects(World.open({ settings: { contact: { abuse: ['call me'] } } }), /contact\.abuse/)
})
