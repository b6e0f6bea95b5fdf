import assert from 'node:assert/strict'
import { story } from '../../../test/story.ts'
import { capsHash } from '../../xmpp/caps-hash.ts'
import { readInfo } from '../../xmpp/disco.ts'

const INFO = 'http://jabber.org/protocol/disco#info'
const stream = { isSecure: true, account: undefined, attempt: () => true }

story('XEP-0115 §6.3: the stream features name what the server can do, and the server answers for that name', async world => {
  const { unauthenticated, authenticated } = world.host.stream
  const [before, after] = [unauthenticated, authenticated].map(offers =>
    offers.map(offer => offer(stream)).find(feature => feature?.ns === 'http://jabber.org/protocol/caps'),
  )
  assert.deepEqual(before?.attrs, after?.attrs)
  const { hash, node, ver } = before!.attrs
  assert.equal(hash, 'sha-1')

  const romeo = await world.connect('romeo')
  await romeo.sends(`<iq type="get" id="d1" to="here.example"><query xmlns="${INFO}" node="${node}#${ver}"/></iq>`)
  const answer = romeo.receives(
    `<iq type="result" id="d1"><query xmlns="${INFO}" node="${node}#${ver}"><feature var="http://jabber.org/protocol/caps"/></query></iq>`,
  )
  assert.equal(capsHash(readInfo(answer.first()!)), ver)
})

story('XEP-0115 §6.2: the name of other capabilities is unknown', async world => {
  const romeo = await world.connect('romeo')
  await romeo.sends(`<iq type="get" id="d1" to="here.example"><query xmlns="${INFO}" node="conexizan#AAAAAAAAAAAAAAAAAAAAAAAAAAA="/></iq>`)
  romeo.receivesError('d1', 'item-not-found')
})
