import assert from 'node:assert/strict'
import { story } from '../../test/story.ts'

const ASK = '<iq type="get" id="v1" to="here.example"><query xmlns="jabber:iq:version"/></iq>'

story('XEP-0092 §2: the server says its name, and hides its version and system', async world => {
  const romeo = await world.connect('romeo')
  await romeo.sends(ASK)
  const answer = romeo.receives(
    '<iq type="result" id="v1"><query xmlns="jabber:iq:version"><name>Conexizan</name><version>not disclosed</version></query></iq>',
  )
  assert.equal(answer.first()!.elements().length, 2)
})

story(
  'XEP-0092 §2: the version is told if the operator wants it',
  async world => {
    const romeo = await world.connect('romeo')
    await romeo.sends(ASK)
    assert.match(romeo.receives('<iq type="result" id="v1"/>').first()!.elements()[1]!.text, /^\d+\.\d+\.\d+/)
  },
  { settings: { version: { shown: true } } },
)
