import assert from 'node:assert/strict'
import { clientFor, event, gets, item, publishXml, tellsFeatures } from '../../../test/pubsub-story.ts'
import { type Client, story } from '../../../test/story.ts'
import type { Element } from '../../xml/element.ts'
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

/** A client of the account comes and claims to be of a kind; gives the questions that it is asked. */
async function comes(client: Client, caps: string): Promise<Element[]> {
  await client.sends(`<presence>${caps}</presence>`)
  return client.unread.filter(({ attrs }) => attrs['type'] === 'get')
}

story('XEP-0115 §9.3: nobody speaks for a kind of client by what only looks like what it can do', async world => {
  const phone = (text: string): string => `<identity category="client" type="phone"/>${text}`
  const form = `<x xmlns="jabber:x:data"><field var="FORM_TYPE" type="hidden"><value>urn:b+notify</value></field></x>`
  const { caps, features } = clientFor('urn:a', 'urn:b')
  for (const forged of ['<feature var="urn:a+notify&lt;urn:b+notify"/>', `<feature var="urn:a+notify"/>${form}`]) {
    const tybalt = await world.connect('tybalt')
    await comes(tybalt, caps)
    await tellsFeatures(tybalt, phone(forged))
    await tybalt.leaves()
    tybalt.forget()
  }
  const romeo = await world.connect('romeo')
  assert.equal((await comes(romeo, caps)).length, 1)
  await tellsFeatures(romeo, features)
  romeo.forget()
  await gets(romeo, 'set', publishXml('urn:b', item('x')), { to: '' })
  event(romeo, '<items node="urn:b"><item id="x"/></items>', 'romeo@here.example')
})
