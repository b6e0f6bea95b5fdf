import assert from 'node:assert/strict'
import { configXml, createXml, event, gets, idsIn, item, OWNER, PUBSUB, publishXml, refuses, SERVICE } from '../../../test/pubsub-story.ts'
import { story } from '../../../test/story.ts'
import { name, sql } from '../../storage/db.ts'

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

story('XEP-0060 §12.2: whoever has lost access hears nothing more, and loses it wholly or not at all', async world => {
  const hamlet = await world.online('hamlet')
  const francisco = await world.online('francisco')
  const bernardo = await world.online('bernardo', 'x')
  const configure = `<configure node="${MUSINGS}">${configXml({ access_model: 'whitelist' })}</configure>`
  const ban = `<affiliations node="${MUSINGS}"><affiliation jid="bernardo@here.example" affiliation="outcast"/></affiliations>`
  const list = async (): Promise<string> => String(await gets(hamlet, 'get', `<subscriptions node="${MUSINGS}"/>`, owner))
  await gets(hamlet, 'set', createXml(MUSINGS))
  await gets(francisco, 'set', subscribeXml('francisco@here.example'))
  await gets(bernardo, 'set', subscribeXml('bernardo@here.example/x'))
  await world.store.run(sql`ALTER TABLE pubsub_subscription RENAME TO away`)
  for (const change of [configure, ban]) await refuses(hamlet, 'set', change, 'resource-constraint', owner)
  await world.store.run(sql`ALTER TABLE away RENAME TO pubsub_subscription`)
  for (const client of [francisco, bernardo]) client.receivesNothing()
  assert.match(String(await gets(hamlet, 'get', `<configure node="${MUSINGS}"/>`, owner)), /pubsub#access_model.*?<value>open/)
  assert.match(await list(), /francisco.*bernardo|bernardo.*francisco/)
  await gets(hamlet, 'set', ban, owner)
  event(bernardo, `<subscription node="${MUSINGS}" jid="bernardo@here.example/x" subscription="none"/>`)
  await gets(hamlet, 'set', configure, owner)
  event(francisco, `<subscription node="${MUSINGS}" jid="francisco@here.example" subscription="none"/>`)
  await gets(hamlet, 'set', publishXml(MUSINGS, item('secret')))
  for (const client of [francisco, bernardo]) client.receivesNothing()
  assert.doesNotMatch(await list(), /@/)
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

story('XEP-0060 §5.1 to §5.5: a service says what it is, which nodes it has, what they are, and what is in them', async world => {
  const hamlet = await world.online('hamlet')
  const disco = (what: 'info' | 'items', to = SERVICE, node = ''): string =>
    `<iq type="get" id="d1" to="${to}"><query xmlns="http://jabber.org/protocol/disco#${what}" ${node && `node="${node}"`}/></iq>`
  await gets(hamlet, 'set', createXml(MUSINGS, { title: 'Princely Musings (Atom)', type: 'urn:example:e2ee:bundle', max_items: '120' }))
  await gets(hamlet, 'set', publishXml(MUSINGS, item('a') + item('b')))
  await hamlet.sends(disco('items', 'here.example'))
  hamlet.receives(`<iq type="result" id="d1"><query xmlns="http://jabber.org/protocol/disco#items"><item jid="${SERVICE}"/></query></iq>`)
  await hamlet.sends(disco('info'))
  const features = ['', '#access-open', '#config-node', '#create-nodes', '#publish', '#rsm', '#subscribe', '#meta-data', '#multi-items']
  const said = hamlet.receives(`<iq type="result" id="d1" from="${SERVICE}"><query xmlns="http://jabber.org/protocol/disco#info">
    <identity category="pubsub" type="service"/>${features.map(name => `<feature var="${PUBSUB}${name}"/>`).join('')}</query></iq>`)
  assert.doesNotMatch(String(said), /collections|auto-create|presence|multi-subscribe/)
  await hamlet.sends(disco('items'))
  hamlet.receives(`<iq type="result" id="d1"><query xmlns="http://jabber.org/protocol/disco#items">
    <item jid="${SERVICE}" node="${MUSINGS}" name="Princely Musings (Atom)"/></query></iq>`)
  await hamlet.sends(disco('info', SERVICE, MUSINGS))
  const field = (name: string, value: string): string => `<field var="pubsub#${name}"><value>${value}</value></field>`
  hamlet.receives(`<iq type="result" id="d1"><query xmlns="http://jabber.org/protocol/disco#info" node="${MUSINGS}">
    <identity category="pubsub" type="leaf" name="Princely Musings (Atom)"/><feature var="${PUBSUB}"/><x xmlns="jabber:x:data" type="result">
    ${field('type', 'urn:example:e2ee:bundle')}${field('creator', 'hamlet@here.example')}${field('creation_date', '2026-01-01T00:00:00.000Z')}
    ${field('title', 'Princely Musings (Atom)')}${field('access_model', 'open')}${field('publish_model', 'publishers')}
    ${field('max_items', '120')}${field('owner', 'hamlet@here.example')}${field('num_subscribers', '0')}</x></query></iq>`)
  await hamlet.sends(disco('items', SERVICE, MUSINGS))
  const items = hamlet.receives(`<iq type="result" id="d1"><query xmlns="http://jabber.org/protocol/disco#items" node="${MUSINGS}">
    <item jid="${SERVICE}" name="a"/><item jid="${SERVICE}" name="b"/></query></iq>`)
  assert.doesNotMatch(String(items.first()!.elements()), /node=/, '§5.5: MUST NOT')
  for (const what of ['info', 'items'] as const) {
    await hamlet.sends(disco(what, SERVICE, 'nowhere'))
    hamlet.receivesError('d1', 'item-not-found')
  }
})

story(
  'an operator can have no such service, or have it elsewhere',
  async world => {
    const hamlet = await world.online('hamlet')
    await refuses(hamlet, 'set', createXml(MUSINGS), 'remote-server-not-found')
  },
  { settings: { 'pubsub-service': { enabled: false } } },
)

story(
  'an operator can keep users from making nodes',
  async world => {
    const hamlet = await world.online('hamlet')
    await refuses(hamlet, 'set', createXml(MUSINGS), 'forbidden', { to: 'news.here.example' })
  },
  { settings: { 'pubsub-service': { name: 'news', create: 'nobody' } } },
)

story('who removes his account leaves nothing at the service to whoever has his name next', async world => {
  const hamlet = await world.online('hamlet')
  const francisco = await world.online('francisco')
  const affiliate = (node: string, jid: string, what: string): Promise<unknown> =>
    gets(hamlet, 'set', `<affiliations node="${node}"><affiliation jid="${jid}" affiliation="${what}"/></affiliations>`, owner)
  for (const node of [MUSINGS, 'shared', 'others']) {
    await gets(node === 'others' ? francisco : hamlet, 'set', createXml(node))
    if (node !== 'others') await gets(hamlet, 'set', publishXml(node, item('a')))
  }
  await gets(francisco, 'set', subscribeXml('francisco@here.example'))
  await gets(hamlet, 'set', subscribeXml('hamlet@here.example', 'others'))
  await gets(hamlet, 'set', subscribeXml('hamlet@here.example/phone', 'others'))
  await affiliate('shared', 'francisco@here.example', 'owner')
  await gets(hamlet, 'set', createXml('moved'))
  await gets(hamlet, 'set', '<delete node="moved"><redirect uri="xmpp:a@b"/></delete>', owner)
  francisco.forget()

  await world.host.life.remove('hamlet')
  await world.settled()
  event(francisco, `<delete node="${MUSINGS}"/>`)
  for (const table of ['pubsub_node', 'pubsub_item', 'pubsub_affiliation', 'pubsub_subscription', 'pubsub_moved']) {
    const rows = await world.store.all<Record<string, unknown>>(sql`SELECT * FROM ${name(table)}`)
    assert.doesNotMatch(rows.map(row => Object.values(row).join(' ')).join('\n'), /hamlet/, table)
  }
  await refuses(francisco, 'get', `<items node="${MUSINGS}"/>`, 'item-not-found')
  assert.deepEqual(idsIn((await gets(francisco, 'get', '<items node="shared"/>'))!), ['a'])

  const other = await world.online('hamlet')
  await refuses(other, 'set', publishXml('shared', item('b')), 'forbidden')
  await refuses(other, 'get', '<affiliations node="shared"/>', 'forbidden', owner)
  await gets(francisco, 'set', publishXml('others', item('c')))
  other.receivesNothing()
})
