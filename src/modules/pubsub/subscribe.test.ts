import assert from 'node:assert/strict'
import { createXml, event, form, gets, item, OWNER, own, PUBSUB, publishXml, refuses, SERVICE } from '../../../test/pubsub-story.ts'
import { story } from '../../../test/story.ts'

const MUSINGS = 'princely_musings'
const owner = { ns: OWNER }
const subscribeXml = (jid: string, node = MUSINGS): string => `<subscribe node="${node}" jid="${jid}"/>`

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
  await gets(francisco, 'set', set({ 'pubsub#expire': '' }))
  for (const wrong of [{ 'pubsub#deliver': 'x' }, { 'pubsub#expire': 'soon' }, { 'pubsub#expire': '2025-01-01T00:00:00Z' }])
    await refuses(francisco, 'set', set(wrong), 'bad-request/invalid-options')
  await refuses(francisco, 'get', `<options node="${MUSINGS}"/>`, 'bad-request/jid-required')
  await refuses(francisco, 'get', `<options node="${MUSINGS}" jid="hamlet@here.example"/>`, 'forbidden')
  await refuses(hamlet, 'get', `<options node="${MUSINGS}" jid="hamlet@here.example"/>`, 'unexpected-request/not-subscribed')
  await refuses(francisco, 'get', `<options node="nowhere" jid="${jid}"/>`, 'item-not-found')
  assert.match(String(await gets(francisco, 'get', '<default/>')), /<default><x xmlns='jabber:x:data' type='form'>.*subscribe_options/)
})

story('XEP-0060 §12.18: a lease ends, can be taken anew, and be made longer by subscribing once more', async world => {
  const hamlet = await world.online('hamlet')
  const francisco = await world.online('francisco')
  const jid = 'francisco@here.example'
  const inMinutes = (minutes: number): string => new Date(world.clock.now() + minutes * 60_000).toISOString()
  const subscribe = (fields: Record<string, string>): string =>
    `${subscribeXml(jid)}<options>${form(`${PUBSUB}#subscribe_options`, fields)}</options>`
  for (const to of ['', SERVICE]) {
    const where = { to: to === '' ? 'hamlet@here.example' : to }
    const hears = async (id: string, isToHear: boolean): Promise<void> => {
      await gets(hamlet, 'set', publishXml(MUSINGS, item(id)), { to })
      hamlet.forget()
      if (isToHear) event(francisco, `<items node="${MUSINGS}"><item id="${id}"/></items>`, where.to)
      else francisco.receivesNothing()
    }
    const list = async (): Promise<number> => (await gets(francisco, 'get', '<subscriptions/>', where))!.first()!.elements().length
    await gets(hamlet, 'set', createXml(MUSINGS, { access_model: 'open', send_last_published_item: 'never' }), { to })
    await gets(francisco, 'set', subscribe({ 'pubsub#expire': inMinutes(1) }), where)
    const end = inMinutes(9)
    const longer = await gets(francisco, 'set', subscribe({ 'pubsub#expire': end }), where)
    assert.match(String(longer), new RegExp(`<value>${end}</value>`))
    const options = `<options node="${MUSINGS}" jid="${jid}"/>`
    assert.match(String(await gets(francisco, 'get', options, where)), new RegExp(`<value>${end}</value>`))
    await world.later(5 * 60_000)
    await hears('a', true)
    await world.later(5 * 60_000)
    await hears('b', false)
    assert.equal(await list(), 0)
    await refuses(francisco, 'get', options, 'unexpected-request/not-subscribed', where)
    await gets(francisco, 'set', subscribeXml(jid), where)
    assert.equal(await list(), 1)
    await world.later(5 * 60_000)
    await hears('c', true)
  }
})

story('XEP-0060 §6.3.7: the answer says what is kept of the options', async world => {
  const hamlet = await world.online('hamlet')
  await gets(hamlet, 'set', createXml(MUSINGS))
  await gets(hamlet, 'set', createXml(MUSINGS), own)
  const subscribe = (deliver: string): string =>
    `${subscribeXml('hamlet@here.example')}<options>${form(`${PUBSUB}#subscribe_options`, { 'pubsub#deliver': deliver })}</options>`
  const deliver = (answer: unknown): string | undefined => /pubsub#deliver.*?<value>(\d)/.exec(String(answer))?.[1]
  await gets(hamlet, 'set', subscribe('1'))
  assert.equal(deliver(await gets(hamlet, 'set', subscribe('0'))), '0')
  assert.equal(deliver(await gets(hamlet, 'get', `<options node="${MUSINGS}" jid="hamlet@here.example"/>`)), '0')
  assert.equal(deliver(await gets(hamlet, 'set', subscribe('0'), own)), '1', 'XEP-0060 §9.1.1: he is always subscribed')
})
