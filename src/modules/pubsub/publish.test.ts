import assert from 'node:assert/strict'
import {
  configXml,
  createXml,
  entry,
  event,
  form,
  gets,
  idsIn,
  item,
  own,
  PUBSUB,
  publishXml,
  refuses,
} from '../../../test/pubsub-story.ts'
import { type Client, story } from '../../../test/story.ts'

const MUSINGS = 'princely_musings'
const subscribeXml = (jid: string, node = MUSINGS): string => `<subscribe node="${node}" jid="${jid}"/>`

async function subscribed(client: Client, node = MUSINGS): Promise<void> {
  await gets(client, 'set', subscribeXml(String(client.session.account.jid), node))
  client.forget()
}

story('XEP-0060 §7.1: what a publisher publishes, all subscribers are notified of', async world => {
  const hamlet = await world.online('hamlet', 'elsinore')
  const francisco = await world.online('francisco', 'barracks')
  const bernardo = await world.online('bernardo')
  await gets(hamlet, 'set', createXml(MUSINGS))
  await subscribed(francisco)
  await subscribed(bernardo)
  const answer = await gets(hamlet, 'set', publishXml(MUSINGS, item('bnd81g37d61f49fgn581', 'Soliloquy')))
  assert.equal(answer!.first()!.first()!.attrs['id'], 'bnd81g37d61f49fgn581')
  const told = `<items node="${MUSINGS}">${item('bnd81g37d61f49fgn581', 'Soliloquy')}</items>`
  for (const client of [francisco, bernardo]) {
    const { attrs } = event(client, told)
    assert.equal(attrs['to'], String(client.session.account.jid))
    assert.ok(attrs['id'])
  }
})

story('XEP-0060 §7.1.2: an item without an id is given one, and the publisher is told which', async world => {
  const hamlet = await world.online('hamlet')
  await gets(hamlet, 'set', createXml(MUSINGS))
  const answer = await gets(hamlet, 'set', publishXml(MUSINGS, `<item>${entry('Soliloquy')}</item>`))
  const { id } = answer!.first()!.first()!.attrs
  assert.deepEqual(idsIn((await gets(hamlet, 'get', `<items node="${MUSINGS}"/>`))!), [id])
})

story('XEP-0060 §7.1.2.2: a node may notify without what was published', async world => {
  const hamlet = await world.online('hamlet')
  const francisco = await world.online('francisco')
  await gets(hamlet, 'set', createXml(MUSINGS, { deliver_payloads: '0' }))
  await subscribed(francisco)
  await gets(hamlet, 'set', publishXml(MUSINGS, item('a')))
  const message = event(francisco, `<items node="${MUSINGS}"><item id="a"/></items>`)
  assert.equal(message.first()!.first()!.first()!.children.length, 0)
})

story('XEP-0060 §7.1.2.3: the publisher is named by the service alone, in notifications and in answers', async world => {
  const hamlet = await world.online('hamlet', 'elsinore')
  const francisco = await world.online('francisco')
  await gets(hamlet, 'set', createXml(MUSINGS, { itemreply: 'publisher' }))
  await subscribed(francisco)
  await gets(hamlet, 'set', publishXml(MUSINGS, `<item id="a" publisher="claudius@here.example">${entry('a')}</item>`))
  const named = `<items node="${MUSINGS}"><item id="a" publisher="hamlet@here.example"/></items>`
  event(francisco, named)
  const answer = await gets(francisco, 'get', `<items node="${MUSINGS}"/>`)
  assert.equal(answer!.first()!.first()!.attrs['publisher'], 'hamlet@here.example')
})

story('XEP-0060 §7.1.3: what cannot be published is refused, each for its reason', async world => {
  const hamlet = await world.online('hamlet')
  const francisco = await world.online('francisco')
  const publishes = (xml: string, condition: string, node = MUSINGS) => refuses(hamlet, 'set', publishXml(node, xml), condition)
  await gets(hamlet, 'set', createXml(MUSINGS, { max_payload_size: '100' }))
  await refuses(francisco, 'set', publishXml(MUSINGS, item('a')), 'forbidden')
  await publishes(item('a'), 'item-not-found', 'nowhere')
  await publishes(item('a', 'x'.repeat(100)), 'not-acceptable/payload-too-big')
  await publishes(`<item id="a">${entry('a')}${entry('b')}</item>`, 'bad-request/invalid-payload')
  await publishes('<item id="a"/>', 'bad-request/payload-required')
  await publishes('', 'bad-request/item-required')
  await publishes(item('a') + item('a'), 'bad-request')
  await publishes(item('x'.repeat(600), 'a'), 'bad-request')
  await refuses(hamlet, 'set', '<publish><item id="a"/></publish>', 'bad-request/nodeid-required')
  await gets(hamlet, 'set', createXml('transient', { persist_items: '0', deliver_payloads: '0' }))
  await publishes(item('a'), 'bad-request/item-forbidden', 'transient')
  await subscribed(francisco, 'transient')
  await gets(hamlet, 'set', publishXml('transient', ''))
  assert.equal(event(francisco, '<items node="transient"/>').first()!.first()!.children.length, 0)
})

story('XEP-0060 §7.1.2.5: when a node is full the oldest item makes room, loudly or quietly, or the new one is refused', async world => {
  const hamlet = await world.online('hamlet')
  const francisco = await world.online('francisco')
  for (const [node, full] of [
    ['loud', 'retract-oldest'],
    ['quiet', 'discard-oldest'],
    ['closed', 'reject'],
  ] as const) {
    await gets(hamlet, 'set', createXml(node, { max_items: '2', publish_node_full: full }))
    for (const id of ['a', 'b']) await gets(hamlet, 'set', publishXml(node, item(id)))
    await subscribed(francisco, node)
  }
  await refuses(hamlet, 'set', publishXml('closed', item('c')), 'conflict/node-full')
  await gets(hamlet, 'set', publishXml('closed', item('b', 'again')))
  event(francisco, '<items node="closed"><item id="b"/></items>')
  await gets(hamlet, 'set', publishXml('loud', item('c')))
  event(francisco, '<items node="loud"><item id="c"/></items>')
  event(francisco, '<items node="loud"><retract id="a"/></items>')
  await gets(hamlet, 'set', publishXml('quiet', item('c')))
  event(francisco, '<items node="quiet"><item id="c"/></items>')
  await refuses(hamlet, 'set', publishXml('loud', ['d', 'e', 'f'].map(id => item(id)).join('')), 'not-allowed/max-items-exceeded')
  for (const node of ['loud', 'quiet']) assert.deepEqual(idsIn((await gets(hamlet, 'get', `<items node="${node}"/>`))!), ['b', 'c'])
})

story('XEP-0060 §7.1.5: options are conditions of a publication, and how a node is that it makes', async world => {
  const romeo = await world.online('romeo')
  const options = (fields: Record<string, string>): string => {
    const named = Object.fromEntries(Object.entries(fields).map(([name, value]) => [`pubsub#${name}`, value]))
    return `<publish-options>${form(`${PUBSUB}#publish-options`, named)}</publish-options>`
  }
  const publish = publishXml('urn:example:a', item('a'))
  await gets(romeo, 'set', publish + options({ access_model: 'open', max_items: 'max' }), own)
  await gets(romeo, 'set', publish + options({ access_model: 'open', persist_items: 'true', max_items: '1000' }), own)
  // Of more than there may be the server keeps as many as it can.
  await gets(romeo, 'set', publish + options({ access_model: 'open', max_items: '9999' }), own)
  await refuses(romeo, 'set', publish + options({ access_model: 'presence' }), 'conflict/precondition-not-met', own)
  await refuses(romeo, 'set', publish + options({ access_model: 'open', magic: '1' }), 'conflict/precondition-not-met', own)
  await refuses(romeo, 'set', publish + options({ access_model: 'magic' }), 'not-acceptable/unsupported-access-model', own)
  await refuses(romeo, 'set', `${publish}<publish-options>${configXml({})}</publish-options>`, 'bad-request', own)
  await refuses(romeo, 'set', `${publish}<publish-options/>`, 'bad-request', own)
  await gets(romeo, 'set', createXml('here'))
  await refuses(romeo, 'set', publishXml('here', item('a')) + options({ access_model: 'whitelist' }), 'conflict/precondition-not-met')
})

story('XEP-0060 §7.2: a publisher deletes an item, and subscribers are notified if he wants that or the node does', async world => {
  const hamlet = await world.online('hamlet')
  const francisco = await world.online('francisco')
  await gets(hamlet, 'set', createXml(MUSINGS, { notify_retract: '0' }))
  for (const id of ['a', 'b', 'c']) await gets(hamlet, 'set', publishXml(MUSINGS, item(id)))
  await subscribed(francisco)
  const retract = (xml: string, attrs = `node="${MUSINGS}"`): string => `<retract ${attrs}>${xml}</retract>`
  await gets(hamlet, 'set', retract('<item id="a"/>'))
  await gets(hamlet, 'set', retract('<item id="b"/>', `node="${MUSINGS}" notify="1"`))
  event(francisco, `<items node="${MUSINGS}"><retract id="b"/></items>`)
  await refuses(hamlet, 'set', retract('<item id="a"/>'), 'item-not-found')
  await refuses(hamlet, 'set', retract('<item id="c"/><item id="a"/>'), 'item-not-found')
  await refuses(francisco, 'set', retract('<item id="c"/>'), 'forbidden')
  await refuses(hamlet, 'set', retract('<item id="a"/>', ''), 'bad-request/nodeid-required')
  await refuses(hamlet, 'set', retract(''), 'bad-request/item-required')
  await refuses(hamlet, 'set', retract('<item/>'), 'bad-request/item-required')
  await refuses(hamlet, 'set', retract('<item id="a"/>', 'node="nowhere"'), 'item-not-found')
  assert.deepEqual(idsIn((await gets(hamlet, 'get', `<items node="${MUSINGS}"/>`))!), ['c'])
  await gets(hamlet, 'set', createXml('transient', { persist_items: '0' }))
  await refuses(hamlet, 'set', retract('<item id="a"/>', 'node="transient"'), 'feature-not-implemented/unsupported')
})

story('XEP-0060 §6.5: items are retrieved all, the newest, by their ids, or page by page', async world => {
  const hamlet = await world.online('hamlet')
  await gets(hamlet, 'set', createXml(MUSINGS))
  for (const id of ['a', 'b', 'c', 'd']) await gets(hamlet, 'set', publishXml(MUSINGS, item(id)))
  const items = async (attrs = '', inner = '', set = ''): Promise<string[]> =>
    idsIn((await gets(hamlet, 'get', `<items node="${MUSINGS}" ${attrs}>${inner}</items>${set}`))!)
  const page = (xml: string): string => `<set xmlns="http://jabber.org/protocol/rsm">${xml}</set>`
  assert.deepEqual(await items(), ['a', 'b', 'c', 'd'])
  assert.deepEqual(await items('max_items="2"'), ['c', 'd'])
  assert.deepEqual(await items('max_items="9"'), ['a', 'b', 'c', 'd'])
  assert.deepEqual(await items('', '<item id="c"/><item id="a"/><item id="z"/>'), ['a', 'c'])
  assert.deepEqual(await items('', '', page('<max>2</max>')), ['a', 'b'])
  assert.deepEqual(await items('', '', page('<max>2</max><after>b</after>')), ['c', 'd'])
  assert.deepEqual(await items('', '', page('<max>1</max><before/>')), ['d'])
  assert.deepEqual(await items('', '', page('<max>0</max>')), [])
  const answer = await gets(hamlet, 'get', `<items node="${MUSINGS}"/>${page('<max>2</max><index>1</index>')}`)
  assert.equal(
    String(answer!.elements()[1]),
    "<set xmlns='http://jabber.org/protocol/rsm'><first index='1'>b</first><last>c</last><count>4</count></set>",
  )
  await refuses(hamlet, 'get', `<items node="${MUSINGS}"/>${page('<after>z</after>')}`, 'item-not-found')
  await refuses(hamlet, 'get', `<items node="${MUSINGS}"/>${page('<after>a</after><before>c</before>')}`, 'bad-request')
  await refuses(hamlet, 'get', `<items node="${MUSINGS}" max_items="-1"/>`, 'bad-request')
  await refuses(hamlet, 'get', '<items node="nowhere"/>', 'item-not-found')
  await gets(hamlet, 'set', publishXml(MUSINGS, item('a', 'again')))
  assert.deepEqual(await items(), ['b', 'c', 'd', 'a'], '§12.1: who is published again is the newest')
})

story('XEP-0060 §6.5.4: what would be too much for one answer is cut off, and it is said that there is more', async world => {
  const hamlet = await world.online('hamlet')
  await gets(hamlet, 'set', createXml(MUSINGS))
  for (let i = 0; i < 20; i++) await gets(hamlet, 'set', publishXml(MUSINGS, item(`i${i}`, 'x'.repeat(60_000))))
  const answer = (await gets(hamlet, 'get', `<items node="${MUSINGS}"/>`))!
  const ids = idsIn(answer)
  assert.equal(ids.at(-1), 'i19')
  assert.ok(ids.length > 10 && ids.length < 20)
  const set = answer.elements()[1]!
  assert.match(String(set), new RegExp(`<first index='${20 - ids.length}'>${ids[0]}</first><last>i19</last><count>20</count>`))
  const rest = await gets(
    hamlet,
    'get',
    `<items node="${MUSINGS}"/><set xmlns="http://jabber.org/protocol/rsm"><before>${ids[0]}</before></set>`,
  )
  assert.equal(idsIn(rest!).at(-1), `i${19 - ids.length}`)
})

story('XEP-0060 §12.8: of a batch all is published and retracted, or nothing', async world => {
  const hamlet = await world.online('hamlet')
  const francisco = await world.online('francisco')
  await gets(hamlet, 'set', createXml(MUSINGS))
  await subscribed(francisco)
  await refuses(hamlet, 'set', publishXml(MUSINGS, `${item('a')}<item id="b"/>`), 'bad-request/payload-required')
  await gets(hamlet, 'set', publishXml(MUSINGS, item('a') + item('b')))
  for (const id of ['a', 'b']) event(francisco, `<items node="${MUSINGS}"><item id="${id}"/></items>`)
})
