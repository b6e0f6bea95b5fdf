/** Who must hear nothing of an account's nodes, or learn of them, or of the account. */
import assert from 'node:assert/strict'
import { clientFor, configXml, createXml, event, gets, item, OWNER, publishXml, tellsFeatures } from '../../../test/pubsub-story.ts'
import { story } from '../../../test/story.ts'

const TUNE = 'http://jabber.org/protocol/tune'
const GEOLOC = 'http://jabber.org/protocol/geoloc'
const JULIET = 'juliet@here.example'
const own = { to: '' }
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
