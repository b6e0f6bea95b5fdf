import assert from 'node:assert/strict'
import {
  clientFor,
  configXml,
  createXml,
  entry,
  event,
  GEOLOC,
  gets,
  idsIn,
  item,
  listens,
  OWNER,
  own,
  PUBSUB,
  publishXml,
  refuses,
  TUNE,
  tellsFeatures,
  tuneXml,
} from '../../../test/pubsub-story.ts'
import { story } from '../../../test/story.ts'
import { sql } from '../../storage/db.ts'

const JULIET = 'juliet@here.example'
const owner = { to: '', ns: OWNER }

story('XEP-0163 §1.2: contacts and all of the owner’s clients hear of what is published, if they want to', async world => {
  const juliet = await world.online('juliet', 'balcony')
  const chamber = await world.online('juliet', 'chamber')
  const romeo = await world.online('romeo', 'orchard')
  const nurse = await world.online('nurse')
  const benvolio = await world.online('benvolio')
  for (const friend of [romeo, nurse]) await world.befriend(juliet, friend)
  for (const client of [juliet, chamber, romeo, benvolio]) await listens(client, TUNE)
  await listens(nurse, GEOLOC)
  await gets(juliet, 'set', publishXml(TUNE, item('a')), own)
  const { attrs } = event(romeo, tuneXml('a'), JULIET)
  assert.deepEqual([attrs['to'], attrs['type']], ['romeo@here.example/orchard', 'headline'])
  for (const client of [juliet, chamber]) assert.equal(event(client, tuneXml('a'), JULIET).attrs['to'], String(client.session.jid))
})

story('XEP-0163 §4.3.1: contacts are told which client it was, and nobody else is', async world => {
  const juliet = await world.online('juliet', 'balcony')
  const romeo = await world.online('romeo')
  const benvolio = await world.online('benvolio')
  await world.befriend(juliet, romeo)
  await listens(romeo, TUNE)
  await gets(juliet, 'set', createXml(TUNE, { access_model: 'open' }), own)
  await gets(benvolio, 'set', `<subscribe node="${TUNE}" jid="benvolio@here.example"/>`, { to: JULIET })
  await gets(juliet, 'set', publishXml(TUNE, item('a')), own)
  const replyTo = `<addresses xmlns="http://jabber.org/protocol/address"><address type="replyto" jid="${JULIET}/balcony"/></addresses>`
  romeo.receives(`<message from="${JULIET}">${replyTo}</message>`)
  assert.equal(event(benvolio, tuneXml('a'), JULIET).elements().length, 1)
})

story('XEP-0163 §4.3.4: a client that comes hears of the last item once, with the day of it', async world => {
  const juliet = await world.online('juliet')
  const romeo = await world.connect('romeo', 'orchard')
  await romeo.sends('<presence/>')
  await world.befriend(juliet, romeo)
  for (const id of ['a', 'b']) await gets(juliet, 'set', publishXml(TUNE, item(id)), own)
  await listens(romeo, TUNE)
  const last = romeo.receives(
    `<message from="${JULIET}" to="romeo@here.example/orchard"><delay xmlns="urn:xmpp:delay" stamp="2026-01-01T00:00:00.000Z"/></message>`,
  )
  assert.equal(last.first()!.first()!.first()!.attrs['id'], 'b')
  await listens(romeo, TUNE)
  romeo.receivesNothing()
  await listens(romeo, TUNE, GEOLOC)
  await romeo.sends('<presence type="unavailable"/>')
  romeo.forget()
  juliet.forget()
  await listens(romeo, TUNE)
  event(romeo, tuneXml('b'), JULIET)
  await listens(juliet, TUNE)
  event(juliet, tuneXml('b'), JULIET)
})

story('XEP-0115 §5.4: each kind of client is asked once, and nobody speaks for other kinds', async world => {
  const juliet = await world.online('juliet')
  const romeo = await world.connect('romeo', 'a')
  const { caps, features } = clientFor(TUNE)
  await romeo.sends(`<presence>${caps}</presence>`)
  await tellsFeatures(romeo, '<identity category="client" type="phone"/>')
  const laptop = await world.connect('romeo', 'b')
  await laptop.sends(`<presence>${caps}</presence>`)
  assert.equal(laptop.unread.filter(({ attrs }) => attrs['type'] === 'get').length, 1)
  await tellsFeatures(laptop, features)
  romeo.forget()
  laptop.forget()
  const third = await world.connect('romeo', 'c')
  await third.sends(`<presence>${caps}</presence>`)
  assert.equal(third.unread.filter(({ attrs }) => attrs['type'] === 'get').length, 0)
  for (const client of [romeo, laptop, third, juliet]) client.forget()
  const [session] = [romeo.session]
  await gets(romeo, 'set', publishXml(TUNE, item('a')), own)
  assert.equal(session.isEnded, false)
  for (const client of [laptop, third]) event(client, tuneXml('a'), 'romeo@here.example')
})

story('XEP-0163 §3: a node is made by the first publication, for contacts, and with one item', async world => {
  const juliet = await world.online('juliet')
  const romeo = await world.online('romeo')
  await world.befriend(juliet, romeo)
  for (const id of ['a', 'b']) await gets(juliet, 'set', publishXml(TUNE, item(id)), own)
  assert.deepEqual(idsIn((await gets(romeo, 'get', `<items node="${TUNE}"/>`, { to: JULIET }))!), ['b'])
  const config = String(await gets(juliet, 'get', `<configure node="${TUNE}"/>`, owner))
  for (const [name, value] of [
    ['access_model', 'presence'],
    ['max_items', '1'],
    ['persist_items', '1'],
    ['deliver_notifications', '1'],
    ['send_last_published_item', 'on_sub_and_presence'],
  ])
    assert.match(config, new RegExp(`var='pubsub#${name}'[^>]*><value>${value}<`))
  const answer = await refuses(romeo, 'set', publishXml('urn:example:mine', item('a')), 'item-not-found', { to: JULIET })
  assert.equal(answer.first()!.attrs['code'], '404', 'XEP-0086')
  await refuses(romeo, 'set', '<create node="urn:example:mine"/>', 'forbidden', { to: JULIET })
})

story(
  'XEP-0163 §4.5 and XEP-0060 §12.2: by roster, only those in the groups hear and read; who comes into one hears the last',
  async world => {
    const juliet = await world.online('juliet')
    const romeo = await world.online('romeo')
    await world.befriend(juliet, romeo)
    await listens(romeo, TUNE)
    await gets(juliet, 'set', createXml(TUNE, { access_model: 'roster', roster_groups_allowed: ['Friends'] }), own)
    await gets(juliet, 'set', publishXml(TUNE, item('a')), own)
    await refuses(romeo, 'get', `<items node="${TUNE}"/>`, 'not-authorized/not-in-roster-group', { to: JULIET })
    const into = (group: string): string =>
      `<iq type="set" id="r1"><query xmlns="jabber:iq:roster"><item jid="romeo@here.example"><group>${group}</group></item></query></iq>`
    await juliet.sends(into('Friends'))
    juliet.forget()
    event(romeo, tuneXml('a'), JULIET)
    await gets(romeo, 'set', `<subscribe node="${TUNE}" jid="romeo@here.example"/>`, { to: JULIET })
    event(romeo, tuneXml('a'), JULIET)
    await juliet.sends(into('Servants'))
    juliet.forget()
    event(romeo, `<subscription node="${TUNE}" jid="romeo@here.example" subscription="none"/>`, JULIET)
    await gets(juliet, 'set', publishXml(TUNE, item('b')), own)
  },
)

story('XEP-0163 §7.1: who loses sight of the owner loses what he was subscribed to', async world => {
  const juliet = await world.online('juliet')
  const romeo = await world.online('romeo')
  await world.befriend(juliet, romeo)
  await gets(juliet, 'set', publishXml(TUNE, item('a')), own)
  await gets(romeo, 'set', `<subscribe node="${TUNE}" jid="romeo@here.example"/>`, { to: JULIET })
  romeo.forget()
  await juliet.sends('<presence type="unsubscribed" to="romeo@here.example"/>')
  romeo.receivesAll(
    `<message from="${JULIET}"><event xmlns="${PUBSUB}#event"><subscription node="${TUNE}" subscription="none"/></event></message>`,
  )
  romeo.forget()
  juliet.forget()
  await gets(juliet, 'set', publishXml(TUNE, item('b')), own)
  await refuses(romeo, 'get', `<items node="${TUNE}"/>`, 'service-unavailable', { to: JULIET })
})

story('XEP-0060 §9.1.3: who shows himself to the owner hears of open nodes until he is gone, and people in rooms do not', async world => {
  const juliet = await world.online('juliet')
  const benvolio = await world.online('benvolio', 'x')
  const { caps, features } = clientFor(TUNE)
  await gets(juliet, 'set', createXml(TUNE, { access_model: 'open' }), own)
  await benvolio.sends(`<presence to="${JULIET}"><x xmlns="http://jabber.org/protocol/muc#user"/>${caps}</presence>`)
  benvolio.receivesNothing()
  await benvolio.sends(`<presence to="${JULIET}">${caps}</presence>`)
  await tellsFeatures(benvolio, features)
  juliet.forget()
  await gets(juliet, 'set', publishXml(TUNE, item('a')), own)
  event(benvolio, tuneXml('a'), JULIET)
  await gets(juliet, 'set', publishXml('urn:example:presence', item('a')), own)
  await benvolio.sends(`<presence type="unavailable" to="${JULIET}"/>`)
  juliet.forget()
  await gets(juliet, 'set', publishXml(TUNE, item('b')), own)
})

story('XEP-0163 §6.1 and XEP-0060 §9: an account says that it is a service, and names to each what he may see', async world => {
  const juliet = await world.online('juliet')
  const romeo = await world.online('romeo')
  const benvolio = await world.online('benvolio')
  await world.befriend(juliet, romeo)
  await gets(juliet, 'set', publishXml(TUNE, item('a')), own)
  await gets(juliet, 'set', createXml('urn:example:list', { access_model: 'whitelist', title: 'Mine' }), own)
  await gets(juliet, 'set', publishXml('urn:xmpp:bookmarks:1', item('room@muc.example')), own)
  const info = (what: 'info' | 'items', node = ''): string =>
    `<iq type="get" id="d1" to="${JULIET}"><query xmlns="http://jabber.org/protocol/disco#${what}" ${node && `node="${node}"`}/></iq>`
  await juliet.sends(info('info'))
  const features = ['access-presence', 'auto-create', 'auto-subscribe', 'filtered-notifications', 'publish-options', 'pubsub-on-a-jid']
  juliet.receives(`<iq type="result" id="d1"><query xmlns="http://jabber.org/protocol/disco#info">
    <identity category="account" type="registered"/><identity category="pubsub" type="pep"/>
    ${features.map(name => `<feature var="${PUBSUB}#${name}"/>`).join('')}</query></iq>`)
  const nodes = async (client: typeof juliet): Promise<(string | undefined)[]> => {
    await client.sends(info('items'))
    return client
      .receives('<iq type="result" id="d1"/>')
      .first()!
      .elements()
      .map(({ attrs }) => attrs['node'])
  }
  assert.deepEqual((await nodes(juliet)).sort(), [TUNE, 'urn:example:list', 'urn:xmpp:bookmarks:1'].sort())
  assert.deepEqual(await nodes(romeo), [TUNE])
  await romeo.sends(info('info', TUNE))
  romeo.receives(`<iq type="result" id="d1"><query xmlns="http://jabber.org/protocol/disco#info" node="${TUNE}">
    <identity category="pubsub" type="leaf"/><feature var="${PUBSUB}"/>
    <x xmlns="jabber:x:data" type="result"><field var="FORM_TYPE"><value>${PUBSUB}#meta-data</value></field>
    <field var="pubsub#owner"><value>${JULIET}</value></field><field var="pubsub#access_model"><value>presence</value></field></x></query></iq>`)
  await romeo.sends(info('items', TUNE))
  romeo.receives(
    `<iq type="result" id="d1"><query xmlns="http://jabber.org/protocol/disco#items"><item jid="${JULIET}" name="a"/></query></iq>`,
  )
  for (const node of ['urn:example:list', 'urn:example:none']) {
    await romeo.sends(info('info', node))
    romeo.receivesError('d1', 'item-not-found')
  }
  await benvolio.sends(info('items'))
  benvolio.receivesError('d1', 'service-unavailable')
})

story('`pubsub#purge_offline`: items go with the client that has published them, and after a crash', async world => {
  const juliet = await world.online('juliet', 'balcony')
  const chamber = await world.online('juliet', 'chamber')
  const romeo = await world.online('romeo')
  await world.befriend(juliet, romeo)
  await listens(romeo, TUNE)
  await gets(juliet, 'set', createXml(TUNE, { purge_offline: '1', max_items: 'max' }), own)
  await gets(juliet, 'set', publishXml(TUNE, item('a')), own)
  await gets(chamber, 'set', publishXml(TUNE, item('b')), own)
  romeo.forget()
  await juliet.leaves()
  chamber.forget()
  romeo.receivesAll(`<message><event xmlns="${PUBSUB}#event"><items node="${TUNE}"><retract id="a"/></items></event></message>`)
  romeo.forget()
  assert.deepEqual(idsIn((await gets(romeo, 'get', `<items node="${TUNE}"/>`, { to: JULIET }))!), ['b'])
  world.restarts()
  const again = await world.online('romeo')
  assert.deepEqual(idsIn((await gets(again, 'get', `<items node="${TUNE}"/>`, { to: JULIET }))!), [])
})

story('`pubsub#purge_offline`: after a crash they go also if their owner comes first, and what is published then stays', async world => {
  const juliet = await world.online('juliet')
  await gets(juliet, 'set', createXml(TUNE, { purge_offline: '1', max_items: 'max' }), own)
  await gets(juliet, 'set', publishXml(TUNE, item('a')), own)
  world.restarts()
  const again = await world.online('juliet', 'chamber')
  assert.deepEqual(idsIn((await gets(again, 'get', `<items node="${TUNE}"/>`, own))!), [])
  await gets(again, 'set', publishXml(TUNE, item('b')), own)
  assert.deepEqual(idsIn((await gets(again, 'get', `<items node="${TUNE}"/>`, own))!), ['b'])
})

story(
  '`pubsub#purge_offline`: they go also if much was changed of late, and nobody is refused to leave',
  async world => {
    const juliet = await world.online('juliet')
    const romeo = await world.online('romeo')
    await gets(juliet, 'set', createXml(TUNE, { purge_offline: '1', access_model: 'open' }), own)
    for (let i = 0; i < 3; i++) await gets(juliet, 'set', publishXml(TUNE, item('a')), own)
    juliet.forget()
    await juliet.sends('<presence type="unavailable"/>')
    juliet.receives('<presence type="unavailable"/>')
    assert.deepEqual(idsIn((await gets(romeo, 'get', `<items node="${TUNE}"/>`, { to: JULIET }))!), [])
  },
  { settings: { pubsub: { changes: 3 } } },
)

story('XEP-0060 §12.4: a temporary subscription ends when the subscriber becomes unavailable', async world => {
  const juliet = await world.online('juliet')
  const romeo = await world.online('romeo', 'orchard')
  await world.befriend(juliet, romeo)
  await gets(juliet, 'set', createXml(TUNE, { tempsub: '1' }), own)
  await gets(romeo, 'set', `<subscribe node="${TUNE}" jid="romeo@here.example/orchard"/>`, { to: JULIET })
  await gets(juliet, 'set', publishXml(TUNE, item('a')), own)
  event(romeo, tuneXml('a'), JULIET)
  await romeo.sends('<presence type="unavailable"/>')
  juliet.forget()
  romeo.forget()
  assert.doesNotMatch(String(await gets(juliet, 'get', `<subscriptions node="${TUNE}"/>`, owner)), /romeo/)
  await gets(juliet, 'set', publishXml(TUNE, item('b')), own)
})

story('XEP-0060 §12.4: so it does when nobody has asked for the node since the server started', async world => {
  const juliet = await world.online('juliet')
  const romeo = await world.online('romeo', 'orchard')
  await world.befriend(juliet, romeo)
  await gets(juliet, 'set', createXml(TUNE, { tempsub: '1' }), own)
  await gets(romeo, 'set', `<subscribe node="${TUNE}" jid="romeo@here.example/orchard"/>`, { to: JULIET })
  world.restarts()
  const back = await world.online('romeo', 'orchard')
  await back.sends('<presence type="unavailable"/>')
  back.forget()
  assert.deepEqual(await world.store.all(sql`SELECT * FROM pubsub_subscription`), [])
})

story('XEP-0060 §8.6 and §8.7: the owner of an account decides in a message, of which no other device hears', async world => {
  const juliet = await world.online('juliet', 'balcony')
  const chamber = await world.online('juliet', 'chamber')
  const romeo = await world.online('romeo')
  await gets(juliet, 'set', createXml(TUNE, { access_model: 'authorize' }), own)
  const pending = await gets(romeo, 'set', `<subscribe node="${TUNE}" jid="romeo@here.example"/>`, { to: JULIET })
  assert.equal(pending!.first()!.attrs['subscription'], 'pending')
  for (const client of [juliet, chamber]) client.receives(`<message from="${JULIET}"><x xmlns="jabber:x:data" type="form"/></message>`)
  const command = (inner = ''): string =>
    `<iq type="set" id="c1"><command xmlns="http://jabber.org/protocol/commands" node="${PUBSUB}#get-pending" ${inner}</command></iq>`
  await juliet.sends(command('>'))
  const session = juliet.receives(`<iq type="result" id="c1"><command xmlns="http://jabber.org/protocol/commands" status="executing">
    <x xmlns="jabber:x:data"><field var="pubsub#node"><option><value>${TUNE}</value></option></field></x></command></iq>`)
  const answer = `<x xmlns="jabber:x:data" type="submit"><field var="pubsub#node"><value>${TUNE}</value></field></x>`
  await juliet.sends(command(`sessionid="${session.first()!.attrs['sessionid']}">${answer}`))
  for (const client of [juliet, chamber]) client.receives(`<message from="${JULIET}"><x xmlns="jabber:x:data" type="form"/></message>`)
  juliet.receives('<iq type="result" id="c1"/>')
  const decision = (who: string, allow: string): string => `<message to="${JULIET}" id="m1"><x xmlns="jabber:x:data" type="submit">
    <field var="FORM_TYPE"><value>${PUBSUB}#subscribe_authorization</value></field><field var="pubsub#node"><value>${TUNE}</value></field>
    <field var="pubsub#subscriber_jid"><value>${who}</value></field><field var="pubsub#allow"><value>${allow}</value></field></x></message>`
  await juliet.sends(decision('romeo@here.example', 'true'))
  event(romeo, `<subscription node="${TUNE}" jid="romeo@here.example" subscription="subscribed"/>`, JULIET)
  await gets(juliet, 'set', publishXml(TUNE, item('a')), own)
  event(romeo, tuneXml('a'), JULIET)
})

story('XEP-0060 §12.2: who gains access because the node is opened hears of the last item', async world => {
  const juliet = await world.online('juliet')
  const romeo = await world.online('romeo')
  await world.befriend(juliet, romeo)
  await listens(romeo, TUNE)
  await gets(juliet, 'set', createXml(TUNE, { access_model: 'whitelist' }), own)
  await gets(juliet, 'set', publishXml(TUNE, item('a')), own)
  await gets(juliet, 'set', `<configure node="${TUNE}">${configXml({ access_model: 'presence' })}</configure>`, owner)
  event(romeo, tuneXml('a'), JULIET)
  assert.ok(entry('a'))
})

story('what is published while a device of the owner is asked what it wants to hear waits for its answer', async world => {
  const BOOKMARKS = 'urn:xmpp:bookmarks:1'
  const phone = await world.online('juliet', 'phone')
  const laptop = await world.connect('juliet', 'laptop')
  const { caps, features } = clientFor(BOOKMARKS, TUNE)
  await laptop.sends(`<presence>${caps}</presence>`)
  for (const [node, id] of [
    [BOOKMARKS, 'room@muc.example'],
    [TUNE, 'a'],
    [GEOLOC, 'a'],
  ] as const)
    await gets(phone, 'set', publishXml(node, item(id)), own)
  await tellsFeatures(laptop, features)
  phone.forget()
  const events = laptop.unread.filter(({ name }) => name === 'message')
  laptop.unread.splice(0, laptop.unread.length, ...events)
  event(laptop, `<items node="${BOOKMARKS}"><item id="room@muc.example"/></items>`, JULIET)
  event(laptop, tuneXml('a'), JULIET)
})
