import assert from 'node:assert/strict'
import { createXml, event, gets, idsIn, item, OWNER, PUBSUB, publishXml, SERVICE } from '../../../test/pubsub-story.ts'
import { story } from '../../../test/story.ts'

const MUSINGS = 'princely_musings'
const owner = { ns: OWNER }
const subscribeXml = (jid: string, node = MUSINGS): string => `<subscribe node="${node}" jid="${jid}"/>`

story('XEP-0060 §12.3: who is not there any more is not subscribed any more', async world => {
  const hamlet = await world.online('hamlet')
  await gets(hamlet, 'set', createXml(MUSINGS))
  const from = 'francisco@far.example'
  await world.arrives(
    `<iq type="set" id="s1" from="${from}/x" to="${SERVICE}"><pubsub xmlns="${PUBSUB}">${subscribeXml(from)}</pubsub></iq>`,
  )
  const list = async (): Promise<string> => String(await gets(hamlet, 'get', `<subscriptions node="${MUSINGS}"/>`, owner))
  const bounce = (condition: string): string =>
    `<message type="error" from="${from}" to="${SERVICE}"><error type="cancel"><${condition} xmlns="urn:ietf:params:xml:ns:xmpp-stanzas"/></error></message>`
  await world.arrives(bounce('service-unavailable'))
  assert.match(await list(), /francisco/)
  await world.arrives(bounce('item-not-found'))
  assert.doesNotMatch(await list(), /francisco/)
})

story('what there is outlives a restart: nodes, items, affiliations, subscriptions', async world => {
  const hamlet = await world.online('hamlet')
  const francisco = await world.online('francisco')
  await gets(hamlet, 'set', createXml(MUSINGS, { title: 'Musings', item_expire: '3600' }))
  await gets(hamlet, 'set', publishXml(MUSINGS, item('a')))
  await gets(
    hamlet,
    'set',
    `<affiliations node="${MUSINGS}"><affiliation jid="bard@here.example" affiliation="publisher"/></affiliations>`,
    owner,
  )
  await gets(francisco, 'set', subscribeXml('francisco@here.example'))
  world.restarts()
  const again = await world.online('hamlet')
  const other = await world.online('francisco')
  assert.deepEqual(idsIn((await gets(again, 'get', `<items node="${MUSINGS}"/>`))!), ['a'])
  assert.match(String(await gets(again, 'get', `<affiliations node="${MUSINGS}"/>`, owner)), /bard@here.example' affiliation='publisher'/)
  await gets(again, 'set', publishXml(MUSINGS, item('b')))
  event(other, `<items node="${MUSINGS}"><item id="b"/></items>`)
  await world.later(3_600_000)
  assert.deepEqual(idsIn((await gets(again, 'get', `<items node="${MUSINGS}"/>`))!), [], 'items expire')
})
