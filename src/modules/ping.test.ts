import { story } from '../../test/story.ts'

story('XEP-0199 §4.2: the server answers a ping', async world => {
  const romeo = await world.connect('romeo')
  await romeo.sends('<iq type="get" id="p1" to="here.example"><ping xmlns="urn:xmpp:ping"/></iq>')
  romeo.receives('<iq type="result" id="p1" from="here.example"/>')
})

story('RFC 6120 §8.4: a request that nobody understands is refused', async world => {
  const romeo = await world.connect('romeo')
  await romeo.sends('<iq type="get" id="q1"><query xmlns="urn:example:nobody"/></iq>')
  romeo.receives(
    '<iq type="error" id="q1"><error type="cancel"><service-unavailable xmlns="urn:ietf:params:xml:ns:xmpp-stanzas"/></error></iq>',
  )
})
