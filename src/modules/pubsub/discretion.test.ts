/** Who must hear nothing of an account's nodes, or learn of them, or of the account. */
import assert from 'node:assert/strict'
import {
  affiliationXml,
  clientFor,
  configXml,
  createXml,
  event,
  GEOLOC,
  gets,
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
import type { Element } from '../../xml/element.ts'

const JULIET = 'juliet@here.example'
const owner = { to: '', ns: OWNER }

story('a stranger who shows himself learns of no account, unless it has a node for him', async world => {
  const juliet = await world.online('juliet')
  const tybalt = await world.online('tybalt')
  const { caps } = clientFor(TUNE)
  const isAsked = async (): Promise<boolean> => {
    for (const client of world.clients) client.forget()
    await tybalt.sends(`<presence to="${JULIET}">${caps}</presence>`)
    juliet.forget()
    return tybalt.unread.length > 0
  }
  assert.ok(!(await isAsked()))
  for (const [node, model] of [
    [TUNE, 'presence'],
    [GEOLOC, 'whitelist'],
  ] as const)
    await gets(juliet, 'set', createXml(node, { access_model: model }), own)
  assert.ok(!(await isAsked()))
  await gets(juliet, 'set', createXml('urn:example:blog', { access_model: 'open' }), own)
  assert.ok(await isAsked())
  tybalt.forget()
})

story('XEP-0060 §9.1.3: of what a stranger wants to hear that counts which there is for him', async world => {
  const juliet = await world.online('juliet')
  const tybalt = await world.online('tybalt')
  await gets(juliet, 'set', createXml(TUNE, { access_model: 'open' }), own)
  await gets(juliet, 'set', publishXml(GEOLOC, item('a')), own)
  const { caps, features } = clientFor(TUNE, GEOLOC)
  await tybalt.sends(`<presence to="${JULIET}">${caps}</presence>`)
  await tellsFeatures(tybalt, features)
  await gets(juliet, 'set', `<configure node="${GEOLOC}">${configXml({ access_model: 'open' })}</configure>`, owner)
  tybalt.receivesNothing()
  await tybalt.sends(`<presence to="${JULIET}">${caps}</presence>`)
  event(tybalt, `<items node="${GEOLOC}">${item('a')}</items>`, JULIET)
  juliet.forget()
})

const block = (what: 'block' | 'unblock', jid: string): string =>
  `<iq type="set" id="b1"><${what} xmlns="urn:xmpp:blocking"><item jid="${jid}"/></${what}></iq>`

story('XEP-0163 §4.3.3: nobody who is blocked hears or asks, nor hears what changes for him', async world => {
  const juliet = await world.online('juliet')
  const romeo = await world.online('romeo')
  await world.befriend(juliet, romeo)
  await listens(romeo, TUNE)
  for (const [node, model] of [
    [TUNE, 'whitelist'],
    [GEOLOC, 'open'],
  ] as const)
    await gets(juliet, 'set', createXml(node, { access_model: model }), own)
  await gets(romeo, 'set', `<subscribe node="${GEOLOC}" jid="romeo@here.example"/>`, { to: JULIET })
  await gets(juliet, 'set', publishXml(TUNE, item('a')), own)
  await juliet.sends(block('block', 'romeo@here.example'))
  juliet.forget()
  romeo.forget()
  await gets(juliet, 'set', publishXml(GEOLOC, item('a')), own)
  await gets(juliet, 'set', `<configure node="${TUNE}">${configXml({ access_model: 'presence' })}</configure>`, owner)
  await gets(juliet, 'set', publishXml(TUNE, item('b')), own)
  await gets(juliet, 'set', affiliationXml(GEOLOC, 'romeo@here.example', 'outcast'), owner)
  await refuses(romeo, 'get', `<items node="${TUNE}"/>`, 'service-unavailable', { to: JULIET })
})

story('XEP-0191 §3.3: who was blocked is heard of no more, so afterwards he is not taken for one who is still there', async world => {
  const sent: Element[] = []
  world.router.foreign = { deliver: stanza => void sent.push(stanza) }
  const juliet = await world.online('juliet')
  await juliet.sends('<presence type="subscribed" to="romeo@far.example"/>')
  await world.arrives(`<presence type="subscribe" from="romeo@far.example" to="${JULIET}"/>`)
  const { caps, features } = clientFor(TUNE)
  await world.arrives(`<presence from="romeo@far.example/orchard" to="${JULIET}">${caps}</presence>`)
  const { id } = sent.at(-1)!.attrs
  await world.arrives(
    `<iq type="result" id="${id}" from="romeo@far.example/orchard" to="${JULIET}"><query xmlns="http://jabber.org/protocol/disco#info">${features}</query></iq>`,
  )
  const isTold = async (): Promise<boolean> => {
    sent.length = 0
    await gets(juliet, 'set', publishXml(TUNE, item('a')), own)
    return sent.some(({ name }) => name === 'message')
  }
  assert.ok(await isTold())
  await juliet.sends(block('block', 'romeo@far.example'))
  await world.arrives(`<presence type="unavailable" from="romeo@far.example/orchard" to="${JULIET}"/>`)
  await juliet.sends(block('unblock', 'romeo@far.example'))
  assert.ok(!(await isTold()))
  juliet.forget()
})

story('XEP-0163 §4.3.1: contacts are not told of a client which they do not see', async world => {
  const juliet = await world.online('juliet', 'balcony')
  const hidden = await world.connect('juliet', 'hidden')
  const romeo = await world.online('romeo')
  await world.befriend(juliet, romeo)
  await listens(romeo, TUNE)
  await gets(hidden, 'set', publishXml(TUNE, item('a')), own)
  assert.equal(event(romeo, tuneXml('a'), JULIET).elements().length, 1)
  await gets(juliet, 'set', affiliationXml(TUNE, 'paris@here.example', 'publisher'), owner)
  const paris = await world.online('paris', 'secret')
  await gets(paris, 'set', publishXml(TUNE, item('b')), { to: JULIET })
  assert.equal(event(romeo, tuneXml('b'), JULIET).elements().length, 1, 'contacts of hers need not see him')
})

story('XEP-0163 §6.2: a node is described to whom it is for; others learn no more than that it is there', async world => {
  const juliet = await world.online('juliet')
  const romeo = await world.online('romeo')
  await world.befriend(juliet, romeo)
  await gets(juliet, 'set', createXml(TUNE, { access_model: 'whitelist', title: 'A party for Romeo' }), own)
  await gets(juliet, 'set', affiliationXml(TUNE, 'paris@far.example', 'publisher'), owner)
  const info = `<iq type="get" id="d1" to="${JULIET}"><query xmlns="http://jabber.org/protocol/disco#info" node="${TUNE}"/></iq>`
  await romeo.sends(info)
  const told = romeo.receives(`<iq type="result" id="d1"><query xmlns="http://jabber.org/protocol/disco#info" node="${TUNE}">
    <identity category="pubsub" type="leaf"/></query></iq>`)
  assert.doesNotMatch(String(told), /paris|party|jabber:x:data/)
  await gets(juliet, 'set', affiliationXml(TUNE, 'romeo@here.example', 'member'), owner)
  romeo.forget()
  await romeo.sends(info)
  assert.match(String(romeo.unread.shift()), /party.*paris/)
})

story('XEP-0163 §6.2: to an outcast no node is named, and a stranger who is one learns of no account', async world => {
  const juliet = await world.online('juliet')
  const romeo = await world.online('romeo')
  const tybalt = await world.online('tybalt')
  await world.befriend(juliet, romeo)
  await gets(juliet, 'set', createXml(TUNE, { access_model: 'presence' }), own)
  await gets(juliet, 'set', affiliationXml(TUNE, 'tybalt@here.example', 'outcast'), owner)
  for (const ns of [PUBSUB, OWNER])
    await refuses(tybalt, 'get', `<${ns === OWNER ? 'affiliations' : 'items'} node="${TUNE}"/>`, 'service-unavailable', { to: JULIET, ns })
  const named = async (): Promise<boolean> => {
    romeo.forget()
    await romeo.sends(`<iq type="get" id="d1" to="${JULIET}"><query xmlns="http://jabber.org/protocol/disco#items"/></iq>`)
    return String(romeo.receives('<iq type="result" id="d1"/>')).includes(GEOLOC)
  }
  await gets(juliet, 'set', createXml(GEOLOC, { access_model: 'authorize' }), own)
  assert.ok(await named())
  await gets(juliet, 'set', affiliationXml(GEOLOC, 'romeo@here.example', 'outcast'), owner)
  assert.ok(!(await named()))
})
