import assert from 'node:assert/strict'
import { HOSTILE_XML } from '../../../test/faults/hostile-xml.ts'
import { serverStory } from '../../../test/server-story.ts'

const CONDITIONS = /^(not-well-formed|restricted-xml|bad-namespace-prefix|invalid-xml|bad-format|unsupported-encoding|policy-violation)$/

for (const [what, xml] of Object.entries(HOSTILE_XML)) {
  serverStory(`a server that has proved who it is, and then sends ${what}, hears why the stream ends`, async network => {
    const here = await network.town('here.example')
    const mallory = network.stranger('evil.example')
    await mallory.opens('evil.example', 'here.example')
    await mallory.sends("<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='EXTERNAL'>=</auth>")
    await mallory.sends(mallory.header('evil.example', 'here.example'))
    mallory.forget()
    await mallory.sendsBytes(Buffer.from(xml))
    const error = mallory.receives('<error xmlns="http://etherx.jabber.org/streams"/>')
    assert.match(error.first()!.name, CONDITIONS)
    assert.equal(here.links, 0)
  })
}
