/** What is meant to hurt: sizes, names, forms, pages and storms. */
import assert from 'node:assert/strict'
import {
  affiliationXml,
  ask,
  clientFor,
  conditionOf,
  configXml,
  createXml,
  event,
  form,
  gets,
  idsIn,
  item,
  listens,
  OWNER,
  own,
  PUBSUB,
  publishXml,
  refuses,
  SERVICE,
  tellsFeatures,
} from '../../../test/pubsub-story.ts'
import { story } from '../../../test/story.ts'

const owner = { ns: OWNER }
const NODE = 'urn:example:node'
/** Names that are something else to a careless program. */
const ODD = [
  '__proto__',
  'constructor',
  'hasOwnProperty',
  "'; DROP TABLE pubsub_item; --",
  '%',
  '*',
  '../../x',
  '&lt;x/&gt;',
  'ﬀ',
  '💣',
  '0',
  'null',
]

story(
  'odd names of nodes and items are names like any other',
  async world => {
    const romeo = await world.online('romeo')
    for (const to of ['', SERVICE]) {
      for (const name of ODD) {
        await gets(romeo, 'set', createXml(name, { max_items: 'max' }), { to })
        for (const id of ODD) await gets(romeo, 'set', publishXml(name, item(id)), { to })
      }
    }
    world.restarts()
    const again = await world.online('romeo')
    for (const to of ['', SERVICE]) {
      for (const name of ODD) {
        const answer = (await gets(again, 'get', `<items node="${name}"/>`, { to }))!
        assert.deepEqual(
          idsIn(answer).map(id => id.replace('<x/>', '&lt;x/&gt;')),
          ODD,
        )
        const one = await gets(again, 'get', `<items node="${name}"><item id="${ODD[0]}"/></items>`, { to })
        assert.deepEqual(idsIn(one!), [ODD[0]])
      }
    }
  },
  { settings: { pubsub: { changes: 10_000 }, 'pubsub-service': { changes: 10_000 } } },
)

story('forms that are no forms, or say the same twice, or what nobody asked, change nothing', async world => {
  const romeo = await world.online('romeo')
  await gets(romeo, 'set', createXml(NODE))
  const before = String(await gets(romeo, 'get', `<configure node="${NODE}"/>`, owner))
  const x = (inner: string, type = 'submit'): string => `<x xmlns="jabber:x:data" type="${type}">${inner}</x>`
  const field = (name: string, ...values: string[]): string =>
    `<field var="${name}">${values.map(value => `<value>${value}</value>`).join('')}</field>`
  const twice = field('pubsub#title', 'a') + field('pubsub#title', 'b')
  for (const wrong of [
    '',
    '<x xmlns="urn:example:x"/>',
    x('', 'form'),
    x('', 'result'),
    x('', 'magic'),
    x(twice),
    x(field('FORM_TYPE', 'jabber:iq:register') + field('pubsub#title', 'a')),
    x(field('pubsub#title', 'x'.repeat(2000))),
    x(field('pubsub#contact', ...Array.from({ length: 60 }, (_, i) => `a${i}@b`))),
    x(field('pubsub#contact', '@')),
    x(field('pubsub#access_model', 'OPEN')),
    x(field('pubsub#access_model')),
    x(field('pubsub#max_items', '1e3')),
    x(field('pubsub#max_items', '999999999999999999999')),
    x(field('pubsub#max_payload_size', '-5')),
    x(field('pubsub#persist_items', 'yes')),
    x(field('pubsub#node_type', 'collection')),
  ]) {
    const answer = await ask(romeo, 'set', `<configure node="${NODE}">${wrong}</configure>`, owner)
    assert.match(conditionOf(answer), /^(bad-request|not-acceptable|jid-malformed)/, wrong.slice(0, 200))
  }
  for (const idle of [
    x(field('__proto__', 'x')),
    x(field('pubsub#__proto__', 'x')),
    x(field('pubsub#creator', 'tybalt@here.example')),
    x(field('pubsub#owner', 'tybalt@here.example')),
  ])
    await gets(romeo, 'set', `<configure node="${NODE}">${idle}</configure>`, owner)
  assert.equal(String(await gets(romeo, 'get', `<configure node="${NODE}"/>`, owner)), before)
})

story('what stands in a form is text, wherever it is shown', async world => {
  const romeo = await world.online('romeo')
  const title = '&lt;/value&gt;&lt;/field&gt;&lt;field var="pubsub#owner"&gt;&lt;value&gt;x@y'
  await gets(romeo, 'set', createXml(NODE, { title }))
  await romeo.sends(`<iq type="get" id="d1" to="${SERVICE}"><query xmlns="http://jabber.org/protocol/disco#info" node="${NODE}"/></iq>`)
  const info = romeo.receives('<iq type="result" id="d1"/>')
  assert.equal(info.first()!.elements().length, 4)
  assert.doesNotMatch(String(info), /<value>x@y/)
})

story('pages are asked for with ids that are none, numbers that are none, and both ends at once', async world => {
  const romeo = await world.online('romeo')
  await gets(romeo, 'set', createXml(NODE))
  for (const id of ['a', 'b', 'c']) await gets(romeo, 'set', publishXml(NODE, item(id)))
  const page = (xml: string): string => `<items node="${NODE}"/><set xmlns="http://jabber.org/protocol/rsm">${xml}</set>`
  for (const [xml, condition] of [
    ['<max>-1</max>', 'bad-request'],
    ['<max>x</max>', 'bad-request'],
    ['<max>99999999999999999999</max>', 'bad-request'],
    ['<index>9</index>', 'item-not-found'],
    ['<index>-1</index>', 'bad-request'],
    ["<after>' OR 1=1 --</after>", 'item-not-found'],
    ['<after>__proto__</after>', 'item-not-found'],
    ['<before>__proto__</before>', 'item-not-found'],
    ['<before/><after>a</after>', 'bad-request'],
    ['<after>a</after><index>0</index>', 'bad-request'],
  ] as const)
    await refuses(romeo, 'get', page(xml), condition)
  assert.deepEqual(idsIn((await gets(romeo, 'get', page('<max>999999999</max>')))!), ['a', 'b', 'c'])
  assert.deepEqual(idsIn((await gets(romeo, 'get', page('<after/>')))!), ['a', 'b', 'c'])
  assert.deepEqual(idsIn((await gets(romeo, 'get', page('<index>3</index>')))!), [])
})

story(
  'there are so many nodes, items, bytes, affiliations and subscriptions, and no more',
  async world => {
    const romeo = await world.online('romeo')
    const tybalt = await world.online('tybalt')
    const full = 'resource-constraint'
    for (const to of ['', SERVICE]) {
      const where = { to }
      const ownerOf = { to, ns: OWNER }
      for (const node of ['a', 'b', 'c']) await gets(romeo, 'set', createXml(node, { access_model: 'open', max_items: 'max' }), where)
      await refuses(romeo, 'set', createXml('d'), full, where)
      if (to === '') await refuses(romeo, 'set', publishXml('e', item('a')), full, where)
      await gets(romeo, 'set', '<delete node="c"><redirect uri="xmpp:a@b"/></delete>', ownerOf)
      await gets(romeo, 'set', createXml('c', { access_model: 'open' }), where)
      await refuses(romeo, 'set', createXml('d'), full, where)
      for (const id of ['1', '2', '3', '4']) await gets(romeo, 'set', publishXml('a', item(id)), where)
      assert.deepEqual(idsIn((await gets(romeo, 'get', '<items node="a"/>', where))!), ['2', '3', '4'])
      await refuses(romeo, 'set', publishXml('a', item('big', 'x'.repeat(2000))), 'not-acceptable/payload-too-big', where)
      for (const id of ['1', '2', '3']) await gets(romeo, 'set', publishXml('b', item(id, 'x'.repeat(945))), where)
      await refuses(romeo, 'set', publishXml('c', item('4', 'x'.repeat(945))), full, where)
      const affiliate = (jid: string): string => affiliationXml('a', jid, 'member')
      for (const jid of ['a@far', 'b@far', 'c@far']) await ask(romeo, 'set', affiliate(jid), ownerOf)
      await refuses(romeo, 'set', affiliate('d@far'), 'not-acceptable', ownerOf)
      const address = to === '' ? 'romeo@here.example' : to
      for (const resource of ['1', '2', '3'])
        await gets(tybalt, 'set', `<subscribe node="a" jid="tybalt@here.example/${resource}"/>`, { to: address })
      await refuses(tybalt, 'set', '<subscribe node="a" jid="tybalt@here.example/4"/>', 'policy-violation/too-many-subscriptions', {
        to: address,
      })
    }
    for (const client of [romeo, tybalt]) client.forget()
  },
  {
    settings: {
      pubsub: { nodes: 3, items: 3, payload: '1KiB', bytes: '4KiB', affiliations: 3, subscriptions: 3 },
      'pubsub-service': { nodes: 3, items: 3, payload: '1KiB', bytes: '4KiB', affiliations: 4, subscriptions: 3 },
    },
  },
)

story(
  'nobody makes more nodes at the service than his share',
  async world => {
    const romeo = await world.online('romeo')
    for (const node of ['a', 'b']) await gets(romeo, 'set', createXml(node))
    await refuses(romeo, 'set', createXml('c'), 'resource-constraint')
    await gets(await world.online('juliet'), 'set', createXml('c'))
  },
  { settings: { 'pubsub-service': { nodesPerUser: 2 } } },
)

story(
  'nobody fills the service with words about where nodes went: the oldest makes room, and in time all are forgotten',
  async world => {
    const romeo = await world.online('romeo')
    for (const node of ['a', 'b', 'c', 'd']) {
      await gets(romeo, 'set', createXml(node))
      await gets(romeo, 'set', `<delete node="${node}"><redirect uri="xmpp:a@b"/></delete>`, owner)
    }
    await gets(await world.online('juliet'), 'set', createXml('hers'))
    for (const node of ['a', 'b']) await refuses(romeo, 'get', `<items node="${node}"/>`, 'item-not-found')
    for (const node of ['c', 'd']) await refuses(romeo, 'get', `<items node="${node}"/>`, 'gone')
    await gets(romeo, 'set', createXml('d'))
    await gets(romeo, 'set', createXml('e'))
    await refuses(romeo, 'get', '<items node="c"/>', 'item-not-found')
    await gets(romeo, 'set', '<delete node="e"><redirect uri="xmpp:a@b"/></delete>', owner)
    world.restarts()
    const again = await world.online('romeo')
    await refuses(again, 'get', '<items node="e"/>', 'gone')
    world.clock.set(world.clock.now() + 91 * 86_400_000)
    await refuses(again, 'get', '<items node="e"/>', 'item-not-found')
  },
  { settings: { 'pubsub-service': { nodes: 3, nodesPerUser: 2 } } },
)

story(
  'nobody takes more of the bytes and affiliations of the service than his share',
  async world => {
    const romeo = await world.online('romeo')
    const juliet = await world.online('juliet')
    const affiliate = (node: string, ...jids: string[]): string =>
      `<affiliations node="${node}">${jids.map(jid => `<affiliation jid="${jid}" affiliation="member"/>`).join('')}</affiliations>`
    for (const node of ['a', 'b']) await gets(romeo, 'set', createXml(node))
    await gets(juliet, 'set', createXml('hers', { publish_model: 'open' }))
    await gets(romeo, 'set', publishXml('a', item('1', 'x'.repeat(2500))))
    await refuses(romeo, 'set', publishXml('b', item('1', 'x'.repeat(2500))), 'resource-constraint')
    await gets(romeo, 'set', publishXml('hers', item('1', 'x'.repeat(2500))))
    await gets(romeo, 'set', '<purge node="a"/>', owner)
    await gets(romeo, 'set', publishXml('b', item('1', 'x'.repeat(2500))))
    await gets(romeo, 'set', affiliate('a', 'a@far', 'b@far'), owner)
    await refuses(romeo, 'set', affiliate('b', 'c@far'), 'not-acceptable', owner)
    await gets(juliet, 'set', affiliate('hers', 'c@far'), owner)
  },
  { settings: { 'pubsub-service': { bytesPerUser: '4KiB', affiliationsPerUser: 4 } } },
)

story(
  'what is in one request counts, each for itself',
  async world => {
    const romeo = await world.online('romeo')
    const juliet = await world.online('juliet')
    const ids = Array.from({ length: 6 }, (_, i) => `i${i}`)
    for (const to of ['', SERVICE]) {
      const ownerOf = { to, ns: OWNER }
      const affiliations = ids.map(id => `<affiliation jid="${id}@far" affiliation="member"/>`)
      const subscriptions = ids.map(id => `<subscription jid="${id}@far" subscription="none"/>`)
      await gets(romeo, 'set', createXml(NODE, { max_items: 'max', access_model: 'open' }), { to })
      const address = to === '' ? 'romeo@here.example' : to
      await gets(juliet, 'set', `<subscribe node="${NODE}" jid="juliet@here.example"/>`, { to: address })
      await refuses(romeo, 'set', publishXml(NODE, ids.map(id => item(id)).join('')), 'policy-violation', { to })
      await refuses(romeo, 'set', `<affiliations node="${NODE}">${affiliations.join('')}</affiliations>`, 'policy-violation', ownerOf)
      await refuses(romeo, 'set', `<subscriptions node="${NODE}">${subscriptions.join('')}</subscriptions>`, 'policy-violation', ownerOf)
      juliet.receivesNothing()
      await gets(
        romeo,
        'set',
        publishXml(
          NODE,
          ids
            .slice(1)
            .map(id => item(id))
            .join(''),
        ),
        { to },
      )
      assert.equal(juliet.unread.length, 5)
      for (const client of [romeo, juliet]) client.forget()
    }
  },
  { settings: { pubsub: { changes: 5 }, 'pubsub-service': { changes: 5 } } },
)

story(
  'who subscribes and unsubscribes all the time does not make others hear of it all the time',
  async world => {
    const juliet = await world.online('juliet')
    const tybalt = await world.online('tybalt')
    for (const to of ['', SERVICE]) {
      await gets(juliet, 'set', createXml(NODE, { access_model: 'authorize' }), { to })
      const address = { to: to === '' ? 'juliet@here.example' : to }
      for (let i = 0; i < 50; i++)
        for (const name of ['subscribe', 'unsubscribe'])
          await ask(tybalt, 'set', `<${name} node="${NODE}" jid="tybalt@here.example"/>`, address)
      assert.equal(juliet.unread.length, 5)
      await refuses(tybalt, 'set', `<options node="${NODE}" jid="tybalt@here.example"/>`, 'policy-violation', address)
      juliet.forget()
    }
  },
  { settings: { pubsub: { changes: 10 }, 'pubsub-service': { changes: 10 } } },
)

story('the service writes to nobody who has not asked for it, whatever he was made', async world => {
  const mallory = await world.online('mallory')
  const victim = await world.online('victim')
  const sent: string[] = []
  world.router.foreign = { deliver: (_stanza, _from, to) => void sent.push(String(to)) }
  for (const access of ['open', 'authorize']) {
    await gets(mallory, 'set', createXml(access, { notify_sub: '1', access_model: access }))
    for (const affiliation of ['member', 'owner']) {
      const entries = ['victim@here.example', 'victim@far.example'].map(jid => `<affiliation jid="${jid}" affiliation="${affiliation}"/>`)
      await gets(mallory, 'set', `<affiliations node="${access}">${entries.join('')}</affiliations>`, owner)
    }
    for (const name of ['subscribe', 'unsubscribe']) await gets(mallory, 'set', `<${name} node="${access}" jid="mallory@here.example"/>`)
  }
  mallory.forget()
  victim.receivesNothing()
  assert.deepEqual(sent, [])
})

story('an answer has an end, also where items are named', async world => {
  const romeo = await world.online('romeo')
  await gets(romeo, 'set', createXml(NODE))
  const ids = Array.from({ length: 40 }, (_, i) => `i${i}`)
  for (const id of ids) await gets(romeo, 'set', publishXml(NODE, item(id, 'x'.repeat(60_000))))
  const answer = (await gets(romeo, 'get', `<items node="${NODE}">${ids.map(id => `<item id="${id}"/>`).join('')}</items>`))!
  const told = idsIn(answer)
  assert.ok(String(answer).length < 1_500_000 && told.length > 10)
  assert.deepEqual(told, ids.slice(-told.length))
  assert.match(String(answer), new RegExp(`<first index='${40 - told.length}'>${told[0]}</first>.*<count>40</count>`))
})

story(
  'a storm of publications ends after so many in a minute, and others are not kept from theirs',
  async world => {
    const romeo = await world.online('romeo')
    const juliet = await world.online('juliet')
    await gets(romeo, 'set', createXml(NODE, { publish_model: 'open' }))
    await gets(juliet, 'set', `<subscribe node="${NODE}" jid="juliet@here.example"/>`)
    for (let i = 0; i < 5; i++) await gets(romeo, 'set', publishXml(NODE, item('a')))
    await refuses(romeo, 'set', publishXml(NODE, item('a')), 'policy-violation')
    assert.equal(juliet.unread.length, 5)
    juliet.forget()
    await gets(juliet, 'set', publishXml(NODE, item('b')))
    event(juliet, `<items node="${NODE}"><item id="b"/></items>`)
    await world.later(60_000)
    await gets(romeo, 'set', publishXml(NODE, item('a')))
    event(juliet, `<items node="${NODE}"><item id="a"/></items>`)
  },
  { settings: { 'pubsub-service': { changes: 5 } } },
)

story('whoever comes and goes all the time is not told each time what was published last', async world => {
  const juliet = await world.online('juliet')
  const romeo = await world.online('romeo')
  await world.befriend(juliet, romeo)
  await gets(juliet, 'set', publishXml(NODE, item('a')), own)
  for (let i = 0; i < 100; i++) {
    await listens(romeo, NODE)
    await romeo.sends('<presence type="unavailable"/>')
  }
  assert.equal(romeo.unread.filter(({ name }) => name === 'message').length, 30)
  for (const client of [juliet, romeo]) client.forget()
})

story('a client that wants to hear of everything is remembered for a little of it', async world => {
  const juliet = await world.online('juliet')
  const { caps, features } = clientFor(...Array.from({ length: 1000 }, (_, i) => `urn:example:${i}`), 'x'.repeat(100_000))
  await juliet.sends(`<presence>${caps}</presence>`)
  await tellsFeatures(juliet, features)
  juliet.forget()
  await gets(juliet, 'set', publishXml('urn:example:199', item('a')), own)
  event(juliet, '<items node="urn:example:199"/>', 'juliet@here.example')
  await gets(juliet, 'set', publishXml('urn:example:200', item('a')), own)
})

story('somebody with clients beyond number, and strangers beyond number, are remembered up to a limit', async world => {
  const juliet = await world.online('juliet')
  await gets(juliet, 'set', createXml(NODE, { access_model: 'open' }), own)
  const { caps } = clientFor(NODE)
  await listens(juliet, NODE)
  juliet.forget()
  for (let i = 0; i < 50; i++) await world.arrives(`<presence from="a@far.example/${i}" to="juliet@here.example">${caps}</presence>`)
  for (let i = 0; i < 200; i++) await world.arrives(`<presence from="b${i}@far.example/x" to="juliet@here.example">${caps}</presence>`)
  juliet.forget()
  const sent: string[] = []
  world.router.foreign = { deliver: (_stanza, _from, to) => void sent.push(String(to)) }
  await gets(juliet, 'set', publishXml(NODE, item('a')), own)
  juliet.forget()
  assert.equal(sent.filter(to => to.startsWith('a@')).length, 20)
  assert.equal(sent.length, 100)
})

story('requests that are none are refused, whatever is in them', async world => {
  const romeo = await world.online('romeo')
  for (const to of ['', SERVICE]) {
    for (const ns of [PUBSUB, OWNER]) {
      await refuses(romeo, 'set', '', 'bad-request', { to, ns })
      await refuses(romeo, 'get', '<magic/>', 'feature-not-implemented', { to, ns })
      await refuses(romeo, 'get', '<constructor/>', 'feature-not-implemented', { to, ns })
      await refuses(romeo, 'get', '<publish node="a"/>', 'feature-not-implemented', { to, ns })
    }
  }
  await romeo.sends(`<message to="${SERVICE}" id="m1"><body>hello</body></message>`)
  romeo.receivesError('m1', 'service-unavailable')
  await romeo.sends(`<message to="x@${SERVICE}" id="m2"><body>hello</body></message>`)
  romeo.receivesError('m2', 'service-unavailable')
  await romeo.sends(`<message to="${SERVICE}" id="m3">${form(`${PUBSUB}#subscribe_authorization`, { 'pubsub#node': 'a' })}</message>`)
  romeo.receivesError('m3', 'item-not-found')
  await romeo.sends(`<presence type="subscribe" to="${SERVICE}"/>`)
  romeo.forget()
  assert.ok(configXml({}))
})
