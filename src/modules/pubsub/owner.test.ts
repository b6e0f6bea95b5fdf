import assert from 'node:assert/strict'
import {
  ask,
  configXml,
  createXml,
  event,
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

story('XEP-0060 §8.1: nodes are made with a name or without, as they are wanted to be, and not twice', async world => {
  const hamlet = await world.online('hamlet')
  await gets(hamlet, 'set', '<create node="princely_musings"/><configure/>')
  await refuses(hamlet, 'set', '<create node="princely_musings"/>', 'conflict')
  const instant = await gets(hamlet, 'set', '<create/>')
  assert.match(instant!.first()!.attrs['node']!, /^[\w-]{36}$/)
  await refuses(hamlet, 'set', createXml('a', { access_model: 'presence' }), 'not-acceptable/unsupported-access-model')
  await refuses(hamlet, 'set', createXml('a', { node_type: 'collection' }), 'not-acceptable')
  await refuses(hamlet, 'set', createXml('a', { max_items: '0' }), 'not-acceptable')
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
  await gets(hamlet, 'set', createXml(MUSINGS, { notify_sub: '1' }))
  await subscribed(polonius)
  hamlet.forget()
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
  polonius.forget()
  const francisco = await world.online('francisco')
  await subscribed(francisco)
  // Each has asked for it: the one has made the node, the other one is subscribed.
  for (const client of [hamlet, polonius])
    event(client, `<subscription node="${MUSINGS}" jid="francisco@here.example" subscription="subscribed"/>`)
  await refuses(polonius, 'set', set(['hamlet', 'outcast']), 'not-acceptable', owner)
  await refuses(polonius, 'set', set(['hamlet', 'none']), 'not-acceptable', owner)
  assert.deepEqual(await list(), { hamlet: 'owner', polonius: 'owner' })
  await gets(polonius, 'set', set(['polonius', 'none']), owner)
  await refuses(polonius, 'set', set(['polonius', 'owner']), 'forbidden', owner)
  await refuses(hamlet, 'set', set(['bard', 'member'], ['bard', 'outcast']), 'bad-request', owner)
  await refuses(hamlet, 'set', set(['bard', 'king']), 'bad-request', owner)
  polonius.forget()
})
