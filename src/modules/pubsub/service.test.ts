import assert from 'node:assert/strict'
import {
  ask,
  configXml,
  createXml,
  entry,
  event,
  form,
  gets,
  idsIn,
  item,
  OWNER,
  PUBSUB,
  publishXml,
  refuses,
  SERVICE,
} from '../../../test/pubsub-story.ts'
import { type Client, story } from '../../../test/story.ts'

const MUSINGS = 'princely_musings'
const owner = { ns: OWNER }
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
  const own = { to: '' }
  const publish = publishXml('urn:example:a', item('a'))
  await gets(romeo, 'set', publish + options({ access_model: 'open', max_items: 'max' }), own)
  await gets(romeo, 'set', publish + options({ access_model: 'open', persist_items: 'true', max_items: '1000' }), own)
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

story('XEP-0060 §6.1 and §6.2: who subscribes gets the last item, and nothing more once he unsubscribes', async world => {
  const hamlet = await world.online('hamlet')
  const francisco = await world.online('francisco', 'barracks')
  await gets(hamlet, 'set', createXml(MUSINGS, { send_last_published_item: 'on_sub', notify_sub: '1' }))
  await gets(hamlet, 'set', publishXml(MUSINGS, item('a')))
  const answer = await gets(francisco, 'set', subscribeXml('francisco@here.example'))
  assert.deepEqual({ ...answer!.first()!.attrs }, { node: MUSINGS, jid: 'francisco@here.example', subscription: 'subscribed' })
  event(francisco, `<items node="${MUSINGS}"><item id="a"/></items>`).child
  event(hamlet, `<subscription node="${MUSINGS}" jid="francisco@here.example" subscription="subscribed"/>`)
  await gets(francisco, 'set', subscribeXml('francisco@here.example'))
  await gets(francisco, 'set', subscribeXml('francisco@here.example/barracks'))
  event(francisco, `<items node="${MUSINGS}"><item id="a"/></items>`)
  event(hamlet, `<subscription node="${MUSINGS}" jid="francisco@here.example/barracks" subscription="subscribed"/>`)
  const subscriptions = async (): Promise<string[]> =>
    (await gets(francisco, 'get', '<subscriptions/>'))!
      .first()!
      .elements()
      .map(({ attrs }) => attrs['jid']!)
  assert.deepEqual(await subscriptions(), ['francisco@here.example', 'francisco@here.example/barracks'])
  for (const jid of await subscriptions()) {
    await gets(francisco, 'set', `<unsubscribe node="${MUSINGS}" jid="${jid}"/>`)
    event(hamlet, `<subscription node="${MUSINGS}" jid="${jid}" subscription="none"/>`)
  }
  assert.deepEqual(await subscriptions(), [])
  await gets(hamlet, 'set', publishXml(MUSINGS, item('b')))
  const none = `<unsubscribe node="${MUSINGS}" jid="francisco@here.example"/>`
  await refuses(francisco, 'set', none, 'unexpected-request/not-subscribed')
})

story('XEP-0060 §6.1.3 and §6.2.3: who may not subscribe, or not somebody else, is told why', async world => {
  const hamlet = await world.online('hamlet')
  const francisco = await world.online('francisco')
  const subscribes = (condition: string, node: string, jid = 'francisco@here.example') =>
    refuses(francisco, 'set', subscribeXml(jid, node), condition)
  await gets(hamlet, 'set', createXml('open'))
  await gets(hamlet, 'set', createXml('closed', { access_model: 'whitelist' }))
  await gets(hamlet, 'set', createXml('unwilling', { subscribe: '0' }))
  await gets(hamlet, 'set', createXml('banned'))
  await gets(
    hamlet,
    'set',
    '<affiliations node="banned"><affiliation jid="francisco@here.example" affiliation="outcast"/></affiliations>',
    owner,
  )
  francisco.forget()
  await subscribes('bad-request/invalid-jid', 'open', 'hamlet@here.example')
  await subscribes('bad-request/jid-required', 'open', '')
  await subscribes('not-allowed/closed-node', 'closed')
  await subscribes('feature-not-implemented/unsupported', 'unwilling')
  await subscribes('forbidden', 'banned')
  await subscribes('item-not-found', 'nowhere')
  await subscribes('jid-malformed', 'open', '@')
  await refuses(francisco, 'set', '<unsubscribe node="open" jid="hamlet@here.example"/>', 'forbidden')
  await refuses(francisco, 'set', '<unsubscribe node="nowhere" jid="francisco@here.example"/>', 'item-not-found')
})

story('XEP-0060 §6.1.4 and §8.6: owners decide who subscribes to a node that they must authorize', async world => {
  const hamlet = await world.online('hamlet', 'elsinore')
  const horatio = await world.online('horatio')
  const bernardo = await world.online('bernardo')
  await gets(hamlet, 'set', createXml(MUSINGS, { access_model: 'authorize' }))
  const pending = await gets(horatio, 'set', subscribeXml('horatio@here.example'))
  assert.equal(pending!.first()!.attrs['subscription'], 'pending')
  const asks = (jid: string): string => `<message from="${SERVICE}" to="hamlet@here.example"><x xmlns="jabber:x:data" type="form">
    <field var="FORM_TYPE" type="hidden"><value>${PUBSUB}#subscribe_authorization</value></field>
    <field var="pubsub#node"><value>${MUSINGS}</value></field><field var="pubsub#subscriber_jid"><value>${jid}</value></field>
    <field var="pubsub#allow" type="boolean"/></x></message>`
  const { id } = hamlet.receives(asks('horatio@here.example')).attrs
  await refuses(horatio, 'set', subscribeXml('horatio@here.example'), 'not-authorized/pending-subscription')
  await refuses(horatio, 'get', `<items node="${MUSINGS}"/>`, 'not-authorized/not-subscribed')
  const decide = (jid: string, allow: string, type = 'submit'): string => {
    const fields = { 'pubsub#node': MUSINGS, 'pubsub#subscriber_jid': jid, 'pubsub#allow': allow }
    return `<message to="${SERVICE}" id="${id}">${form(`${PUBSUB}#subscribe_authorization`, fields, type)}</message>`
  }
  await hamlet.sends(decide('horatio@here.example', '1', 'cancel'))
  await hamlet.sends(decide('horatio@here.example', 'true'))
  event(horatio, `<subscription node="${MUSINGS}" jid="horatio@here.example" subscription="subscribed"/>`)
  await gets(bernardo, 'set', subscribeXml('bernardo@here.example'))
  hamlet.receives(asks('bernardo@here.example'))
  await horatio.sends(decide('bernardo@here.example', '1'))
  horatio.receives(`<message type="error" id="${id}"><error><forbidden xmlns="urn:ietf:params:xml:ns:xmpp-stanzas"/></error></message>`)
  await hamlet.sends(decide('bernardo@here.example', '0'))
  event(bernardo, `<subscription node="${MUSINGS}" jid="bernardo@here.example" subscription="none"/>`)
  await gets(hamlet, 'set', publishXml(MUSINGS, item('a')))
  event(horatio, `<items node="${MUSINGS}"><item id="a"/></items>`)
})

story('XEP-0060 §6.3: subscribers choose whether they are notified, and until when', async world => {
  const hamlet = await world.online('hamlet')
  const francisco = await world.online('francisco')
  const jid = 'francisco@here.example'
  const options = (fields: Record<string, string>): string => form(`${PUBSUB}#subscribe_options`, fields)
  await gets(hamlet, 'set', createXml(MUSINGS))
  const answer = await gets(francisco, 'set', `${subscribeXml(jid)}<options>${options({ 'pubsub#deliver': '0' })}</options>`)
  assert.match(String(answer!.elements()[1]), /type='result'.*pubsub#deliver' type='boolean' label='[^']*'><value>0</)
  await gets(hamlet, 'set', publishXml(MUSINGS, item('a')))
  const set = (fields: Record<string, string>): string => `<options node="${MUSINGS}" jid="${jid}">${options(fields)}</options>`
  await gets(francisco, 'set', set({ 'pubsub#deliver': '1', 'pubsub#expire': '2026-01-01T01:00:00Z' }))
  assert.match(String(await gets(francisco, 'get', `<options node="${MUSINGS}" jid="${jid}"/>`)), /<value>2026-01-01T01:00:00.000Z</)
  await gets(hamlet, 'set', publishXml(MUSINGS, item('b')))
  event(francisco, `<items node="${MUSINGS}"><item id="b"/></items>`)
  await world.later(3_600_000)
  await gets(hamlet, 'set', publishXml(MUSINGS, item('c')))
  for (const wrong of [{ 'pubsub#deliver': 'x' }, { 'pubsub#expire': 'soon' }, { 'pubsub#expire': '2025-01-01T00:00:00Z' }])
    await refuses(francisco, 'set', set(wrong), 'bad-request/invalid-options')
  await refuses(francisco, 'get', `<options node="${MUSINGS}"/>`, 'bad-request/jid-required')
  await refuses(francisco, 'get', `<options node="${MUSINGS}" jid="hamlet@here.example"/>`, 'forbidden')
  await refuses(hamlet, 'get', `<options node="${MUSINGS}" jid="hamlet@here.example"/>`, 'unexpected-request/not-subscribed')
  await refuses(francisco, 'get', `<options node="nowhere" jid="${jid}"/>`, 'item-not-found')
  assert.match(String(await gets(francisco, 'get', '<default/>')), /<default><x xmlns='jabber:x:data' type='form'>.*subscribe_options/)
})

story('XEP-0060 §8.1: nodes are made with a name or without, as they are wanted to be, and not twice', async world => {
  const hamlet = await world.online('hamlet')
  await gets(hamlet, 'set', '<create node="princely_musings"/><configure/>')
  await refuses(hamlet, 'set', '<create node="princely_musings"/>', 'conflict')
  const instant = await gets(hamlet, 'set', '<create/>')
  assert.match(instant!.first()!.attrs['node']!, /^[\w-]{36}$/)
  await refuses(hamlet, 'set', createXml('a', { access_model: 'presence' }), 'not-acceptable/unsupported-access-model')
  await refuses(hamlet, 'set', createXml('a', { node_type: 'collection' }), 'not-acceptable')
  await refuses(hamlet, 'set', createXml('a', { max_items: '1000000' }), 'not-acceptable')
  await refuses(hamlet, 'set', `<create node="a"/><configure node="b">${configXml({})}</configure>`, 'bad-request')
  await refuses(hamlet, 'set', `<configure>${configXml({})}</configure><create node="a"/>`, 'bad-request')
  await world.arrives(
    `<iq type="set" id="c1" from="ophelia@far.example/x" to="${SERVICE}"><pubsub xmlns="${PUBSUB}"><create node="b"/></pubsub></iq>`,
  )
  await refuses(hamlet, 'get', '<items node="b"/>', 'item-not-found')
})

story(
  'XEP-0060 §8.2 and §8.3: an owner configures a node, subscribers hear of it if it says so, and what goes goes at once',
  async world => {
    const hamlet = await world.online('hamlet')
    const francisco = await world.online('francisco')
    await gets(hamlet, 'set', createXml(MUSINGS, { title: 'Princely Musings (Atom)' }))
    for (const id of ['a', 'b', 'c']) await gets(hamlet, 'set', publishXml(MUSINGS, item(id)))
    await subscribed(francisco)
    const get = `<configure node="${MUSINGS}"/>`
    const set = (fields: Record<string, string>): string => `<configure node="${MUSINGS}">${configXml(fields)}</configure>`
    assert.match(
      String(await gets(hamlet, 'get', get, owner)),
      /var='pubsub#title' type='text-single'[^>]*><value>Princely Musings \(Atom\)</,
    )
    await gets(hamlet, 'set', set({ max_items: '2', notify_config: '1' }), owner)
    event(francisco, `<configuration node="${MUSINGS}"><x xmlns="jabber:x:data" type="result"/></configuration>`)
    assert.deepEqual(idsIn((await gets(hamlet, 'get', `<items node="${MUSINGS}"/>`))!), ['b', 'c'])
    assert.match(String(await gets(hamlet, 'get', get, owner)), /<value>Princely Musings/)
    await gets(hamlet, 'set', `<configure node="${MUSINGS}"><x xmlns="jabber:x:data" type="cancel"/></configure>`, owner)
    await gets(hamlet, 'set', set({ deliver_payloads: '0' }), owner)
    assert.equal(event(francisco, `<configuration node="${MUSINGS}"/>`).first()!.first()!.children.length, 0)
    await refuses(francisco, 'get', get, 'forbidden', owner)
    await refuses(francisco, 'set', set({ title: 'Mine' }), 'forbidden', owner)
    await refuses(hamlet, 'get', '<configure/>', 'bad-request/nodeid-required', owner)
    await refuses(hamlet, 'get', '<configure node="nowhere"/>', 'item-not-found', owner)
    for (const wrong of [
      { max_items: '-1' },
      { max_items: '0' },
      { access_model: 'roster' },
      { notification_type: 'x' },
      { item_expire: 'x' },
    ])
      await ask(hamlet, 'set', set(wrong), owner).then(answer => assert.equal(answer.attrs['type'], 'error'))
    await gets(hamlet, 'set', set({ access_model: 'whitelist', notify_config: '0' }), owner)
    event(francisco, `<subscription node="${MUSINGS}" jid="francisco@here.example" subscription="none"/>`)
    assert.match(
      String(await gets(hamlet, 'get', '<default/>', owner)),
      /<default><x xmlns='jabber:x:data' type='form'>.*pubsub#access_model/,
    )
    await refuses(hamlet, 'get', '<default type="collection"/>', 'feature-not-implemented/unsupported', owner)
  },
)

story('XEP-0060 §8.4: an owner deletes a node, subscribers hear of it, and who asks later is told where it went', async world => {
  const hamlet = await world.online('hamlet')
  const francisco = await world.online('francisco')
  const uri = 'xmpp:hamlet@here.example?;node=blog'
  for (const node of [MUSINGS, 'other']) {
    await gets(hamlet, 'set', createXml(node))
    await subscribed(francisco, node)
  }
  await refuses(francisco, 'set', `<delete node="${MUSINGS}"/>`, 'forbidden', owner)
  await gets(hamlet, 'set', `<delete node="${MUSINGS}"><redirect uri="${uri}"/></delete>`, owner)
  event(francisco, `<delete node="${MUSINGS}"><redirect uri="${uri}"/></delete>`)
  const answer = await refuses(francisco, 'set', subscribeXml('francisco@here.example'), 'gone')
  assert.match(String(answer), /<gone [^>]*>xmpp:hamlet@here.example\?;node=blog</)
  world.restarts()
  const back = await world.online('hamlet')
  await refuses(back, 'get', `<items node="${MUSINGS}"/>`, 'gone')
  await gets(back, 'set', createXml(MUSINGS))
  assert.deepEqual(idsIn((await gets(back, 'get', `<items node="${MUSINGS}"/>`))!), [])
  await gets(back, 'set', '<delete node="other"/>', owner)
  await refuses(back, 'set', '<delete node="other"/>', 'item-not-found', owner)
  await refuses(back, 'set', `<delete node="${MUSINGS}"><redirect uri="nowhere"/></delete>`, 'bad-request', owner)
})

story('XEP-0060 §8.5: an owner purges a node, and each subscriber is notified once', async world => {
  const hamlet = await world.online('hamlet')
  const francisco = await world.online('francisco')
  await gets(hamlet, 'set', createXml(MUSINGS))
  for (const id of ['a', 'b']) await gets(hamlet, 'set', publishXml(MUSINGS, item(id)))
  await subscribed(francisco)
  await refuses(francisco, 'set', `<purge node="${MUSINGS}"/>`, 'forbidden', owner)
  await gets(hamlet, 'set', `<purge node="${MUSINGS}"/>`, owner)
  event(francisco, `<purge node="${MUSINGS}"/>`)
  assert.deepEqual(idsIn((await gets(hamlet, 'get', `<items node="${MUSINGS}"/>`))!), [])
  await gets(hamlet, 'set', createXml('transient', { persist_items: '0' }))
  await refuses(hamlet, 'set', '<purge node="transient"/>', 'feature-not-implemented/unsupported', owner)
  await refuses(hamlet, 'set', '<purge node="nowhere"/>', 'item-not-found', owner)
})

story('XEP-0060 §8.8: an owner sees who is subscribed, ends subscriptions, and subscribes nobody who has not asked', async world => {
  const hamlet = await world.online('hamlet')
  const polonius = await world.online('polonius')
  const bernardo = await world.online('bernardo')
  await gets(hamlet, 'set', createXml(MUSINGS, { access_model: 'authorize' }))
  for (const client of [polonius, bernardo]) await subscribed(client)
  hamlet.forget()
  const set = (...entries: [jid: string, subscription: string][]): string =>
    `<subscriptions node="${MUSINGS}">${entries.map(([name, subscription]) => `<subscription jid="${name}@here.example" subscription="${subscription}"/>`).join('')}</subscriptions>`
  const list = async (): Promise<string> => String((await gets(hamlet, 'get', `<subscriptions node="${MUSINGS}"/>`, owner))!.first())
  assert.doesNotMatch(await list(), /polonius/)
  await gets(hamlet, 'set', set(['polonius', 'subscribed']), owner)
  event(polonius, `<subscription node="${MUSINGS}" jid="polonius@here.example" subscription="subscribed"/>`)
  assert.match(await list(), /jid='polonius@here.example' subscription='subscribed'/)
  const answer = await refuses(hamlet, 'set', set(['polonius', 'none'], ['bard', 'subscribed']), 'not-acceptable', owner)
  event(polonius, `<subscription node="${MUSINGS}" jid="polonius@here.example" subscription="none"/>`)
  assert.match(String(answer.first()), /<subscription jid='bard@here.example' subscription='none'\/><\/subscriptions>/)
  assert.doesNotMatch(await list(), /polonius/)
  await refuses(polonius, 'get', `<subscriptions node="${MUSINGS}"/>`, 'forbidden', owner)
  await refuses(hamlet, 'get', '<subscriptions node="nowhere"/>', 'item-not-found', owner)
})

story('XEP-0060 §8.9: an owner sees and changes affiliations; the last one stays, and no owner is deposed', async world => {
  const hamlet = await world.online('hamlet')
  const polonius = await world.online('polonius')
  await gets(hamlet, 'set', createXml(MUSINGS))
  const set = (...entries: [jid: string, affiliation: string][]): string =>
    `<affiliations node="${MUSINGS}">${entries.map(([name, affiliation]) => `<affiliation jid="${name}@here.example" affiliation="${affiliation}"/>`).join('')}</affiliations>`
  const list = async (): Promise<Record<string, string>> => {
    const answer = await gets(hamlet, 'get', `<affiliations node="${MUSINGS}"/>`, owner)
    return Object.fromEntries(
      answer!
        .first()!
        .elements()
        .map(({ attrs }) => [attrs['jid']!.split('@')[0]!, attrs['affiliation']!]),
    )
  }
  const answer = await refuses(
    hamlet,
    'set',
    set(['hamlet', 'none'], ['polonius', 'member'], ['bard', 'publisher']),
    'not-acceptable',
    owner,
  )
  assert.match(
    String(answer.first()),
    /<affiliations node='princely_musings'><affiliation jid='hamlet@here.example' affiliation='owner'\/><\//,
  )
  polonius.receives(
    `<message from="${SERVICE}"><pubsub xmlns="${PUBSUB}"><affiliations node="${MUSINGS}"><affiliation jid="polonius@here.example" affiliation="member"/></affiliations></pubsub></message>`,
  )
  assert.deepEqual(await list(), { hamlet: 'owner', polonius: 'member', bard: 'publisher' })
  assert.match(String(await gets(polonius, 'get', '<affiliations/>')), /<affiliation node='princely_musings' affiliation='member'\/>/)
  await gets(hamlet, 'set', set(['polonius', 'owner'], ['bard', 'none']), owner)
  await refuses(polonius, 'set', set(['hamlet', 'outcast']), 'not-acceptable', owner)
  await refuses(polonius, 'set', set(['hamlet', 'none']), 'not-acceptable', owner)
  assert.deepEqual(await list(), { hamlet: 'owner', polonius: 'owner' })
  await gets(polonius, 'set', set(['polonius', 'none']), owner)
  await refuses(polonius, 'set', set(['polonius', 'owner']), 'forbidden', owner)
  await refuses(hamlet, 'set', set(['bard', 'member'], ['bard', 'outcast']), 'bad-request', owner)
  await refuses(hamlet, 'set', set(['bard', 'king']), 'bad-request', owner)
  polonius.forget()
})

story('XEP-0060 §12.8: of a batch all is published and retracted, or nothing', async world => {
  const hamlet = await world.online('hamlet')
  const francisco = await world.online('francisco')
  await gets(hamlet, 'set', createXml(MUSINGS))
  await subscribed(francisco)
  await refuses(hamlet, 'set', publishXml(MUSINGS, `${item('a')}<item id="b"/>`), 'bad-request/payload-required')
  await gets(hamlet, 'set', publishXml(MUSINGS, item('a') + item('b')))
  event(francisco, `<items node="${MUSINGS}"><item id="a"/><item id="b"/></items>`)
})

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
