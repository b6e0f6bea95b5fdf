import { story } from '../../test/story.ts'

story('XEP-0202 §2: the server tells the time in UTC', async world => {
  const romeo = await world.connect('romeo')
  await romeo.sends('<iq type="get" id="t1" to="here.example"><time xmlns="urn:xmpp:time"/></iq>')
  romeo.receives('<iq type="result" id="t1"><time xmlns="urn:xmpp:time"><tzo>+00:00</tzo><utc>2026-01-01T00:00:00.000Z</utc></time></iq>')
})
